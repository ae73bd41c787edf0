"""The databases behind Prefect and MLflow, copied while their servers run, and put back into empty places."""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from tasks import paths

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def kind(database_url: str | None) -> str:
    """Where the servers of `make up` keep their data with this `DATABASE_URL`."""
    return POSTGRESQL if database_url else SQLITE


def sqlite_files() -> dict[str, Path]:
    """Name → file of each database below `.state/`; `users` are those of MLflow, also where the rest is elsewhere."""
    state = paths.state()
    return {
        "prefect": state / "prefect" / "prefect.db",
        "mlflow": state / "mlflow.db",
        "users": state / "mlflow" / "users.db",
    }


def dump(folder: Path, *, database_url: str | None) -> None:
    """Write every database that there is into `folder`, each as it is at one moment.

    Raises `ValueError` when PostgreSQL does not answer, or its programs are missing.
    """
    for name, file in sqlite_files().items():
        if file.is_file() and (name == "users" or not database_url):
            with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(folder / f"{name}.sqlite")) as copy:
                source.backup(copy)
    for name in ("prefect", "mlflow") if database_url else ():
        assert database_url is not None
        address, environment = _place(database_url, name)
        target = f"--file={folder / f'{name}.pgdump'}"
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", target, address, environment=environment)


def load(folder: Path, *, database_url: str | None) -> None:
    """Put back what `dump` wrote. Raises `ValueError` where a database is there already, as `check_empty` does."""
    check_empty(folder, database_url=database_url)
    for name, file in sqlite_files().items():
        if (folder / f"{name}.sqlite").is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(".partial")
            shutil.copyfile(folder / f"{name}.sqlite", partial)
            partial.replace(file)
    for dumped in sorted(folder.glob("*.pgdump")):
        assert database_url is not None
        address, environment = _place(database_url, dumped.stem)
        whole = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
        _run("pg_restore", *whole, f"--dbname={address}", str(dumped), environment=environment)


def check_empty(folder: Path, *, database_url: str | None) -> None:
    """Raises `ValueError` where what `folder` holds would be written over something; makes databases on PostgreSQL."""
    for name, file in sqlite_files().items():
        if (folder / f"{name}.sqlite").is_file() and file.exists():
            raise ValueError(f"{file} is there already, and nothing is written over: move it away, then restore")
    if not list(folder.glob("*.pgdump")):
        return
    assert database_url is not None
    import asyncio

    from tasks.databases import create_databases

    asyncio.run(create_databases(database_url, drivers={"prefect": "asyncpg", "mlflow": "psycopg2"}))
    for dumped in sorted(folder.glob("*.pgdump")):
        address, environment = _place(database_url, dumped.stem)
        question = "select count(*) from information_schema.tables where table_schema = 'public'"
        if _run("psql", "--tuples-only", "--command", question, address, environment=environment).strip() != "0":
            raise ValueError(
                f"the database {urlsplit(address).path.lstrip('/')} holds tables already, and nothing is written over: "
                "drop it (`dropdb`), then restore"
            )


def _place(database_url: str, name: str) -> tuple[str, dict[str, str]]:
    """Address of the database of `name` without the password, which anybody could read in the list of processes, and
    the environment that has it."""
    parts = urlsplit(database_url)
    host = re.sub(r"^(?:([^:@]*):?[^@]*@)?", r"\1@", parts.netloc).removeprefix("@")
    address = urlunsplit(("postgresql", host, f"{parts.path}_{name}", parts.query, ""))
    return address, {**os.environ, **({"PGPASSWORD": unquote(parts.password)} if parts.password else {})}


def _run(program: str, *arguments: str, environment: Mapping[str, str]) -> str:
    if shutil.which(program) is None:
        raise ValueError(f"`{program}` is missing: install PostgreSQL's client programs (Debian: postgresql-client)")
    answer = subprocess.run([program, *arguments], env=dict(environment), capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ValueError(f"{program} failed: {answer.stderr.strip()}")
    return answer.stdout

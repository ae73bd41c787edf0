"""Databases on a PostgreSQL server: one for each of the servers that keep their data there."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit


async def create_databases(url: str, *, drivers: Mapping[str, str]) -> dict[str, str]:
    """Name → SQLAlchemy address of the database `<database of url>_<name>`, made where it is not there yet.

    `drivers` says by which Python package each is reached: which one SQLAlchemy takes unasked changes with its version.

    Raises `ValueError` when `url` is no `postgresql://user:password@host:port/database`, does not answer, or its user
    may not create databases.
    """
    import asyncpg

    parts = urlsplit(url)
    base = parts.path.lstrip("/")
    if parts.scheme not in ("postgresql", "postgres") or not re.fullmatch(r"\w+", base):
        raise ValueError(
            "DATABASE_URL must be postgresql://user:password@host:port/database, its last part a plain name"
        )
    where = f"{parts.hostname}:{parts.port or 5432}/{base}"
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise ValueError(f"PostgreSQL of DATABASE_URL, {where}, cannot be used: {error}") from error
    try:
        there = {row["datname"] for row in await connection.fetch("select datname from pg_database")}
        for database in (f"{base}_{name}" for name in drivers):
            if database not in there:
                await connection.execute(f'create database "{database}"')
    except asyncpg.PostgresError as error:
        made = " and ".join(f"{base}_{name}" for name in drivers)
        raise ValueError(f"{where}: {error}. Its user needs the right CREATEDB, or make {made} yourself") from error
    finally:
        await connection.close()
    return {
        name: urlunsplit((f"postgresql+{driver}", parts.netloc, f"/{base}_{name}", parts.query, ""))
        for name, driver in drivers.items()
    }

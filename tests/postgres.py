"""A PostgreSQL server of a test's own, from the programs that a distribution's packages bring."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "p@ss:w0rd/%"  # every character that an address must escape


@contextmanager
def postgres() -> "Iterator[str]":
    """Address of a server on this machine; skips the test where none is installed, for no Python package brings one."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (str(programs[-1]) if programs else None)
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    programs_folder = Path(found).resolve().parent
    root = os.geteuid() == 0
    as_other = ["runuser", "-u", "nobody", "--"] if root else []  # PostgreSQL refuses to run as root
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)  # not pytest's, which only its owner may enter
        (folder / "password").write_text(PASSWORD)
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if root:
            shutil.chown(data, "nobody")

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [*as_other, str(programs_folder / program), "--pgdata", str(data), *arguments],
                check=True, stdout=subprocess.DEVNULL, cwd=folder,
            )  # fmt: skip

        run("initdb", "--username=sar", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {data}"
        run("pg_ctl", "--wait", "--options", options, "--log", str(data / "log"), "start")
        try:
            yield f"postgresql://sar:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "--wait", "--mode=immediate", "stop")

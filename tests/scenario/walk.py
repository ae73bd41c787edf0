"""The walk-through of docs/operations.md, read and typed as it stands there."""

import re
import subprocess
from pathlib import Path

from benchmarks.faults.commands import environment

ROOT = Path(__file__).resolve().parents[2]
SECTION = "## The whole round, by hand"
LIMIT_S = 3600.0


def steps() -> dict[str, str]:
    """Title → the commands of its indented blocks."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8").partition(SECTION)[2]
    parts = re.split(r"(?m)^### (.+)$", re.split(r"(?m)^## ", text)[0])
    return {
        title: "\n".join(line.removeprefix("    ") for line in body.splitlines() if line.startswith("    "))
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    }


class Shell:
    """One shell in which steps are typed: folder and variables go on from each to the next."""

    def __init__(self, folder: Path, *, replace: dict[str, str]) -> None:
        who = {f"GIT_{role}_{key}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        self.variables = environment(ROOT, **who, TMPDIR=str(folder), OMP_NUM_THREADS="1")
        self.cwd, self._folder, self._replace = ROOT, folder, replace

    def type(self, title: str) -> str:
        """Type the step; what it printed. Fails the test where a command fails."""
        commands = steps()[title]
        for found, by in self._replace.items():
            commands = commands.replace(found, by)
        said = self._run(commands)
        print(f"### {title}\n{said}", flush=True)
        return said

    def answer(self, command: str) -> str:
        """What one more command prints."""
        return self._run(command)

    def _run(self, commands: str) -> str:
        printed, after = self._folder / "printed", self._folder / "after"
        script = f"set -euo pipefail\n{commands}\npwd > {after}.cwd\nenv -0 > {after}.env\n"
        with printed.open("w") as out:  # a file: what is left running in the background would hold a pipe open
            code = subprocess.run(
                ["bash", "-c", script], cwd=self.cwd, env=self.variables, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, check=False, timeout=LIMIT_S,
            ).returncode  # fmt: skip
        said = printed.read_text(errors="replace")
        assert code == 0, f"exit code {code}:\n{commands}\n{said[-6000:]}"
        self.cwd = Path(Path(f"{after}.cwd").read_text().strip())
        pairs = Path(f"{after}.env").read_text().rstrip("\0").split("\0")
        self.variables = dict(pair.split("=", 1) for pair in pairs)
        return said

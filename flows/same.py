"""Whether a server that runs already is the one that is asked for now: its own command line and environment tell."""

from collections.abc import Mapping
from pathlib import Path

from flows import processes


def check_same(
    file: Path, *, name: str, host: str, port: int, environment: Mapping[str, tuple[str, str | None]]
) -> None:
    """Nothing where the process of `file` does not run, or was started with this `host`, `port` (0: any) and these.

    `environment` is what a person calls it → the variable of the process, and its value; None: not set. Raises
    `ValueError` that names what differs, and never a value: it may be a password.
    """
    started = processes.started_with(file)
    if started is None:
        return
    command, variables = started
    asked = {"--host": host, **({f"--{name.split()[0].lower()}-port": str(port)} if port else {})}
    differs = [option for option, value in asked.items() if _argument(command, option) != value]
    differs += [said for said, (variable, value) in environment.items() if variables.get(variable) != value]
    if differs:
        raise ValueError(
            f"the {name} that runs here was started with another {' and '.join(differs)}, and cannot change while it "
            "runs: `make down` ends it, then `make up` starts it as you ask now"
        )


def _argument(command: list[str], option: str) -> str | None:
    """What follows `--host` or, as the servers themselves call theirs, `--port`."""
    flag = "--port" if option.endswith("-port") else option
    return command[command.index(flag) + 1] if flag in command else None

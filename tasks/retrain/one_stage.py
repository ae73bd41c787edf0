"""One stage of a retrain on the machine of a worker: in the retrain's own worktree where that lies here, else in one
made for it."""

import re
import time
from collections.abc import Callable, Sequence

from tasks import dvc_process
from tasks.retrain import exchange, unfinished

NAME = r"\w[\w-]*(@\w[\w.-]*)?"  # of a stage; never an option of a command


def run(stage: str, *, home: str, reads: Sequence[str], timeout_s: float, show: Callable[[str], None]) -> None:
    """Let DVC run `stage` of the retrain at `home`, within `timeout_s` in all; each line of it is given to `show`.

    With a DVC remote what the stages in `reads` wrote is fetched before, and what it wrote is sent after. Raises
    `ValueError` with its last lines when it fails.
    """
    for name in (stage, *reads):
        if not re.fullmatch(NAME, name, flags=re.ASCII):
            raise ValueError(f"{name!r} is no name of a stage")
    if not re.fullmatch(r"[0-9a-f]{32}", home):
        raise ValueError(f"{home!r} is no place of a retrain: only a retrain starts this")
    ends_s = time.monotonic() + timeout_s
    exchange.check()
    remote = exchange.dvc_remote()
    own = home != unfinished.home()
    tree = exchange.own_tree(stage) if own else unfinished.tree()
    dvc_process.end_left_behind(tree, stage=stage)
    if own:
        exchange.accept(stage, home=home, tree=tree)

    def dvc(*arguments: str) -> None:
        left_s = max(0.0, ends_s - time.monotonic())
        dvc_process.run(*arguments, what=stage, tree=tree, show=show, timeout_s=left_s)

    if remote and reads:
        dvc("pull", "--quiet", *reads)
    dvc("repro", "--single-item", stage)
    if remote:
        dvc("push", "--quiet", stage)
    if own:
        exchange.hand_back(stage, home=home, tree=tree)

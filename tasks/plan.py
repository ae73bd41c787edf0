"""What DVC would run, and what has to wait for what: DVC's own graph, no second list of stages."""

from dataclasses import dataclass
from graphlib import TopologicalSorter

from tasks import paths, torn_lock


@dataclass(frozen=True)
class Planned:
    """A stage that may have to run, as DVC decides when its turn comes."""

    name: str  # as in `narrate@sim_ships`
    after: frozenset[str]  # stages of the plan that come first
    stages_behind: int  # length of the longest chain of stages that wait for it: those with the most go first
    uses_device: bool  # its arithmetic runs on what `hardware` names
    reads: tuple[str, ...] = ()  # stages whose outputs it reads, in the plan or not


def plan() -> list[Planned]:
    """Every stage that is out of date, and every one behind such a stage, each after those that it waits for.

    Raises `ValueError` when DVC cannot tell: a damaged `dvc.lock`, no repository, another run that holds a lock.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    torn_lock.drop(paths.root())
    try:
        with Repo(str(paths.root())) as repo:
            graph = repo.index.graph  # stage → the stages that it depends on
            upstream = {stage.addressing: {other.addressing for other in graph.successors(stage)} for stage in graph}
            on_device = {stage.addressing for stage in graph if any(_is_hardware(dep) for dep in stage.deps)}
            stale = set(repo.status())
    except LockError as error:
        raise ValueError(f"another command of DVC is at work in {paths.root()}: {error}") from error
    except DvcException as error:
        raise ValueError(
            f"DVC cannot read the pipeline in {paths.root()}: {error}. `dvc status` there says where; `git diff` shows "
            "what was changed, and `git checkout HEAD -- FILE` takes it back"
        ) from error
    order = list(TopologicalSorter(upstream).static_order())
    for name in order:
        if upstream[name] & stale:
            stale.add(name)
    behind: dict[str, int] = {}
    for name in reversed(order):
        behind[name] = max((behind[other] + 1 for other in upstream if name in upstream[other]), default=0)
    return [
        Planned(name, frozenset(upstream[name] & stale), behind[name], name in on_device, tuple(sorted(upstream[name])))
        for name in order
        if name in stale
    ]


def _is_hardware(dep: object) -> bool:
    return "hardware" in getattr(dep, "params", ())

"""All faults, by family."""

from benchmarks.faults import disk, kills, retrains, servers, storage
from benchmarks.faults.project import Project
from benchmarks.faults.trial import Fault
from benchmarks.faults.works import stages


def faults(project: Project) -> list[Fault]:
    return [
        *storage.faults(), *kills.faults(stages(project)), *disk.faults(), *retrains.faults(), *servers.faults(),
    ]  # fmt: skip

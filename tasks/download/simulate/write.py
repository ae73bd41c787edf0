"""Write a simulated source in the layout of its real counterpart, with all cores."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tasks.download.catalog import Simulation, Source
from tasks.download.progress import Bar
from tasks.download.simulate.layouts import LAYOUTS, Line
from tasks.download.simulate.scene import scene

CHUNK = 16  # scenes that a worker takes at a time


def write_source(source: Source, folder: Path, *, processes: int | None = None) -> None:
    """Write all scenes of `source` below `folder`; equal settings give equal bytes, whatever `processes` is.

    Args:
        source: a simulated source; `source.simulate` says which world, which scenes and how they are imaged.
        folder: an empty or new folder.
        processes: workers; all cores that this process may use unless given.

    Raises:
        ValueError: `source` is not simulated, has no scenes, or `folder` is not empty.
    """
    settings = source.simulate
    if settings is None:
        raise ValueError(f"{source.name}: not a simulated source; its address is {source.address}")
    if settings.scenes < 1 or settings.first_scene < 0 or settings.looks < 1:
        raise ValueError(f"{source.name}: simulate needs at least 1 of scenes and looks, and no negative first_scene")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; give a new folder for the simulated source {source.name}")
    layout = LAYOUTS[settings.world]
    for name in layout.folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    last = settings.first_scene + settings.scenes
    chunks = [range(first, min(first + CHUNK, last)) for first in range(settings.first_scene, last, CHUNK)]
    workers = min(processes or _cores(), len(chunks))
    lines: list[Line] = []
    with Bar(f"simulating {source.name}", total=settings.scenes, unit="files") as bar:
        if workers == 1:
            for chunk in chunks:
                _advance(bar, lines, _draw(settings, folder, chunk))
        else:
            # Spawned, not forked: a flow that calls this has threads, whose locks a fork would copy.
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for drawn in pool.map(_draw, [settings] * len(chunks), [folder] * len(chunks), chunks):
                    _advance(bar, lines, drawn)
    layout.close(lines, folder)


def _draw(settings: Simulation, folder: Path, numbers: range) -> tuple[list[Line], int]:
    """Draw some scenes; their lines, and how many bytes the images have."""
    layout, lines = LAYOUTS[settings.world], []
    for number in numbers:
        place = scene(number, world=settings.world, seed=settings.seed, size_px=settings.size_px)
        lines.append(layout.draw(place, settings, folder))
    return lines, sum(line.pop("bytes") for line in lines)


def _advance(bar: Bar, lines: list[Line], drawn: tuple[list[Line], int]) -> None:
    lines += drawn[0]
    bar.moved(drawn[1])
    bar.finished(len(drawn[0]))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

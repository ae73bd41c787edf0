"""A project with one shipped source whose fake lies below the mirror, placed and pinned as its error says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks import paths, records
from tasks.download import catalog
from tasks.download.catalog import Source
from tasks.download.digests import of_file, write_list
from tasks.download.formats import Item
from tasks.download.read import reader
from tasks.download.stage import download_source

SHIPPED = Path(__file__).parents[4] / "sources"


@dataclass(frozen=True)
class Project:
    """A temporary project; `placed` is where the source's files lie."""

    folder: Path
    name: str
    placed: Path

    @property
    def description(self) -> Path:
        return self.folder / "sources" / f"{self.name}.yaml"

    def pin(self) -> None:
        """Write the list of what is placed and name it in the description."""
        listing = self.description.with_suffix(".sha256")
        write_list(self.placed, listing)
        self.describe(files_list=listing.name, files_list_sha256=of_file(listing).sha256)

    def describe(self, **changes: Any) -> None:
        """Change keys of the description."""
        described = yaml.safe_load(self.description.read_text(encoding="utf-8"))
        self.description.write_text(yaml.safe_dump(described | changes, allow_unicode=True), encoding="utf-8")

    def source(self) -> Source:
        return catalog.load(self.name)

    def items(self) -> list[Item]:
        """What the reader of the description makes of the files as they lie there."""
        return list(reader(self.source().format)(self.placed, self.source()))

    def download(self) -> dict[str, dict[str, Any]]:
        """Run the stage; rows by their path in the source, each with its image's `error`."""
        download_source(self.name)
        data = paths.source_data(self.name)
        errors = {row["record_id"]: row["error"] for row in records.read(data / "features.parquet")}
        rows = records.read(data / "records.parquet")
        prefix = f"{self.name}/"
        return {row["record_id"].removeprefix(prefix): row | {"error": errors[row["record_id"]]} for row in rows}


def make(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, draw: Callable[[Path], None]) -> Project:
    """The shipped description of `name` with what `draw` draws in the place that it names."""
    (folder / "sources").mkdir()
    shutil.copy(SHIPPED / f"{name}.yaml", folder / "sources")
    (folder / "params.yaml").write_text(f"sources: {{{name}: sar}}\n")
    monkeypatch.setenv("DVC_ROOT", str(folder))
    monkeypatch.delenv("SAR_TEXT_STATE", raising=False)
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(folder / "mirror"))
    mirror = catalog.load(name).mirror
    assert mirror is not None
    project = Project(folder, name, folder / "mirror" / mirror)
    draw(project.placed)
    return project


def sar_text(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The command line, run in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(SHIPPED.parent)}
    command = [sys.executable, "-m", "flows.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def class_boxes(row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(class, x, y, w, h) of a row's boxes."""
    return [tuple(box[key] for key in ("class", "x", "y", "w", "h")) for box in row["boxes"]]

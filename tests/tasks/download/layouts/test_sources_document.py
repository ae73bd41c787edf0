"""docs/sources.md: its table is the one that the command prints, and its worked example works."""

import re
from pathlib import Path

import pytest
import yaml
from fakes.annotations import bndbox, write_voc
from fakes.drawing import save, speckle
from layout_project import SHIPPED, Project, class_boxes, sar_text

from tasks.download.table import markdown, source_rows

DOCUMENT = SHIPPED.parent / "docs" / "sources.md"


def test_the_table_is_what_the_command_prints() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    written = text.partition("<!-- sources -->\n")[2].partition("\n<!-- /sources -->")[0]
    assert written == markdown(source_rows(SHIPPED)), "run `sar-text sources --markdown` and put its output there"
    printed = sar_text("sources", "--markdown", folder=SHIPPED.parent)
    assert printed.stdout.strip() == written


def test_every_format_for_boxes_stands_in_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in ("coco", "voc", "yolo", "dota", "opensarship"):
        assert f"| `{name}` |" in text


def test_the_worked_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```yaml\n(title: Harbor scenes\n.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "harbor_scenes.yaml").write_text(example[1], encoding="utf-8")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"sources": {"harbor_scenes": "sar"}}))
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("SAR_TEXT_STATE", raising=False)
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(tmp_path / "mirror"))
    project = Project(tmp_path, "harbor_scenes", tmp_path / "mirror" / "harbor_scenes")
    save(project.placed / "images/rotterdam_12.png", speckle(64, 48, seed=1))
    objects = [bndbox("Vessel", 3, 5, 22, 14), bndbox("Crane", 40, 1, 50, 30)]
    write_voc(project.placed / "xml/rotterdam_12.xml", objects, width=64, height=48)
    with pytest.raises(ValueError, match=r'sar-text digests "\$SAR_TEXT_MIRROR/harbor_scenes"'):
        project.download()
    project.pin()
    (row,) = project.download().values()
    assert class_boxes(row) == [("ship", 2, 4, 20, 10)]
    assert row["group"] == "harbor_scenes/rotterdam"
    assert row["pixel_spacing_x_m"] == 0.5

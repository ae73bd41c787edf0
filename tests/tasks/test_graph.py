"""`deps` in dvc.yaml = import closure, and the tool that keeps it so."""

from pathlib import Path

import pytest
import yaml

from tasks import graph

ROOT = Path(__file__).resolve().parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_code_dependencies_are_the_import_closure(stage: str) -> None:
    body = STAGES[stage].get("do", STAGES[stage])
    entry = body["cmd"].split()[2]
    listed = [dep for dep in body["deps"] if graph.is_code(dep)]
    assert listed == graph.code_of(entry, root=ROOT), "run `make graph`"


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_cmd_is_the_flow_and_its_item_alone(stage: str) -> None:
    """An option on the command line would re-run the stage with every edit of it."""
    body = STAGES[stage].get("do", STAGES[stage])
    assert body["cmd"].split()[:3] == ["python", "-m", f"flows.{stage}"]
    assert body["cmd"].split()[3:] in ([], ["${key}"], ["${item}"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "flows/a.py": "def run():\n    from tasks.b import work\n    work()\n",
        "tasks/__init__.py": '"""Only a docstring."""\n',
        "tasks/b.py": "import os\nfrom sar_models import c\nNOUNS = 'nouns.yaml'\nOTHER = 'absent.yaml'\n",
        "tasks/nouns.yaml": "ship: ships\n",
        "sar_models/__init__.py": "import json\n",
        "sar_models/c.py": "X = 1\n",
        "sar_models/unused.py": "Y = 1\n",
        "dvc.yaml": (
            "# the graph\nstages:\n  a:\n    cmd: python -m flows.a\n    deps:\n      - data/x  # kept\n"
            "      - tasks/gone.py\n    outs:\n      - data/y\n"
        ),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


CLOSURE = ["flows/a.py", "sar_models/__init__.py", "sar_models/c.py", "tasks/b.py", "tasks/nouns.yaml"]


def test_closure_follows_inner_imports_and_data_files(project: Path) -> None:
    assert graph.code_of("flows.a", root=project) == CLOSURE


def test_refresh_replaces_code_and_keeps_the_rest(project: Path) -> None:
    assert graph.refresh(project / "dvc.yaml")
    text = (project / "dvc.yaml").read_text()
    assert yaml.safe_load(text)["stages"]["a"]["deps"] == ["data/x", *CLOSURE]
    assert text.startswith("# the graph\n")
    assert not graph.refresh(project / "dvc.yaml")

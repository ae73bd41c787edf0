"""The image file of a worker fits this repository. It is not built here: that needs a container engine."""

import re
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

from flows.up import POOLS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
STEPS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", TEXT, flags=re.MULTILINE)


def of(kind: str) -> list[str]:
    return [rest for name, rest in STEPS if name == kind]


def test_the_python_is_one_that_the_project_runs_on_and_the_lock_was_made_for() -> None:
    (image,) = of("FROM")
    version = re.search(r"/python:(\d+\.\d+)-", image)
    assert version is not None
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"{version[1]}.0" in SpecifierSet(wanted)
    assert f"--python-version {version[1]} " in (ROOT / "Makefile").read_text(), "`make lock` resolves for it"


def test_all_that_it_copies_is_there_and_no_secret_can_be_among_it() -> None:
    copied = [source for rest in of("COPY") for source in rest.split()[:-1]]
    assert copied == ["requirements.lock"]
    assert all((ROOT / source).is_file() for source in copied)
    assert of("ADD") == []


def test_every_package_is_hashed() -> None:
    assert "--require-hashes" in "".join(of("RUN"))
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    assert len(blocks) > 100
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_it_runs_without_rights_a_worker_of_a_pool_that_there_is() -> None:
    last_user = of("USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last_user)
    names = [name for name, _ in STEPS]
    assert names.index("USER") < names.index("CMD"), "no step after it runs as root"
    assert "RUN" not in names[names.index("USER") :]
    (command,) = of("CMD")
    assert re.findall(r'"--pool", "(\w+)"', command)[0] in POOLS
    assert of("ENTRYPOINT") == ['["python", "-m", "prefect"]']

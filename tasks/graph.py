"""Code dependencies of the stages in `dvc.yaml`. DVC does not see imports, so they are listed, and kept by this tool.

`python -m tasks.graph` rewrites the code files in every stage's `deps`; a test fails when they are stale.
"""

import ast
import re
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from tasks import paths

PACKAGES = ("flows", "tasks", "sar_models")
# What a stage imports but what cannot change its outputs.
OUTSIDE = {
    "flows/__init__.py": "telemetry off",
    "tasks/__init__.py": "telemetry off",
    "flows/stage.py": "server, switch and artifacts around the function",
    "flows/server.py": "where the stage reports",
    "tasks/tracking.py": "what is reported",
    "tasks/lock.py": "digests for the report",
    "tasks/report/page.py": "the page that MLflow gets",
}


def code_of(entry: str, *, root: Path) -> list[str]:
    """Files of this project that module `entry` (such as `flows.narrate`) runs or reads, sorted, `OUTSIDE` left out.

    Imports are followed wherever they stand in a file, and so are data files named in a string beside the module.
    Files without statements, such as an `__init__.py` with only its docstring, are left out.
    """
    found: set[str] = set()
    waiting = [_file(entry, root)]
    while waiting:
        path = waiting.pop()
        if path is None or path in found or path in OUTSIDE:
            continue
        found.add(path)
        modules, data = _named_in(path, root)
        found |= data
        waiting += [_file(module, root) for module in modules]
    return sorted(path for path in found if not path.endswith(".py") or _has_statements(path, root))


def refresh(dvc_yaml: Path) -> bool:
    """Bring the code dependencies in `dvc_yaml` up to date; False when they were. Comments stay."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    before = dvc_yaml.read_text(encoding="utf-8")
    graph = yaml.load(before)
    changed = False
    for name, stage in graph["stages"].items():
        body = stage.get("do", stage)
        entry = re.findall(r"python -m (flows\.\w+)", body["cmd"])
        assert len(entry) == 1, f"stage {name}: cmd runs no flow of this project"
        wanted = [dep for dep in body["deps"] if not is_code(dep)] + code_of(entry[0], root=dvc_yaml.parent)
        if wanted != list(body["deps"]):
            body["deps"] = wanted
            changed = True
    if changed:
        with dvc_yaml.open("w", encoding="utf-8") as out:
            yaml.dump(graph, out)
    return changed


def is_code(dep: str) -> bool:
    return dep.startswith(tuple(f"{package}/" for package in PACKAGES))


@cache
def _tree(path: str, root: Path) -> ast.Module:
    return ast.parse((root / path).read_text(encoding="utf-8"), filename=path)


def _file(module: str, root: Path) -> str | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (root / candidate).is_file():
            return candidate.as_posix()
    return None


def _named_in(path: str, root: Path) -> tuple[set[str], set[str]]:
    """Modules that a file imports, packages above them included, and data files beside it that it names."""
    modules: set[str] = set()
    data: set[str] = set()
    folder = Path(path).parent
    for node in ast.walk(_tree(path, root)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; this project imports by full name"
            assert node.module is not None
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = node.value
            if re.fullmatch(r"[\w.-]+\.(ya?ml|json|txt)", named) and (root / folder / named).is_file():
                data.add((folder / named).as_posix())
            elif named == "configs" and (root / folder / named).is_dir():
                data |= {file.relative_to(root).as_posix() for file in (root / folder / named).iterdir()}
    parents = {module.rsplit(".", depth)[0] for module in modules for depth in range(1, module.count(".") + 1)}
    return modules | parents, data


def _has_statements(path: str, root: Path) -> bool:
    body = _tree(path, root).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


if __name__ == "__main__":
    print("dvc.yaml: code dependencies", "updated" if refresh(paths.root() / "dvc.yaml") else "are up to date")

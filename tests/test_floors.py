"""Imports only point downwards: flows → tasks → sar_models; and each tool is known only where it belongs."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "sar_models": {"tasks", "flows", "prefect", "mlflow", "dvc", "great_expectations", "boto3"},
    "tasks": {"flows", "prefect"},
    "flows": set(),
}
MLFLOW_ONLY_IN = {
    "tasks/tracking.py", "flows/mlflow_users.py",
    *(f"tasks/registry/{name}.py" for name in ("register", "fetch", "interface", "served_model", "turn")),
}  # fmt: skip
NO_TORCH_BELOW = ("tasks/download", "tasks/narrate", "tasks/validate")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_imports_point_downwards(package: str) -> None:
    assert files(package)
    wrong = {str(path.relative_to(ROOT)): imports(path) & FORBIDDEN[package] for path in files(package)}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_mlflow_is_imported_in_one_place_and_in_the_served_models() -> None:
    users = {
        str(path.relative_to(ROOT)) for package in FORBIDDEN for path in files(package) if "mlflow" in imports(path)
    }
    assert users == MLFLOW_ONLY_IN


def test_data_stages_start_without_torch() -> None:
    """Importing torch costs seconds; download, narrate and validate never do."""
    import subprocess
    import sys

    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in NO_TORCH_BELOW
        for path in files(folder)
        if path.name != "__init__.py"
    ]
    program = (
        f"import sys, importlib\n[importlib.import_module(name) for name in {modules!r}]\nprint('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip().endswith("False")

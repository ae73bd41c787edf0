"""An audit in the formats of others, one file each: OpenLineage, CycloneDX, a model card."""

import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from tasks.lineage import cyclonedx, openlineage
from tasks.lineage.audit import Audit

_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\|`*_[]"})


def export(audit: Audit, folder: Path, *, form: str) -> Path:
    """Write `audit` into `folder` as `form` of `FORMS`; gives the file.

    Raises `ValueError` where the audit found no weights, so that there is nothing to describe.
    """
    if not audit.checkpoints:
        raise ValueError(f"no weights of {audit.version['name']} were found; `sar-text audit` says why")
    name, write = FORMS[form]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(write(audit), encoding="utf-8")
    return path


def model_card(audit: Audit) -> str:
    """Markdown, filled in from the audit; what others named cannot become markup."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.ChainableUndefined, autoescape=False)  # it writes Markdown
    environment.filters["line"] = _line
    template = environment.from_string((Path(__file__).parent / "model_card.md").read_text(encoding="utf-8"))
    return template.render(
        audit.as_dict(), reasons=_reasons(audit), weights=audit.version["tags"].get("dvc.weights", "none")
    )


def _reasons(audit: Audit) -> list[dict[str, Any]]:
    """What the gate said, rule by rule. Raises `ValueError` where its tag is damaged."""
    try:
        return list(json.loads(audit.decisions.get("gate.reasons", "[]")))
    except ValueError as error:
        raise ValueError(
            f"tag gate.reasons of {audit.version['name']} cannot be read ({error}): `sar-text gate` writes it anew"
        ) from error


def _line(text: Any) -> str:
    return escape(" ".join(str(text).split()), quote=False).translate(_MARKS)


def _bill(audit: Audit) -> str:
    return json.dumps(cyclonedx.bill(audit), indent=2, ensure_ascii=False) + "\n"


FORMS: Mapping[str, tuple[str, Callable[[Audit], str]]] = {
    "openlineage": ("openlineage.jsonl", openlineage.lines),
    "cyclonedx": ("bom.cdx.json", _bill),
    "model-card": ("model_card.md", model_card),
}

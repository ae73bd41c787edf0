"""The report of a run: one HTML file that needs nothing else, and that one may send to a colleague.

Equal inputs give equal bytes: no clock, no host, no path of this machine.
"""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks import paths
from tasks.report import charts, examples, items, paper, tables
from tasks.report.pictures import Pictures
from tasks.report.version import Version, of_profile, of_tree

FOLDER = Path(__file__).parent
DOCUMENTS = ("evaluate", "compare", "slices", "zero_shot", "hygiene", "validate_optical", "validate_sar")
CURVES = "plots/learning_curves.png"
BUILT = ("data/sources", "data/optical_text", "data/sar_text", "models")  # whose digests the page shows
SETTINGS = ("seed", "hardware.device", "hardware.precision", "clip.architecture", "coca.architecture",
            "gpt.language_model", "clip.start.weights", "coca.start.weights", "evaluate.bootstrap_draws",
            "evaluate.decoding.method")  # fmt: skip


def write(profile: str | None = None, *, out: Path | None = None) -> Path:
    """The report of the run that lies here, or of `runs/<profile>`, made anew if its inputs changed.

    It lies below `.state/`, or at `out`. Raises `ValueError` naming the file when nothing was evaluated, or one is
    missing or damaged.
    """
    version = of_tree() if profile is None else of_profile(profile)
    kept = paths.state() / "report" / (profile or "") / "report.html"
    stamp = kept.with_suffix(".sha256")
    digest = _digest(version)
    if not (kept.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest):
        text = page(version)
        kept.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        kept.write_text(text, encoding="utf-8")
        stamp.write_text(digest, encoding="utf-8")
    if out is None:
        return kept
    out.write_bytes(kept.read_bytes())
    return out


def _digest(version: Version) -> str:
    """Of all that the page is made from. Pictures are told by the digests in the tables that name them."""
    digest = hashlib.sha256(version.commit.encode())
    kept = [*(f"metrics/{name}.json" for name in DOCUMENTS), CURVES, "params.yaml", "dvc.lock"]
    for small in kept:
        _add(digest, small, version.small(small))
    tabled = [*map(items.tested, items.TEXTS), items.CAPTIONS, examples.CLAIMS, examples.RETRIEVAL, *_trainings()]
    for large in tabled:
        path = version.place(large)
        _add(digest, large, None if path is None else path.read_bytes())
    for file in sorted((*FOLDER.iterdir(), *(paths.root() / "sources").glob("*.yaml"))):
        if file.is_file():
            _add(digest, file.name, file.read_bytes())
    return digest.hexdigest()


def _add(digest: Any, name: str, data: bytes | None) -> None:
    digest.update(f"\n{name} {-1 if data is None else len(data)}\n".encode())
    digest.update(data or b"")


def page(version: Version) -> str:
    """The page itself. Raises as `write` does."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(FOLDER)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "signed": _signed}
    return environment.get_template("page.html").render(_content(version))


def _content(version: Version) -> dict[str, Any]:
    """What the template is given, section by section; null where a file of it is missing."""
    documents = {name: version.json(f"metrics/{name}.json") for name in DOCUMENTS}
    for name in ("evaluate", "compare"):
        if not documents[name]:
            raise ValueError(f"metrics/{name}.json of {version.name} is missing or empty: nothing was evaluated yet, "
                             "run `make repro`, or `sar-text run PROFILE`")  # fmt: skip
    measured, compared = documents["evaluate"], documents["compare"]
    settings, digests = version.settings(), version.digests()
    trainings = dict(_read_trainings(version))
    plot = version.small(CURVES)
    known = items.read(version, text="sar")
    pictures = Pictures(version)
    try:
        captions = None if known is None else examples.captions(version, known, pictures)
        searches = None if known is None else examples.searches(version, known, pictures)
    finally:
        pictures.close()
    checked = {text: documents[f"validate_{text}"] for text in items.TEXTS if documents[f"validate_{text}"]}
    said_of = {name: tables.VARIANTS.get(name, "from outside") for of in measured.values() for name in of}
    variants = tables.own_first(said_of)
    return {
        "name": version.name,
        "commit": version.commit,
        "settings": {name: settings[name] for name in SETTINGS if name in settings},
        "digests": {path: digest for path, digest in sorted(digests.items()) if path.startswith(BUILT)},
        "sources": [(text, name, row) for text, of in checked.items() for name, row in sorted(of["sources"].items())],
        "simulated": any(row["simulated"] for of in checked.values() for row in of["sources"].values()),
        "variants": variants,
        "colours": tables.colours(variants),
        "tables": tables.headline(measured, compared),
        "claims": paper.answers(measured, compared),
        "curves": tables.learning(trainings),
        "curves_png": None if trainings or plot is None else base64.b64encode(plot).decode(),
        "questions": tables.questions(measured),
        "captions": captions,
        "judged": examples.judged(version),
        "searches": searches,
        "zero_shot": documents["zero_shot"],
        "slices": tables.along(documents["slices"] or {}),
        "hygiene": documents["hygiene"],
        "leaks": {text: of["leaks"] for text, of in checked.items()},
        "frame": charts,
    }


def _trainings() -> dict[str, tuple[str, str]]:
    """Path of a log → stage and model."""
    return {
        f"models/{stage}/{kind}/training.json": (stage, kind) for kind in tables.MODELS for stage in tables.STAGES
    }  # fmt: skip


def _read_trainings(version: Version) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    import json

    for name, model in _trainings().items():
        if (path := version.place(name)) is not None:
            try:
                yield model, json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ValueError(f"{path} is damaged ({error})") from error


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _signed(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:+,.{digits}f}".replace("-", "−")

"""The validate stage: captions, records and features of a modality in; a split, checked data set out.

In:  `data/sources/<modality>/` and `data/text/<modality>/`; `data/groups/` of the sources of both texts, for all have
     a vote on the splits (see `split`).
Out: `data/<modality>_text/` (see `write`), `metrics/validate_<modality>.json`; Data Docs under `.state/`.
Run: `python -m flows.validate sar`, which is what `dvc repro validate@sar` runs.
"""

from dataclasses import dataclass
from typing import Any

from tasks import collector, paths
from tasks.params import Params
from tasks.validate import card, croissant, features, gate, question_suite, questions, report, suites, write


@dataclass(frozen=True)
class ValidateSummary:
    """What became of the captions."""

    modality: str
    images: int
    captions: int
    train: int  # captions, as val and test
    val: int
    test: int
    quarantined: int  # captions
    sources: tuple[dict[str, str | int], ...]

    def metrics(self) -> dict[str, float]:
        """The numbers, by name."""
        names = ("images", "captions", "train", "val", "test", "quarantined")
        return {name: float(getattr(self, name)) for name in names}

    def rows(self) -> list[dict[str, str | int]]:
        """One row a source, with the reason that refused most of its captions."""
        return list(self.sources)


@collector.paused()
def validate_text(modality: str, *, params: Params) -> ValidateSummary:
    """Check and split all captions of `modality`, and write what passed and what did not.

    Raises `ValueError` when an input is missing, or when a source loses more than `validate.max_quarantine_share` of
    its captions; `quarantine.parquet` and the Data Docs are then written all the same, the rest is not.
    """
    settings, folder = params.validate, paths.text(modality)
    write.clear(folder)
    tables = features.assemble(modality, params=params)
    asked = questions.assemble(tables)
    judged = (question_suite.question_checks(modality=modality), asked.rows)
    findings = suites.run(tables, settings=settings, docs=paths.data_docs(modality), questions=judged)
    verdict = gate.judge(tables, findings)
    answered = questions.judge(asked, findings, verdict)
    quarantine = write.quarantine(folder, [*verdict.refused, *answered.refused])
    gate.stop_if_too_many(tables, verdict, max_share=settings.max_quarantine_share, quarantine=quarantine)
    if not verdict.passed:
        raise ValueError(
            f"no caption is left (validate.licence_use is {settings.licence_use}): read {quarantine} for the reasons"
        )
    questions.stop_if_bad(answered, max_share=settings.max_quarantine_share, quarantine=quarantine)

    write.splits(folder, verdict.passed)
    questions.write(folder, answered, tables.images)
    measured = report.metrics(tables, verdict, questions=asked.rows) | {"questions": questions.metrics(answered)}
    report.write_metrics(paths.metrics(f"validate_{modality}"), measured)
    (folder / "README.md").write_text(card.render(tables, verdict, measured, settings=settings), encoding="utf-8")
    described = croissant.describe(
        folder,
        modality=modality,
        title=card.TITLES[modality],
        description=card.summary(tables, measured),
        sources=[source for name, source in tables.sources.items() if measured["sources"][name]["captions_passed"]],
        images=verdict.passed,
        released=settings.released,
    )
    croissant.write(described, folder / croissant.NAME)
    return _summary(measured)


def _summary(measured: dict[str, Any]) -> ValidateSummary:
    total = measured["total"]
    return ValidateSummary(
        modality=measured["modality"],
        images=total["images"],
        captions=total["captions"],
        quarantined=total["captions_refused"],
        sources=tuple(_row(name, of) for name, of in measured["sources"].items()),
        **{split: total["splits"][split]["captions"] for split in write.SPLITS},
    )


def _row(name: str, of: dict[str, Any]) -> dict[str, str | int]:
    top = gate.largest(of["quarantined"])
    return {
        "source": name,
        "images": of["images"],
        "captions": of["captions"],
        **{split: of["splits"][split]["captions"] for split in write.SPLITS},
        "quarantined": of["captions_refused"],
        "top_reason": top[0][0] if top else "",
    }

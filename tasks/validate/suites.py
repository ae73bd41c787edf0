"""Great Expectations suites: what an image and a caption must be to train on or to be tested with.

Each expectation has a name (the reason in quarantine), a severity (`critical` refuses the row, `warning` only counts
it) and a sentence for the Data Docs. The first critical expectation that a row fails, in this order, is its reason.
"""

import html
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tasks.params import Validate
from tasks.validate import pair_text
from tasks.validate.features import Tables

# Control, line-separator, zero-width, direction and replacement characters; the first two kinds shift every later
# caption in the PTB tokenizer.
FORBIDDEN = r"[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffd]"
LEFTOVERS = r"[{}<>_\\]|%[sdr]\b|\bNone\b(?! of)|\b(?:nan|NaN|null|NULL|undefined)\b|\A(?:NA|N/A|n/a)\Z"
STAMP = "inputs.sha256"  # beside the Data Docs: what they are of
SPACES = r"\A\s|\s\Z|  "


@dataclass(frozen=True)
class Check:
    """An expectation, and how to say what is wrong with a row that fails it."""

    name: str
    sentence: str
    expectation: Any  # a class of great_expectations.expectations
    arguments: dict[str, Any]
    detail: Callable[[Mapping[str, Any]], str]
    severity: Literal["critical", "warning"] = "critical"


@dataclass(frozen=True)
class Finding:
    """The rows of a table (`images`, `captions` or `questions`), by position, that failed a check."""

    check: Check
    table: Literal["images", "captions", "questions"]
    rows: list[int]


def image_checks(settings: Validate) -> list[Check]:
    """What an image must be."""
    import great_expectations.expectations as gx

    sides = {"min_value": settings.min_side_px, "max_value": settings.max_side_px}
    allowed = f"allowed are {settings.min_side_px} to {settings.max_side_px} px a side"
    null, between = gx.ExpectColumnValuesToBeNull, gx.ExpectColumnValuesToBeBetween
    return [
        Check("licence", "The source file states a licence.", gx.ExpectColumnValuesToMatchRegex,
              {"column": "licence", "regex": r"\S"}, lambda row: f"sources/{row['source']}.yaml states no licence"),
        Check("licence_use", "The source's licence allows the use that the set is built for.", null,
              {"column": "forbidden_use"}, lambda row: row["forbidden_use"]),
        Check("image_digest", "The bytes in the shard have the digest of the record.",
              gx.ExpectColumnPairValuesToBeEqual,
              {"column_A": "sha256_read", "column_B": "sha256", "ignore_row_if": "neither"},
              lambda row: f"{row['shard']} holds {row['sha256_read'][:12]}…, the record says {row['sha256'][:12]}…"),
        Check("image_readable", "The image could be decoded.", null, {"column": "error"}, lambda row: row["error"]),
        Check("image_width", "The width is sane.", between, {"column": "width_px", **sides},
              lambda row: f"{row['width_px']} px wide; {allowed}"),
        Check("image_height", "The height is sane.", between, {"column": "height_px", **sides},
              lambda row: f"{row['height_px']} px high; {allowed}"),
        Check("role_train_only", "No image of a training source stands in a test group.", null,
              {"column": "excluded"}, lambda row: row["excluded"]),
        Check("image_copy", "No other image has the same bytes.", null, {"column": "copy_of"},
              lambda row: f"same bytes as {row['copy_of']}"),
        Check("image_near_copy", "No image in a split nearer to test looks nearly the same.", null,
              {"column": "near_copy_of"}, lambda row: f"near duplicate of {row['near_copy_of']}"),
        Check("image_overlap", "No image in a split nearer to test shows the same pixels in a part of it.", null,
              {"column": "overlaps"}, lambda row: row["overlaps"]),
        Check("image_flat", "The image is not of one value.", between,
              {"column": "std", "min_value": 0, "strict_min": True}, lambda row: "all pixels are equal", "warning"),
    ]  # fmt: skip


def caption_checks(settings: Validate, *, modality: str) -> list[Check]:
    """What a caption must be. What a source gives is kept as given: of its style, faults are only counted."""
    import great_expectations.expectations as gx
    from great_expectations.expectations.row_conditions import Column

    null, no_match = gx.ExpectColumnValuesToBeNull, gx.ExpectColumnValuesToNotMatchRegex
    style = [
        Check("leftover", "Nothing is left of a template or of a missing value.", no_match,
              {"column": "text", "regex": LEFTOVERS}, lambda row: row["text"]),
        Check("spaces", "Words are parted by single spaces.", no_match,
              {"column": "text", "regex": SPACES}, lambda row: ascii(row["text"])),
        Check("repeated", "The captions of an image differ.", null,
              {"column": "repeats"}, lambda row: f"same text as {row['repeats']}"),
    ]  # fmt: skip
    colour = Check("caption_colour", "Radar sees no colour, so its captions name none.", null,
                   {"column": "colours"}, lambda row: f"colour words: {row['colours']}")  # fmt: skip
    return [
        Check("caption_record", "The caption belongs to a record.", gx.ExpectColumnValuesToBeInSet,
              {"column": "has_record", "value_set": [True]}, lambda row: f"records.parquet has no {row['record_id']}"),
        Check("review_rejected", "No reviewer rejected the caption.", null,
              {"column": "rejected"}, lambda row: row["rejected"]),
        Check("pair_claim_precision", "Text by models of pairs is as true as it must be, measured on held-out images.",
              null, {"column": "unproven"}, lambda row: row["unproven"]),
        Check("caption_length", "The caption has a sane number of words.", gx.ExpectColumnValuesToBeBetween,
              {"column": "words", "min_value": settings.min_words, "max_value": settings.max_words},
              lambda row: f"{row['words']} words; allowed are {settings.min_words} to {settings.max_words}"),
        Check("caption_characters", "No control, line-separator, invisible or replacement character.", no_match,
              {"column": "text", "regex": FORBIDDEN}, lambda row: ascii(row["text"])),
        *(_where(check, Column("route") != "given", prefix="caption") for check in style),
        *([colour] if modality == "sar" else []),
        Check("caption_claims", "What the text claims, read from it again, agrees with the annotation.", null,
              {"column": "untrue"}, lambda row: row["untrue"]),
        Check("caption_model_in_test", "No test caption is written by a model.", gx.ExpectColumnValuesToNotBeInSet,
              {"column": "route", "value_set": list(pair_text.ROUTES), "row_condition": Column("split") == "test"},
              lambda row: f"written by {row['rule']}"),
        *(
            replace(_where(check, Column("route") == "given", prefix="given"), severity="warning")
            for check in style
        ),
    ]  # fmt: skip


def _where(check: Check, condition: Any, *, prefix: str) -> Check:
    return replace(check, name=f"{prefix}_{check.name}", arguments=check.arguments | {"row_condition": condition})


def run(
    tables: Tables,
    *,
    settings: Validate,
    docs: Path,
    questions: tuple[list[Check], list[dict[str, Any]]] | None = None,
) -> list[Finding]:
    """Validate the tables, write the Data Docs under `docs` (emptied first), and tell which rows failed what.

    `questions`: what they must be (question_suite.py), and their rows.
    """
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    if docs.exists():
        shutil.rmtree(docs)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    for site in context.get_site_names():
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        "data_docs",
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())},
        },
    )
    pandas = context.data_sources.add_pandas(f"{tables.modality}_text")
    findings: list[Finding] = []
    inputs: list[tuple[Literal["images", "captions", "questions"], list[Check], list[dict[str, Any]]]] = [
        ("images", image_checks(settings), tables.images),
        ("captions", caption_checks(settings, modality=tables.modality), tables.captions),
    ]
    if questions and questions[1]:
        inputs.append(("questions", *questions))
    for table, checks, rows in inputs:
        suite = context.suites.add(gx.ExpectationSuite(name=f"{tables.modality}_{table}"))
        for check in checks:
            suite.add_expectation(
                check.expectation(
                    **check.arguments,
                    description=check.sentence,
                    severity=check.severity,
                    meta={"name": check.name},
                )
            )
        asset = pandas.add_dataframe_asset(table)
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name=table, data=asset.add_batch_definition_whole_dataframe("all"), suite=suite)
        )
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=table,
                validation_definitions=[definition],
                result_format={"result_format": "COMPLETE"},
            )
        )
        # Texts as Python's: the regular expressions of pandas 3.0's Arrow texts know neither \u2028 nor \Z.
        with pd.option_context("mode.string_storage", "python"):
            result = checkpoint.run(batch_parameters={"dataframe": _frame(rows, checks)})
        findings.extend(_findings(result, checks=checks, table=table))
    _write_docs(context)
    (docs / STAMP).write_text(tables.digest, encoding="utf-8")
    return findings


def _write_docs(context: Any) -> None:
    """Write the Data Docs, with markup in the values that they show as text: Great Expectations 1.24 escapes nothing,
    since its templates are not called `.html`."""
    store = context.validation_results_store
    for key in store.list_keys():
        result = store.get(key)
        for item in result.results:
            item.result = _escaped(item.result)
        store.set(key, result)
    context.build_data_docs(site_names=["data_docs"])


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {key: _escaped(inside) for key, inside in value.items()}
    return [_escaped(inside) for inside in value] if isinstance(value, list | tuple) else value


def _frame(rows: Sequence[Mapping[str, Any]], checks: Sequence[Check]) -> Any:
    """A pandas table of the columns that the checks look at, numbered from 0, so that a failed row has a position."""
    import pandas as pd

    columns = {"route", "split"} & rows[0].keys() if rows else set()
    for check in checks:
        columns |= {value for key, value in check.arguments.items() if key in ("column", "column_A", "column_B")}
    return pd.DataFrame({column: [row[column] for row in rows] for column in sorted(columns)})


def _findings(
    result: Any, *, checks: Sequence[Check], table: Literal["images", "captions", "questions"]
) -> list[Finding]:
    (validation,) = result.run_results.values()
    by_name = {item.expectation_config.meta["name"]: item for item in validation.results}
    findings = []
    for check in checks:
        item = by_name[check.name]
        for raised in _exceptions(item.exception_info):
            raise RuntimeError(f"expectation {check.name} could not be computed: {raised}")
        rows = item.result.get("unexpected_index_list", [])
        assert item.success == (not rows), f"{check.name} fails without naming rows"
        findings.append(Finding(check, table, sorted(int(row) for row in rows)))
    return findings


def _exceptions(info: Mapping[str, Any]) -> list[str]:
    """Messages of what went wrong in an expectation: it tells of itself, or of each metric that it needs."""
    parts = [info] if "raised_exception" in info else list(info.values())
    return [part["exception_message"] for part in parts if part["raised_exception"]]

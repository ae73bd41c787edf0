"""What the data card tells of the text: beside human text, questions, leaks, reviews."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.validate import statistics

_ROWS = (
    ("captions", "captions"),
    ("words a caption, mean", "words_mean"),
    ("5th to 95th percentile", ("words_p5", "words_p95")),
    ("vocabulary", "vocabulary"),
    ("identical to another caption", "identical_share"),
    ("identical to one of another image", "identical_between_images_share"),
    ("the same, detailed captions only", "identical_between_images_share_detailed"),
    (f"self-BLEU-4 of {statistics.SAMPLE} captions", "self_bleu_4"),
)
_GROWTH = (
    ("distinct words", "vocabulary_at"),
    ("distinct words, numbers as one", "vocabulary_at_no_numbers"),
    ("distinct-2", "distinct_2_at"),
    ("distinct-2, numbers as one", "distinct_2_at_no_numbers"),
)


def statistics_section(text: Mapping[str, Any], *, modality: str) -> str:
    """The statistics of the set next to those of RSICD and RSITMD."""
    columns = {f"this {modality} text": text, **statistics.reference()}
    rows = [[name, *(_cell(of, key) for of in columns.values())] for name, key in _ROWS]
    rows += [
        [f"{name} in {amount:,} words", *(_shown(of[key][str(amount)]) for of in columns.values())]
        for name, key in _GROWTH
        for amount in statistics.AMOUNTS
        if text[key][str(amount)] is not None
    ]
    names = [name if name.startswith("this") else name.upper() for name in columns]
    told = (
        "\n“–”: too little text, or no such captions. Distinct words, distinct-2 and self-BLEU are measured on "
        "equal amounts, in an order drawn by a fixed seed. RSICD and RSITMD: captions written by people for optical "
        "images, train and test together.\n"
    )
    return table(["", *names], rows) + told


def questions_section(measured: Mapping[str, Any]) -> list[str]:
    """How many questions of which family, and what their words give away; nothing where there are none."""
    questions = measured["questions"]
    if not questions["passed"]:
        return []
    named = list(questions["sources"])
    rows = [
        [family, count, *(questions["sources"][name]["families"].get(family, 0) for name in named)]
        for family, count in sorted(questions["families"].items())
    ]
    splits = ", ".join(f"{count} in {split}" for split, count in questions["splits"].items())
    told = (
        f"{questions['passed']} questions: {splits}. {questions['refused']} are in quarantine. The commonest string is "
        f"{questions['commonest_string_share']:.2%} of all.\n"
    )
    priors = [
        [family, of["n"], f"{of['majority']:.1%}", f"{of['text_only']:.1%}"]
        for family, of in sorted(questions["language_prior"].items())
    ]
    return [
        "## Questions by family\n",
        table(["family", "all", *named], rows),
        told,
        "How much the words alone give away, on held-out questions: the commonest answer, and a classifier that sees "
        "the question but not the image.\n",
        table(["family", "questions", "commonest answer", "text only"], priors),
    ]


def leaks_section(measured: Mapping[str, Any]) -> list[str]:
    """What the search for copies across splits found."""
    leaks = measured["leaks"]
    return [
        "## Copies between splits\n",
        table(["", "images"], [[name, count] for name, count in sorted(leaks.items())]),
    ]


def review_section(review: Mapping[str, Any]) -> str:
    """How much of the text people accepted, and what that says of the rest."""
    lines = []
    for what, of in sorted(review.items()):
        if of["reviewed"]:
            line = (
                f"Of {of['reviewed']} {what} reviewed, people accepted {of['accepted']} and rejected {of['rejected']}: "
                f"{of['share_accepted']:.1%} are right (95 % interval {of['share_accepted_low']:.1%} to "
                f"{of['share_accepted_high']:.1%}, Wilson), of a sample spread over sources, routes and splits. What "
                "was rejected is in quarantine."
            )
        else:
            line = f"No verdict on any of the {what}: `sar-text review` makes the sheet."
        stale = f" {of['stale']} verdicts are on words that changed since, and not applied." if of["stale"] else ""
        lines.append(f"{line}{stale}\n")
    return "\n".join(lines)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _cell(of: Mapping[str, Any], key: str | tuple[str, str]) -> str:
    if isinstance(key, tuple):
        return " to ".join(_shown(of[name]) for name in key)
    return f"{of[key]:.1%}" if "share" in key and of[key] is not None else _shown(of[key])


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}"

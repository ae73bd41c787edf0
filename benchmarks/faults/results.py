"""Results of trials: kept as JSON by fault, and shown as the table of docs/reliability.md."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.faults.trial import Fault, Trial

FILE = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- made by python -m benchmarks.faults -->", "<!-- end of what was made -->"


def write(fault: Fault, work: str, trials: Sequence[Trial], *, seed: int) -> None:
    """Replace what is known of `fault` in `work`, in both places."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    found = known.setdefault(fault.name, {"trials": []})
    found |= {"looks": fault.looks, "remedy": fault.remedy}
    on = {"date": datetime.now(UTC).date().isoformat(), "seed": seed}
    found["trials"] = [trial for trial in found["trials"] if trial["work"] != work]
    found["trials"] += [trial.plain() | on for trial in trials]
    partial = FILE.with_suffix(".partial")
    partial.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(FILE)
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{page(known)}\n{END}{after}", encoding="utf-8")


def page(known: dict[str, Any]) -> str:
    """Both tables, and every broken promise by its words."""
    lines = [
        "| fault | in | trials | completed | failed, next run completed | promise broken | date, seed |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in known.items():
        trials = found["trials"]
        counts = [
            sum(trial["outcome"] == outcome for trial in trials)
            for outcome in ("completed", "failed, next run completed", "broken")
        ]
        works = list(dict.fromkeys(trial["work"] for trial in trials))
        where = ", ".join(works) if len(works) <= 4 else f"{len(works)} stages"
        dates = ", ".join(sorted({f"{trial['date']}, {trial['seed']}" for trial in trials}))
        numbers = " | ".join(str(number) for number in (len(trials), *counts))
        lines.append(f"| {name} | {where} | {numbers} | {dates} |")
    lines += ["", "| fault | what it looks like | what you do |", "|---|---|---|"]
    lines += [f"| {name} | {found['looks']} | {found['remedy']} |" for name, found in known.items()]
    broken = [
        f"- {name}, {trial['work']}: {'; '.join(trial['broken'])}"
        for name, found in known.items()
        for trial in found["trials"]
        if trial["broken"]
    ]
    lines += ["", *(["Promises broken:", "", *broken] if broken else ["No promise was broken."]), ""]
    return "\n".join(lines)

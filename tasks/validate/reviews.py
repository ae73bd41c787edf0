"""What people said of captions and questions (`reviews/*.csv`), and what that says of the rest.

A verdict counts for the words that were judged: of a text that changed since, or that is gone, it is stale.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = ("record_id", "kind", "id", "text", "verdict", "note")
KINDS = ("caption", "question")
_Z = 1.959963984540054  # 97.5 % of the normal distribution


@dataclass(frozen=True)
class Reviews:
    """Verdicts by kind and id: the text judged → all verdicts on it, `accept` or `reject`."""

    verdicts: Mapping[tuple[str, str], Mapping[str, list[str]]] = field(default_factory=dict)

    def rejected(self, kind: str, item: str, text: str) -> str | None:
        """Why the item may not enter, or null: one rejection outweighs any acceptance."""
        said = self.verdicts.get((kind, item), {}).get(text, [])
        rejections = said.count("reject")
        return f"rejected by {rejections} of {len(said)} verdicts" if rejections else None

    def measure(self, kind: str, items: Iterable[tuple[str, str]], *, sources: Iterable[str]) -> dict[str, Any]:
        """Counts over all `items` (id and text today) of `sources`, and the share accepted with its 95 % interval.

        `stale` are verdicts on other words or on items that are gone. The interval is Wilson's (JASA 22, 1927).
        """
        texts = dict(items)
        known = tuple(f"{source}/" for source in sources)
        accepted = rejected = stale = 0
        for (of, item), judged in self.verdicts.items():
            if of != kind or not item.startswith(known):
                continue
            stale += sum(len(said) for text, said in judged.items() if texts.get(item) != text)
            if said := judged.get(texts.get(item, ""), []):
                if "reject" in said:
                    rejected += 1
                else:
                    accepted += 1
        low, high = wilson(accepted, accepted + rejected)
        return {
            "reviewed": accepted + rejected,
            "accepted": accepted,
            "rejected": rejected,
            "stale": stale,
            "share_accepted": round(accepted / (accepted + rejected), 4) if accepted + rejected else None,
            "share_accepted_low": low,
            "share_accepted_high": high,
        }


def judged_text(row: Mapping[str, Any]) -> str:
    """What a verdict is on: a caption's text, or a question with its answer behind it."""
    return str(row["text"]) if "text" in row else f"{row['question']} {row['answer']}"


def load(folder: Path) -> Reviews:
    """All verdicts in the `*.csv` of `folder`, none where there is no file.

    Raises `ValueError` naming file and line for another set of columns, an unknown kind or verdict, or no id,
    and naming the file that is no CSV in UTF-8.
    """
    verdicts: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in files(folder):
        try:
            for kind, item, text, verdict in _read(path):
                verdicts[kind, item][text].append(verdict)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path} is no CSV in UTF-8 ({error}): put in the file that the sheet saved, or save it as UTF-8"
            ) from error
    return Reviews({key: dict(judged) for key, judged in sorted(verdicts.items())})


def _read(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Kind, id, text and verdict of each line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(
                f"{path}: the columns are {', '.join(reader.fieldnames or ['none'])}; a review has "
                f"{', '.join(COLUMNS)}, as the sheet of `sar-text review` writes them"
            )
        for row in reader:
            if row["kind"] not in KINDS or row["verdict"] not in ("accept", "reject") or not row["id"]:
                raise ValueError(
                    f"{path} line {reader.line_num}: {row['kind']!r} {row['id']!r} {row['verdict']!r}; a line has "
                    f"a kind ({' or '.join(KINDS)}), an id, and the verdict accept or reject"
                )
            yield row["kind"], row["id"], row["text"] or "", row["verdict"]


def mark(rows: Iterable[dict[str, Any]], verdicts: Reviews, *, kind: str) -> None:
    """Give each row of captions or questions its `rejected`."""
    for row in rows:
        row["rejected"] = verdicts.rejected(kind, row[f"{kind}_id"], judged_text(row))


def files(folder: Path) -> list[Path]:
    """The review files, sorted."""
    return sorted(folder.glob("*.csv"))


def wilson(successes: int, trials: int) -> tuple[float | None, float | None]:
    """95 % interval of a share (Wilson, JASA 22, 1927), four digits; nulls without a trial."""
    if not trials:
        return None, None
    share, z2 = successes / trials, _Z * _Z
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return round(max(0.0, center - half), 4), round(min(1.0, center + half), 4)

"""The rules that need no model: data checks, licences, withdrawn sources and records."""

import json
from collections.abc import Mapping

from tasks import lock, paths
from tasks.download import catalog, withdrawn
from tasks.gate.decision import Reason
from tasks.gate.seen import MODALITIES, Seen
from tasks.params import Params
from tasks.validate import licences

DATA, WITHDRAWAL, LICENCE = "data checks", "withdrawal", "licences"


def all_of(tags: Mapping[str, str], seen: Seen, *, params: Params) -> list[Reason]:
    """A reason for each rule on a version with `tags` that learned from `seen`."""
    digests = lock.output_digests()
    return [
        *(_data(modality, tags, digests=digests) for modality in MODALITIES),
        _withdrawn(seen),
        _licences(seen, use=params.validate.licence_use),
    ]


def _data(modality: str, tags: Mapping[str, str], *, digests: Mapping[str, str]) -> Reason:
    """The checks of validate, on exactly the data that the version learned from and that lies here."""
    data, report = f"data/{modality}_text", f"metrics/validate_{modality}.json"
    for output in (data, report):
        place = paths.root() / output
        if output not in digests or not place.exists():
            return Reason(DATA, False, f"{output} was not built here: `dvc repro validate@{modality}`, or `dvc pull`")
        if lock.digest_of(place) != digests[output]:
            return Reason(DATA, False, f"{output} is not what dvc.lock says was checked: `dvc checkout` or `dvc repro`")
    if tags.get(f"dvc.data.{modality}") != digests[data]:
        return Reason(
            DATA, False,
            f"the version learned from another {modality} text ({tags.get(f'dvc.data.{modality}')}) than was checked "
            f"here ({digests[data]}): `dvc repro`, then `sar-text register`",
        )  # fmt: skip
    total = json.loads((paths.root() / report).read_text(encoding="utf-8"))["total"]
    entered, passed, refused = total["captions"], total["captions_passed"], total["captions_refused"]
    counted = f"{modality} text: {passed} of {entered} captions passed the checks, {refused} are in quarantine"
    if passed + refused != entered:
        return Reason(DATA, False, f"{counted}: {entered - passed - refused} are in neither")
    empty = [split for split, counts in total["splits"].items() if not counts["captions"]]
    if empty:
        return Reason(DATA, False, f"{counted}, and the split {', '.join(empty)} is empty")
    return Reason(DATA, True, counted)


def _withdrawn(seen: Seen) -> Reason:
    """No source and no record behind the version was withdrawn."""
    found = []
    for path in sorted((paths.root() / "sources" / "withdrawn").glob("*.yaml")):
        stated = withdrawn.load(path.stem)
        if stated.whole and stated.source in seen.sources:
            found.append(f"{stated.source} ({_told(stated.whole)})")
        found += [
            f"{record} ({_told(told)})" for record, told in sorted(stated.records.items()) if record in seen.records
        ]
    if found:
        return Reason(WITHDRAWAL, False, f"it learned from what was withdrawn: {'; '.join(found)}")
    return Reason(
        WITHDRAWAL, True, f"none of its {len(seen.sources)} sources and {len(seen.records)} records withdrawn"
    )


def _told(stated: Mapping[str, str]) -> str:
    return f"{stated.get('reason', 'no reason given')}, by {stated.get('by', 'nobody named')}"


def _licences(seen: Seen, *, use: str) -> Reason:
    """Every source's licence allows `use`, as its description says today."""
    unknown = sorted(name for name in seen.sources if not paths.source_file(name).is_file())
    if unknown:
        return Reason(LICENCE, False, f"no sources/*.yaml says the licence of {', '.join(unknown)}")
    refused = [licences.forbidden(catalog.load(name), use=use) for name in sorted(seen.sources)]
    if complaints := [complaint for complaint in refused if complaint is not None]:
        return Reason(LICENCE, False, "; ".join(complaints))
    return Reason(LICENCE, True, f"the licences of {', '.join(sorted(seen.sources))} allow use: {use}")

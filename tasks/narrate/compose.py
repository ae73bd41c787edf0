"""Messages → captions: the rules that an image can fill, from short to detailed, worded by the record's own dice."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

from tasks.narrate import boxes, chips, given, pairs, regions
from tasks.narrate.facts import Facts, facts
from tasks.narrate.grammar import Fragment, Message, images, parts, phrasebook, pick, resolution, say
from tasks.narrate.words import Claim
from tasks.params import Narrate

# After the first sentence, which has said what kind of image it is.
LATER = {f"{word}_image": Fragment(f"{word} image") for word in ("an", "the", "this")}
ATTEMPTS = 12  # at a wording that no other caption of the image has


class Caption(NamedTuple):
    """One caption of one image."""

    text: str
    route: str
    rule: str
    claims: tuple[Claim, ...]


def narrate(record: Mapping[str, Any], *, exhaustive: Collection[str], params: Narrate) -> list[Caption]:
    """The captions of a row of `records.parquet`, all different (given ones excepted); empty where nothing can be said.

    The wording depends on the record, `params.seed` and the data files alone, never on other records.
    Raises `ValueError` naming a class without an entry in `nouns.yaml`.
    """
    if record["captions"]:
        return [Caption(text, "given", "given@1", ()) for text in given.captions(record)]
    if not record["width_px"] or not record["height_px"]:
        return []  # the image cannot be decoded; validate puts it into quarantine
    is_pair = pairs.is_pair(record)
    if is_pair and not pairs.can_be_narrated(record):
        return []
    what = facts(record, exhaustive=exhaustive)
    rng = Random(int.from_bytes(blake2b(f"{params.seed}/{record['record_id']}".encode(), digest_size=8).digest()))
    if what.objects and what.covers:
        plan, route, messages = "scene", "a2c", boxes.messages(what, rng=rng) + regions.messages(what, rng=rng)
    elif what.objects:
        plan, route, messages = "boxes", "a2c", boxes.messages(what, rng=rng)
    elif what.covers:
        plan, route, messages = "regions", "sa2c", regions.messages(what, rng=rng)
    elif what.label is not None:
        plan, route, messages = "chip", "chip", chips.messages(what, rng=rng)
    else:
        plan, route, messages = "empty", "a2c" if record["boxes"] is not None else "sa2c", boxes.messages(what, rng=rng)
    return _captions(what, plan, "pair" if is_pair else route, messages, params.captions_per_image, rng)


def _captions(
    what: Facts, plan: str, route: str, messages: Sequence[Message], count: int, rng: Random
) -> list[Caption]:
    by_key: dict[str, list[Message]] = {}
    if what.resolution_m:
        by_key["resolution"] = [Message("resolution", {"resolution": resolution(what.resolution_m)})]
    for message in messages:
        by_key.setdefault(message.key, []).append(message)
    rules = [rule for rule in phrasebook().plans[plan] if _can_say(rule, by_key)]
    if not rules:
        return []
    every = images(what.modality, plan == "chip", what.sensor, what.band, what.polarization)
    plain = images(what.modality, plan == "chip", None, None, None)
    found: dict[str, Caption] = {}
    for index in range(count):
        rule = rules[round(index * (len(rules) - 1) / max(count - 1, 1))]
        for _ in range(ATTEMPTS):
            text, claims = _say(rule, by_key, every, plain, rng)
            if text not in found:
                found[text] = Caption(text, route, f"{rule}@{phrasebook().rules[rule].version}", claims)
                break
    return list(found.values())


def _can_say(rule: str, by_key: Mapping[str, Sequence[Message]]) -> bool:
    needed = parts(phrasebook().rules[rule].sentences)
    return all(part.optional or any(key in by_key for key in part.keys) for part in needed)


def _say(
    rule: str,
    by_key: Mapping[str, Sequence[Message]],
    every: Sequence[Mapping[str, Fragment]],
    plain: Sequence[Mapping[str, Fragment]],
    rng: Random,
) -> tuple[str, tuple[Claim, ...]]:
    how = phrasebook().rules[rule]
    chosen: list[Message] = []
    for part in parts(how.sentences):
        options = [message for key in part.keys for message in by_key.get(key, ())]
        for _ in range(min(part.at_most, len(options))):
            message = pick(options, rng)
            options.remove(message)
            chosen.append(message)
    while len(chosen) > how.at_most:  # the first sentence always stays
        del chosen[1 + int(rng.random() * (len(chosen) - 1))]
    image = pick(every if how.context and len(every) > len(plain) and rng.random() < 0.7 else plain, rng)
    texts: list[str] = []
    claims: list[Claim] = []
    for message in chosen:
        template = pick(phrasebook().sentences[message.key], rng)
        text, its_claims = say(template, {**(LATER if texts else image), **message.slots})
        texts.append(text)
        claims += its_claims
    return " ".join(texts), tuple(dict.fromkeys(claims))

"""Messages → captions: the rules that an image can fill, from short to full, worded by the record's own dice."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from tasks.narrate import boxes, chips, given, regions, words
from tasks.narrate.facts import Facts, facts
from tasks.narrate.grammar import Image, Message, Slots, images, resolution, sensing, sensor
from tasks.narrate.phrasebook import (
    Dice,
    Fragment,
    Part,
    Rule,
    draw,
    draw_wording,
    fill,
    parts,
    phrasebook,
    pick,
    templates,
)
from tasks.narrate.words import Claim
from tasks.params import Narrate

ATTEMPTS = 12  # at a wording that no other caption of the image has
OPENED = 0.2  # of the later sentences that start with a class: these are opened with "in addition" or the like
DRAWS = 4  # of messages, for as many sentences as the rule needs


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
        return [Caption(text, "given", given.RULE, ()) for text in given.captions(record)]
    if not record["width_px"] or not record["height_px"]:
        return []  # the image cannot be decoded; validate puts it into quarantine
    if record["pair_id"] is not None and record["modality"] == "optical":
        return []  # its SAR twin has the text
    what = facts(record, exhaustive=exhaustive)
    dice = Dice(int.from_bytes(blake2b(f"{params.seed}/{record['record_id']}".encode(), digest_size=8).digest()))
    if what.objects and what.covers:
        plan, route, messages = "scene", "a2c", boxes.messages(what, dice=dice) + regions.messages(what)
    elif what.objects:
        plan, route, messages = "boxes", "a2c", boxes.messages(what, dice=dice)
    elif what.covers:
        plan, route, messages = "regions", "sa2c", regions.messages(what)
    elif what.label is not None:
        plan, route, messages = "chip", "chip", chips.messages(what)
    else:
        route = "a2c" if record["boxes"] is not None else "sa2c"
        plan, messages = "empty", boxes.messages(what, dice=dice)
    return _captions(what, plan, route, messages, params.captions_per_image, dice)


def _captions(what: Facts, plan: str, route: str, messages: Sequence[Message], count: int, dice: Dice) -> list[Caption]:
    if not messages:
        return []
    by_key: dict[str, list[Message]] = {}
    for message in (*messages, *_of_the_image(what)):
        by_key.setdefault(message.key, []).append(message)
    entries = _entries(plan, frozenset(by_key))
    if not entries:
        return []
    offers = _Offers(by_key)
    plain, *context = images(what.modality, plan == "chip", what.sensor, what.band, what.polarization)
    found: dict[str, Caption] = {}
    for index in range(count):
        entry = round(index * (len(entries) - 1) / max(count - 1, 1))
        for _ in range(ATTEMPTS):
            rule = pick(entries[entry], dice)
            how = phrasebook().rules[rule]
            dice.names.clear()
            image = draw(pick(context, dice) if context and how.context and dice.random() < 0.4 else plain, dice)
            drawn = _drawn(how, offers, dice, image.about)
            if image.about and len(drawn) < how.at_least:
                image = draw(plain, dice)  # so that a sentence may say it
                drawn = _drawn(how, offers, dice, image.about)
            if len(drawn) < how.at_least:
                entry = max(entry - 1, 0)  # there is not that much to say
                continue
            text, claims = _say(drawn, image, what.modality, dice)
            if text not in found:
                found[text] = Caption(text, route, f"{rule}@{how.version}", claims)
                break
    return list(found.values())


@cache
def _entries(plan: str, keys: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """The entries of a plan with those of their rules for which there is enough to say under `keys`."""
    able = []
    for entry in phrasebook().plans[plan]:
        rules = []
        for rule in entry.split("|"):
            how = phrasebook().rules[rule]
            needed = [(part.optional, any(key in keys for key in part.keys)) for part in parts(how.sentences)]
            if all(offered or optional for optional, offered in needed):
                rules += [rule] if sum(offered for _, offered in needed) >= how.at_least else []
        able += [tuple(rules)] if rules else []
    return tuple(able)


class _Offers(dict[tuple[str, ...], list[Message]]):
    """Messages under any of some keys."""

    def __init__(self, by_key: Mapping[str, list[Message]]) -> None:
        super().__init__()
        self.by_key = by_key

    def __missing__(self, keys: tuple[str, ...]) -> list[Message]:
        found = [message for key in keys if key in self.by_key for message in self.by_key[key]]
        self[keys] = found
        return found


def _of_the_image(what: Facts) -> list[Message]:
    """What can be said of the image itself."""
    found = []
    if what.resolution_m:
        slots = {"resolution": resolution(what.resolution_m)}
        found.append(Message("resolution", lambda _: slots, ("resolution",)))
    by = sensor(what.sensor)
    if by:
        named = {"sensor": by}
        found.append(Message("sensor", lambda _: named, ("sensor",)))
    details = sensing(what.modality, what.band, what.polarization)
    if details:
        found.append(Message("sensing", lambda dice: {"details": draw(details, dice)}, ("sensing",)))
    return found


@cache
def _later() -> tuple[Slots, ...]:
    """Slots of the image after the first sentence, which has said what kind of image it is."""
    found = words.lexicon().images_later
    return tuple({f"{word}_image": Fragment(f"{word} {image}") for word in ("the", "this")} for image in found)


def _chosen(
    needed: Sequence[Part], offers: _Offers, dice: Dice | None, about: Sequence[str] = ()
) -> list[tuple[Message, bool]]:
    """Messages for the parts of a rule, no two about the same nor any `about`, and whether each may change places.

    Without dice the first of each part, which shows how much can be said.
    """
    chosen: list[tuple[Message, bool]] = []
    said = set(about)
    for part in needed:
        options = offers[part.keys]
        if not options or (dice and part.seldom and dice.random() < 0.5):
            continue
        for _ in range(part.at_most):
            if said:
                options = [message for message in options if said.isdisjoint(message.about)]
            if not options:
                break
            message = pick(options, dice) if dice else options[0]
            said.update(message.about or (message.key,))
            chosen.append((message, part.free))
    return chosen


def _drawn(how: Rule, offers: _Offers, dice: Dice, about: Sequence[str]) -> list[Message]:
    """The messages of one caption, in their order."""
    needed = parts(how.sentences)
    for _ in range(DRAWS):
        chosen = _chosen(needed, offers, dice, about)
        if len(chosen) >= how.at_least:
            break
    else:
        chosen = _chosen(needed, offers, None, about)
    while len(chosen) > how.at_most:  # the first sentence always stays
        del chosen[1 + int(dice.random() * (len(chosen) - 1))]
    free = [message for message, is_free in chosen if is_free]
    if len(free) > 1:
        dice.shuffle(free)
    return [free.pop() if is_free else message for message, is_free in chosen]


def _say(messages: Sequence[Message], image: Image, modality: str, dice: Dice) -> tuple[str, tuple[Claim, ...]]:
    texts: list[str] = []
    claims: list[Claim] = []
    opened = False  # at most once in a caption
    for message in messages:
        pieces = draw_wording(templates(message.key, modality), dice)
        opener = ""
        if texts and not opened and not pieces[0].literal and dice.random() < OPENED:
            opener, opened = f"{draw(words.lexicon().openers, dice)} ", True
        others = draw(_later(), dice) if texts else image.slots
        text, its_claims = fill(pieces, message.build(dice), others, opener=opener)
        texts.append(text)
        claims += its_claims
    return " ".join(texts), tuple(dict.fromkeys(claims))

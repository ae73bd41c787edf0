"""One thing that a true caption says is changed; every change that the annotation contradicts must be noticed.

Whether it does is judged by narrate_oracle.py from the claims with the change applied, without reading the text.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random

import narrate_oracle
import pytest
from narrate_cases import box, random_exhaustive, random_record, record, region

from tasks.narrate import truth, words
from tasks.narrate.claims import Claim, check
from tasks.narrate.compose import Caption, narrate
from tasks.params import Narrate

CAPTIONS = 10_000
LEAST = 250  # mutants of every change that the annotation contradicts
RARE, RARE_ROWS = ("heading", "crossing"), 400  # what a random row seldom says, and as many rows that can say it
PARAMS = Narrate(captions_per_image=5, questions_per_image=0, seed=3)
NUMBERS = words.lexicon().numbers[:13]
Mutant = tuple[str, list[Claim]]  # the text and the changed claims


def alone(phrase: str) -> re.Pattern[str]:
    """The phrase as whole words, "the center" not as a part of "the center right", and 25 not of "25 percent"."""
    return re.compile(rf"(?<![\w-]){re.escape(phrase)}(?![\w%-]|\.\d| (?:left|right|center|percent)\b)", re.IGNORECASE)


def once(phrase: str, text: str) -> bool:
    return len(alone(phrase).findall(text)) == 1


def swap(phrase: str, new: str, text: str) -> str:
    return alone(phrase).sub(new, text)


def change_number(caption: Caption, rng: Random) -> Mutant | None:
    countable = ("count", "place", "compass", "patches", "near", "side_of")
    numeric = [claim for claim in caption.claims if re.match(r"\d+(@| |$)", claim.value) and claim.kind in countable]
    if not numeric:
        return None
    number = int(re.match(r"\d+", rng.choice(numeric).value).group())
    phrase = NUMBERS[number] if number <= 12 else str(number)
    share = rf"(?:about|around|roughly|to) {phrase}\b"
    idiom = re.search(rf"{share}|\bone (?:an)?other|\bone (?:behind|after)", caption.text)
    if number == 0 or not once(phrase, caption.text) or idiom:
        return None
    new = rng.choice([other for other in range(1, 20) if other != number])
    changed = [claim._replace(value=re.sub(r"^\d+", str(new), claim.value)) for claim in numeric
               if re.match(r"\d+", claim.value).group() == str(number)]  # fmt: skip
    return swap(phrase, NUMBERS[new] if new <= 12 else str(new), caption.text), changed


def change_place(caption: Caption, rng: Random) -> Mutant | None:
    placed = [claim for claim in caption.claims if claim.kind in ("place", "compass", "fills")]
    if not placed:
        return None
    lexicon = words.lexicon()
    place = rng.choice(placed).value.split("@")[-1]
    table = lexicon.compass if place in lexicon.compass else lexicon.places
    surfaces = [text.split(" ", 2)[2] for text in table[place].words]
    present = [surface for surface in surfaces if once(f"the {surface}", caption.text)]
    if len(present) != 1 or sum(claim.value.split("@")[-1] == place for claim in placed) != 1:
        return None
    only_boxes = all(claim.kind != "fills" for claim in placed)
    new = rng.choice([other for other in table if other != place and ("third" if only_boxes else "half") not in other])
    text = swap(f"the {present[0]}", f"the {table[new].words[0].split(' ', 2)[2]}", caption.text)
    changed = [
        claim._replace(value=claim.value.replace(place, new)) for claim in placed if claim.value.split("@")[-1] == place
    ]
    return text, changed


def change_class(caption: Caption, rng: Random) -> Mutant | None:
    subjects = [claim.subject for claim in caption.claims if claim.subject != "image"]
    if not subjects:
        return None
    subject = rng.choice(subjects)
    noun, other = words.noun(subject), rng.choice([name for name, noun in words.nouns().items() if not noun.silent])
    if subject in words.kinds(other) or other in words.kinds(subject):
        return None
    if (noun.singular == noun.plural) != (words.noun(other).singular == words.noun(other).plural):
        return None  # "an aircraft" would become "an ships"
    text = caption.text
    forms = [(noun.plural, words.noun(other).plural), (noun.singular, words.noun(other).singular)]
    if noun.cover:
        forms.append((noun.cover, words.noun(other).cover or words.noun(other).plural))
    for old, new in forms:
        clashes = [
            third.singular
            for third in words.nouns().values()
            if old in (third.singular + third.plural) and third is not noun
        ]
        if clashes and once(old, text) and any(clash in text for clash in clashes):
            return None
        text = swap(old, new, text)
    if any(once(surface, text) for surface in synonyms(subject)):
        return None  # the class is still named, in other words
    changed = [
        claim._replace(subject=other) for claim in caption.claims if claim.subject == subject and claim.value != "0"
    ]
    return (text, changed) if text != caption.text else None


def synonyms(name: str) -> Iterable[str]:
    noun = words.noun(name)
    return [text for pair in (*noun.also, *noun.areas) for text in pair] + [noun.edge or "quay"]


def change_share(caption: Caption, rng: Random) -> Mutant | None:
    shares = [claim for claim in caption.claims if claim.kind in ("share", "part")]
    percents = re.findall(r"\d+%", caption.text)
    if len(percents) != len(set(percents)) or not percents:
        return None
    percent = rng.choice(percents)
    middle = int(percent[:-1]) / 100
    meant = [claim for claim in shares if abs(sum(map(float, claim.value.split()[0].split(".."))) / 2 - middle) < 0.001]
    if len(meant) != 1:
        return None
    new = rng.randrange(10, 96, 5)
    value = f"{new / 100 - 0.03:.3f}..{new / 100 + 0.03:.3f}"
    changed = meant[0]._replace(value=" ".join([value, *meant[0].value.split()[1:]]))
    return caption.text.replace(percent, f"{new}%"), [changed]


def change_size(caption: Caption, rng: Random) -> Mutant | None:
    """The number before "m", or the first of "60 to 180 m", becomes 60 % larger or smaller."""
    sizes = [claim for claim in caption.claims if claim.kind in ("length", "width", "diameter")]
    match = re.search(r"(?<![\d.])(\d+)(?= (?:to|and) \d+ m| m(?:eters)? (?:long|wide|across|in))", caption.text)
    meant = [claim for claim in sizes if match and claim.value.split("..")[0] == match.group(1)]
    if not match or len(meant) != 1:
        return None
    new = str(round(int(match.group(1)) * rng.choice([0.6, 1.6])))
    text = f"{caption.text[: match.start(1)]}{new}{caption.text[match.end(1) :]}"
    return text, [meant[0]._replace(value="..".join([new, *meant[0].value.split("..")[1:]]))]


def change_words(kind: str, table: Mapping[str, words.Phrases]) -> Callable[[Caption, Random], Mutant | None]:
    """Another word of the same table: "in a row" becomes "clustered together"."""

    def change(caption: Caption, rng: Random) -> Mutant | None:
        claims = [claim for claim in caption.claims if claim.kind == kind]
        if len(claims) != 1:
            return None
        how = table[claims[0].value]
        for old, forms in [(text, "words") for text in how.words] + [(text, "before") for text in how.before]:
            others = [name for name, other in table.items() if name != claims[0].value and getattr(other, forms)]
            if once(old, caption.text) and others:
                new = rng.choice(others)
                return swap(old, getattr(table[new], forms)[0], caption.text), [claims[0]._replace(value=new)]
        return None

    return change


def change_relation(caption: Caption, rng: Random) -> Mutant | None:
    """Another side of the landmark, another landmark, or another neighbour."""
    claims = [claim for claim in caption.claims if claim.kind in ("near", "side_of", "adjacent")]
    if not claims:
        return None
    claim, sides = rng.choice(claims), words.lexicon().sides
    *who, landmark = claim.value.split(" ")
    side = who[1] if claim.kind == "side_of" else None
    if side and rng.random() < 0.5:
        new = rng.choice([name for name in sides if name != side])
        present = [old for old in sides[side].words if once(old, caption.text)]
        if not present:
            return None
        return swap(present[0], rng.choice(sides[new].words), caption.text), [
            claim._replace(value=f"{who[0]} {new} {landmark}")
        ]
    if claim.kind == "adjacent":
        phrases: Iterable[str] = words.lexicon().adjacent
        options = [name for name, noun in words.nouns().items() if noun.cover]
    else:
        phrases = sides[side].words if side else (*words.lexicon().near, *words.lexicon().near_read)
        options = [name for name, noun in words.nouns().items() if noun.landmark]
    named = {kind for one in caption.claims if one.subject != "image" for kind in words.kinds(one.subject)}
    other = rng.choice(sorted(set(options) - named - {landmark, claim.subject}))
    if landmark in words.kinds(other) or other in words.kinds(landmark) or claim.subject in words.kinds(other):
        return None
    noun, new_noun = words.noun(landmark), words.noun(other)
    forms = {noun.plural: new_noun.plural, noun.singular: new_noun.singular}
    if noun.cover:
        forms[noun.cover] = new_noun.cover or new_noun.plural
    listed = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    pattern = rf"\b((?:{'|'.join(map(re.escape, phrases))}) (?:the |an? |one of the )?)({listed})\b"
    found = re.findall(pattern, caption.text)
    if len(found) != 1:
        return None
    text = re.sub(pattern, rf"\g<1>{forms[found[0][1]]}", caption.text)
    if claim.kind == "adjacent":
        return text, [Claim("adjacent", *sorted((claim.subject, other)))]
    return text, [claim._replace(value=" ".join([*who, other]))]


def change_known(kind: str, names: Iterable[str]) -> Callable[[Caption, Random], Mutant | None]:
    """Another sensor, band or polarization."""

    def change(caption: Caption, rng: Random) -> Mutant | None:
        claims = [claim for claim in caption.claims if claim.kind == kind]
        if len(claims) != 1 or not once(
            claims[0].value, caption.text.replace("-band", " band").replace("-pol", " pol")
        ):
            return None
        new = rng.choice([name for name in names if name != claims[0].value])
        text = re.sub(rf"\b{claims[0].value}\b", new, caption.text, count=1)
        return text, [claims[0]._replace(value=new)]

    return change


def change_heading(caption: Caption, rng: Random) -> Mutant | None:
    claims = [claim for claim in caption.claims if claim.kind == "heading"]
    match = re.search(r"(\d+)(?= degrees|°)", caption.text)
    if not claims or not match:
        return None
    new = (int(match.group(1)) + rng.randrange(20, 340, 5)) % 360
    text = f"{caption.text[: match.start(1)]}{new:0{len(match.group(1))}}{caption.text[match.end(1) :]}"
    return text, [claims[0]._replace(value=f"{new:03}")]


LEXICON = words.lexicon()
CROSSINGS = tuple(LEXICON.crossings)
CHANGES: dict[str, Callable[[Caption, Random], Mutant | None]] = {
    "number": change_number,
    "place": change_place,
    "class": change_class,
    "size": change_size,
    "share": change_share,
    "relation": change_relation,
    "arrangement": change_words("arrangement", LEXICON.arrangements),
    "axis": change_words("axis", LEXICON.axes),
    "density": change_words("density", LEXICON.densities),
    "crossing": change_words("crosses", LEXICON.crossings),
    "heading": change_heading,
    "sensor": change_known("sensor", LEXICON.sensors),
    "band": change_known("band", LEXICON.bands),
    "polarization": change_known("polarization", LEXICON.polarizations),
}


def test_every_contradicted_change_is_noticed() -> None:
    rng = Random(11)
    judged: Counter[str] = Counter()

    def judge(row: dict, changes: Iterable[str]) -> int:
        exhaustive = random_exhaustive(rng)
        captions = narrate(row, exhaustive=exhaustive, params=PARAMS)
        for caption in captions:
            for what in changes:
                mutant = CHANGES[what](caption, rng)
                if mutant is None or not any(narrate_oracle.false(claim, row) for claim in mutant[1]):
                    continue
                judged[what] += 1
                assert check(mutant[0], row, exhaustive=exhaustive), f"{what}: {caption.text} -> {mutant}"
        return len(captions)

    captions = 0
    while captions < CAPTIONS:
        captions += judge(random_record(rng, captions), CHANGES)
    for number in range(RARE_ROWS):
        judge(rare_record(rng, number), RARE)
    assert {what: judged[what] for what in CHANGES if judged[what] < LEAST} == {}, judged


def rare_record(rng: Random, number: int) -> dict:
    """A row with a ship whose heading is known, or with a map on which a river or a road crosses."""
    row = random_record(rng, number) | {"label": None, "pair_id": None, "boxes": None, "regions": None}
    if number % 2:
        ship = box("ship", rng.uniform(0, 150), rng.uniform(0, 200), 40, 9, heading_deg=rng.uniform(0, 360))
        return row | {"boxes": [ship]}
    cells = [rng.uniform(0, 0.3) for _ in range(9)]
    line = region(rng.choice(["water", "road"]), sum(cells) / 9, cells, crosses=(rng.choice(CROSSINGS),))
    return row | {"regions": [line, region("grass", 1 - sum(cells) / 9, [1 - cell for cell in cells])]}


def test_claims_of_one_image_are_judged_of_another() -> None:
    """Whole claims, of every kind, held against another image: the judges and the oracle agree."""
    rng = Random(12)
    rows = [random_record(rng, number) for number in range(1500)]
    claims = {claim for row in rows for one in narrate(row, exhaustive=(), params=PARAMS) for claim in one.claims}
    by_kind: dict[str, list[Claim]] = {}
    for claim in sorted(claims):
        by_kind.setdefault(claim.kind, []).append(claim)
    every = frozenset(words.nouns())
    judged: Counter[tuple[str, bool]] = Counter()
    for kind in by_kind:
        for row in rng.choices(rows, k=700):
            claim = rng.choice(by_kind[kind])
            untrue = narrate_oracle.false(claim, row)
            judged[kind, untrue] += 1
            problem = truth.problem(claim, row, every)
            assert not untrue or problem, (claim, row)
            # What the source allows to deny, and along which line a row lies, the oracle does not say.
            if kind not in ("only", "arrangement") and not claim.value.startswith("0"):
                assert bool(problem) == untrue, (claim, row, problem)
    assert set(by_kind) >= set(truth.KINDS) - {"only"}, set(truth.KINDS) - set(by_kind)
    assert all(judged[kind, True] >= 100 for kind in by_kind if kind not in ("modality", "only", "count")), judged


def test_tolerances_are_those_that_the_words_state() -> None:
    """Inside the tolerance of "about" a change is no contradiction, outside it is."""
    row = record(regions=[region("water", 0.4, [0.4] * 9), region("tree", 0.6, [0.6] * 9)])
    true = [
        share
        for share in range(30, 51)
        if not check(f"Water covers about {share}% of the mapped area.", row, exhaustive=())
    ]
    assert true == [37, 38, 39, 40, 41, 42, 43]
    assert check("Water covers about half of the mapped area.", row, exhaustive=())
    assert not check("Trees cover most of the mapped area.", row, exhaustive=())
    ship = record(boxes=[box("ship", 100, 100, 40, 10)], pixel_spacing_x_m=3, pixel_spacing_y_m=3)
    true = [size for size in range(90, 160) if not check(f"The ship is about {size} m long.", ship, exhaustive=())]
    assert true == list(range(102, 139))  # 120 m, give or take 15 %


@pytest.mark.parametrize(
    ("text", "least", "greatest"),
    [("The ship is oriented horizontally.", -22, 22), ("The ship is oriented vertically.", 68, 112)],
)
def test_an_axis_holds_to_either_side_and_backwards(text: str, least: int, greatest: int) -> None:
    def true(angle_deg: int) -> bool:
        return not check(text, record(boxes=[box("ship", 90, 90, 40, 10, angle_deg % 180)]), exhaustive=())

    assert {angle for angle in range(-90, 270) if true(angle)} & set(range(-60, 120)) == set(range(least, greatest + 1))

"""One word of a true caption is changed; every change that the annotation contradicts must be noticed.

Whether it does is judged by a third implementation below, as plain as can be, from the claims with the change applied.
"""

import re
from collections import Counter
from random import Random

from narrate_cases import box, random_exhaustive, random_record, record, region

from tasks.narrate import words
from tasks.narrate.claims import Claim, check
from tasks.narrate.compose import Caption, narrate
from tasks.params import Narrate

NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SHARES = [
    "about half",
    "about a third",
    "about a quarter",
    "nearly all",
    "about two thirds",
    "about three quarters",
    "most",
]
Mutant = tuple[str, str, list[Claim]]  # what was changed, the text, the changed claims


def objects(name: str, row: dict) -> list[dict]:
    return [box for box in row["boxes"] or [] if name in words.kinds(box["class"])]


def in_place(box: dict, place: str, row: dict) -> bool:
    u, v = (box["x"] + box["w"] / 2) / row["width_px"], (box["y"] + box["h"] / 2) / row["height_px"]
    if "half" in place:
        return {"left": u <= 0.5, "right": u >= 0.5, "upper": v <= 0.5, "lower": v >= 0.5}[place.split()[0]]
    if "third" in place:
        return {"left": u <= 1 / 3, "right": u >= 2 / 3, "upper": v <= 1 / 3, "lower": v >= 2 / 3}[place.split()[0]]
    column, line = ["left", "center", "right"][min(int(3 * u), 2)], ["upper", "middle", "lower"][min(int(3 * v), 2)]
    return place == ("center" if (line, column) == ("middle", "center") else f"{line} {column}")


def false(claim: Claim, row: dict) -> bool:
    """Whether the annotation contradicts the claim beyond doubt."""
    found = objects(claim.subject, row)
    covers = [region for region in row["regions"] or [] if region["class"] == claim.subject and region["fraction"] > 0]
    labelled = row["label"] is not None and claim.subject in words.kinds(row["label"])
    if claim.kind == "count":
        if claim.value.isdigit():
            return int(claim.value) != (len(found) or int(labelled))
        least = {"some": 2, "any": 1}.get(claim.value) or int(claim.value.split("..")[0])
        most = claim.value.partition("..")[2]
        number = len(found) or int(labelled)
        return not (covers and not found) and (number < least or (most != "" and number > int(most)))
    if claim.kind == "place":
        who, _, place = claim.value.partition("@")
        inside = sum(in_place(box, place, row) for box in found)
        if who.isdigit():
            return inside != int(who)
        return inside < len(found) if who == "all" else 2 * inside <= len(found)
    if claim.kind == "share":
        low, high = map(float, claim.value.split(".."))
        return not any(low <= region["fraction"] <= high for region in covers)
    if claim.kind == "fills":
        rows = [row_ for row_, word in enumerate(["upper", "", "lower"]) if word in claim.value.split()]
        columns = [column for column, word in enumerate(["left", "", "right"]) if word in claim.value.split()]
        if "third" in claim.value:
            rows, columns = rows or [0, 1, 2], columns or [0, 1, 2]
        cells = [covers[0]["grid"][3 * r + c] for r in rows or [1] for c in columns or [1]] if covers else [0.0]
        return sum(cells) / len(cells) <= 0.5
    if claim.kind == "patches":
        return not covers or covers[0]["components"] != int(claim.value)
    if claim.kind in ("length", "diameter"):
        return True  # the change is by a factor of 1.6
    if claim.kind == "dominant":
        return not covers or covers[0]["fraction"] < max(region["fraction"] for region in row["regions"])
    return False  # near, adjacent, arrangement, only: not among the changes, or not beyond doubt


def alone(phrase: str) -> re.Pattern[str]:
    """The phrase as whole words, and "the center" not as a part of "the center right"."""
    return re.compile(rf"(?<![\w-]){re.escape(phrase)}(?![\w-]| (?:left|right|center)\b)", re.IGNORECASE)


def once(phrase: str, text: str) -> bool:
    return len(alone(phrase).findall(text)) == 1


def swap(phrase: str, new: str, text: str) -> str:
    return alone(phrase).sub(new, text)


def change_number(caption: Caption, rng: Random) -> Mutant | None:
    numeric = [
        claim
        for claim in caption.claims
        if re.match(r"\d+(@| |$)", claim.value) and claim.kind in ("count", "place", "patches")
    ]
    if not numeric:
        return None
    number = int(re.match(r"\d+", rng.choice(numeric).value).group())
    phrase = NUMBERS[number] if number <= 12 else str(number)
    if number == 0 or not once(phrase, caption.text) or re.search(rf"(?:about|to) {phrase}\b", caption.text):
        return None
    new = rng.choice([other for other in range(1, 20) if other != number])
    changed = [claim._replace(value=re.sub(r"^\d+", str(new), claim.value)) for claim in numeric
               if re.match(r"\d+", claim.value).group() == str(number)]  # fmt: skip
    return "number", swap(phrase, NUMBERS[new] if new <= 12 else str(new), caption.text), changed


def change_place(caption: Caption, rng: Random) -> Mutant | None:
    placed = [claim for claim in caption.claims if claim.kind in ("place", "fills")]
    if not placed:
        return None
    place = rng.choice(placed).value.split("@")[-1]
    surfaces = [text.split(" ", 2)[2] for text in words.lexicon().places[place].words]
    present = [surface for surface in surfaces if once(f"the {surface}", caption.text)]
    if len(present) != 1 or sum(claim.value.split("@")[-1] == place for claim in placed) != 1:
        return None
    only_boxes = all(claim.kind == "place" for claim in placed)
    others = [
        other
        for other in words.lexicon().places
        if other != place and ("third" not in other if only_boxes else "half" not in other)
    ]
    new = rng.choice(others)
    text = swap(f"the {present[0]}", f"the {words.lexicon().places[new].words[0].split(' ', 2)[2]}", caption.text)
    changed = [
        claim._replace(value=claim.value.replace(place, new)) for claim in placed if claim.value.split("@")[-1] == place
    ]
    return "place", text, changed


def change_class(caption: Caption, rng: Random) -> Mutant | None:
    subject = rng.choice([claim.subject for claim in caption.claims if claim.subject != "image"])
    noun, other = words.noun(subject), rng.choice([name for name, noun in words.nouns().items() if not noun.silent])
    if subject in words.kinds(other) or other in words.kinds(subject):
        return None
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
    changed = [
        claim._replace(subject=other) for claim in caption.claims if claim.subject == subject and claim.value != "0"
    ]
    return ("class", text, changed) if text != caption.text else None


def change_share(caption: Caption, rng: Random) -> Mutant | None:
    shares = [claim for claim in caption.claims if claim.kind == "share"]
    if not shares:
        return None
    claim = rng.choice(shares)
    low, high = map(float, claim.value.split(".."))
    percent = f"about {round((low + high) * 50)}%"
    present = [
        phrase for phrase in (percent, *(f"{word} of the mapped area" for word in SHARES)) if phrase in caption.text
    ]
    if present != [percent]:
        shares = [claim] if len(shares) == 1 else []
    if len(present) != 1 or not shares or caption.text.count(present[0]) != 1:
        return None
    new = rng.randrange(10, 96, 5)
    changed = claim._replace(value=f"{new / 100 - 0.03:.3f}..{new / 100 + 0.03:.3f}")
    tail = "" if present == [percent] else " of the mapped area"
    return "share", caption.text.replace(present[0], f"about {new}%{tail}"), [changed]


def change_size(caption: Caption, rng: Random) -> Mutant | None:
    sizes = [claim for claim in caption.claims if claim.kind in ("length", "diameter")]
    match = re.search(r"about (\d+)(?= (?:to|m|meters) )", caption.text)
    if not sizes or not match:
        return None
    new = round(int(match.group(1)) * rng.choice([0.6, 1.6]))
    text = f"{caption.text[: match.start(1)]}{new}{caption.text[match.end(1) :]}"
    return "size", text, sizes


def test_every_contradicted_change_is_noticed() -> None:
    rng = Random(11)
    judged: Counter[str] = Counter()
    for number in range(1800):
        row, exhaustive = random_record(rng, number), random_exhaustive(rng)
        for caption in narrate(row, exhaustive=exhaustive, params=Narrate(5, 3)):
            for change in (change_number, change_place, change_class, change_share, change_size):
                mutant = change(caption, rng)
                if mutant is None or not any(false(claim, row) for claim in mutant[2]):
                    continue
                what, text, changed = mutant
                judged[what] += 1
                assert check(text, row, exhaustive=exhaustive), f"{what}: {caption.text} -> {text}: {changed}"
    assert min(judged[what] for what in ("number", "place", "class", "share")) > 500, judged
    assert judged["size"] > 30, judged
    assert judged.total() > 8_000, judged


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

"""Which of all questions that could be asked of a source are asked.

Linear in the number of questions that could be asked. A question is one of `asking.Question`, whatever its words.
- Yes and no are taken in pairs, one image each, so that of every question just as many are answered yes as no.
- Other answers are taken in turn, one image each, until one of them would make up more than `MOST_COMMON` of the
  question's; a question with too few different answers is not asked.
- Rare questions choose their images first; an image is asked one question of each family, then two, and so on.
- Of one question, no more are asked than it has wordings times `most_of_a_string`.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

MOST_COMMON = 0.2  # share that one answer may have among those of a question which is not yes or no
ROUNDS = 6  # questions of one family that an image is asked, at most
STRING_SHARE = 0.005  # of all questions that one string may be
_MIX = 0x9E3779B97F4A7C15  # so that an image draws its wording of each question anew
LEAST_STRINGS = 4  # times that a string may be used in any case: a small set cannot be measured in per mille


class Pile(NamedTuple):
    """All images that may be asked one question, by answer."""

    family: int
    wordings: int
    images: "Mapping[str, array[int]]"  # answer → images, in the order in which they are to be chosen


class Chosen(NamedTuple):
    """One question to one image."""

    image: int
    pile: int
    answer: str
    wording: int  # below `Pile.wordings`


def choose(piles: Sequence[Pile], *, draws: Sequence[int], at_most: int) -> list[Chosen]:
    """The questions to ask of the images, at most `at_most` each, in no order that means anything.

    `draws` holds a random number of 64 bits for each image. No wording is used more often than `STRING_SHARE` of the
    outcome, or `LEAST_STRINGS` times.
    """
    most_of_a_string: int | None = None
    while True:
        chosen = _choose(piles, draws=draws, at_most=at_most, most_of_a_string=most_of_a_string)
        allowed = max(int(STRING_SHARE * len(chosen)), LEAST_STRINGS)
        used = _most_used(chosen)
        if used <= allowed:
            return chosen
        # A little less, since fewer questions allow fewer of a string: the second choice is almost always the last.
        most_of_a_string = max(min(int(0.95 * allowed), (most_of_a_string or used) - 1), 1)


def _most_used(chosen: Sequence[Chosen]) -> int:
    counts: dict[tuple[int, int], int] = {}
    for _, pile, _, wording in chosen:
        counts[pile, wording] = counts.get((pile, wording), 0) + 1
    return max(counts.values(), default=0)


def _choose(piles: Sequence[Pile], *, draws: Sequence[int], at_most: int, most_of_a_string: int | None) -> list[Chosen]:
    order = sorted(range(len(piles)), key=lambda index: _scarcity(piles[index]))
    asked = bytearray(len(draws))
    of_family = [bytearray(len(draws)) for _ in range(1 + max((pile.family for pile in piles), default=0))]
    waiting = {index: {answer: piles[index].images[answer][::-1] for answer in sorted(piles[index].images)}
               for index in order}  # fmt: skip
    strings = {index: [0] * piles[index].wordings for index in order}
    taken: dict[int, dict[str, int]] = {index: {} for index in order}
    chosen: list[Chosen] = []
    for limit in range(1, ROUNDS + 1):
        for index in order:
            pile, queues = piles[index], waiting[index]
            is_binary = "yes" in queues or "no" in queues
            if is_binary and len(queues) < 2:
                continue
            used = strings[index]
            of = of_family[pile.family]
            kept: dict[str, list[int]] = {answer: [] for answer in queues}
            counts = taken[index]
            total = sum(counts.values())
            while True:
                turn: list[tuple[str, int]] = []
                for answer, queue in queues.items():
                    while queue:
                        image = queue.pop()
                        if asked[image] < at_most:
                            if of[image] < limit:
                                turn.append((answer, image))
                                break
                            kept[answer].append(image)
                if is_binary:
                    whole = len(turn) == 2
                else:
                    most = max((counts.get(answer, 0) + 1 for answer, _ in turn), default=0)
                    whole = bool(turn) and most <= MOST_COMMON * (total + len(turn))
                room = most_of_a_string is None or total + len(turn) <= most_of_a_string * pile.wordings
                if not whole or not room:
                    for answer, image in turn:
                        kept[answer].append(image)
                    break
                for answer, image in turn:
                    asked[image] += 1
                    of[image] += 1
                    counts[answer] = counts.get(answer, 0) + 1
                    wording = (draws[image] ^ index * _MIX) // 2**20 % pile.wordings
                    while most_of_a_string is not None and used[wording] >= most_of_a_string:
                        wording = (wording + 1) % pile.wordings
                    used[wording] += 1
                    chosen.append(Chosen(image, index, answer, wording))
                total += len(turn)
            for answer, queue in queues.items():
                queue.extend(reversed(kept[answer]))
    return chosen


def _scarcity(pile: Pile) -> int:
    """Of yes or no, how many pairs there can be; else how many answers."""
    sizes = [len(images) for images in pile.images.values()]
    return 2 * min(sizes) if "yes" in pile.images or "no" in pile.images else sum(sizes)

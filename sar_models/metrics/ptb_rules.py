"""The rules behind `ptb`: which strings are one token, and how it is written.

`ptb.json` holds what was seen of single characters and words. A rule's pattern is the token in group 1 and then the
context that it asks for; the context counts when the longest match is sought.
"""

import functools
import importlib.resources
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Rewrite = Callable[[str], str]

_BRACKETS = str.maketrans({"(": "-lrb-", ")": "-rrb-"})
_QUOTES = str.maketrans(
    {**dict.fromkeys("\x91‘‛‹", "`"), **dict.fromkeys("\x92’›", "'")}
    | {**dict.fromkeys("\x93“«", "``"), **dict.fromkeys("\x94”»", "''")}
)


class Grammar:
    """`rules`: patterns in order of preference, each with how its token is written (None: as it stands). `symbol`: a
    character that is a token where no rule fits, `rewritten` by this table; any other such character is dropped.
    `across_spaces`: finds all that lets the tokens of one chunk of text depend on the next."""

    def __init__(self, data: dict[str, Any]) -> None:
        characters = {name: _characters(ranges) for name, ranges in data["characters"].items() if name != "about"}
        words = {name: _words(listed) for name, listed in data["abbreviations"].items() if name != "about"}
        starters = _words(data["sentence_starters"])
        self.rewritten: dict[str, str] = data["rewritten"]
        self.symbol = re.compile(f"[{characters['symbols']}]")
        self.rules = _rules(
            letters=characters["letters"],
            marks=characters["marks"],
            digits=characters["digits"],
            abbreviations=words,
            starters=starters,
        )
        digit, blank = f"[{characters['digits']}]", "[ \t\xa0\n]"
        numbered = "|".join(rf"(?<=(?i:{word})\.)" for word in words["before_number"].split("|"))
        single = r"(?<=[^A-Za-z][A-Za-z]\.)|(?<=\A[A-Za-z]\.)"
        self.across_spaces = re.compile(  # each alternative begins with few characters, which makes the search fast
            rf"<|{digit}(?:\)? {digit}|\xa0)|"
            rf"\.(?:[ \xa0]\.|(?:{numbered}){blank}?{digit}|(?:{single}){blank}+(?=[A-Z])(?i:{starters}){blank})"
        )


@functools.cache
def grammar() -> Grammar:
    """The one grammar."""
    return Grammar(json.loads(importlib.resources.files(__package__).joinpath("ptb.json").read_text(encoding="utf-8")))


def _characters(lines: list[str]) -> str:
    """Ranges such as `41-5a` as the inside of a regular expression's character class."""
    ends = [piece.split("-") for piece in " ".join(lines).split()]
    return "".join(f"\\u{int(end[0], 16):04x}-\\u{int(end[-1], 16):04x}" for end in ends)


def _words(lines: list[str]) -> str:
    """Words as alternatives, the longest first; a full stop is meant literally."""
    return "|".join(re.escape(word) for word in sorted(" ".join(lines).split(), key=lambda word: (-len(word), word)))


def _constant(token: str) -> Rewrite:
    return lambda _: token


def _straight(token: str) -> str:
    return token.replace("&apos;", "'").translate(_QUOTES)


def _without_soft_hyphens(token: str) -> str:
    return token.replace("\xad", "") or "-"


def _without_entity(token: str) -> str:
    return token.replace("&amp;", "&")


def _bracketed(token: str) -> str:
    return token.translate(_BRACKETS)


def _rules(
    *, letters: str, marks: str, digits: str, abbreviations: Mapping[str, str], starters: str
) -> list[tuple[re.Pattern[str], Rewrite | None]]:
    letter, alnum, digit, plain = (
        f"[{letters}{marks}]",
        f"[{letters}{marks}{digits}]",
        f"[{digits}]",
        f"[{letters}{digits}]",
    )
    split, capitalised, joined, before_number = (
        abbreviations[kind] for kind in ("split", "capitalised", "joined", "before_number")
    )
    blank, end = "[ \t\xa0\n]", "[^A-Za-z]"
    apostrophe = "(?:['\x92’]|&apos;)"
    any_apostrophe = "(?:['\x92’`\x91‘‛]|&apos;)"
    not_contraction = f"[nN]{any_apostrophe}[tT]"
    clitic = f"{apostrophe}(?:[msdMSD]|[rR][eE]|[vV][eE]|[lL][lL])"
    word = f"{letter}{alnum}*(?:[.!?]{letter}{alnum}*)*"
    number = f"(?:{digit}*(?:[.:,\xad\u066b\u066c]{digit}+)+|{digit}+)"
    piece = f"(?:[dDoOlL]{any_apostrophe}{plain})?{plain}+"
    compound = f"{piece}(?:[-_\u058a\u2010\u2011]{piece})*"
    name = r"[A-Za-z][A-Za-z0-9_:.\-]*"
    attribute = rf"[ ]+{name}(?:=(?:\"[^\"\n]*\"|'[^'\n]*'))?"
    tag = rf"<(?:[!?][A-Za-z\-][^>\n]*|/?{name}(?:{attribute})*[ ]*/?)>"
    hyphenated = r"[A-Za-z0-9][A-Za-z0-9.,\xad]*(?:-(?:[A-Za-z](?:\.[A-Za-z])+\.|[A-Za-z0-9\xad]+))+"
    initials = "[A-Z]+(?:(?:[+&]|&amp;)[A-Z]+)+"
    slashed = r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}"
    extension = (
        "bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|"
        "txt|wav|x|xml|zip"
    )
    url = r'[^ \t\n"<>|(){}]+[^ \t\n"<>|.!?(){},-]'
    path = r'/[^ \t\n"<>|()]+[^ \t\n"<>|.!?(){},-]'
    host, any_host = r'[^ \t\n"`\'<>|.!?(){}$,-_]', r'[^ \t\n"<>|.!?(){},]'
    address = r'[^ \t\n"<>|(){}\xa0]'
    quotes = "`\x91\x92\x93\x94‘’‚‛“”„‟‹›«»"
    table: list[tuple[str, Rewrite | None]] = [
        # Markup and its entities.
        (f"({tag})", None),
        ("((?i:&(?:MD|mdash|ndash);)|[\x96\x97–—―])", _constant("--")),
        ("((?i:&amp;))", _constant("&")),
        ("(&(?:HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);)", None),
        # Contractions: the token is followed by what it was joined with.
        ("((?i:can))(?i:not)", None),
        ("((?i:gon|wan))(?i:na)", None),
        ("((?i:got))(?i:ta)", None),
        ("((?i:lem|gim))(?i:me)", None),
        (f"({apostrophe}[tT])(?i:is|was)", _straight),
        (f"({word}){clitic}", _without_soft_hyphens),
        (f"([A-Za-z]*[A-MO-Za-mo-z]\xad*){not_contraction}", _without_soft_hyphens),
        (f"({word})", _without_soft_hyphens),
        # Words with an apostrophe of their own.
        (f"({apostrophe}[nN]{apostrophe}?)", None),
        (f"([lLdDjJ]{apostrophe})", None),
        (f"((?i:dunkin|somethin|ol){apostrophe})", None),
        (f"({apostrophe}(?i:em|till?|cause|[2-9]0s))", None),
        (f"([A-HJ-XZn]{any_apostrophe}[{letters}]{{2,}})", None),
        (f"([{letters}]+[aeiouyAEIOUY]{any_apostrophe}[aeiouA-Z][{letters}]*)", None),
        (f"((?i:o{any_apostrophe}o))", None),
        (r"((?i:cont'd\.?|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l))", None),
        (f"([yY]{apostrophe})[{letters}]", None),
        # Addresses.
        (f"((?i:https?)://{url})", None),
        (rf"((?i:www)\.(?:{any_host}+\.)+[a-zA-Z]{{2,4}})", None),
        (rf"((?i:www)\.(?:{any_host}+?\.)+?[a-zA-Z]{{2,4}}{path})", None),
        (rf"((?:{host}+\.)+(?i:com|net|org|edu)(?:{path})?)", None),
        (
            rf'((?:&lt;|<)?[a-zA-Z0-9]{address}*@(?:[^ \t\n"<>|(){{}}.\xa0]+\.)*[^ \t\n"<>|(){{}}.\xa0]+(?:&gt;|>)?)',
            None,
        ),
        (f"([@＠][a-zA-Z_][a-zA-Z_0-9]*|[#＃]{letter}+)", None),
        (f"({clitic}){end}", _straight),
        (f"({not_contraction}){end}", _straight),
        # Numbers.
        (f"({digit}{{1,2}}[-/]{digit}{{1,2}}[-/]{digit}{{2,4}})", None),
        (f"([-+]?{number})", _without_soft_hyphens),
        ("([⁺⁻₊₋]?(?:[⁰¹²³⁴-⁹]+|[₀-₉]+))", None),
        (rf"((?:{digit}{{1,4}}[- \xa0])?{digit}{{1,4}}(?:\\?/|⁄){digit}{{1,4}})", None),
        (rf"({slashed}(?:\\?/{slashed}){{1,2}})", None),
        (r"([A-Z]*\$|#)", None),
        (f"({apostrophe}[0-9]{{2}}){blank}", None),
        # Abbreviations keep their full stop.
        (rf"((?:(?i:{split})|(?=[A-Z])(?i:{capitalised})|[Pp]{{1,2}}[Tt](?:es?|ys?))\.)(?s:..|.?\Z)", None),
        (rf"((?:(?i:{joined})|[Mm](?:fg|tg))\.)", None),
        (rf"((?i:{before_number})\.){blank}?{digit}", None),
        (rf"([A-Za-z])\.{blank}+(?:(?=[A-Z])(?i:{starters}){blank}|{tag})", None),
        (r"([A-Za-z](?:\.[A-Za-z])*\.)", None),
        (r"([cC]\+\+|[cCfF]#)", None),
        (r"(')[A-Za-z][^ \t\n\xa0]", None),
        (rf"({alnum}+(?:\.{alnum}+)*\.(?i:{extension}))[ \t\xa0\n.,?!]", None),
        (rf"({word}\.)[,;:、]", _without_soft_hyphens),
        (
            r"((?:\([0-9]{2,3}\)[ \xa0]?|(?:\+\+?)?(?:[0-9]{2,4}[- \xa0])?[0-9]{2,4}[- \xa0])"
            r"[0-9]{3,4}[- \xa0]?[0-9]{3,5}|(?:(?:\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5})",
            _bracketed,
        ),
        # Quotation marks, faces, brackets, runs of one sign.
        ('("|(?i:&quot;))', _constant("''")),
        (f"({clitic}|{not_contraction})", _straight),
        (f"(''|[{quotes}]{{1,2}}|{apostrophe})", _straight),
        (r"([<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]])[^A-Za-z0-9]", _bracketed),
        (r"([-^x=~<>']_[-^x=~<>']|\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\))", _bracketed),
        ("((?i:&lt;))", _constant("<")),
        ("((?i:&gt;))", _constant(">")),
        ("((?i:&nbsp;))", _constant("")),
        ("(<<?|>>?|_+|@+|#+|[?!]+)", None),
        (r"(\*+|(?:\\\*){1,3})", None),
        ("(-+)", lambda token: "--" if 3 <= len(token) <= 4 else token),
        (r"(\.{3,5}|(?:\.[ \xa0]){2,4}\.|…)", _constant("...")),
        # Compounds.
        (f"({hyphenated})", _without_soft_hyphens),
        (f"({initials})", _without_entity),
        (f"({compound})", None),
        (rf"({initials}\.)[,;:、]", _without_entity),
        (rf"({compound}\.|{hyphenated}\.)[,;:、]", _without_soft_hyphens),
    ]
    return [(re.compile(pattern), rewrite) for pattern, rewrite in table]

"""Arabic news text: where sentences stand, what belongs to a word's end, how it is compared.

It does not know tokens nor AraBERT's cleaning (cleaning.py; nothing of it is re-exported here).
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache

# What no keyboard types and what makes a text read otherwise than it is written: NUL and the two
# overrides of writing direction.
REFUSED = ("\0", "\u202d", "\u202e")
PHRASE_WORDS = 8  # as many words in a row, told in two articles, tie them to one split

_LINE = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_QUOTES = "\"'»«”“’›"
# Stops (U+06D4: Urdu's), then the marks that close after them, and the numbers of notes.
_STOP = re.compile(rf"([.!?؟…\u06d4]+)((?:[{_QUOTES})\]}}{_BIDI}]|\[[0-9]{{1,3}}\])*)")
_WORD = re.compile(r"\w")
_LETTER = "[\u0621-\u064a\u0671-\u06d3]"

# Before a stop that does not end the sentence; each is matched at the end of what precedes it.
_ABBREVIATION = re.compile(  # د. أ. م. ق.م. هـ. J. Dr.
    r"(?:^|[\s\d(\[/.\-" + _QUOTES + _BIDI + r"])"
    r"(?:[وفبل]?[دأ]|" + _LETTER + r"\u0640?|[A-Za-z]|Mr|Mrs|Ms|Dr|St|vs|No)\Z"
)
_ERA = re.compile(r"\d\s?(?:م|هـ?|ق\.\s?م)\Z")  # 2020م. 1445 هـ. 300 ق.م.
_GOES_ON = frozenset("في من إلى على عن حتى بعد قبل بين أو أي الموافق الموافقة حين عندما".split())
_NUMBERED = re.compile(r"\s*\d{1,3}\Z")  # 1. at the head of a line
_DATELINE = re.compile(r"\s*[^.،:]{2,40} [-–—] [^.،:]{2,30}\Z")  # مينسك - سبوتنيك. at a line's head
_ADDRESS = re.compile(r"(?:://|www\.|@)\S*\Z")
_GLUED = re.compile(_LETTER + r"{3}[\u064b-\u0652]?\Z|(?:\d{4}|[\s\])»”])\Z")  # أمس.وقال 1991.عاد
_NEAR = 24  # characters that the patterns above look back at; more for an address
_FAR = 200
_LONGEST_QUOTATION = 1000  # characters; a longer one is a quotation mark that was never closed

_CLOSING = {"“": "”", "«": "»", '"': '"', "(": ")", "[": "]"}
_PAIRED = re.compile('[“”«»"()\\[\\]]')
_SURROGATE = re.compile("[\ud800-\udfff]")


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of every sentence, trimmed, in reading order.

    Each character but white space is in exactly one. A line break always ends a sentence. `؟ ! . …`
    do, with the quotes that close after them, except inside a quotation or brackets, in numbers,
    addresses, initials and abbreviations. Two dots are a pause.
    """
    # Own rules: the best of six libraries ties line by line on plain news, yet cuts at initials,
    # at ق.م. and within quotations, and joins where a space was forgotten (docs/sentences.md).
    return [
        bounds for line in _LINE.finditer(text) for bounds in _line_sentences(line[0], line.start())
    ]


def sentence_at(bounds: Sequence[tuple[int, int]], character: int) -> int | None:
    """Index of the (start, end) that holds the character; None where it stands between them.

    `bounds`: in reading order, not overlapping.
    """
    index = bisect_right(bounds, character, key=lambda place: place[0]) - 1
    return index if index >= 0 and character < bounds[index][1] else None


def lone_surrogate(text: str) -> int | None:
    """Place of the first half of a surrogate pair: no tokenizer takes one, nor can UTF-8 write it.

    None where there is none.
    """
    found = _SURROGATE.search(text)
    return None if found is None else found.start()


def has_arabic_letter(text: str) -> bool:
    """Whether there is a letter of the Arabic script in it, in whatever form or language.

    Tatweel lengthens a letter and is none, though Unicode calls it one (of another category).
    """
    return any(
        unicodedata.category(character) == "Lo"
        and unicodedata.name(character, "").startswith("ARABIC")
        for character in text
    )


# Presentation forms of diacritics that stand alone: NFKC would make a space and a mark of each.
_LONE_MARK = re.compile("[\ufc5e-\ufc63\ufe70-\ufe7f]")


def fold(text: str) -> str:
    """The text as scores compare it: what is left is letters, digits and single spaces.

    Removed: diacritics, Quranic marks, tatweel, invisible characters. Folded: presentation forms
    (NFKC), case, `أ إ آ ٱ` to `ا`, `ى ی` to `ي`, `ة` to `ه`, `ؤ ئ` to `ء` (so that مسؤول and مسئول
    agree), `ک` to `ك`, digits of every script to 0-9. Punctuation and symbols part words, and go.
    """
    composed = unicodedata.normalize("NFKC", _LONE_MARK.sub("", text)).lower()
    # The hamza of a seat is kept before NFKD would make it a mark, and lost.
    seated = unicodedata.normalize("NFKC", composed).replace("ؤ", "ء").replace("ئ", "ء")
    folded = "".join(map(_folded, unicodedata.normalize("NFKD", seated)))
    return " ".join(folded.translate(_SAME_LETTER).split())


def phrases(text: str, words: int = PHRASE_WORDS) -> set[tuple[str, ...]]:
    """Every run of so many folded words; two articles that share one must not be in two splits."""
    found = fold(text).split()
    return {tuple(found[first : first + words]) for first in range(len(found) - words + 1)}


def widen(text: str, start: int, end: int) -> tuple[int, int]:
    """The same slice with the marks, tatweel and joined characters that belong to its last one.

    A token ends before the diacritics of its word's last letter. A start within such a cluster
    moves to its head. An empty slice stays empty; nothing passes the text's ends.
    """
    start, end = (min(max(bound, 0), len(text)) for bound in (start, end))
    if start >= end:
        return start, start
    while start > 0 and _continues(text, start):
        start -= 1
    while end < len(text) and (text[end] == "\u0640" or _continues(text, end)):
        end += 1
    return start, end


def _line_sentences(line: str, offset: int) -> Iterator[tuple[int, int]]:
    """The sentences of one line; `offset` is where the line starts in its text."""
    spans: list[tuple[int, int]] = []
    quotations = _quotations(line)
    start, checked, worded = 0, 0, False
    for stop in _STOP.finditer(line):
        end = stop.end()
        worded = worded or _WORD.search(line, checked, end) is not None
        checked = end
        if not worded:
            if spans:  # stops alone belong to the sentence before them
                spans[-1] = (spans[-1][0], end)
                start = end
        elif _ends(line, stop, start) and not _inside(quotations, stop.start(), end):
            spans.append((start, end))
            start, worded = end, False
    if worded or _WORD.search(line, checked) or not spans:
        spans.append((start, len(line)))
    else:
        spans[-1] = (spans[-1][0], len(line))
    for first, last in spans:
        piece = line[first:last]
        trimmed = piece.strip()
        if trimmed:
            head = offset + first + len(piece) - len(piece.lstrip())
            yield head, head + len(trimmed)


def _ends(line: str, stop: re.Match[str], start: int) -> bool:
    """Whether a stop ends the sentence that began at `start`, were it outside a quotation."""
    marks, closers, end = stop[1], stop[2], stop.end()
    if end == len(line):
        return True
    before = line[max(stop.start() - _NEAR, 0) : stop.start()]
    if not line[end].isspace():  # the space was forgotten
        if closers or marks == ".." or not (re.match(_LETTER, line[end]) and _GLUED.search(before)):
            return False
        return _ADDRESS.search(line, max(stop.start() - _FAR, 0), stop.start()) is None
    following = "".join(line[end : end + _NEAR].split(maxsplit=1)[:1])
    after = following[:1]
    if after in ("،", ",", "؛", ";", ":", "-", "–"):
        return False
    if set(marks) <= set("؟?!"):
        return not any(closer in _QUOTES for closer in closers)  # a question quoted in mid-sentence
    if marks == "..":
        return False
    if marks != ".":
        return not after.islower()
    if _ERA.search(before):
        return following not in _GOES_ON
    if _ABBREVIATION.search(before) and not closers:
        return False
    head = line[start : stop.start()] if start == 0 and stop.start() < 3 * _NEAR + 8 else ""
    return not (_NUMBERED.match(head) or _DATELINE.match(head))


def _quotations(line: str) -> list[tuple[int, int]]:
    """(opening, closing) of quotations and brackets closed in the line; overlapping ones merge."""
    opened: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for mark in _PAIRED.finditer(line):
        character, at = mark[0], mark.start()
        kind = _CLOSING.get(character, character)
        closes = character in _CLOSING.values() and kind in opened and not line[at - 1].isspace()
        if closes:
            first = opened.pop(kind)
            if at - first <= _LONGEST_QUOTATION:
                pairs.append((first, at))
        elif character not in ")]":  # ” and » open too, where nothing is open
            opened[kind] = at
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _inside(quotations: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a stop at (start, end) stands within a quotation that goes on after it."""
    place = bisect_left(quotations, (start, start)) - 1
    return place >= 0 and quotations[place][1] >= end


# After NFKD an alef's hamza or madda is a mark and gone; these have letters of their own.
_SAME_LETTER = str.maketrans("ٱىیةکہھ", "اييهكهه")


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """One character of NFKD text, folded: itself, a digit, a space, or nothing."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] in "PSZ" or character.isspace():
        return " "
    if category[0] in "MC" or character == "\u0640":  # marks, controls, bidi; tatweel
        return ""
    return character


def _continues(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the one before: a mark, joined, half a surrogate."""
    character, before = text[at], text[at - 1]
    return (
        unicodedata.category(character)[0] == "M"
        or character == "\u200d"  # zero-width joiner
        or (before == "\u200d" and not character.isspace() and not _is_arabic(character))
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= character <= "\udfff")
    )


def _is_arabic(character: str) -> bool:
    return "\u0600" <= character <= "\u06ff"

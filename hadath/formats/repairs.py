"""Finds a quote again where another tool counted its offset differently, and tells what was mended.

It knows no file format, only texts, quotes and the offsets claimed for them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hadath.annotations import Article, Span


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing an import changed or left out: where, what was found, what was done."""

    place: str
    found: str
    done: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found}; {self.done}"


@dataclass(frozen=True, slots=True)
class Import:
    """The articles that were read, and all that had to be mended or left out for it."""

    articles: tuple[Article, ...]
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A quote and the start that a tool gives it, counted in whatever way that tool counts."""

    start: int
    quote: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where a claimed quote truly stands. `how` tells what was mended, "" where nothing was.

    `span` is None where the quote cannot be placed; `how` then tells why. `counting` names how the
    tool counts where that alone explains the claim.
    """

    span: Span | None
    how: str = ""
    counting: str = ""


@dataclass(frozen=True, slots=True)
class Counting:
    """One way of counting: how many a rare character, a CRLF and a lone LF make."""

    name: str
    astral: int = 1
    pair: int = 2
    newline: int = 1

    def boundaries(self, text: str) -> list[int]:
        """The offset, so counted, of each character of the text and of its end."""
        offsets = [0]
        for index, character in enumerate(text):
            width = self.astral if ord(character) > 0xFFFF else 1
            if character == "\r" and text.startswith("\n", index + 1):
                width = self.pair - 1
            elif character == "\n" and not (index and text[index - 1] == "\r"):
                width = self.newline
            offsets.append(offsets[-1] + width)
        return offsets

    def tells_apart(self, text: str) -> bool:
        """Whether this way of counting differs from plain code points in this text."""
        astral = self.astral == 2 and max(text, default="") > "\uffff"
        pairs = self.pair == 1 and "\r\n" in text
        lines = self.newline == 2 and "\n" in text.replace("\r\n", "")
        # A mixed counting only stands for itself where each of its parts counts.
        parts = ((self.astral == 2, astral), (self.pair == 1, pairs), (self.newline == 2, lines))
        return all(counts for wanted, counts in parts if wanted)


CODE_POINTS = Counting("code points")
UTF_16 = Counting("UTF-16", astral=2)
COUNTINGS = (
    CODE_POINTS,
    UTF_16,
    Counting("code points, \\r\\n as one", pair=1),
    Counting("UTF-16, \\r\\n as one", astral=2, pair=1),
    Counting("code points, \\n as two", newline=2),
    Counting("UTF-16, \\n as two", astral=2, newline=2),
)


def locate(
    text: str, claims: Sequence[Claim], *, counted: str | None = None, nearest: bool = False
) -> list[Found]:
    """Where each claimed quote stands in the text; one way of counting is sought that fits all.

    Where none does, each quote is sought alone: where it fits under one way of counting, else where
    it stands only once, else (`nearest`) where it stands nearest to its claim. `counted` names the
    way of counting that settles a tie. White space at a quote's edges, and its kind inside, do not
    matter.
    """
    rulers = {
        counting.name: counting.boundaries(text)
        for counting in COUNTINGS
        if counting is CODE_POINTS or counting.name == counted or counting.tells_apart(text)
    }
    read = {
        name: [_read_at(text, _index(ruler, claim.start), claim.quote) for claim in claims]
        for name, ruler in rulers.items()
    }
    fits = {name: spans for name, spans in read.items() if all(spans)}
    if counted in fits:
        fits = {counted: fits[counted]}
    if len({tuple(spans) for spans in fits.values()}) == 1:
        name, spans = next(iter(fits.items()))
        return [
            _found(claim, span, name) for claim, span in zip(claims, spans, strict=True) if span
        ]
    found = []
    for number, claim in enumerate(claims):
        fitting = {name: spans[number] for name, spans in (fits or read).items() if spans[number]}
        if counted in fitting:
            fitting = {counted: fitting[counted]}
        offsets = [_index(ruler, claim.start) for ruler in rulers.values()] if nearest else []
        found.append(_alone(text, claim, fitting, offsets))
    return found


def trim(text: str, start: int, end: int) -> Span:
    """The words between two offsets, without the white space at their edges."""
    quote = text[start:end]
    return Span(start + len(quote) - len(quote.lstrip()), quote.strip())


def occurrences(text: str, quote: str) -> Iterator[int]:
    """Every start of the quote in the text, those that overlap as well."""
    start = text.find(quote) if quote else -1
    while start >= 0:
        yield start
        start = text.find(quote, start + 1)


def _alone(text: str, claim: Claim, read: dict[str, Span | None], offsets: Sequence[int]) -> Found:
    """One quote's place, its fellows giving no hint. `offsets`: the claim in each counting."""
    fitting = {span: name for name, span in reversed(read.items()) if span}
    if len(fitting) == 1:
        span, name = next(iter(fitting.items()))
        return _found(claim, span, name)
    if fitting:
        starts = " or ".join(
            str(span.start) for span in sorted(fitting, key=lambda span: span.start)
        )
        return Found(
            None,
            f"it may stand at {starts}, by how the tool counts ({', '.join(fitting.values())})",
        )
    spans = _tolerant(text, claim.quote)
    if not spans:
        return Found(None, "the article does not have these words")
    if len(spans) == 1:
        return Found(
            spans[0], f"moved from {claim.start} to {spans[0].start}, the only place it stands"
        )
    closest: set[Span] = set()
    for offset in offsets:
        least = min(abs(span.start - offset) for span in spans)
        closest.update(span for span in spans if abs(span.start - offset) == least)
    if len(closest) == 1:
        span = closest.pop()
        return Found(span, f"moved from {claim.start} to {span.start}, the nearest place it stands")
    starts = ", ".join(str(span.start) for span in spans[:8])
    return Found(
        None, f"it stands at {starts}{' …' if len(spans) > 8 else ''}, and none is at {claim.start}"
    )


def _found(claim: Claim, span: Span, name: str) -> Found:
    if span.text != claim.quote:
        return Found(span, f"taken as the article writes it, white space differs, at {span.start}")
    if span.start == claim.start:
        return Found(span)
    moved = f"moved from {claim.start} to {span.start}"
    if name == CODE_POINTS.name:
        return Found(span, f"{moved}, over white space")
    return Found(span, f"{moved} (it was counted in {name})", name)


def _index(ruler: list[int], offset: int) -> int:
    return min(bisect_left(ruler, offset), len(ruler) - 1) if offset >= 0 else 0


def _read_at(text: str, start: int, quote: str) -> Span | None:
    """The quote where it is claimed to start, or after the white space there."""
    if quote == quote.strip() and quote and text.startswith(quote, start):
        return Span(start, quote)
    while start < len(text) and text[start].isspace():
        start += 1
    pattern = _pattern(quote)
    match = pattern.match(text, start) if pattern else None
    return Span(match.start(), match.group()) if match else None


def _tolerant(text: str, quote: str) -> list[Span]:
    """Every place of the quote as written or, where there is none, whatever its white space."""
    exact = [Span(start, quote.strip()) for start in occurrences(text, quote.strip())]
    pattern = None if exact else _pattern(quote)
    return exact or (
        [Span(m.start(), m.group()) for m in pattern.finditer(text)] if pattern else []
    )


def _pattern(quote: str) -> re.Pattern[str] | None:
    words = quote.split()
    return re.compile(r"\s+".join(map(re.escape, words))) if words else None

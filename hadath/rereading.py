"""Candidate answers for a second reading: each marked in a short passage of its own.

After Iyer and others (2021, ReConsider): with one stretch marked, the network no longer has to find
an answer, only to say whether this is one. It does not know how candidates are found (predict.py)
nor what the two readings weigh (decode.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from hadath.annotations import Span
from hadath.errors import HadathError
from hadath.features import Window, WindowSize, gold_tokens

ROOM = 240  # characters of the article on each side of the candidate, some three lines of a page
MARKS = ("[", "]")  # Arabic news hardly writes them, and most vocabularies have them


@dataclass(frozen=True, slots=True)
class Marked:
    """A window over question and passage, and the `first` and `last` token between the marks.

    The window's offsets are characters of the whole raw article; its owner is the candidate's
    number.
    """

    window: Window
    first: int
    last: int


def marked_windows(
    tokenizer: PreTrainedTokenizerFast,
    candidates: Sequence[tuple[str, str, tuple[int, int]]],
    size: WindowSize,
) -> list[Marked]:
    """One window for each (question, article, (start, end)), in order.

    Where a window can't hold the whole passage, as much of it is left on both sides of the
    candidate; a candidate that by itself is too long beside its question has no window. Raises
    HadathError where the vocabulary has no marks.
    """
    if not candidates:
        return []
    opening, closing = _marks(tokenizer)
    room = size.tokens - len(opening) - len(closing)
    bounds = [_passage(article, place) for _, article, place in candidates]
    encoded = tokenizer(
        [question for question, _, _ in candidates],
        [article[a:b] for (_, article, _), (a, b) in zip(candidates, bounds, strict=True)],
        truncation=False,
        verbose=False,  # else transformers warns of what is cut below
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    found = []
    for number, ((_, article, (start, end)), (begin, _)) in enumerate(
        zip(candidates, bounds, strict=True)
    ):
        tokens = [index for index, part in enumerate(encoded.sequence_ids(number)) if part == 1]
        if not tokens:
            continue
        plain = Window(
            owner=number,
            ids=tuple(encoded["input_ids"][number]),
            types=tuple(encoded["token_type_ids"][number]),
            first=tokens[0],
            last=tokens[-1],
            offsets=np.asarray(encoded["offset_mapping"][number], dtype=np.int64) + begin,
        )
        held = gold_tokens(plain, [Span(start, article[start:end])])
        kept = _kept(plain, held[0], room) if held else None
        if kept is not None:
            found.append(_marked(plain, held[0], kept, opening, closing))
    return found


def _marks(tokenizer: PreTrainedTokenizerFast) -> tuple[tuple[int, ...], tuple[int, ...]]:
    opening, closing = (
        tuple(tokenizer(mark, add_special_tokens=False)["input_ids"]) for mark in MARKS
    )
    if opening == closing or tokenizer.unk_token_id in (*opening, *closing):
        raise HadathError(
            f"rereads: the base's vocabulary lacks the marks {' '.join(MARKS)}; set it to 0"
        )
    return opening, closing


def _passage(article: str, place: tuple[int, int]) -> tuple[int, int]:
    """(start, end) of the candidate with ROOM on both sides, cut between words."""
    start, end = place
    begin, stop = max(0, start - ROOM), min(len(article), end + ROOM)
    while 0 < begin < start and not article[begin - 1].isspace():
        begin += 1
    while end < stop < len(article) and not article[stop].isspace():
        stop -= 1
    return begin, stop


def _kept(plain: Window, held: tuple[int, int], room: int) -> tuple[int, int] | None:
    """First and last of the passage's tokens that fit into `room` beside the question."""
    first, last = held
    before, after = first - plain.first, plain.last - last
    free = room - (len(plain) - (plain.last - plain.first + 1)) - (last - first + 1)
    if free < 0:
        return None
    left = min(before, max(free // 2, free - after))
    return first - left, last + min(after, free - left)


def _marked(
    plain: Window,
    held: tuple[int, int],
    kept: tuple[int, int],
    opening: tuple[int, ...],
    closing: tuple[int, ...],
) -> Marked:
    """The window, of its passage the tokens `kept`, with the marks around the tokens `held`.

    A mark stands for no character: its offsets are empty.
    """
    first, last = held

    def around(row: Sequence[Any], before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
        return [
            *row[: plain.first],
            *row[kept[0] : first], *before, *row[first : last + 1], *after,
            *row[last + 1 : kept[1] + 1],
            *row[plain.last + 1 :],
        ]  # fmt: skip

    kind = [plain.types[first]]
    start, end = int(plain.offsets[first, 0]), int(plain.offsets[last, 1])
    no_opening, no_closing = [[start, start]] * len(opening), [[end, end]] * len(closing)
    window = Window(
        owner=plain.owner,
        ids=tuple(around(plain.ids, opening, closing)),
        types=tuple(around(plain.types, kind * len(opening), kind * len(closing))),
        first=plain.first,
        last=plain.first + kept[1] - kept[0] + len(opening) + len(closing),
        offsets=np.array(around(plain.offsets.tolist(), no_opening, no_closing), dtype=np.int64),
    )
    inside = plain.first + first - kept[0] + len(opening)
    return Marked(window, inside, inside + last - first)

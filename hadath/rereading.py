"""Candidate answers for a second reading: each marked in a short passage of its own.

After Iyer and others (2021, ReConsider): with one stretch marked, the network no longer has to find
an answer, only to say whether this is one. It does not know how candidates are found (predict.py)
nor what the two readings weigh (decode.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from hadath.annotations import Span
from hadath.features import Window, WindowSize, gold_tokens

ROOM = 240  # characters of the article on each side of the candidate, some three lines of a page
MARKS = ("[", "]")  # Arabic news hardly writes them, and every tokenizer has them


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

    A candidate that a window can't hold whole beside its question has none.
    """
    if not candidates:
        return []
    opening, closing = (
        tokenizer(mark, add_special_tokens=False)["input_ids"] for mark in MARKS
    )  # fmt: skip
    bounds = [_passage(article, place) for _, article, place in candidates]
    encoded = tokenizer(
        [question for question, _, _ in candidates],
        [article[a:b] for (_, article, _), (a, b) in zip(candidates, bounds, strict=True)],
        truncation="only_second",
        max_length=size.tokens - len(opening) - len(closing),
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
        if held:
            found.append(_marked(plain, held[0], tuple(opening), tuple(closing)))
    return found


def _passage(article: str, place: tuple[int, int]) -> tuple[int, int]:
    """(start, end) of the candidate with ROOM on both sides, cut between words."""
    start, end = place
    begin, stop = max(0, start - ROOM), min(len(article), end + ROOM)
    while 0 < begin < start and not article[begin - 1].isspace():
        begin += 1
    while end < stop < len(article) and not article[stop].isspace():
        stop -= 1
    return begin, stop


def _marked(
    plain: Window, held: tuple[int, int], opening: tuple[int, ...], closing: tuple[int, ...]
) -> Marked:
    """The window with the marks around the tokens `held`. Marks stand for no character."""
    first, last = held

    def around(row: Sequence[int], before: Sequence[int], after: Sequence[int]) -> tuple[int, ...]:
        return (*row[:first], *before, *row[first : last + 1], *after, *row[last + 1 :])

    kind = (plain.types[first],)
    start, end = plain.offsets[first, 0], plain.offsets[last, 1]
    window = Window(
        owner=plain.owner,
        ids=around(plain.ids, opening, closing),
        types=around(plain.types, kind * len(opening), kind * len(closing)),
        first=plain.first,
        last=plain.last + len(opening) + len(closing),
        offsets=np.concatenate(
            [
                plain.offsets[:first],
                np.full((len(opening), 2), start),
                plain.offsets[first : last + 1],
                np.full((len(closing), 2), end),
                plain.offsets[last + 1 :],
            ]
        ),
    )
    return Marked(window, first + len(opening), last + len(opening))

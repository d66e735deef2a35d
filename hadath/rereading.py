"""Candidate answers for a second reading: each in a short passage of its own.

A window of a page holds much that resembles an answer; a few lines around one candidate hold less.
It does not know how candidates are found (predict.py) nor what the two readings weigh (decode.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from hadath.annotations import Span
from hadath.features import Window, WindowSize, gold_tokens

ROOM = 320  # characters of the article on each side of the candidate, some four lines of a page


@dataclass(frozen=True, slots=True)
class Passage:
    """A window over question and passage, and the `first` and `last` token of the candidate.

    The window's offsets are characters of the whole raw article; its owner is the candidate's
    number.
    """

    window: Window
    first: int
    last: int


def passages(
    tokenizer: PreTrainedTokenizerFast,
    candidates: Sequence[tuple[str, str, tuple[int, int]]],
    size: WindowSize,
) -> list[Passage]:
    """One passage for each (question, article, (start, end)), in order.

    Where a window can't hold all of it, as much is left on both sides of the candidate; a candidate
    that by itself is too long beside its question has no passage.
    """
    if not candidates:
        return []
    bounds = [_bounds(article, place) for _, article, place in candidates]
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
        whole = Window(
            owner=number,
            ids=tuple(encoded["input_ids"][number]),
            types=tuple(encoded["token_type_ids"][number]),
            first=tokens[0],
            last=tokens[-1],
            offsets=np.asarray(encoded["offset_mapping"][number], dtype=np.int64) + begin,
        )
        held = gold_tokens(whole, [Span(start, article[start:end])])
        kept = _kept(whole, held[0], size.tokens) if held else None
        if kept is not None:
            found.append(_cut(whole, held[0], kept))
    return found


def _bounds(article: str, place: tuple[int, int]) -> tuple[int, int]:
    """(start, end) of the candidate with ROOM on both sides, cut between words."""
    start, end = place
    begin, stop = max(0, start - ROOM), min(len(article), end + ROOM)
    while 0 < begin < start and not article[begin - 1].isspace():
        begin += 1
    while end < stop < len(article) and not article[stop].isspace():
        stop -= 1
    return begin, stop


def _kept(whole: Window, held: tuple[int, int], tokens: int) -> tuple[int, int] | None:
    """First and last of the passage's tokens that fit into `tokens` beside the question."""
    first, last = held
    before, after = first - whole.first, whole.last - last
    question = len(whole) - (whole.last - whole.first + 1)
    free = tokens - question - (last - first + 1)
    if free < 0:
        return None
    left = min(before, max(free // 2, free - after))
    return first - left, last + min(after, free - left)


def _cut(whole: Window, held: tuple[int, int], kept: tuple[int, int]) -> Passage:
    """The window without the passage's tokens outside `kept`, and where `held` is in it."""
    chosen = [
        *range(whole.first), *range(kept[0], kept[1] + 1), *range(whole.last + 1, len(whole))
    ]  # fmt: skip
    window = Window(
        owner=whole.owner,
        ids=tuple(whole.ids[at] for at in chosen),
        types=tuple(whole.types[at] for at in chosen),
        first=whole.first,
        last=whole.first + kept[1] - kept[0],
        offsets=whole.offsets[chosen],
    )
    shift = kept[0] - whole.first
    return Passage(window, held[0] - shift, held[1] - shift)

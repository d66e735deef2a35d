"""Candidate answers for a second reading: each in a short passage of its own.

A window of a page holds much that resembles an answer; a few lines around one candidate hold less.
It does not know how candidates are found (predict.py) nor what the two readings weigh (decode.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from hadath.annotations import Span
from hadath.features import Window, WindowSize, gold_tokens, pair_window

ROOM = 90  # tokens of the article on each side of the candidate, some four lines of a page


@dataclass(frozen=True, slots=True)
class Passage:
    """A window over question and passage, and the `first` and `last` token of the candidate.

    The window's offsets are characters of the whole raw article; its owner is the candidate's
    number, counted over all questions.
    """

    window: Window
    first: int
    last: int


def passages(
    tokenizer: PreTrainedTokenizerFast,
    asked: Sequence[tuple[str, str, Sequence[tuple[int, int]]]],
    size: WindowSize,
) -> list[Passage]:
    """One passage for each (start, end) of each (question, article, places), in order.

    It is measured in tokens, so that what the tokenizer does not see, as vowel signs or tatweel,
    moves no bound. Where a window can't hold all of it, as much is left on both sides; a candidate
    that by itself is too long beside its question has no passage.
    """
    if not asked:
        return []
    encoded = tokenizer(
        [question for question, _, _ in asked],
        [article for _, article, _ in asked],
        truncation=False,
        verbose=False,  # else transformers warns of what is cut below
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    found = []
    number = -1
    for row, (_, article, places) in enumerate(asked):
        whole = pair_window(encoded, row, row)
        for start, end in places:
            number += 1
            if whole is None:
                continue
            held = gold_tokens(whole, [Span(start, article[start:end])])
            kept = _kept(whole, held[0], size.tokens) if held else None
            if kept is not None:
                found.append(_cut(whole, held[0], kept, number))
    return found


def _kept(whole: Window, held: tuple[int, int], tokens: int) -> tuple[int, int] | None:
    """First and last of the article's tokens that are read: ROOM, or what `tokens` leave."""
    first, last = held
    before, after = min(ROOM, first - whole.first), min(ROOM, whole.last - last)
    question = len(whole) - (whole.last - whole.first + 1)
    free = tokens - question - (last - first + 1)
    if free < 0:
        return None
    left = min(before, max(free // 2, free - after))
    return first - left, last + min(after, free - left)


def _cut(whole: Window, held: tuple[int, int], kept: tuple[int, int], number: int) -> Passage:
    """The window without the article's tokens outside `kept`, and where `held` is in it."""
    chosen = [
        *range(whole.first), *range(kept[0], kept[1] + 1), *range(whole.last + 1, len(whole))
    ]  # fmt: skip
    window = Window(
        owner=number,
        ids=tuple(whole.ids[at] for at in chosen),
        types=tuple(whole.types[at] for at in chosen),
        first=whole.first,
        last=whole.first + kept[1] - kept[0],
        offsets=whole.offsets[chosen],
    )
    shift = kept[0] - whole.first
    return Passage(window, held[0] - shift, held[1] - shift)

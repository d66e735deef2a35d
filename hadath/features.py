"""Annotations into token windows: one function for training and for prediction.

It does not know the network, nor what the logits over a window mean (decode.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import BatchEncoding, PreTrainedTokenizerFast

from hadath.annotations import Article, Span
from hadath.errors import HadathError
from hadath.text import widen


@dataclass(frozen=True, slots=True)
class Window:
    """What the network sees of one text (or of one question and a stretch of an article).

    `ids`, `types`: (token,) input ids and segment numbers. `first`, `last`: the article's tokens
    (a sentence's window counts its closing token and its context too). `offsets`: (token, 2)
    characters of the raw article, meaningful from `first` to `last` only. `owner`: number of the
    pair or sentence it was cut from.
    """

    owner: int
    ids: tuple[int, ...]
    types: tuple[int, ...]
    first: int
    last: int
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class WindowSize:
    """Tokens a window holds, and tokens that two neighbouring windows share."""

    tokens: int
    stride: int


def answer_windows(
    tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]], size: WindowSize
) -> list[Window]:
    """Windows over each (question, article) pair, in order; the question whole in each of them.

    Raises HadathError where a question alone takes more than half a window.
    """
    if not pairs:
        return []
    refuse_long_questions(tokenizer, [question for question, _ in pairs], size)
    room = size.tokens - size.tokens // 2
    encoded = tokenizer(
        [question for question, _ in pairs],
        [article for _, article in pairs],
        truncation="only_second",
        max_length=size.tokens,
        # With a long question the article's share shrinks; the stride must stay inside it.
        stride=max(0, min(size.stride, room - 8)),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    found = (
        pair_window(encoded, row, owner)
        for row, owner in enumerate(encoded["overflow_to_sample_mapping"])
    )
    return [window for window in found if window is not None]


def pair_window(encoded: BatchEncoding, row: int, owner: int) -> Window | None:
    """One encoded (question, article) pair as a window; None where no token is the article's."""
    tokens = [index for index, part in enumerate(encoded.sequence_ids(row)) if part == 1]
    if not tokens:
        return None
    return Window(
        owner=owner,
        ids=tuple(encoded["input_ids"][row]),
        types=tuple(encoded["token_type_ids"][row]),
        first=tokens[0],
        last=tokens[-1],
        offsets=np.asarray(encoded["offset_mapping"][row], dtype=np.int64),
    )


def refuse_long_questions(
    tokenizer: PreTrainedTokenizerFast, questions: Sequence[str], size: WindowSize
) -> None:
    """Raise HadathError where a question takes more than half a window."""
    longest = size.tokens // 2
    for number, tokens in enumerate(_token_counts(tokenizer, questions), 1):
        if tokens > longest:
            raise HadathError(
                f"question {number}: {tokens} tokens, at most {longest} fit; ask a shorter one"
            )


def refuse_long_annotated_questions(
    tokenizer: PreTrainedTokenizerFast, articles: Sequence[Article], size: WindowSize
) -> None:
    """As `refuse_long_questions` for all of the articles' own, naming article and question."""
    longest = size.tokens // 2
    asked = [(article.id, each) for article in articles for each in article.questions]
    counts = _token_counts(tokenizer, [each.question for _, each in asked])
    for (article, question), tokens in zip(asked, counts, strict=True):
        if tokens > longest:
            raise HadathError(
                f"article {article!r}: question {question.id!r}: {tokens} tokens, at most "
                f"{longest} fit into half a window; ask a shorter one or widen the window"
            )


def _token_counts(tokenizer: PreTrainedTokenizerFast, questions: Sequence[str]) -> list[int]:
    if not questions:
        return []
    # verbose: else transformers warns of what is refused anyway.
    return [len(ids) for ids in tokenizer(list(questions), verbose=False)["input_ids"]]


def sentence_windows(
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[tuple[str, str]],
    tokens: int,
    *,
    has_context: bool,
    whole: bool = False,
) -> list[Window]:
    """One window a (sentence, context) pair, cut at `tokens`, the longer of the two first.

    `has_context`: whether sentences are read as pairs, a first one as a pair with ""; the model's
    setting, not the batch's. `whole`: a sentence without context that is too long goes on in
    further windows of the same owner.
    """
    if not texts:
        return []
    encoded = tokenizer(
        [sentence for sentence, _ in texts],
        [context for _, context in texts] if has_context else None,
        truncation="longest_first" if has_context else True,
        max_length=tokens,
        return_overflowing_tokens=whole and not has_context,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    owners = encoded.get("overflow_to_sample_mapping", range(len(texts)))
    return [
        Window(
            owner=owners[row],
            ids=tuple(ids),
            types=tuple(encoded["token_type_ids"][row]),
            first=1,
            last=len(ids) - 1,
            offsets=np.asarray(encoded["offset_mapping"][row], dtype=np.int64),
        )
        for row, ids in enumerate(encoded["input_ids"])
    ]


def slice_of(article: str, window: Window, first: int, last: int) -> tuple[int, int]:
    """(start, end) in the raw article of the tokens `first` to `last`, white space trimmed.

    A mark that ends a word lies outside its token's offsets, so the slice is widened over it.
    """
    start = int(window.offsets[first, 0])
    end = int(window.offsets[last, 1])
    start, end = widen(article, start, end)
    while start < end and article[start].isspace():
        start += 1
    while start < end and article[end - 1].isspace():
        end -= 1
    return start, end


def gold_tokens(window: Window, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """(first, last) tokens of every span that the window holds whole, matched by overlap."""
    held: list[tuple[int, int]] = []
    starts = window.offsets[window.first : window.last + 1, 0]
    ends = window.offsets[window.first : window.last + 1, 1]
    if not len(starts):
        return held
    for span in spans:
        inside = np.flatnonzero((ends > span.start) & (starts < span.end) & (ends > starts))
        if not len(inside):
            continue
        # At a window's edge the overlap may be a part of the span only: not held whole. What
        # tokens leave out of a word is marks and tatweel, before it signs that cleaning removes.
        rest = span.text[max(int(ends[inside[-1]]) - span.start, 0) :]
        head = span.text[: max(int(starts[inside[0]]) - span.start, 0)]
        if any(c.isalnum() and c != "\u0640" for c in head + rest):
            continue
        pair = (window.first + int(inside[0]), window.first + int(inside[-1]))
        if pair not in held:
            held.append(pair)
    return held


@dataclass(frozen=True, slots=True)
class SpanCost:
    """What cutting into windows and tokens costs: gold answers lost or with bounds moved."""

    spans: int
    lost: int
    moved: int

    def __str__(self) -> str:
        return (
            f"{self.spans} gold answers: {self.lost} in no window whole, "
            f"{self.moved} whose tokens read more or less than the quote"
        )


def span_cost(
    windows: Sequence[Window], articles: Sequence[str], gold: Sequence[Sequence[Span]]
) -> SpanCost:
    """Count the gold spans lost to truncation and those that tokens cannot bound exactly."""
    kept: set[tuple[int, int]] = set()
    exact: set[tuple[int, int]] = set()
    for window in windows:
        article = articles[window.owner]
        for number, span in enumerate(gold[window.owner]):
            for first, last in gold_tokens(window, [span]):
                kept.add((window.owner, number))
                if slice_of(article, window, first, last) == (span.start, span.end):
                    exact.add((window.owner, number))
    total = sum(len(spans) for spans in gold)
    return SpanCost(spans=total, lost=total - len(kept), moved=len(kept) - len(exact))

"""Rows for the second reading: a candidate answer marked, to be pointed at or denied.

The wrong ones are what the base itself takes for answers: those a reader must learn to tell apart.
It does not know how the marks are set (hadath/rereading.py), nor the losses.
"""

import random
from collections.abc import Callable, Sequence

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from hadath.annotations import Article, Question, Span
from hadath.decode import Candidate, distinct_places
from hadath.errors import HadathError
from hadath.features import WindowSize, gold_tokens
from hadath.rereading import marked_windows
from hadath.scores import token_f1
from train.examples import NO_ANSWER, Row, window_row

NEAR = 0.5  # token F1 from which the base's own wording of the answer is marked as the answer
FAR = 0.3  # token F1 under which a stretch is another answer, and not the same in other words
OWN = 0.7  # share of the answers marked with the base's bounds, as prediction will mark them

Asked = Sequence[tuple[Question, Article]]
Finder = Callable[[Asked], Sequence[Sequence[Candidate]]]
"""Gives each question's candidates, as the base finds them."""


def reread_rows(
    tokenizer: PreTrainedTokenizerFast,
    asked: Asked,
    find: Finder,
    size: WindowSize,
    *,
    count: int,
    seed: int,
) -> list[Row]:
    """One row for each marked candidate, at most `count` a question.

    An answerable question has its answer marked and up to `count` - 1 others, which overlap no gold
    answer and share few words with one; an unanswerable one up to `count` - 1, all wrong.
    """
    draw = random.Random(seed)
    marked: list[tuple[str, str, tuple[int, int]]] = []
    answered: list[tuple[Span, ...]] = []  # by each marked place, () where it is wrong
    for (question, article), candidates in zip(asked, find(asked), strict=True):
        place = _right_place(question, article.text, candidates, draw)
        if place is not None:
            marked.append((question.question, article.text, place))
            answered.append(question.answers)
        for place in _wrong_places(question, article.text, candidates, count - 1):
            marked.append((question.question, article.text, place))
            answered.append(())
    rows = []
    for each in marked_windows(tokenizer, marked, size):
        window, right = each.window, answered[each.window.owner]
        gold = gold_tokens(window, right) if right else [NO_ANSWER]
        if gold:
            rows.append(window_row(window) | {"gold": gold, "article": (window.first, window.last)})
    return rows


def refuse_without_head(network: PreTrainedModel, base: str) -> None:
    """Raise HadathError where the network's head was never trained, so that it finds nothing."""
    encoder = set(network.base_model.modules())
    heads = [each for each in network.modules() if isinstance(each, nn.Linear)]
    biases = [each.bias for each in heads if each not in encoder and each.bias is not None]
    if not any(bias.any() for bias in biases):  # a new head's are zero
        raise HadathError(
            f"rereads: {base} is no answer finder yet, and would mark stretches at random; "
            f"fine-tune it with rereads=0 first and name that model as the base"
        )


def _right_place(
    question: Question, article: str, candidates: Sequence[Candidate], draw: random.Random
) -> tuple[int, int] | None:
    """The answer as the base bounds it, or as it is annotated; None without an answer."""
    if not question.answers:
        return None
    gold = [span.text for span in question.answers]
    own = next(
        (
            (each.start, each.end)
            for each in sorted(candidates, key=lambda each: -each.log_odds)
            if any(_overlap(each, span.start, span.end) for span in question.answers)
            and token_f1(article[each.start : each.end], gold) >= NEAR
        ),
        None,
    )
    if own is not None and draw.random() < OWN:
        return own
    first = question.answers[0]
    return first.start, first.end


def _wrong_places(
    question: Question, article: str, candidates: Sequence[Candidate], count: int
) -> list[tuple[int, int]]:
    gold = [span.text for span in question.answers]
    others = [
        each
        for each in candidates
        if not any(_overlap(each, span.start, span.end) for span in question.answers)
        and (not gold or token_f1(article[each.start : each.end], gold) < FAR)
    ]
    return distinct_places(others, count)


def _overlap(each: Candidate, start: int, end: int) -> bool:
    return each.start < end and start < each.end

"""Annotated articles into the rows that the Trainer batches.

It does not know how windows are cut (hadath/features.py), nor the losses.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from hadath.annotations import Article, Question
from hadath.features import (
    SpanCost,
    Window,
    WindowSize,
    answer_windows,
    gold_tokens,
    sentence_windows,
    span_cost,
)
from hadath.predict import sentences_with_context

Row = dict[str, Any]
NO_ANSWER = (0, 0)  # the first token stands for "no answer here"


@dataclass(frozen=True, slots=True)
class AnswerRows:
    """Rows for the answer finder, and what truncation and token bounds cost."""

    rows: list[Row]
    cost: SpanCost
    questions: int


def answer_rows(
    tokenizer: PreTrainedTokenizerFast,
    asked: Sequence[tuple[Question, Article]],
    size: WindowSize,
    *,
    empty_windows: float,
    seed: int,
) -> AnswerRows:
    """One row a window. Of an answerable question's windows without the answer a share is kept."""
    windows = answer_windows(
        tokenizer, [(question.question, article.text) for question, article in asked], size
    )
    cost = span_cost(
        windows, [article.text for _, article in asked], [question.answers for question, _ in asked]
    )
    draw = random.Random(seed)
    rows = []
    for window in windows:
        question = asked[window.owner][0]
        gold = gold_tokens(window, question.answers)
        if question.answers and not gold and draw.random() >= empty_windows:
            continue
        rows.append(
            _row(window) | {"gold": gold or [NO_ANSWER], "article": (window.first, window.last)}
        )
    return AnswerRows(rows, cost, len(asked))


def event_rows(
    tokenizer: PreTrainedTokenizerFast,
    articles: Sequence[Article],
    labels: Sequence[str],
    *,
    tokens: int,
    context: str,
) -> list[Row]:
    """One row a sentence, `labels` a 0/1 float each."""
    texts: list[tuple[str, str]] = []
    targets: list[list[float]] = []
    for article in articles:
        bounds = article.bounds()
        texts += sentences_with_context(article, bounds, context=context)
        for types in article.sentence_types(bounds):
            targets.append([float(label in types) for label in labels])
    windows = sentence_windows(tokenizer, texts, tokens, has_context=context != "none")
    return [
        _row(window) | {"labels": target} for window, target in zip(windows, targets, strict=True)
    ]


def _row(window: Window) -> Row:
    return {"input_ids": window.ids, "token_type_ids": window.types}


class Collator:
    """Rows into padded tensors.

    `gold`: (row, answer, 2), padded with -1; `article`: (row, 2); or `labels`: (row, label).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._pad = tokenizer.pad_token_id
        self._types = "token_type_ids" in tokenizer.model_input_names

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """The batch, as wide as its longest row rounded up to 8 tokens."""
        width = -(-max(len(row["input_ids"]) for row in rows) // 8) * 8
        ids = np.full((len(rows), width), self._pad, dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.int64)
        types = np.zeros((len(rows), width), dtype=np.int64)
        for number, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[number, :length] = row["input_ids"]
            types[number, :length] = row["token_type_ids"]
            mask[number, :length] = 1
        batch = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        if self._types:
            batch["token_type_ids"] = torch.from_numpy(types)
        if "labels" in rows[0]:
            batch["labels"] = torch.tensor([row["labels"] for row in rows])
        else:
            batch["gold"] = _gold_tensor(rows)
            batch["article"] = torch.tensor([row["article"] for row in rows])
        return batch


def _gold_tensor(rows: Sequence[Row]) -> torch.Tensor:
    most = max(len(row["gold"]) for row in rows)
    gold = torch.full((len(rows), most, 2), -1, dtype=torch.long)
    for number, row in enumerate(rows):
        gold[number, : len(row["gold"])] = torch.tensor(row["gold"])
    return gold

"""The two losses, on logits and, for the recipes, on a network's outputs; each gives one number.

It does not know how the network got there, nor the loop.
"""

from collections.abc import Mapping

import torch
from torch.nn import functional
from transformers.modeling_outputs import QuestionAnsweringModelOutput, SequenceClassifierOutput

Gold = Mapping[str, torch.Tensor]
"""What a batch should give, by the names of Collator: `gold` and `article`, or `labels`."""


def answers_loss(outputs: QuestionAnsweringModelOutput, gold: Gold) -> torch.Tensor:
    """`span_loss` of an answer finder's outputs."""
    return span_loss(outputs.start_logits, outputs.end_logits, gold["gold"], gold["article"])


def events_loss(
    outputs: SequenceClassifierOutput, gold: Gold, *, multi_label: bool
) -> torch.Tensor:
    """`label_loss` of an event classifier's outputs."""
    return label_loss(outputs.logits, gold["labels"], multi_label=multi_label)


def span_loss(
    start: torch.Tensor, end: torch.Tensor, gold: torch.Tensor, article: torch.Tensor
) -> torch.Tensor:
    """Negative log of the probability mass on all gold spans of each window, averaged.

    After Clark and Gardner (2018). `start`, `end`: (row, token) logits. `gold`: (row, answer, 2)
    tokens, -1 where there are fewer answers; (0, 0) is "no answer here". `article`: (row, 2) first
    and last token of the article; no other token but token 0 takes part in the softmax.
    """
    token = torch.arange(start.shape[1], device=start.device)[None, :]
    allowed = (token >= article[:, :1]) & (token <= article[:, 1:])
    allowed[:, 0] = True
    places = gold.clamp(min=0)
    total = torch.zeros(gold.shape[:2], device=start.device)
    for side, logits in enumerate((start, end)):
        masked = logits.float().masked_fill(~allowed, float("-inf"))
        total = total + functional.log_softmax(masked, dim=1).gather(1, places[:, :, side])
    total = total.masked_fill(gold[:, :, 0] < 0, float("-inf"))
    return -torch.logsumexp(total, dim=1).mean()


def label_loss(logits: torch.Tensor, labels: torch.Tensor, *, multi_label: bool) -> torch.Tensor:
    """Binary cross-entropy summed over labels, or one cross-entropy a row; averaged over rows.

    `logits`, `labels`: (row, label). Summing keeps a rare label's gradient from shrinking with the
    label set.
    """
    if multi_label:
        each = functional.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")
        return each.sum(dim=1).mean()
    return functional.cross_entropy(logits.float(), labels.argmax(dim=1))

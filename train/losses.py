"""The losses, on logits and, for the answers' recipe, on a network's outputs; each gives a number.

It does not know how the network got there, nor the loop.
"""

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional
from transformers.modeling_outputs import QuestionAnsweringModelOutput

Gold = Mapping[str, torch.Tensor]
"""What a batch should give, by the names of Collator: `gold` and `article`, or `labels`."""

BETA = 0.999  # a label's thousandth example teaches a third of its first (Cui and others 2019)
FOCUS = 4.0  # an absent label's loss is weighed by its probability to this power (Ridnik 2021)
MARGIN = 0.05  # of the same: probability under which an absent label costs nothing


def answers_loss(outputs: QuestionAnsweringModelOutput, gold: Gold) -> torch.Tensor:
    """`span_loss` of an answer finder's outputs."""
    return span_loss(outputs.start_logits, outputs.end_logits, gold["gold"], gold["article"])


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


def label_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    multi_label: bool,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Binary cross-entropy summed over labels, or one cross-entropy a row; averaged over rows.

    `logits`, `labels`: (row, label). `weights`: (label,) of each label where it is there. Summing
    keeps a rare label's gradient from shrinking with the label set.
    """
    if weights is not None:
        weights = weights.to(logits.device)
    if multi_label:
        each = functional.binary_cross_entropy_with_logits(
            logits.float(), labels, reduction="none", pos_weight=weights
        )
        return each.sum(dim=1).mean()
    each = functional.cross_entropy(
        logits.float(), labels.argmax(dim=1), weight=weights, reduction="none"
    )
    return each.mean()


def asymmetric_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """As `label_loss` of several labels, what is rightly denied weighing next to nothing.

    After Ridnik and others (2021): an absent label's probability is first lowered by MARGIN, and
    its loss weighed by that probability to the power of FOCUS. `logits`, `labels`: (row, label).
    """
    lowered = (torch.sigmoid(logits.float()) - MARGIN).clamp(min=0)
    absent = -(lowered**FOCUS) * torch.log1p(-lowered)
    present = -functional.logsigmoid(logits.float())
    return (labels * present + (1 - labels) * absent).sum(dim=1).mean()


def balanced_weights(counts: Sequence[int]) -> torch.Tensor:
    """(label,) weights with a mean of 1, the rarer label the heavier (Cui and others 2019).

    `counts`: examples of each label. n examples teach as much as (1 - BETA^n) / (1 - BETA) that
    share nothing; a label weighs one divided by that. One that has none weighs as if it had one.
    """
    effective = 1 - BETA ** torch.tensor(counts, dtype=torch.float).clamp(min=1)
    weights = 1 / effective
    return weights / weights.mean()

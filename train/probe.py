"""Starts a classification head from a linear probe of the untouched encoder, not from chance.

After Kumar and others (2022), "Fine-tuning can distort pretrained features": probe first, then
fine-tune. The pooler is set to centre and whiten the first token's state (Su and others 2021),
which in encoders trained for retrieval hardly differs between texts. It does not fine-tune.
"""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from transformers import PreTrainedModel

from train.examples import Collator, Row

SPREAD = 0.5  # standard deviation of a whitened component: where tanh is nearly a line
SHRINKAGE = 0.2  # of the mean variance, added to each component's: the least of them are noise
STRENGTH = 0.05  # inverse of the probe's L2 penalty
BATCH_TOKENS = 4096


def start_from_probe(
    network: PreTrainedModel, rows: Sequence[Row], collate: Collator, *, multi_label: bool
) -> bool:
    """Set pooler and classifier as a probe on `rows` finds them; False where there is no such head.

    A head that was fine-tuned before has a bias that is not zero, and is left as it is.
    """
    pooler = getattr(getattr(network.base_model, "pooler", None), "dense", None)
    if not isinstance(pooler, torch.nn.Linear) or pooler.in_features != pooler.out_features:
        return False
    if not head_is_new(network):
        return False
    head = network.classifier
    if len(rows) <= pooler.in_features:  # too few to tell variances by
        return False
    labels = np.array([row["labels"] for row in rows]) > 0
    states = first_states(network, rows, collate)
    mean = states.mean(axis=0)
    _, sizes, directions = np.linalg.svd(states - mean, full_matrices=False)
    variances = sizes**2 / len(states)
    scales = SPREAD / np.sqrt(variances + SHRINKAGE * variances.mean())
    whitening = directions * scales[:, None]
    pooled = np.tanh((states - mean) @ whitening.T)
    weights, biases = _fitted(pooled, labels, multi_label=multi_label)
    with torch.no_grad():
        pooler.weight.copy_(torch.from_numpy(whitening))
        pooler.bias.copy_(torch.from_numpy(-whitening @ mean))
        head.weight.copy_(torch.from_numpy(weights))
        head.bias.copy_(torch.from_numpy(biases))
    return True


def head_is_new(network: PreTrainedModel) -> bool:
    """Whether the network ends in one linear classifier that was never trained: no bias yet."""
    head = getattr(network, "classifier", None)
    return isinstance(head, torch.nn.Linear) and head.bias is not None and not head.bias.any()


def first_states(network: PreTrainedModel, rows: Sequence[Row], collate: Collator) -> np.ndarray:
    """(row, hidden) last state of each row's first token, in float32."""
    found = np.zeros((len(rows), network.config.hidden_size), dtype=np.float32)
    order = sorted(range(len(rows)), key=lambda number: len(rows[number]["input_ids"]))
    training = network.training
    network.eval()
    while order:
        count = max(1, BATCH_TOKENS // len(rows[order[-1]]["input_ids"]))
        batch, order = order[-count:], order[:-count]
        inputs = collate([rows[number] for number in batch])
        inputs.pop("labels")
        with torch.inference_mode():  # in float32: whitening would amplify what bf16 rounds away
            states = network.base_model(**inputs).last_hidden_state
        found[batch] = states[:, 0].float().numpy()
    network.train(training)
    return found


def _fitted(
    pooled: np.ndarray, labels: np.ndarray, *, multi_label: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(label, hidden) weights and (label,) biases of logistic regressions on the pooled states."""
    if not multi_label:
        fitted = LogisticRegression(C=STRENGTH, max_iter=500).fit(pooled, labels.argmax(axis=1))
        if len(fitted.classes_) == labels.shape[1] > 2:
            return fitted.coef_, fitted.intercept_
    weights = np.zeros((labels.shape[1], pooled.shape[1]))
    biases = np.zeros(labels.shape[1])
    for label in range(labels.shape[1]):
        truth = labels[:, label]
        if truth.any() and not truth.all():
            fitted = LogisticRegression(C=STRENGTH, max_iter=500).fit(pooled, truth)
            weights[label], biases[label] = fitted.coef_[0], fitted.intercept_[0]
        else:
            share = smoothed_shares(torch.from_numpy(truth[:, None]))
            biases[label] = torch.logit(share).item()
    return weights, biases


def smoothed_shares(targets: torch.Tensor) -> torch.Tensor:
    """(label,) share of the rows that have each label, never 0 or 1 (add-one). (row, label) in."""
    return (targets.sum(dim=0) + 1.0) / (len(targets) + 2)

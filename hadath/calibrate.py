"""Fits, on the dev split, the few numbers saved with a model: temperature and thresholds.

It sees probabilities, logits and gold labels only; it never sees a test split.
"""

from collections.abc import Sequence

import numpy as np

from hadath.decode import Candidate, event_probabilities, window_probabilities

_TEMPERATURES = np.geomspace(0.25, 8.0, 61)
_TINY = 1e-12


def events_temperature(logits: np.ndarray, gold: np.ndarray, *, multi_label: bool) -> float:
    """The temperature with the least negative log-likelihood (Guo et al. 2017).

    `logits`: (sentence, label). `gold`: (sentence, label) truth values.
    """

    def loss(temperature: float) -> float:
        p = event_probabilities(logits, temperature=temperature, multi_label=multi_label)
        if multi_label:
            right = np.where(gold, p, 1 - p)
            return -float(np.log(right + _TINY).mean())
        return -float(np.log((p * gold).sum(axis=1) + _TINY).mean())

    return float(min(_TEMPERATURES, key=loss))


def label_thresholds(
    probabilities: np.ndarray, gold: np.ndarray, *, prior: float = 2.0
) -> np.ndarray:
    """(label,) thresholds, each the one with its label's best F1 on dev.

    A rare label's best F1 rests on a handful of sentences, so each F1 is smoothed with `prior`
    sentences of the F1 that 0.5 gives; ties go to the threshold nearest 0.5. A label without a dev
    sentence keeps 0.5.
    """
    grid = np.round(np.arange(0.05, 0.951, 0.025), 3)
    grid = grid[np.argsort(np.abs(grid - 0.5), kind="stable")]
    thresholds = np.full(probabilities.shape[1], 0.5)
    for label in range(probabilities.shape[1]):
        truth = gold[:, label].astype(bool)
        if not truth.any():
            continue
        chosen = probabilities[:, label][None, :] >= grid[:, None]
        hits = (chosen & truth).sum(axis=1)
        doubled = chosen.sum(axis=1) + truth.sum()
        # grid[0] is the value nearest 0.5: its F1 is what the prior pulls towards.
        middle = 2 * hits[0] / max(doubled[0], 1)
        smoothed = (2 * hits + 2 * prior * middle) / (doubled + 2 * prior)
        thresholds[label] = grid[int(np.argmax(smoothed))]
    return thresholds


def answers_temperature(
    questions: Sequence[tuple[Sequence[Candidate], frozenset[tuple[int, int]]]],
) -> float:
    """The temperature with the least negative log-likelihood of each window's span or none.

    `questions`: (candidates, gold (start, end) places); no places where the article does not say.
    A window without a gold place should say "not here". Of a question whose gold is nowhere among
    the candidates nothing is counted: it tells nothing about scale.
    """
    known = [
        (candidates, gold)
        for candidates, gold in questions
        if not gold or any((each.start, each.end) in gold for each in candidates)
    ]

    def loss(temperature: float) -> float:
        total = 0.0
        for candidates, gold in known:
            for none, spans in window_probabilities(candidates, temperature=temperature):
                right = sum(p for place, p in spans.items() if place in gold)
                total -= float(np.log((right if gold & spans.keys() else none) + _TINY))
        return total

    return float(min(_TEMPERATURES, key=loss)) if known else 1.0


def no_answer_threshold(answerable: np.ndarray, f1: np.ndarray, unanswerable: np.ndarray) -> float:
    """The probability under which "the article does not say" gives the best mean F1 on dev.

    As in SQuAD v2, but never over 0.5: a finder whose answers are weak would gain F1 by denying
    what it believes likelier than not, and nobody could make sense of that. `answerable`:
    (question,) probability that the article answers. `f1`: (question,) F1 of the best span, 0 for
    an unanswerable question. `unanswerable`: (question,) truth values. Ties go to the higher.
    """
    # Between two neighbouring probabilities every threshold does the same: take the middle.
    steps = np.unique(answerable)
    grid = np.concatenate([[0.0, 0.5], (steps[1:] + steps[:-1]) / 2])
    grid = np.sort(grid[grid <= 0.5])[::-1]
    # What silence on all questions below a threshold gains over their best spans, summed once:
    # a matrix of thresholds and questions would take gigabytes on ten thousand of them.
    order = np.argsort(answerable, kind="stable")
    gains = np.concatenate([[0.0], np.cumsum((unanswerable.astype(float) - f1)[order])])
    silent = np.searchsorted(answerable[order], grid, side="left")
    return float(grid[int(np.argmax(np.round(gains[silent], 9)))])

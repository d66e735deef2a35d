"""Fits, on the dev split, the few numbers saved with a model: temperature, floor, thresholds.

It sees probabilities, logits and gold labels only; it never sees a test split.
"""

from collections.abc import Sequence

import numpy as np

from hadath.decode import Candidate, event_probabilities, span_probabilities, with_floor

_TEMPERATURES = np.geomspace(0.25, 8.0, 61)
_FLOORS = np.linspace(0, 0.2, 21)
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


def shared_threshold(probabilities: np.ndarray, gold: np.ndarray, *, prior: float = 5.0) -> float:
    """The one threshold for all labels with the best micro-F1 on dev.

    `probabilities`, `gold`: (sentence, label). A threshold for each label would rest on a handful
    of sentences: fitted so on 24 articles, it lost 2 points of F1 on those left out. `prior`
    sentences of the F1 that 0.5 gives pull small dev splits towards 0.5, where ties go too.
    """
    grid = np.round(np.arange(0.1, 0.901, 0.025), 3)
    grid = grid[np.argsort(np.abs(grid - 0.5), kind="stable")]
    truth = gold.astype(bool)
    if not truth.any():
        return 0.5
    chosen = [probabilities >= value for value in grid]
    hits = np.array([(each & truth).sum() for each in chosen])
    doubled = np.array([each.sum() + truth.sum() for each in chosen])
    # grid[0] is 0.5: its F1 is what the prior pulls towards.
    middle = 2 * hits[0] / doubled[0]
    return float(grid[int(np.argmax((2 * hits + 2 * prior * middle) / (doubled + 2 * prior)))])


def answers_confidence(
    candidates: Sequence[Sequence[Candidate]],
    right: Sequence[frozenset[tuple[int, int]]],
    weights: Sequence[float],
) -> tuple[float, float]:
    """The temperature and floor at which the best span's probability tells best if it is right.

    That is the confidence people see, so it, and no other span's, is fitted: the least negative
    log-likelihood of right or wrong. `candidates`: of each question. `right`: its (start, end)
    places that are exactly right, none where the article does not say. `weights`: of each question.
    """
    loss = np.zeros((len(_TEMPERATURES), len(_FLOORS)))
    for spans, places, weight in zip(candidates, right, weights, strict=True):
        if spans:
            probability, hit = _best_span(spans, places)
            mixed = with_floor(probability[:, None], _FLOORS)
            loss -= weight * np.log((mixed if hit else 1 - mixed) + _TINY)
    if not loss.any():
        return 1.0, 0.0
    temperature, floor = np.unravel_index(int(np.argmin(loss)), loss.shape)
    return float(_TEMPERATURES[temperature]), float(_FLOORS[floor])


def _best_span(
    candidates: Sequence[Candidate], right: frozenset[tuple[int, int]]
) -> tuple[np.ndarray, bool]:
    """(temperature,) the best span's probability as `rank` gives it, and whether it is right."""
    places, probabilities, _ = span_probabilities(candidates, _TEMPERATURES)
    return probabilities[:, 0], places[0] in right


def no_answer_threshold(
    answerable: np.ndarray, f1: np.ndarray, unanswerable: np.ndarray, weights: np.ndarray
) -> float:
    """The probability under which "the article does not say" gives the best mean F1 on dev.

    As in SQuAD v2, but never over 0.5: a finder whose answers are weak would gain F1 by denying
    what it believes likelier than not, and nobody could make sense of that. `answerable`:
    (question,) probability that the article answers. `f1`: (question,) F1 of the best span, 0 for
    an unanswerable question. `unanswerable`: (question,) truth values. `weights`: (question,) of
    each in the mean. Ties go to the higher.
    """
    # Between two neighbouring probabilities every threshold does the same: take the middle.
    steps = np.unique(answerable)
    grid = np.concatenate([[0.0, 0.5], (steps[1:] + steps[:-1]) / 2])
    grid = np.sort(grid[grid <= 0.5])[::-1]
    # What silence on all questions below a threshold gains over their best spans, summed once:
    # a matrix of thresholds and questions would take gigabytes on ten thousand of them.
    order = np.argsort(answerable, kind="stable")
    gains = np.concatenate([[0.0], np.cumsum((weights * (unanswerable - f1))[order])])
    silent = np.searchsorted(answerable[order], grid, side="left")
    return float(grid[int(np.argmax(np.round(gains[silent] / weights.sum(), 12)))])

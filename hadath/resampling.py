"""Bootstrap by article: figures as functions of article weights, for all draws at once.

It does not know what a result holds nor which figures go together (scores.py), only arrays: a row
for each result, `index` saying which article it is of.

Whole articles are drawn again with replacement, since questions and sentences of one article are
alike; a draw is how often each article was taken. A statistic gives NaN where a draw cannot tell.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

DRAWS = 1000
SEED = 13
BINS = 10

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Statistic = Callable[[FloatArray], dict[Hashable, FloatArray]]
"""Weights (draw, article) -> key: (draw,) values, NaN where a draw cannot tell."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A share in [0, 1] and its 95 % bootstrap interval.

    Drawing articles again adds noise, which a calibration error counts as error: an ECE's interval
    may lie above its value.
    """

    value: float
    low: float
    high: float


def figures_of(
    statistics: Sequence[Statistic], articles: int, *, draws: int, seed: int
) -> dict[Hashable, Figure]:
    """Each statistic on the data itself (every article weighs 1) and on `draws` resamples."""
    rng = np.random.default_rng(seed)
    at_once = max(1, 4_000_000 // articles)
    values = [_apply(statistics, np.ones((1, articles)))]
    for first in range(0, draws, at_once):
        count = min(at_once, draws - first)
        picks = rng.integers(articles, size=(count, articles))
        picks += np.arange(count)[:, None] * articles
        weights = np.bincount(picks.ravel(), minlength=count * articles)
        values.append(_apply(statistics, weights.reshape(count, articles).astype(float)))
    return {
        key: _figure(float(value[0]), np.concatenate([block[key] for block in values[1:]]))
        for key, value in values[0].items()
        if not np.isnan(value[0])
    }


def _apply(statistics: Sequence[Statistic], weights: FloatArray) -> dict[Hashable, FloatArray]:
    return {
        key: value for statistic in statistics for key, value in statistic(weights).items()
    }  # fmt: skip


def _figure(value: float, draws: FloatArray) -> Figure:
    told = draws[~np.isnan(draws)]
    if not told.size:
        return Figure(value, value, value)
    low, high = np.percentile(told, (2.5, 97.5))
    return Figure(value, float(low), float(high))


def equal_mass_bins(probabilities: FloatArray) -> IntArray:
    """Ten bins of equal mass; equal probabilities share a bin, so bins may differ or be empty.

    A level goes where the middle of its mass lies, in whole numbers: doubling the data moves none.
    """
    if not probabilities.size:
        return np.zeros(0, dtype=np.int64)
    _, place, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    twice_middle = 2 * np.cumsum(counts) - counts
    return (twice_middle * BINS // (2 * len(probabilities)))[place]


# --- statistics ------------------------------------------------------------------------------


def area_statistic(scores: FloatArray, right: BoolArray, index: IntArray) -> Statistic:
    """ROC AUC with ties counted half, as sklearn.metrics.roc_auc_score with sample weights."""
    _, place = np.unique(scores, return_inverse=True)
    shape = (int(place.max()) + 1, int(index.max()) + 1)
    ones = np.ones(len(place))
    positive = csr_array((ones[right], (place[right], index[right])), shape=shape)
    negative = csr_array((ones[~right], (place[~right], index[~right])), shape=shape)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        up, down = positive @ weights.T, negative @ weights.T  # (distinct score, draw)
        below = np.cumsum(down, axis=0) - down / 2
        return {
            "answerability_auc": share((up * below).sum(axis=0), up.sum(axis=0) * down.sum(axis=0))
        }

    return statistic


def calibration_statistic(
    name: str, excess: FloatArray, bins: IntArray, *, index: IntArray, articles: int
) -> Statistic:
    """ECE. `excess`: probability minus outcome; the bins stay those of the whole data."""
    gaps = np.zeros((articles, BINS))
    np.add.at(gaps, (index, bins), excess)
    counts = np.bincount(index, minlength=articles).astype(float)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        return {name: share(np.abs(weights @ gaps).sum(axis=1), weights @ counts)}

    return statistic


def error_by_chance(probabilities: FloatArray, bins: IntArray, *, draws: int, seed: int) -> Figure:
    """The ECE that probabilities have by chance where each is exactly true: mean and 95 % of draws.

    A bin of few results is seldom right as often as it should be, so no temperature brings a small
    split's ECE to 0. `probabilities`, `bins`: (result,), one at least.
    """
    order = np.lexsort((bins, probabilities))  # the figure does not hang on the results' order
    probabilities, bins = probabilities[order], bins[order]
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for draw in range(draws):
        excess = probabilities - (rng.random(len(bins)) < probabilities)
        gaps = np.bincount(bins, weights=excess, minlength=BINS)
        found[draw] = np.abs(gaps).sum() / len(bins)
    low, high = np.percentile(found, (2.5, 97.5))
    return Figure(float(found.mean()), float(low), float(high))


def mean_statistic(values: FloatArray, buckets: IntArray, index: IntArray) -> Statistic:
    """The mean of (result,) values in each bucket of article lengths."""
    members = np.eye(int(buckets.max()) + 1)[buckets]
    sums = by_article(members * values[:, None], index)
    counts = by_article(members, index)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        means = share(weights @ sums, weights @ counts)
        return {("length", bucket): means[:, bucket] for bucket in range(members.shape[1])}

    return statistic


def micro_statistic(
    gold: BoolArray, predicted: BoolArray, buckets: IntArray, index: IntArray
) -> Statistic:
    """Micro-F1 in each bucket of article lengths."""
    members = np.eye(int(buckets.max()) + 1)[buckets]
    hits = by_article(members * (gold & predicted).sum(axis=1)[:, None], index)
    marks = by_article(members * (gold.sum(axis=1) + predicted.sum(axis=1))[:, None], index)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        scores = share(2 * weights @ hits, weights @ marks)
        return {("length", bucket): scores[:, bucket] for bucket in range(members.shape[1])}

    return statistic


def label_statistic(
    gold: BoolArray,
    predicted: BoolArray,
    index: IntArray,
    labels: Sequence[str],
    prefix: str = "",
) -> Statistic:
    """Micro, macro and per-label precision, recall and F1.

    Macro: over labels in (the draw's) gold; a precision with nothing predicted counts 0 there.
    """
    hits, right, said = (by_article(each, index) for each in (gold & predicted, gold, predicted))

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        hit, real, guess = weights @ hits, weights @ right, weights @ said  # (draw, label)
        each = {"precision": share(hit, guess), "recall": share(hit, real)}
        each["f1"] = share(2 * hit, real + guess)
        hit_sum, real_sum, guess_sum = hit.sum(axis=1), real.sum(axis=1), guess.sum(axis=1)
        found: dict[Hashable, FloatArray] = {
            # Nothing predicted at all: no precision to speak of, but 0 when there was gold to find.
            f"{prefix}micro_precision": np.where(
                real_sum > 0, np.nan_to_num(share(hit_sum, guess_sum)), share(hit_sum, guess_sum)
            ),
            f"{prefix}micro_recall": share(hit_sum, real_sum),
            f"{prefix}micro_f1": share(2 * hit_sum, real_sum + guess_sum),
        }
        for name, values in each.items():
            found[f"{prefix}macro_{name}"] = _mean_over_known(values, real > 0)
            for number, label in enumerate(labels):
                found["label", prefix, label, name] = values[:, number]
        return found

    return statistic


def exact_set_statistic(gold: BoolArray, predicted: BoolArray, index: IntArray) -> Statistic:
    """Share of results whose whole set of labels is right; the accuracy where each has one."""
    same = by_article((gold == predicted).all(axis=1), index)
    counts = np.bincount(index).astype(float)
    single = bool((gold.sum(axis=1) == 1).all())

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        exact = share(weights @ same, weights @ counts)
        found: dict[Hashable, FloatArray] = {"exact_set": exact}
        return found | ({"accuracy": exact} if single else {})

    return statistic


def precision_statistic(
    scores: FloatArray, gold: BoolArray, index: IntArray, labels: Sequence[str]
) -> Statistic:
    """Average precision per label with positives, as sklearn's with sample weights; their mean."""
    ranked = {
        label: _ranked(scores[:, number], gold[:, number], index)
        for number, label in enumerate(labels)
        if gold[:, number].any()
    }

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        found: dict[Hashable, FloatArray] = {}
        for label, (positive, every) in ranked.items():
            up = positive @ weights.T  # (segment, draw)
            so_far = np.cumsum(every @ weights.T, axis=0)
            precision = np.cumsum(up, axis=0) / np.maximum(so_far, 1)
            found["label", "", label, "average_precision"] = share(
                (up * precision).sum(axis=0), up.sum(axis=0)
            )
        if found:
            values = np.column_stack(list(found.values()))
            found["mean_average_precision"] = _mean_over_known(values, ~np.isnan(values))
        return found

    return statistic


def _ranked(scores: FloatArray, right: BoolArray, index: IntArray) -> tuple[csr_array, csr_array]:
    """(segment, article) counts of positives and of all, best scores first.

    A segment ends at each distinct score that a positive has (a score between two of them belongs
    to the lower one): in between recall does not grow, and what ranks below the last positive does
    not matter.
    """
    levels = np.unique(scores[right])  # ascending
    segment = len(levels) - np.searchsorted(levels, scores, side="right")
    kept = segment < len(levels)
    segment = np.where(kept, segment, 0)
    shape = (len(levels), int(index.max()) + 1)
    ones = np.ones(len(scores))
    return (
        csr_array((ones[right], (segment[right], index[right])), shape=shape),
        csr_array((ones[kept], (segment[kept], index[kept])), shape=shape),
    )


# --- shares ----------------------------------------------------------------------------------


def by_article(values: NDArray, index: IntArray) -> FloatArray:
    """(result, …) values summed to (article, …)."""
    sums = np.zeros((int(index.max()) + 1, *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums


def share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """The share `part / whole`, NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean_over_known(values: FloatArray, known: BoolArray) -> FloatArray:
    """Row means of (draw, label) values where `known`; a value that is NaN there counts 0."""
    kept = np.where(known, np.nan_to_num(values), 0.0)
    return share(kept.sum(axis=1), known.sum(axis=1).astype(float))

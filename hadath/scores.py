"""Turns results (what was asked, what is right, what was said) into figures with 95 % intervals.

It does not know models, files or how a figure is shown (report.py).

Every figure is a share in [0, 1]. Intervals are percentile bootstrap intervals by *article*: whole
articles are drawn again with replacement, since questions and sentences of one article are alike.
All figures are written as functions of article weights and computed for all draws at once. A figure
that the data cannot tell (the AUC of answerability where every question has an answer) is left out.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hadath.errors import HadathError
from hadath.text import fold

DRAWS = 1000
SEED = 13
BINS = 10
LENGTH_EDGES = (0, 1000, 1500, 2500, 5000)  # characters; the last bucket is open
NO_TYPE = "(none)"  # the confusion's row and column for "no event"; no label is called so

ANSWER_FIGURES = {
    "exact_match": "Exact match",
    "f1": "F1",
    "has_answer_exact_match": "Has answer: exact match",
    "has_answer_f1": "Has answer: F1",
    "forced_exact_match": "Has answer, forced: exact match",
    "forced_f1": "Has answer, forced: F1",
    "arcd_exact_match": "ARCD script, forced: exact match",
    "arcd_f1": "ARCD script, forced: F1",
    "no_answer_exact_match": "No answer: exact match",
    "no_answer_f1": "No answer: F1",
    "decision_accuracy": "Answer or none: accuracy",
    "answerability_auc": "Answerability: ROC AUC",
    "ece": "Calibration error (ECE)",
}
EVENT_FIGURES = {
    "micro_f1": "Micro-F1",
    "micro_precision": "Micro-precision",
    "micro_recall": "Micro-recall",
    "macro_f1": "Macro-F1",
    "macro_precision": "Macro-precision",
    "macro_recall": "Macro-recall",
    "exact_set": "Exact-set accuracy",
    "accuracy": "Accuracy (one label each)",
    "mean_average_precision": "Mean average precision",
    "quad_micro_f1": "Quad class: micro-F1",
    "quad_macro_f1": "Quad class: macro-F1",
    "ece": "Calibration error (ECE)",
    "ece_predicted": "Calibration error of what is predicted",
}

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Statistic = Callable[[FloatArray], dict[Hashable, FloatArray]]
"""Weights (draw, article) -> key: (draw,) values, NaN where a draw cannot tell."""


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """One question and what a system said.

    `gold`: the right answers, () where the article does not say. `best`: the top span whatever the
    threshold. `predicted`: `best`, or "" below the threshold. `answerable`: probability that the
    article answers. `confidence`: probability that `best` is an exact match. `length`: characters.
    """

    article: str
    question: str
    gold: tuple[str, ...]
    best: str
    predicted: str
    answerable: float
    confidence: float
    length: int


@dataclass(frozen=True, slots=True)
class EventResult:
    """One sentence, its gold and predicted types, and every label's probability."""

    article: str
    start: int
    end: int
    gold: frozenset[str]
    predicted: frozenset[str]
    scores: Mapping[str, float]
    length: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A share in [0, 1] and its 95 % bootstrap interval.

    Drawing articles again adds noise, which a calibration error counts as error: an ECE's interval
    may lie above its value.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the reliability diagram: its range, how many, mean probability, share right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class LengthBucket:
    """F1 over articles of `least` <= characters < `below` (None: no limit)."""

    least: int
    below: int | None
    articles: int
    results: int
    f1: Figure


@dataclass(frozen=True, slots=True)
class TypeScores:
    """One event type. A figure is None where neither gold nor prediction has the type."""

    type: str
    support: int
    predicted: int
    precision: Figure | None
    recall: Figure | None
    f1: Figure | None
    average_precision: Figure | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[gold][predicted]`; each gold type's row sums to its support.

    A type found is on the diagonal. A type missed is shared out evenly over the wrong types of its
    sentence, or counted under "(none)"; a wrong type where nothing was missed is in row "(none)".
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """All figures of question answering, keyed as ANSWER_FIGURES."""

    articles: int
    questions: int
    answerable: int
    figures: Mapping[str, Figure]
    bins: tuple[Bin, ...]
    by_length: tuple[LengthBucket, ...]


@dataclass(frozen=True, slots=True)
class EventScores:
    """All figures of event typing, keyed as EVENT_FIGURES. Macro figures: over types in gold."""

    articles: int
    sentences: int
    labels: int  # gold types, summed over sentences
    figures: Mapping[str, Figure]
    types: tuple[TypeScores, ...]
    confusion: Confusion
    bins: tuple[Bin, ...]
    by_length: tuple[LengthBucket, ...]


# --- answers ---------------------------------------------------------------------------------


def exact_match(predicted: str, gold: Sequence[str]) -> float:
    """1 if the folded prediction equals a folded gold answer, or both are "no answer"."""
    if not predicted or not gold:
        return float(not predicted and not gold)
    return float(any(_fold(predicted) == _fold(answer) for answer in gold))


def token_f1(predicted: str, gold: Sequence[str]) -> float:
    """Best F1 of folded tokens over the gold answers; without a gold answer 1 for "" else 0."""
    if not predicted or not gold:
        return float(not predicted and not gold)
    return max(
        _overlap(_fold(predicted).split(), _fold(answer).split())
        or float(_fold(predicted) == _fold(answer))  # both fold to nothing
        for answer in gold
    )


def arcd_normal(text: str) -> str:
    r"""A text as the ARCD script sees it, for figures comparable with published ones only.

    From normalize_answer in bert/evaluate.py of husseinmozannar/SOQAL: lower case, ASCII
    punctuation out (Arabic stays), English articles out, then *every* "ال" becomes a space, in
    mid-word too: of the script's pattern `\sال^|ال` the first branch can never match.
    """
    text = text.lower().translate(_NO_ASCII_PUNCTUATION)
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.replace("ال", " ").split())


def arcd_exact_match(predicted: str, gold: Sequence[str]) -> float:
    """Exact match as the ARCD script counts it; the script knows no unanswerable questions."""
    return max(float(_arcd_normal(predicted) == _arcd_normal(answer)) for answer in gold)


def arcd_f1(predicted: str, gold: Sequence[str]) -> float:
    """Token F1 as the ARCD script counts it."""
    words = _arcd_normal(predicted).split()
    return max(_overlap(words, _arcd_normal(answer).split()) for answer in gold)


def score_answers(
    results: Sequence[AnswerResult], *, draws: int = DRAWS, seed: int = SEED
) -> AnswerScores:
    """All figures of `results`. Raises HadathError where there is nothing to score.

    "Forced" figures judge `best` on questions that have an answer, whatever the threshold; the ARCD
    pair does too, as ARCD's own readers always answer. ECE: `confidence` against the exact match of
    `best` (never right without a gold answer), in ten bins of equal mass.
    """
    _refuse_nothing(len(results), draws)
    names, index = np.unique([result.article for result in results], return_inverse=True)
    rows = np.array([_answer_row(result) for result in results])
    has = np.array([bool(result.gold) for result in results])
    confidence = np.array([result.confidence for result in results])
    right = rows[:, _FORCED] * has
    bins = _bins(confidence)
    buckets = _buckets([result.length for result in results])
    statistics = (
        _answer_statistic(rows, has, index),
        _area_statistic(np.array([result.answerable for result in results]), has, index),
        _calibration_statistic("ece", confidence - right, bins, index=index, articles=len(names)),
        _mean_statistic(rows[:, 1], buckets, index),
    )
    figures = _figures(statistics, len(names), draws=draws, seed=seed)
    return AnswerScores(
        articles=len(names),
        questions=len(results),
        answerable=int(has.sum()),
        figures={name: figures[name] for name in ANSWER_FIGURES if name in figures},
        bins=_bin_table(confidence, right, bins),
        by_length=_length_table(buckets, index, figures),
    )


# --- events ----------------------------------------------------------------------------------


def score_events(
    results: Sequence[EventResult],
    *,
    quad_of: Mapping[str, str] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> EventScores:
    """All figures of `results`; `quad_of` maps a type to its quad class for the roll-up.

    ECE pools every (sentence, label) probability into ten bins of equal width: most of a sentence's
    probabilities are near 0, where equal mass would put nine bins. It is flattered by them, so
    `ece_predicted` pools those of predicted types alone, in bins of equal mass. Mean average
    precision is over types that occur in gold. `accuracy` is there only where every sentence has
    exactly one gold label. Raises HadathError where there is nothing to score.
    """
    _refuse_nothing(len(results), draws)
    names, index = np.unique([result.article for result in results], return_inverse=True)
    labels = _labels(results)
    gold = _matrix([result.gold for result in results], labels)
    predicted = _matrix([result.predicted for result in results], labels)
    buckets = _buckets([result.length for result in results])
    statistics = [
        _label_statistic(gold, predicted, index, labels),
        _exact_set_statistic(gold, predicted, index),
        _micro_statistic(gold, predicted, buckets, index),
    ]
    if quad_of:
        statistics.append(_quad_statistic(results, quad_of, index))
    bins: tuple[Bin, ...] = ()
    if any(result.scores for result in results):
        scores = np.array(
            [[result.scores.get(label, 0.0) for label in labels] for result in results]
        )
        placed = np.minimum((scores.ravel() * BINS).astype(np.int64), BINS - 1)
        bins = _bin_table(scores.ravel(), gold.ravel().astype(float), placed)
        statistics.append(_precision_statistic(scores, gold, index, labels))
        excess, pooled = (scores - gold).ravel(), np.repeat(index, len(labels))
        said, many = predicted.ravel(), len(names)
        statistics += [
            _calibration_statistic("ece", excess, placed, index=pooled, articles=many),
            _calibration_statistic(
                "ece_predicted",
                excess[said],
                _bins(scores.ravel()[said]),
                index=pooled[said],
                articles=many,
            ),
        ]
    figures = _figures(statistics, len(names), draws=draws, seed=seed)
    return EventScores(
        articles=len(names),
        sentences=len(results),
        labels=int(gold.sum()),
        figures={name: figures[name] for name in EVENT_FIGURES if name in figures},
        types=_type_table(labels, gold, predicted, figures),
        confusion=confusion(results),
        bins=bins,
        by_length=_length_table(buckets, index, figures),
    )


def confusion(results: Sequence[EventResult]) -> Confusion:
    """Which type was taken for which; see Confusion."""
    labels = (*_labels(results), NO_TYPE)
    place = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)))
    for result in results:
        missed = sorted(result.gold - result.predicted)
        wrong = sorted(result.predicted - result.gold)
        for label in result.gold & result.predicted:
            counts[place[label], place[label]] += 1
        for label in missed:
            for other in wrong or [NO_TYPE]:
                counts[place[label], place[other]] += 1 / max(len(wrong), 1)
        if not missed:
            for other in wrong or ([] if result.gold else [NO_TYPE]):
                counts[place[NO_TYPE], place[other]] += 1
    return Confusion(labels, tuple(tuple(row) for row in counts.tolist()))


# --- tokens ----------------------------------------------------------------------------------

_NO_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_fold = lru_cache(maxsize=1 << 16)(fold)
_arcd_normal = lru_cache(maxsize=1 << 16)(arcd_normal)


def _overlap(predicted: list[str], gold: list[str]) -> float:
    common = sum((Counter(predicted) & Counter(gold)).values())
    return 2 * common / (len(predicted) + len(gold)) if common else 0.0


_FORCED = 2  # column of _answer_row: exact match of `best`


def _answer_row(result: AnswerResult) -> tuple[float, ...]:
    """Exact match, F1, then of `best` exact match, F1, ARCD pair, then the decision's rightness."""
    gold = result.gold
    forced = (
        (
            exact_match(result.best, gold),
            token_f1(result.best, gold),
            arcd_exact_match(result.best, gold),
            arcd_f1(result.best, gold),
        )
        if gold
        else (0.0, 0.0, 0.0, 0.0)
    )
    decided = float(bool(result.predicted) == bool(gold))
    return exact_match(result.predicted, gold), token_f1(result.predicted, gold), *forced, decided


# --- resampling ------------------------------------------------------------------------------


def _figures(
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


def _by_article(values: NDArray, index: IntArray) -> FloatArray:
    """(result, …) values summed to (article, …)."""
    sums = np.zeros((int(index.max()) + 1, *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """The share `part / whole`, NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean_over_known(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Row means of (draw, label) values where `known`; a value that is NaN there counts 0."""
    kept = np.where(known, np.nan_to_num(values), 0.0)
    return _share(kept.sum(axis=1), known.sum(axis=1).astype(float))


# --- statistics ------------------------------------------------------------------------------


def _answer_statistic(rows: FloatArray, has: NDArray[np.bool_], index: IntArray) -> Statistic:
    whole = _by_article(np.column_stack([np.ones(len(has)), has, ~has]), index)
    everywhere = _by_article(rows, index)
    has_answer = _by_article(rows * has[:, None], index)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        every, some, none = (weights @ whole).T
        overall, answered = (weights @ everywhere).T, (weights @ has_answer).T
        return {
            "exact_match": _share(overall[0], every),
            "f1": _share(overall[1], every),
            "has_answer_exact_match": _share(answered[0], some),
            "has_answer_f1": _share(answered[1], some),
            "forced_exact_match": _share(answered[_FORCED], some),
            "forced_f1": _share(answered[3], some),
            "arcd_exact_match": _share(answered[4], some),
            "arcd_f1": _share(answered[5], some),
            # Without a gold answer exact match and F1 are the same thing: nothing was said.
            "no_answer_exact_match": _share(overall[0] - answered[0], none),
            "no_answer_f1": _share(overall[0] - answered[0], none),
            "decision_accuracy": _share(overall[6], every),
        }

    return statistic


def _area_statistic(scores: FloatArray, right: NDArray[np.bool_], index: IntArray) -> Statistic:
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
            "answerability_auc": _share((up * below).sum(axis=0), up.sum(axis=0) * down.sum(axis=0))
        }

    return statistic


def _calibration_statistic(
    name: str, excess: FloatArray, bins: IntArray, *, index: IntArray, articles: int
) -> Statistic:
    """ECE. `excess`: probability minus outcome; the bins stay those of the whole data."""
    gaps = np.zeros((articles, BINS))
    np.add.at(gaps, (index, bins), excess)
    counts = np.bincount(index, minlength=articles).astype(float)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        return {name: _share(np.abs(weights @ gaps).sum(axis=1), weights @ counts)}

    return statistic


def _mean_statistic(values: FloatArray, buckets: IntArray, index: IntArray) -> Statistic:
    members = np.eye(len(LENGTH_EDGES))[buckets]
    sums = _by_article(members * values[:, None], index)
    counts = _by_article(members, index)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        means = _share(weights @ sums, weights @ counts)
        return {("length", bucket): means[:, bucket] for bucket in range(len(LENGTH_EDGES))}

    return statistic


def _micro_statistic(
    gold: NDArray[np.bool_], predicted: NDArray[np.bool_], buckets: IntArray, index: IntArray
) -> Statistic:
    members = np.eye(len(LENGTH_EDGES))[buckets]
    hits = _by_article(members * (gold & predicted).sum(axis=1)[:, None], index)
    marks = _by_article(members * (gold.sum(axis=1) + predicted.sum(axis=1))[:, None], index)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        scores = _share(2 * weights @ hits, weights @ marks)
        return {("length", bucket): scores[:, bucket] for bucket in range(len(LENGTH_EDGES))}

    return statistic


def _label_statistic(
    gold: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    index: IntArray,
    labels: Sequence[str],
    prefix: str = "",
) -> Statistic:
    """Micro, macro and per-label precision, recall and F1.

    Macro: over labels in (the draw's) gold; a precision with nothing predicted counts 0 there.
    """
    hits, right, said = (_by_article(each, index) for each in (gold & predicted, gold, predicted))

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        hit, real, guess = weights @ hits, weights @ right, weights @ said  # (draw, label)
        each = {"precision": _share(hit, guess), "recall": _share(hit, real)}
        each["f1"] = _share(2 * hit, real + guess)
        hit_sum, real_sum, guess_sum = hit.sum(axis=1), real.sum(axis=1), guess.sum(axis=1)
        found: dict[Hashable, FloatArray] = {
            # Nothing predicted at all: no precision to speak of, but 0 when there was gold to find.
            f"{prefix}micro_precision": np.where(
                real_sum > 0, np.nan_to_num(_share(hit_sum, guess_sum)), _share(hit_sum, guess_sum)
            ),
            f"{prefix}micro_recall": _share(hit_sum, real_sum),
            f"{prefix}micro_f1": _share(2 * hit_sum, real_sum + guess_sum),
        }
        for name, values in each.items():
            found[f"{prefix}macro_{name}"] = _mean_over_known(values, real > 0)
            for number, label in enumerate(labels):
                found["label", prefix, label, name] = values[:, number]
        return found

    return statistic


def _quad_statistic(
    results: Sequence[EventResult], quad_of: Mapping[str, str], index: IntArray
) -> Statistic:
    quads = sorted(set(quad_of.values()))

    def rolled(types: frozenset[str]) -> set[str]:
        return {quad_of[name] for name in types if name in quad_of}

    gold = _matrix([rolled(result.gold) for result in results], quads)
    predicted = _matrix([rolled(result.predicted) for result in results], quads)
    return _label_statistic(gold, predicted, index, quads, "quad_")


def _exact_set_statistic(
    gold: NDArray[np.bool_], predicted: NDArray[np.bool_], index: IntArray
) -> Statistic:
    same = _by_article((gold == predicted).all(axis=1), index)
    counts = np.bincount(index).astype(float)
    single = bool((gold.sum(axis=1) == 1).all())

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        exact = _share(weights @ same, weights @ counts)
        found: dict[Hashable, FloatArray] = {"exact_set": exact}
        return found | ({"accuracy": exact} if single else {})

    return statistic


def _precision_statistic(
    scores: FloatArray, gold: NDArray[np.bool_], index: IntArray, labels: Sequence[str]
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
            found["label", "", label, "average_precision"] = _share(
                (up * precision).sum(axis=0), up.sum(axis=0)
            )
        if found:
            values = np.column_stack(list(found.values()))
            found["mean_average_precision"] = _mean_over_known(values, ~np.isnan(values))
        return found

    return statistic


def _ranked(
    scores: FloatArray, right: NDArray[np.bool_], index: IntArray
) -> tuple[csr_array, csr_array]:
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


# --- tables ----------------------------------------------------------------------------------


def _refuse_nothing(count: int, draws: int) -> None:
    if not count:
        raise HadathError("nothing to score: no results; does the chosen split have articles?")
    if draws < 1:
        raise HadathError(f"draws: found {draws}; an interval needs at least 1 draw")


def _labels(results: Sequence[EventResult]) -> tuple[str, ...]:
    return tuple(
        sorted(set().union(*((*r.gold, *r.predicted, *r.scores) for r in results)))
    )  # fmt: skip


def _matrix(
    sets: Sequence[frozenset[str] | set[str]], labels: Sequence[str]
) -> NDArray[np.bool_]:  # fmt: skip
    return np.array([[label in types for label in labels] for types in sets], dtype=bool).reshape(
        len(sets), len(labels)
    )


def _bins(probabilities: FloatArray) -> IntArray:
    """Ten bins of equal mass; equal probabilities share a bin, so bins may differ or be empty.

    A level goes where the middle of its mass lies, in whole numbers: doubling the data moves none.
    """
    if not probabilities.size:
        return np.zeros(0, dtype=np.int64)
    _, place, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    twice_middle = 2 * np.cumsum(counts) - counts
    return (twice_middle * BINS // (2 * len(probabilities)))[place]


def _bin_table(probabilities: FloatArray, right: FloatArray, bins: IntArray) -> tuple[Bin, ...]:
    table = []
    for number in np.unique(bins):
        inside = bins == number
        chosen = probabilities[inside]
        table.append(
            Bin(
                low=float(chosen.min()),
                high=float(chosen.max()),
                count=int(inside.sum()),
                confidence=float(chosen.mean()),
                right=float(right[inside].mean()),
            )
        )
    return tuple(table)


def _buckets(lengths: Sequence[int]) -> IntArray:
    return np.searchsorted(LENGTH_EDGES, np.maximum(lengths, 0), side="right") - 1


def _length_table(
    buckets: IntArray, index: IntArray, figures: Mapping[Hashable, Figure]
) -> tuple[LengthBucket, ...]:
    """Buckets that have a figure, shortest articles first."""
    return tuple(
        LengthBucket(
            least=least,
            below=LENGTH_EDGES[number + 1] if number + 1 < len(LENGTH_EDGES) else None,
            articles=len(np.unique(index[buckets == number])),
            results=int((buckets == number).sum()),
            f1=figures["length", number],
        )
        for number, least in enumerate(LENGTH_EDGES)
        if ("length", number) in figures
    )


def _type_table(
    labels: Sequence[str],
    gold: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    figures: Mapping[Hashable, Figure],
) -> tuple[TypeScores, ...]:
    return tuple(
        TypeScores(
            label,
            int(gold[:, number].sum()),
            int(predicted[:, number].sum()),
            *(
                figures.get(("label", "", label, name))
                for name in ("precision", "recall", "f1", "average_precision")
            ),
        )
        for number, label in enumerate(labels)
    )

"""Turns results (what was asked, what is right, what was said) into figures with 95 % intervals.

It does not know models, files or how a figure is shown (report.py).

Every figure is a share in [0, 1]. Intervals are percentile bootstrap intervals by *article*
(resampling.py). A figure that the data cannot tell (the AUC of answerability where every question
has an answer) is left out.
"""

import re
import string
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hadath.errors import HadathError
from hadath.resampling import (
    BINS,
    DRAWS,
    SEED,
    BoolArray,
    Figure,
    FloatArray,
    IntArray,
    Statistic,
    area_statistic,
    by_article,
    calibration_statistic,
    equal_mass_bins,
    error_by_chance,
    exact_set_statistic,
    figures_of,
    label_statistic,
    mean_statistic,
    micro_statistic,
    precision_statistic,
    share,
)
from hadath.text import fold

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
    "ece_by_chance": "Calibration error by chance, were it calibrated",
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
    "ece_predicted_by_chance": "Calibration error of what is predicted, by chance",
}


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
    `best` (never right without a gold answer), in ten bins of equal mass; `ece_by_chance`: what it
    would be by chance if every confidence were exactly true.
    """
    _refuse_nothing(len(results), draws)
    names, index = np.unique([result.article for result in results], return_inverse=True)
    rows = np.array([_answer_row(result) for result in results])
    has = np.array([bool(result.gold) for result in results])
    confidence = np.array([result.confidence for result in results])
    right = rows[:, _FORCED] * has
    bins = equal_mass_bins(confidence)
    buckets = _buckets([result.length for result in results])
    statistics = (
        _answer_statistic(rows, has, index),
        area_statistic(np.array([result.answerable for result in results]), has, index),
        calibration_statistic("ece", confidence - right, bins, index=index, articles=len(names)),
        mean_statistic(rows[:, 1], buckets, index),
    )
    figures = figures_of(statistics, len(names), draws=draws, seed=seed)
    figures["ece_by_chance"] = error_by_chance(confidence, bins, draws=draws, seed=seed)
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
    `ece_predicted` pools those of predicted types alone, in bins of equal mass, and has its figure
    by chance. Mean average precision is over types that occur in gold. `accuracy` is there only
    where every sentence has exactly one gold label. Raises HadathError where there is nothing to
    score.
    """
    _refuse_nothing(len(results), draws)
    names, index = np.unique([result.article for result in results], return_inverse=True)
    labels = _labels(results)
    gold = _matrix([result.gold for result in results], labels)
    predicted = _matrix([result.predicted for result in results], labels)
    buckets = _buckets([result.length for result in results])
    statistics = [
        label_statistic(gold, predicted, index, labels),
        exact_set_statistic(gold, predicted, index),
        micro_statistic(gold, predicted, buckets, index),
    ]
    if quad_of:
        statistics.append(_quad_statistic(results, quad_of, index))
    bins: tuple[Bin, ...] = ()
    by_chance: dict[Hashable, Figure] = {}
    if any(result.scores for result in results):
        scores = np.array(
            [[result.scores.get(label, 0.0) for label in labels] for result in results]
        )
        placed = np.minimum((scores.ravel() * BINS).astype(np.int64), BINS - 1)
        bins = _bin_table(scores.ravel(), gold.ravel().astype(float), placed)
        statistics.append(precision_statistic(scores, gold, index, labels))
        excess, pooled = (scores - gold).ravel(), np.repeat(index, len(labels))
        said, many = predicted.ravel(), len(names)
        sure = scores.ravel()[said]
        spread = equal_mass_bins(sure)
        statistics += [
            calibration_statistic("ece", excess, placed, index=pooled, articles=many),
            calibration_statistic(
                "ece_predicted", excess[said], spread, index=pooled[said], articles=many
            ),
        ]
        if sure.size:
            chance = error_by_chance(sure, spread, draws=draws, seed=seed)
            by_chance["ece_predicted_by_chance"] = chance
    figures = figures_of(statistics, len(names), draws=draws, seed=seed) | by_chance
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


# --- statistics ------------------------------------------------------------------------------


def _answer_statistic(rows: FloatArray, has: BoolArray, index: IntArray) -> Statistic:
    whole = by_article(np.column_stack([np.ones(len(has)), has, ~has]), index)
    everywhere = by_article(rows, index)
    has_answer = by_article(rows * has[:, None], index)

    def statistic(weights: FloatArray) -> dict[Hashable, FloatArray]:
        every, some, none = (weights @ whole).T
        overall, answered = (weights @ everywhere).T, (weights @ has_answer).T
        return {
            "exact_match": share(overall[0], every),
            "f1": share(overall[1], every),
            "has_answer_exact_match": share(answered[0], some),
            "has_answer_f1": share(answered[1], some),
            "forced_exact_match": share(answered[_FORCED], some),
            "forced_f1": share(answered[3], some),
            "arcd_exact_match": share(answered[4], some),
            "arcd_f1": share(answered[5], some),
            # Without a gold answer exact match and F1 are the same thing: nothing was said.
            "no_answer_exact_match": share(overall[0] - answered[0], none),
            "no_answer_f1": share(overall[0] - answered[0], none),
            "decision_accuracy": share(overall[6], every),
        }

    return statistic


def _quad_statistic(
    results: Sequence[EventResult], quad_of: Mapping[str, str], index: IntArray
) -> Statistic:
    quads = sorted(set(quad_of.values()))

    def rolled(types: frozenset[str]) -> set[str]:
        return {quad_of[name] for name in types if name in quad_of}

    gold = _matrix([rolled(result.gold) for result in results], quads)
    predicted = _matrix([rolled(result.predicted) for result in results], quads)
    return label_statistic(gold, predicted, index, quads, "quad_")


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
) -> BoolArray:  # fmt: skip
    return np.array([[label in types for label in labels] for types in sets], dtype=bool).reshape(
        len(sets), len(labels)
    )


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
    gold: BoolArray,
    predicted: BoolArray,
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

"""Our scores as `evaluate.Metric` subclasses, which work without a hub and leave no file behind.

It computes nothing itself (scores.py); what serves must not import it, as `evaluate` loads slowly.

    >>> metric = AnswerMetric()
    >>> metric.compute(
    ...     predictions=[{"id": "q1", "prediction_text": "باريس", "no_answer_probability": 0.1}],
    ...     references=[{"id": "q1", "answers": {"text": ["باريس"], "answer_start": [7]}}],
    ... )["f1"]
    1.0
    >>> EventMetric().compute(
    ...     predictions=[["AID"], []], references=[["AID"], ["CONSULT"]]
    ... )["micro_recall"]
    0.5

`intervals=True` adds `NAME_low` and `NAME_high`. Both judge in one process: gather first.
"""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import evaluate
from datasets import Features, List, Value

from hadath.errors import HadathError
from hadath.scores import (
    DRAWS,
    SEED,
    AnswerResult,
    EventResult,
    Figure,
    score_answers,
    score_events,
)

_TEXT, _PROBABILITY = Value("string"), Value("float64")
_SQUAD_PREDICTION = {
    "id": _TEXT,
    "prediction_text": _TEXT,
    "no_answer_probability": _PROBABILITY,
}
_SQUAD_REFERENCE = {
    "id": _TEXT,
    "answers": {"text": List(_TEXT), "answer_start": List(Value("int64"))},
}
_OWN_REFERENCE = {
    "article": _TEXT,
    "question": _TEXT,
    "gold": List(_TEXT),
    "length": Value("int64"),
}
_OWN_PREDICTION = {
    "best": _TEXT,
    "predicted": _TEXT,
    "answerable": _PROBABILITY,
    "confidence": _PROBABILITY,
}
_NEEDS_BEST = (
    "forced_exact_match", "forced_f1", "arcd_exact_match", "arcd_f1", "ece", "ece_by_chance",
)  # fmt: skip


class _OfflineMetric(evaluate.Metric):
    """A metric that holds its inputs in memory; `config_name` says in which shape they come."""

    def __init__(self, config_name: str = "default", **settings: Any) -> None:  # noqa: ANN401 - evaluate's own
        if config_name not in ("default", "results"):
            raise HadathError(f"no shape {config_name!r}; the shapes are 'default' and 'results'")
        # evaluate makes a cache folder even where nothing is cached: give it one that goes away.
        with tempfile.TemporaryDirectory() as folder:
            super().__init__(config_name, **{"keep_in_memory": True} | settings, cache_dir=folder)


class AnswerMetric(_OfflineMetric):
    """Exact match, F1 and what goes with them, for Arabic extractive answers.

    Takes SQuAD v2's own shapes, as `evaluate.load("squad_v2")` does; AnswerMetric("results") takes
    AnswerResult's fields (predictions: best, predicted, answerable, confidence; references:
    article, question, gold, length). SQuAD's shapes tell neither articles apart nor which span was
    best below the threshold: intervals are then by question, and figures that need that span are
    left out.
    """

    def _info(self) -> evaluate.MetricInfo:
        own = {"predictions": _OWN_PREDICTION, "references": _OWN_REFERENCE}
        squad = {"predictions": _SQUAD_PREDICTION, "references": _SQUAD_REFERENCE}
        return evaluate.MetricInfo(
            description="Arabic extractive answers: exact match and F1 after Arabic folding.",
            citation="",
            inputs_description=AnswerMetric.__doc__ or "",
            features=Features(own if self.config_name == "results" else squad),
        )

    def _compute(
        self,
        predictions: Sequence[Mapping[str, Any]],
        references: Sequence[Mapping[str, Any]],
        *,
        intervals: bool = False,
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> dict[str, float]:
        own = self.config_name == "results"
        pairs = list(zip(predictions, references, strict=True))
        results = [_own_result(*pair) if own else _squad_result(*pair) for pair in pairs]
        figures = dict(score_answers(results, draws=draws, seed=seed).figures)
        if not own:
            figures = {name: each for name, each in figures.items() if name not in _NEEDS_BEST}
        return _flat(figures, intervals)


class EventMetric(_OfflineMetric):
    """Micro and macro F1 and what goes with them, for sentences with any number of labels.

    Takes a list of labels for each sentence (intervals are then by sentence). More goes into
    EventMetric("results"): predictions with labels and scores (a list of {label, probability}),
    references with article and labels.
    """

    def _info(self) -> evaluate.MetricInfo:
        score = {"label": _TEXT, "probability": _PROBABILITY}
        plain = {"predictions": List(_TEXT), "references": List(_TEXT)}
        own = {
            "predictions": {"labels": List(_TEXT), "scores": List(score)},
            "references": {"article": _TEXT, "labels": List(_TEXT)},
        }
        return evaluate.MetricInfo(
            description="Event types of sentences: micro and macro precision, recall and F1.",
            citation="",
            inputs_description=EventMetric.__doc__ or "",
            features=Features(own if self.config_name == "results" else plain),
        )

    def _compute(
        self,
        predictions: Sequence[Any],
        references: Sequence[Any],
        *,
        quad_of: Mapping[str, str] | None = None,
        intervals: bool = False,
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> dict[str, float]:
        results = [
            _event_result(number, *pair)
            for number, pair in enumerate(zip(predictions, references, strict=True))
        ]
        scores = score_events(results, quad_of=quad_of, draws=draws, seed=seed)
        return _flat(scores.figures, intervals)


def _own_result(prediction: Mapping[str, Any], reference: Mapping[str, Any]) -> AnswerResult:
    return AnswerResult(**{**prediction, **reference, "gold": tuple(reference["gold"])})


def _squad_result(prediction: Mapping[str, Any], reference: Mapping[str, Any]) -> AnswerResult:
    if prediction["id"] != reference["id"]:
        raise HadathError(
            f"prediction of question {prediction['id']!r} stands beside reference "
            f"{reference['id']!r}; give both in the same order"
        )
    answerable = 1.0 - prediction["no_answer_probability"]
    return AnswerResult(
        article=reference["id"],
        question=reference["id"],
        gold=tuple(reference["answers"]["text"]),
        best=prediction["prediction_text"],
        predicted=prediction["prediction_text"],
        answerable=answerable,
        confidence=answerable,
        length=0,
    )


def _event_result(number: int, prediction: Any, reference: Any) -> EventResult:  # noqa: ANN401 - as declared in _info
    full = isinstance(prediction, Mapping)
    scores = prediction["scores"] if full else ()
    return EventResult(
        article=reference["article"] if full else str(number),
        start=number,
        end=number + 1,
        gold=frozenset(reference["labels"] if full else reference),
        predicted=frozenset(prediction["labels"] if full else prediction),
        scores={score["label"]: score["probability"] for score in scores},
        length=0,
    )


def _flat(figures: Mapping[str, Figure], intervals: bool) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, figure in figures.items():
        flat[name] = figure.value
        if intervals:
            flat |= {f"{name}_low": figure.low, f"{name}_high": figure.high}
    return flat

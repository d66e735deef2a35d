"""Judges a model on annotated articles through the very predictors that serve.

It fits the numbers that a model takes from dev; it does not know how the network was trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from hadath import calibrate
from hadath.annotations import Article, Question
from hadath.models import Model
from hadath.predict import AnswerFinder, EventClassifier, Reading, SentenceEvents
from hadath.scores import AnswerResult, EventResult, exact_match, token_f1

Result = TypeVar("Result", AnswerResult, EventResult)


@dataclass(frozen=True, slots=True)
class Judged(Generic[Result]):
    """A model with its numbers fitted on these articles, and what it then says of them."""

    model: Model
    results: list[Result]


def asked_of(articles: Sequence[Article]) -> list[tuple[Question, Article]]:
    """Every (question, article) of the articles, in order."""
    return [(question, article) for article in articles for question in article.questions]


def answer_results(finder: AnswerFinder, articles: Sequence[Article]) -> list[AnswerResult]:
    """What the finder says to every question of the articles."""
    asked = asked_of(articles)
    readings = finder.read_many([(question.question, article) for question, article in asked])
    return [
        _answer_result(question, article, reading)
        for (question, article), reading in zip(asked, readings, strict=True)
    ]


def event_results(classifier: EventClassifier, articles: Sequence[Article]) -> list[EventResult]:
    """What the classifier says of every sentence of the articles."""
    return _event_results(articles, classifier.classify_many(list(articles)))


def fit_answers(model: Model, *dev: Sequence[Article]) -> Judged[AnswerResult]:
    """Fit temperature, floor and no-answer threshold on sets of articles, then answer them all.

    A question weighs one divided by the number of its set's questions, so that a large set by the
    hands that wrote the training articles does not decide for text by others.
    """
    finder = AnswerFinder(model, device=str(model.network.device))
    sets = [asked_of(articles) for articles in dev]
    asked = [each for questions in sets for each in questions]
    weights = np.array([1 / len(questions) for questions in sets for _ in questions])
    pairs = [(question.question, article) for question, article in asked]
    candidates = finder.candidates(pairs)
    right = [
        frozenset(
            (each.start, each.end)
            for each in spans
            if question.answers
            and exact_match(article.text[each.start : each.end], [g.text for g in question.answers])
        )
        for (question, article), spans in zip(asked, candidates, strict=True)
    ]
    temperature, floor = calibrate.answers_confidence(candidates, right, weights.tolist())
    settings = replace(model.settings, temperature=temperature, confidence_floor=floor)
    finder.model = replace(model, settings=settings)
    readings = finder.readings(pairs, candidates)
    # As each best span would score were it given whatever the threshold.
    forced = [
        _answer_result(question, article, reading)
        for (question, article), reading in zip(asked, readings, strict=True)
    ]
    threshold = calibrate.no_answer_threshold(
        np.array([result.answerable for result in forced]),
        np.array([token_f1(result.best, result.gold) if result.gold else 0.0 for result in forced]),
        np.array([not result.gold for result in forced]),
        weights,
    )
    settings = replace(finder.model.settings, no_answer_threshold=threshold)
    finder.model = replace(model, settings=settings)
    results = [
        _answer_result(question, article, reading)
        for (question, article), reading in zip(
            asked, finder.readings(pairs, candidates), strict=True
        )
    ]
    return Judged(finder.model, results)


def fit_events(model: Model, articles: Sequence[Article]) -> Judged[EventResult]:
    """Fit temperature and the labels' shared threshold on the articles (dev), then classify."""
    classifier = EventClassifier(model, device=str(model.network.device))
    logits = classifier.logits(articles)
    gold = np.array(
        [
            [label in types for label in classifier.labels]
            for article in articles
            for types in article.sentence_types()
        ]
    )
    multi_label = model.settings.multi_label
    temperature = calibrate.events_temperature(logits, gold, multi_label=multi_label)
    probabilities = calibrate.event_probabilities(
        logits, temperature=temperature, multi_label=multi_label
    )
    threshold = calibrate.shared_threshold(probabilities, gold)
    settings = replace(
        model.settings,
        temperature=temperature,
        thresholds=dict.fromkeys(classifier.labels, threshold),
    )
    classifier.model = replace(model, settings=settings)
    return Judged(
        classifier.model, _event_results(articles, classifier.read_logits(articles, logits))
    )


def _answer_result(question: Question, article: Article, reading: Reading) -> AnswerResult:
    best = reading.answers[0].text if reading.answers else ""
    return AnswerResult(
        article=article.id,
        question=question.id,
        gold=tuple(span.text for span in question.answers),
        best=best,
        predicted=best if reading.found else "",
        answerable=reading.answerable,
        confidence=reading.answers[0].confidence if reading.answers else 0.0,
        length=len(article.text),
    )


def _event_results(
    articles: Sequence[Article], classified: Sequence[Sequence[SentenceEvents]]
) -> list[EventResult]:
    results = []
    for article, sentences in zip(articles, classified, strict=True):
        gold = article.sentence_types([(sentence.start, sentence.end) for sentence in sentences])
        for types, sentence in zip(gold, sentences, strict=True):
            results.append(
                EventResult(
                    article=article.id,
                    start=sentence.start,
                    end=sentence.end,
                    gold=types,
                    predicted=frozenset(sentence.types),
                    scores=sentence.scores,
                    length=len(article.text),
                )
            )
    return results

"""Scores a model on annotated articles beside its baselines, and writes the score sheet and the card."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hadath.annotations import Article
from hadath.baselines import fit_answers_baselines, fit_events_baselines
from hadath.errors import HadathError
from hadath.models import Model
from hadath.ontology import load_scheme
from hadath.predict import AnswerFinder, EventClassifier
from hadath.report import answer_sheet, event_sheet, terminal_table, write_sheet
from hadath.scores import AnswerResult, EventResult
from train.data import data_hash, read_files, refuse_leaks
from train.judge import answer_results, event_results
from train.record import command, git_revision, machine, versions


@dataclass(frozen=True, slots=True)
class Data:
    """The files that a score is measured on, and those that its baselines may learn from."""

    test: tuple[str, ...]
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()


def score_answers_model(source: str | None, data: Data, output: str) -> dict[str, Any]:
    """Score an answer finder; the sheet is written into `output` and returned."""
    articles = _test_articles(data)
    finder = AnswerFinder.load(source)
    began = time.monotonic()
    results = answer_results(finder, articles)
    about = about_run(finder.model, data, articles, seconds=time.monotonic() - began)
    sheet = answer_sheet(results, answer_baselines(data, articles), about=about)
    return _written(sheet, output)


def score_events_model(source: str | None, data: Data, output: str) -> dict[str, Any]:
    """Score an event classifier; the sheet is written into `output` and returned."""
    articles = _test_articles(data)
    classifier = EventClassifier.load(source)
    refuse_other_labels(classifier, articles, data.test)
    began = time.monotonic()
    results = event_results(classifier, articles)
    about = about_run(classifier.model, data, articles, seconds=time.monotonic() - began)
    quads = quad_classes(classifier.model)
    sheet = event_sheet(results, event_baselines(data, articles), about=about, quad_of=quads)
    return _written(sheet, output)


def answer_baselines(
    data: Data, articles: Sequence[Article]
) -> Mapping[str, Sequence[AnswerResult]]:
    """Results of the baselines that need no network, their threshold fitted on dev."""
    dev = read_files(data.dev) if data.dev else []
    return {name: predict(articles) for name, predict in fit_answers_baselines(dev).items()}


def event_baselines(data: Data, articles: Sequence[Article]) -> Mapping[str, Sequence[EventResult]]:
    """Results of the baselines fitted on the training files; none without such files."""
    if not data.train:
        return {}
    fitted = fit_events_baselines(read_files(data.train))
    return {name: predict(articles) for name, predict in fitted.items()}


def about_run(
    model: Model, data: Data, articles: Sequence[Article], *, seconds: float
) -> dict[str, Any]:
    """What a reader must know of a score: model, data, split, seed, command, machine."""
    record = model.record or {}
    return {
        "system": f"Hadath {Path(model.name).name}",
        "model": model.name,
        "base": model.settings.base,
        "data": data_hash(data.test),
        "baselines_learn_from": data_hash([*data.train, *data.dev]),
        "split": ", ".join(sorted({article.split or "unnamed" for article in articles})),
        "seeds": [record["config"]["seed"]] if "config" in record else [],
        "command": command(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
        "git": git_revision(),
        "machine": machine(),
        "seconds": round(seconds, 1),
    }


def quad_classes(model: Model) -> dict[str, str]:
    """Type → quad class of the model's scheme; empty for a label set of the user's own."""
    if not model.settings.scheme:
        return {}
    return {kind.name: kind.quad for kind in load_scheme(model.settings.scheme).types if kind.quad}


def refuse_other_labels(
    classifier: EventClassifier, articles: Sequence[Article], files: Sequence[str]
) -> None:
    """Raise HadathError where the data has a type that the model cannot tell."""
    for article in articles:
        for event in article.events:
            if event.type not in classifier.labels:
                raise HadathError(
                    f"{', '.join(files)}: article {article.id!r} has type {event.type!r}, which "
                    f"{classifier.model.name} does not tell; its labels are {', '.join(classifier.labels)}"
                )


def _test_articles(data: Data) -> list[Article]:
    articles = read_files(data.test)
    for files in (data.train, data.dev):
        refuse_leaks(read_files(files), articles, f"{', '.join(files)} and {', '.join(data.test)}")
    return articles


def _written(sheet: dict[str, Any], output: str) -> dict[str, Any]:
    write_sheet(sheet, output)
    sys.stdout.write(terminal_table(sheet) + "\n")
    sys.stderr.write(f"score sheet: {output}\n")
    return sheet

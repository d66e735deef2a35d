"""Scores a model on annotated articles beside its baselines, and writes the score sheet.

It does not know how figures are computed or shown (hadath/scores.py, hadath/report.py).
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hadath.annotations import Article
from hadath.baselines import OVERLAP, fit_answer_baseline, fit_events_baselines
from hadath.errors import HadathError
from hadath.hub import find_folder
from hadath.models import Model, embedded_folder
from hadath.ontology import load_scheme
from hadath.predict import AnswerFinder, EventClassifier
from hadath.report import (
    About,
    answer_sheet,
    describe_run,
    event_sheet,
    terminal_table,
    write_sheet,
)
from hadath.scores import AnswerResult, EventResult
from train.data import read_files, refuse_leaks
from train.judge import answer_results, event_results
from train.record import command, read_training_record, seeds_in


@dataclass(frozen=True, slots=True)
class Data:
    """The files that a score is measured on, and those that its baselines may learn from."""

    test: tuple[str, ...]
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()

    def articles(self) -> list[Article]:
        """The test articles. Raises HadathError where one of them is in train or dev too."""
        articles = read_files(self.test)
        for files in (self.train, self.dev):
            names = f"{', '.join(files)} and {', '.join(self.test)}"
            refuse_leaks(read_files(files), articles, names)
        return articles


def score_answers_model(source: str | None, data: Data, output: str) -> None:
    """Score an answer finder: a table on stdout; sheet, report and plots in `output`."""
    articles = data.articles()
    finder = AnswerFinder.load(source)
    began = time.monotonic()
    results = answer_results(finder, articles)
    about = about_run(finder.model, data, articles, seconds=time.monotonic() - began)
    baselines = answer_baselines(data, articles)
    written(answer_sheet(results, baselines, about=about, articles=articles), output)


def score_events_model(source: str | None, data: Data, output: str) -> None:
    """Score an event classifier: a table on stdout; sheet, report and plots in `output`."""
    articles = data.articles()
    classifier = EventClassifier.load(source)
    refuse_other_labels(classifier.model, articles, data.test)
    began = time.monotonic()
    results = event_results(classifier, articles)
    about = about_run(classifier.model, data, articles, seconds=time.monotonic() - began)
    sheet = event_sheet(
        results,
        event_baselines(data, articles),
        about=about,
        quad_of=quad_classes(classifier.model),
        articles=articles,
    )
    written(sheet, output)


def answer_baselines(data: Data, articles: Sequence[Article]) -> dict[str, Sequence[AnswerResult]]:
    """Results of word overlap, weighted on train and fitted on dev; none without both."""
    if not data.train or not data.dev:
        return {}
    predict = fit_answer_baseline(read_files(data.train), read_files(data.dev))
    return {OVERLAP: predict(articles)}


def event_baselines(data: Data, articles: Sequence[Article]) -> dict[str, Sequence[EventResult]]:
    """Results of the baselines fitted on the training files; none without such files."""
    if not data.train:
        return {}
    fitted = fit_events_baselines(read_files(data.train))
    return {name: predict(articles) for name, predict in fitted.items()}


def about_run(model: Model, data: Data, articles: Sequence[Article], *, seconds: float) -> About:
    """What a reader must know of a score: model, data, split, seed, command, machine."""
    about = describe_run(
        f"Hadath {model.settings.task}",
        dataset_name(data.test),
        split=split_name(data.test, articles),
        command=command(),
        files=data.test,
    )
    return replace(about, seeds=seeds_of(model), seconds=round(seconds, 1))


def dataset_name(files: Sequence[str]) -> str:
    """A short name for the data of these files: their folder's, or their own where it has none."""
    return ", ".join(dict.fromkeys(Path(path).parent.name or Path(path).stem for path in files))


def split_name(files: Sequence[str], articles: Sequence[Article]) -> str:
    """The articles' splits; the files' names where they have none or are a later round (dev-2)."""
    splits = sorted({article.split for article in articles if article.split})
    names = [Path(path).stem for path in files]
    several = len(splits) == 1 and any(name.startswith(f"{splits[0]}-") for name in names)
    return ", ".join(names if several or not splits else splits)


def seeds_of(model: Model) -> tuple[int, ...]:
    """The seeds that the model was trained with, as its folder remembers; () where it does not."""
    task = model.settings.task
    embedded = model.name == f"embedded {task}"
    try:
        folder = embedded_folder(task) if embedded else find_folder(model.name, task=task)
        return seeds_in(read_training_record(folder))
    except (HadathError, ValueError, KeyError, TypeError):
        return ()


def quad_classes(model: Model) -> dict[str, str]:
    """Type → quad class of the model's scheme; empty for a label set of the user's own."""
    if not model.settings.scheme:
        return {}
    return {kind.name: kind.quad for kind in load_scheme(model.settings.scheme).types if kind.quad}


def refuse_other_labels(model: Model, articles: Sequence[Article], files: Sequence[str]) -> None:
    """Raise HadathError where the data has a type that the model cannot tell."""
    labels = model.settings.labels
    for article in articles:
        for event in article.events:
            if event.type not in labels:
                raise HadathError(
                    f"{', '.join(files)}: article {article.id!r} has type {event.type!r}, which "
                    f"{model.name} does not tell; its labels are {', '.join(labels)}"
                )


def written(sheet: dict[str, Any], output: str) -> None:
    """The table on stdout; sheet, report and plots in `output`."""
    sys.stdout.write(terminal_table(sheet) + "\n")
    sys.stderr.write(f"score sheet: {write_sheet(sheet, output)}\n")

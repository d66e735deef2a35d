"""Leave one article out: each seed article is read by a model fine-tuned on the others, never on itself."""

import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hadath.annotations import Article, write_articles
from hadath.config import AnswersConfig, EventsConfig, TrainingConfig
from hadath.errors import HadathError
from hadath.models import load_model
from hadath.predict import AnswerFinder, EventClassifier
from hadath.report import answer_sheet, event_sheet, terminal_table, write_sheet
from train.answers import train_answers
from train.data import read_files
from train.events import train_events
from train.judge import answer_results, event_results
from train.score import (
    Data,
    about_run,
    answer_baselines,
    event_baselines,
    quad_classes,
    refuse_other_labels,
)

Config = TypeVar("Config", bound=TrainingConfig)


def leave_one_answers_out(config: AnswersConfig, held: str) -> dict[str, Any]:
    """Answers to each article's questions by a finder fine-tuned on the other articles of `held`."""
    articles = read_files([held])
    began = time.monotonic()
    results = []
    for article, fold in _folds(config, articles):
        results += answer_results(AnswerFinder(train_answers(fold)), [article])
    before = answer_results(AnswerFinder.load(config.base), articles)
    data = Data(test=(held,), train=config.train, dev=config.dev)
    about = _about(config, data, articles, "answers", began)
    baselines = {"Same model before the other articles": before, **answer_baselines(data, articles)}
    sheet = answer_sheet(results, baselines, about=about)
    return _written(sheet, config)


def leave_one_events_out(
    config: EventsConfig, held: str, baselines_learn_from: Sequence[str] = ()
) -> dict[str, Any]:
    """Event types of each article's sentences by a classifier fine-tuned on the other articles of `held`."""
    articles = read_files([held])
    before = EventClassifier.load(config.base)
    refuse_other_labels(before, articles, [held])
    began = time.monotonic()
    results: list[Any] = []
    baselines: dict[str, list[Any]] = {
        "Same model before the other articles": event_results(before, articles)
    }
    for article, fold in _folds(config, articles):
        results += event_results(EventClassifier(train_events(fold)), [article])
        learns = Data(test=(held,), train=(*baselines_learn_from, *fold.train))
        for name, found in event_baselines(learns, [article]).items():
            baselines.setdefault(name, []).extend(found)
    data = Data(test=(held,), train=(*baselines_learn_from, *config.train), dev=config.dev)
    about = _about(config, data, articles, "events", began)
    sheet = event_sheet(results, baselines, about=about, quad_of=quad_classes(before.model))
    return _written(sheet, config)


def _folds(config: Config, articles: Sequence[Article]) -> Iterator[tuple[Article, Config]]:
    """(held-out article, config that trains on the others beside the config's own files) for each article."""
    if len(articles) < 2:
        raise HadathError("leave-one-out: one article only; there is nothing left to learn from")
    for article in articles:
        folder = Path(f"{config.output}-without-{article.id}")
        others = folder.with_suffix(".jsonl")
        write_articles(others, [other for other in articles if other.id != article.id])
        sys.stderr.write(f"without {article.id}:\n")
        yield (
            article,
            dataclasses.replace(config, output=str(folder), train=(*config.train, str(others))),
        )


def _about(
    config: TrainingConfig, data: Data, articles: Sequence[Article], task: str, began: float
) -> dict[str, Any]:
    seconds = time.monotonic() - began
    about = about_run(load_model(config.base, task=task), data, articles, seconds=seconds)
    return about | {
        "system": f"Hadath {task}, leave one article out",
        "split": f"leave-one-out over {len(articles)} articles",
        "seeds": [config.seed],
    }


def _written(sheet: dict[str, Any], config: TrainingConfig) -> dict[str, Any]:
    write_sheet(sheet, config.output)
    sys.stdout.write(terminal_table(sheet) + "\n")
    sys.stderr.write(f"score sheet: {config.output}\n")
    return sheet

"""Leave one article out: each seed article is read by a model adapted to the others alone.

Adapting is fine-tuning, or fitting the model's numbers (refit.py) and no weight. It
does not know how a model is trained (answers.py, events.py) or scored (score.py).
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from hadath.annotations import Article, write_articles
from hadath.baselines import BEFORE
from hadath.config import AnswersConfig, EventsConfig, TrainingConfig
from hadath.errors import HadathError
from hadath.files import file_names
from hadath.models import Model
from hadath.predict import AnswerFinder, EventClassifier
from hadath.report import About, answer_sheet, event_sheet
from hadath.scores import AnswerResult, EventResult
from train.answers import train_answers
from train.data import read_files
from train.events import train_events
from train.judge import answer_results, event_results
from train.refit import fitted_to
from train.score import (
    Data,
    about_run,
    answer_baselines,
    event_baselines,
    quad_classes,
    refuse_other_labels,
    written,
)

Config = TypeVar("Config", bound=TrainingConfig)


def leave_one_answers_out(
    config: AnswersConfig, held: str, learn_from: Sequence[str] = (), *, refit: bool = False
) -> None:
    """Answers to each article's questions by a finder adapted to the other articles of `held`.

    `learn_from`: further files that weigh the baseline's words. `refit`: the weights of
    `config.base` stay; the other articles, instead of `config.dev`, give the numbers.
    """
    articles = read_files([held])
    read_files(_each_once(learn_from, config.train))  # what can't be read is told before the hours
    began = time.monotonic()
    before = AnswerFinder.load(config.base)
    baselines: dict[str, list[AnswerResult]] = {BEFORE: answer_results(before, articles)}
    results: list[AnswerResult] = []
    for article, fold in _folds(config, articles):
        if refit:
            model = fitted_to(before.model, fold.train)
        else:
            model = train_answers(fold)
        results += answer_results(AnswerFinder(model), [article])
        data = Data(test=(held,), train=_each_once(learn_from, fold.train), dev=config.dev)
        for name, found in answer_baselines(data, [article]).items():
            baselines.setdefault(name, []).extend(found)
    about = _about(before.model, config, articles, held, began)
    written(answer_sheet(results, baselines, about=about, articles=articles), config.output)


def leave_one_events_out(
    config: EventsConfig, held: str, learn_from: Sequence[str] = (), *, refit: bool = False
) -> None:
    """Event types of each article's sentences by a classifier adapted to the others of `held`.

    `learn_from`: further files that the baselines learn from. `refit`: as with answers.
    """
    articles = read_files([held])
    read_files(_each_once(learn_from, config.train))  # what can't be read is told before the hours
    began = time.monotonic()
    before = EventClassifier.load(config.base)
    refuse_other_labels(before.model, articles, [held])
    baselines: dict[str, list[EventResult]] = {BEFORE: event_results(before, articles)}
    results: list[EventResult] = []
    for article, fold in _folds(config, articles):
        if refit:
            model = fitted_to(before.model, fold.train)
        else:
            model = train_events(fold)
        results += event_results(EventClassifier(model), [article])
        data = Data(test=(held,), train=_each_once(learn_from, fold.train))
        for name, found in event_baselines(data, [article]).items():
            baselines.setdefault(name, []).extend(found)
    about = _about(before.model, config, articles, held, began)
    quads = quad_classes(before.model)
    sheet = event_sheet(results, baselines, about=about, quad_of=quads, articles=articles)
    written(sheet, config.output)


def _each_once(*files: Sequence[str]) -> tuple[str, ...]:
    """All files, one that is named twice (to train on and for the baselines) once."""
    return tuple(dict.fromkeys(chain.from_iterable(files)))


def _folds(config: Config, articles: Sequence[Article]) -> Iterator[tuple[Article, Config]]:
    """Each article with the config that trains on the others beside the config's own files."""
    if len(articles) < 2:
        raise HadathError("leave-one-out: one article only; there is nothing left to learn from")
    names = file_names([article.id for article in articles], "leave-one-out")
    for article, name in zip(articles, names, strict=True):
        folder = Path(f"{config.output}-without-{name}")
        others = folder.with_name(f"{folder.name}.jsonl")
        write_articles(others, [other for other in articles if other.id != article.id])
        sys.stderr.write(f"without {article.id}:\n")
        yield article, replace(config, output=str(folder), train=(*config.train, str(others)))


def _about(
    model: Model, config: TrainingConfig, articles: Sequence[Article], held: str, began: float
) -> About:
    about = about_run(model, Data(test=(held,)), articles, seconds=time.monotonic() - began)
    return replace(about, split="leave one article out", seeds=(config.seed,))

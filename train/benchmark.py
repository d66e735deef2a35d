"""Public benchmarks under their published protocol, one command each.

It does not know how a model is trained (events.py) or a figure computed (hadath/scores.py).
"""

import dataclasses
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hadath.annotations import Article, write_articles
from hadath.baselines import SVM, fit_events_baselines
from hadath.config import AnswersConfig, EventsConfig, load_config
from hadath.errors import HadathError
from hadath.predict import EventClassifier
from hadath.provenance import hardware_line
from hadath.scores import EventResult, score_events
from train.data import read_files
from train.events import refuse_other_counts, train_events
from train.judge import event_results
from train.leave_one_out import leave_one_answers_out, leave_one_events_out
from train.record import Beginning, beginning, command, write_record
from train.score import Data, score_answers_model

SHARES = (0.70, 0.15)  # of train and dev; the rest is test
ARCD = "data/public/arcd/arcd-test.json"
SEEDS = "data/seeds/seeds.jsonl"
AUTHORED = Data(
    test=("data/authored/test.jsonl",),
    # Not train-5: no events are annotated there, and the baselines would learn that no sentence
    # reports one.
    train=tuple(
        f"data/authored/{name}.jsonl"
        for name in ("train", *(f"train-{number}" for number in (2, 3, 4, 6, 7, 8, 9, 10, 11, 12)))
    ),
    dev=tuple(f"data/authored/{name}.jsonl" for name in ("dev", "dev-2", "dev-3")),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One seed's figures on its own random test split: the network's and the SVM's, in 0…1."""

    seed: int
    dev_macro_f1: float
    macro_f1: float
    accuracy: float
    svm_macro_f1: float
    svm_accuracy: float
    labels: dict[str, float]  # F1 of each
    seconds: float


def quadclass(config: EventsConfig, numbers: Sequence[int]) -> dict[str, Any]:
    """One label a sentence, random 70/15/15 splits, a model a seed: mean and spread of macro-F1.

    `config.train` names the whole labelled set; each seed splits it anew, chooses the epoch on its
    dev part and is scored once on its test part. Writes benchmark.json and benchmark.md into
    `config.output`, and gives what the JSON holds.
    """
    if len(numbers) < 2 or len(set(numbers)) < len(numbers):
        raise HadathError(f"seeds: found {list(numbers)}; name at least two, each once")
    for seed in numbers:
        replace(config, seed=seed)  # refuses one out of range before hours of training
    articles = read_files(config.train)
    refuse_unfit(config.train, articles)
    began = beginning(config.train)
    runs = []
    for seed in numbers:
        split_began = time.monotonic()
        folder = Path(config.output) / f"seed-{seed}"
        parts = random_split(articles, seed)
        files = [str(folder.with_name(f"{folder.name}-{name}.jsonl")) for name in parts]
        for file, part in zip(files, parts.values(), strict=True):
            write_articles(file, part)
        ours = replace(
            config, train=(files[0],), dev=(files[1],), seed=seed, output=str(folder), held_out=()
        )
        sys.stderr.write(f"seed {seed}:\n")
        classifier = EventClassifier(train_events(ours))
        found = _figures(event_results(classifier, parts["test"]))
        dev = _figures(event_results(classifier, parts["dev"]))
        svm = _figures(fit_events_baselines(parts["train"])[SVM](parts["test"]))
        runs.append(
            Run(
                seed=seed,
                dev_macro_f1=dev["macro_f1"],
                macro_f1=found["macro_f1"],
                accuracy=found["accuracy"],
                svm_macro_f1=svm["macro_f1"],
                svm_accuracy=svm["accuracy"],
                labels={key[3:]: value for key, value in found.items() if key.startswith("f1 ")},
                seconds=round(time.monotonic() - split_began, 1),
            )
        )
        sys.stderr.write(f"seed {seed}: macro-F1 {runs[-1].macro_f1:.4f} on test\n")
    return _written(config, runs, sentences=len(articles), began=began)


def refuse_unfit(files: Sequence[str], articles: Sequence[Article]) -> None:
    """Raise HadathError where the articles can't be split, or a sentence has not one label."""
    place = ", ".join(files) or "train"
    if not all(random_split(articles, seed=0).values()):
        raise HadathError(
            f"{place}: {len(articles)} articles, too few for a train, a dev and a test part; "
            f"name a larger set"
        )
    mend = "the protocol needs exactly one, correct or remove it"
    refuse_other_counts(files, articles, mend=mend)
    homes: dict[str, str] = {}
    for article in articles:
        first = homes.setdefault(article.text.strip(), article.id)
        if first != article.id:
            raise HadathError(
                f"{place}: articles {first!r} and {article.id!r} have the same text, which a "
                f"split would put on both sides; remove one"
            )


def arcd(model: str | None) -> None:
    """ARCD's test questions by `model` (None: the embedded one), in both measures, into runs/arcd.

    The baseline of word overlap learns from the authored news articles.
    """
    score_answers_model(model, replace(AUTHORED, test=(ARCD,)), "runs/arcd")


def seeds() -> None:
    """Both tasks on the five seed articles, each read by a model adapted to the other four.

    The answer finder by its two numbers alone: four articles are too few for its weights
    (docs/recipes.md).
    """
    answers = load_config(AnswersConfig, "configs/answers-leave-one-out.yaml")
    leave_one_answers_out(answers, SEEDS, AUTHORED.train, refit=True)
    events = load_config(EventsConfig, "configs/events-leave-one-out.yaml")
    leave_one_events_out(events, SEEDS, AUTHORED.train)


def random_split(articles: Sequence[Article], seed: int) -> dict[str, list[Article]]:
    """The articles shuffled by the seed alone, then cut 70/15/15: {train, dev, test: articles}."""
    shuffled = list(articles)
    random.Random(seed).shuffle(shuffled)
    first = round(SHARES[0] * len(shuffled))
    second = first + round(SHARES[1] * len(shuffled))
    return {"train": shuffled[:first], "dev": shuffled[first:second], "test": shuffled[second:]}


def _figures(results: Sequence[EventResult]) -> dict[str, float]:
    scores = score_events(results, draws=1)
    shown = {name: scores.figures[name].value for name in ("macro_f1", "accuracy")}
    return shown | {f"f1 {each.type}": each.f1.value for each in scores.types if each.f1}


def _written(
    config: EventsConfig, runs: Sequence[Run], *, sentences: int, began: Beginning
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "benchmark": "quadclass",
        "protocol": f"random 70/15/15, {len(runs)} seeds, mean and standard deviation over seeds",
        "sentences": sentences,
        "command": command(),
        "data": began.data,
        "base": config.base,
        "git": began.git,
        "machine": hardware_line(),
        "seconds": round(sum(run.seconds for run in runs), 1),
        "macro_f1": _spread([run.macro_f1 for run in runs]),
        "accuracy": _spread([run.accuracy for run in runs]),
        "svm_macro_f1": _spread([run.svm_macro_f1 for run in runs]),
        "svm_accuracy": _spread([run.svm_accuracy for run in runs]),
        "runs": [dataclasses.asdict(run) for run in runs],
    }
    write_record(Path(config.output), "benchmark", record, benchmark_table(record))
    return record


def benchmark_table(record: dict[str, Any]) -> str:
    """The figures in percent as a Markdown table, a line a seed and one for the mean."""
    lines = [
        "| seed | macro-F1 | accuracy | SVM macro-F1 | SVM accuracy |",
        "|---|---:|---:|---:|---:|",
    ]
    columns = ("macro_f1", "accuracy", "svm_macro_f1", "svm_accuracy")
    for run in record["runs"]:
        figures = " | ".join(f"{100 * run[name]:.1f}" for name in columns)
        lines.append(f"| {run['seed']} | {figures} |")
    means = " | ".join(
        f"**{100 * record[name]['mean']:.1f}** ± {100 * record[name]['sd']:.1f}" for name in columns
    )
    return "\n".join([*lines, f"| mean ± sd | {means} |"])


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": round(statistics.mean(values), 4),
        "sd": round(statistics.stdev(values), 4),
    }

"""Trains the variants of one recipe over the same seeds and tells what each is worth on dev.

A run that is there already is not trained again, so an ablation goes on where it was stopped. It
does not know what a setting does, and never sees a test split.
"""

import dataclasses
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.config import (
    AnswersConfig,
    EventsConfig,
    TrainingConfig,
    load_config,
    read_settings,
)
from hadath.errors import HadathError, did_you_mean
from hadath.files import read_json, write_text
from hadath.provenance import git_revision, hardware_line
from train.answers import train_answers
from train.data import data_hash
from train.events import train_events
from train.record import RECORD, command

KEYS = {"task": str, "config": str, "output": str, "seeds": list, "variants": dict}
_NAMES = {str: "a text", list: "a list", dict: "names and their settings"}


@dataclass(frozen=True, slots=True)
class Ablation:
    """`variants`: name → key=value words over the recipe's settings; the first is the reference."""

    task: str
    config: str
    output: str
    seeds: tuple[int, ...]
    variants: Mapping[str, tuple[str, ...]]


def ablate(path: str) -> dict[str, Any]:
    """Train every variant with every seed, write ablation.json and ablation.md, give the record.

    Raises HadathError where the file does not fit, before anything is trained.
    """
    plan = read_ablation(path)
    train: Callable[..., object] = train_answers if plan.task == "answers" else train_events
    # All of them first: a slip in the last variant should not show after hours of training.
    runs = {name: [_run(plan, name, seed) for seed in plan.seeds] for name in plan.variants}
    figures: dict[str, list[dict[str, float]]] = {}
    for name, configs in runs.items():
        figures[name] = []
        for config in configs:
            if not (Path(config.output) / RECORD).is_file():
                sys.stderr.write(f"{name}, seed {config.seed}:\n")
                train(config)
            figures[name].append(dev_figures(config))
    first = next(iter(runs.values()))[0]
    record = {
        "ablation": path,
        "command": command(),
        "seeds": list(plan.seeds),
        "data": data_hash([*first.dev]),
        "git": git_revision(),
        "machine": hardware_line(),
        "variants": [
            {"name": name, "settings": list(plan.variants[name]), "dev": each}
            for name, each in figures.items()
        ],
    }
    table = ablation_table(record)
    write_text(Path(plan.output) / "ablation.md", table + "\n")
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    write_text(Path(plan.output) / "ablation.json", text)
    sys.stdout.write(table + "\n")
    return record


def read_ablation(path: str) -> Ablation:
    """The plan that a YAML file holds. Raises HadathError naming file and field."""
    values = read_settings(path)
    for key in values:
        if key not in KEYS:
            mend = did_you_mean(str(key), KEYS, f"the fields are {', '.join(KEYS)}")
            raise HadathError(f"{path}: no field {str(key)!r}; {mend}")
    found: dict[str, Any] = {key: values.get(key) for key in KEYS}
    for key, kind in KEYS.items():
        if not isinstance(found[key], kind):
            raise HadathError(f"{path}: {key}: found {found[key]!r}; expected {_NAMES[kind]}")
    if found["task"] not in ("answers", "events"):
        raise HadathError(f"{path}: task: found {found['task']!r}; expected answers or events")
    seeds = found["seeds"]
    if len(set(map(str, seeds))) < 2 or not all(type(seed) is int for seed in seeds):
        raise HadathError(f"{path}: seeds: found {seeds}; name two whole numbers or more")
    variants = {
        str(name): _words(words, f"{path}: variants: {name}")
        for name, words in found["variants"].items()
    }
    if len(variants) < 2:
        raise HadathError(f"{path}: variants: found {len(variants)}; name a reference and another")
    seeds = tuple(dict.fromkeys(seeds))
    return Ablation(found["task"], found["config"], found["output"], seeds, variants)


def _words(found: object, place: str) -> tuple[str, ...]:
    if isinstance(found, list) and all(isinstance(word, str) for word in found):
        return tuple(found)
    raise HadathError(f"{place}: found {found!r}; expected a list of key=value")


def dev_figures(config: TrainingConfig) -> dict[str, float]:
    """The dev figures, in 0…1, of the epoch that a finished run kept.

    Raises HadathError where the folder holds another run, or none that was judged.
    """
    place = Path(config.output) / RECORD
    record = read_json(place)
    # As JSON gives it back: tuples are lists there.
    wanted = json.loads(json.dumps(dataclasses.asdict(config)))
    if not isinstance(record, dict) or record.get("config") != wanted:
        raise HadathError(f"{place}: a run with other settings; remove it or change 'output'")
    judged = [row for row in record.get("log", ()) if "eval_goal" in row]
    if not judged:
        raise HadathError(f"{place}: no dev figures in its log; remove the folder, train anew")
    best = max(judged, key=lambda row: float(row["eval_goal"]))
    return {
        name.removeprefix("eval_"): float(value)
        for name, value in best.items()
        if name.startswith("eval_") and name != "eval_goal"
    }


def ablation_table(record: Mapping[str, Any]) -> str:
    """Markdown, in percent: mean ± standard deviation over seeds, and the gain over the reference.

    The gain is paired: that of each seed over the same seed of the first variant.
    """
    variants = record["variants"]
    names = list(variants[0]["dev"][0])
    titles = [name.replace("_", " ") for name in names]
    lines = [
        f"| variant, {len(record['seeds'])} seeds | {' | '.join(titles)} | "
        f"{' | '.join(f'gain, {title}' for title in titles)} |",
        f"|---|{'---:|' * (2 * len(names))}",
    ]
    for variant in variants:
        means = [spread([run[name] for run in variant["dev"]]) for name in names]
        gains = [
            spread([run[name] - old[name] for run, old in _pairs(variant, variants[0])], sign="+")
            for name in names
        ]
        if variant is variants[0]:
            gains = ["–"] * len(names)
        lines.append(f"| {variant['name']} | {' | '.join([*means, *gains])} |")
    return "\n".join(lines)


def spread(values: Sequence[float], *, sign: str = "") -> str:
    """Mean ± sample standard deviation, in percent."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    return f"{100 * mean:{sign}.1f} ± {100 * deviation:.1f}"


def _pairs(
    variant: Mapping[str, Any], reference: Mapping[str, Any]
) -> list[tuple[dict[str, float], dict[str, float]]]:
    return list(zip(variant["dev"], reference["dev"], strict=True))


def _run(plan: Ablation, name: str, seed: int) -> AnswersConfig | EventsConfig:
    """One run's settings; its folder is named for the variant's place and the seed."""
    place = list(plan.variants).index(name) + 1
    words = (
        *plan.variants[name],
        f"seed={seed}",
        f"output={Path(plan.output) / f'variant-{place}-seed-{seed}'}",
    )
    if plan.task == "answers":
        return load_config(AnswersConfig, plan.config, words)
    return load_config(EventsConfig, plan.config, words)

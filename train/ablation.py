"""Trains the variants of one recipe over the same seeds and tells what each is worth on dev.

A run that is finished is not trained again; one that was cut short starts anew. It does not know
what a setting does, and never sees a test split.
"""

import dataclasses
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.config import AnswersConfig, EventsConfig, TrainingConfig, load_config
from hadath.errors import HadathError
from hadath.fields import checked
from hadath.files import home_path, read_json, read_yaml
from hadath.provenance import hardware_line
from train.answers import train_answers
from train.data import data_hash, training_articles
from train.events import train_events
from train.loop import refuse_several_processes
from train.record import RECORD, beginning, command, write_record

KEYS = {"task": str, "config": str, "output": str, "seeds": list, "variants": dict}
# What the plan itself sets, and what must be alike for figures to be compared.
FIXED = ("seed", "output", "dev")


@dataclass(frozen=True, slots=True)
class Ablation:
    """`variants`: name → key=value words over the recipe's settings; the first is the reference."""

    path: str
    task: str
    config: str
    output: str
    seeds: tuple[int, ...]
    variants: Mapping[str, tuple[str, ...]]


def ablate(path: str) -> dict[str, Any]:
    """Train every variant with every seed, write ablation.json and ablation.md, give the record.

    Raises HadathError where the plan, a file or a finished run's folder does not fit, before
    anything is trained.
    """
    refuse_several_processes("ablate")
    plan = read_ablation(path)
    runs = configs_of(plan)
    began = beginning([file for configs in runs.values() for file in configs[0].files])
    train: Callable[..., object] = train_answers if plan.task == "answers" else train_events
    for config in (config for configs in runs.values() for config in configs):
        if _finished(config):
            dev_figures(config)
        elif config.seed == plan.seeds[0]:
            training_articles(config)  # of one seed: the others read the same files
    for name, configs in runs.items():
        for config in configs:
            if not _finished(config):
                sys.stderr.write(f"{name}, seed {config.seed}:\n")
                train(config)
    record = {
        "ablation": path,
        "command": command(),
        "seeds": list(plan.seeds),
        "data": began.data,
        "git": began.git,
        "machine": hardware_line(),
        "variants": [
            {
                "name": name,
                "settings": list(plan.variants[name]),
                "dev": [dev_figures(config) for config in configs],
            }
            for name, configs in runs.items()
        ],
    }
    write_record(Path(plan.output), "ablation", record, ablation_table(record))
    return record


def read_ablation(path: str) -> Ablation:
    """The plan that a YAML file holds. Raises HadathError naming file and field."""
    found = checked(read_yaml(path), path, KEYS, KEYS)
    for key in ("config", "output"):
        if not found[key].strip():
            raise HadathError(f"{path}: {key}: it is empty; name a file or folder")
    if found["task"] not in ("answers", "events"):
        raise HadathError(f"{path}: task: found {found['task']!r}; expected answers or events")
    seeds = found["seeds"]
    if not all(type(seed) is int for seed in seeds) or len(set(seeds)) < max(2, len(seeds)):
        raise HadathError(
            f"{path}: seeds: found {seeds}; name two whole numbers or more, each once"
        )
    variants = {
        name: _words(words, f"{path}: variants: {name}")
        for name, words in found["variants"].items()
    }
    if len(variants) < 2 or not all(isinstance(name, str) for name in variants):
        raise HadathError(
            f"{path}: variants: found {list(variants)}; name a reference and another, in words"
        )
    return Ablation(
        path=path,
        task=found["task"],
        config=found["config"],
        output=str(home_path(found["output"])),
        seeds=tuple(seeds),
        variants=variants,
    )


def configs_of(plan: Ablation) -> dict[str, list[AnswersConfig] | list[EventsConfig]]:
    """Each variant's settings, one a seed; a run's folder has the variant's place and the seed.

    Raises HadathError naming the variant whose words don't fit.
    """
    kind: type[AnswersConfig] | type[EventsConfig]
    kind = AnswersConfig if plan.task == "answers" else EventsConfig
    load_config(kind, plan.config)  # so that what is wrong in it is not blamed on a variant
    found: dict[str, Any] = {}
    for place, (name, words) in enumerate(plan.variants.items(), start=1):
        folders = {seed: f"{plan.output}/variant-{place}-seed-{seed}" for seed in plan.seeds}
        try:
            found[name] = [
                load_config(kind, plan.config, [*words, f"seed={seed}", f"output={folder}"])
                for seed, folder in folders.items()
            ]
        except HadathError as error:
            raise HadathError(f"{plan.path}: variants: {name}: {error}") from error
    return found


def dev_figures(config: TrainingConfig) -> dict[str, float]:
    """The dev figures, in 0…1, of the epoch that a finished run kept.

    Raises HadathError where the folder holds another run, or one that was never judged.
    """
    place = Path(config.output) / RECORD
    record = read_json(place)
    # As JSON gives it back: tuples are lists there.
    wanted = json.loads(json.dumps(dataclasses.asdict(config)))
    if not isinstance(record, dict) or record.get("config") != wanted:
        raise HadathError(f"{place}: a run with other settings; remove it or change 'output'")
    if record.get("data") != data_hash(config.files):
        raise HadathError(f"{place}: a run on other data; remove its folder to train it anew")
    judged = [row for row in record.get("log") or () if "eval_goal" in row]
    if not judged:
        raise HadathError(f"{place}: no epoch was judged; set epochs above 0, remove the folder")
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
    runs = [run for variant in variants for run in variant["dev"]]
    names = [name for name in runs[0] if all(name in run for run in runs)]
    titles = [name.replace("_", " ") for name in names]
    lines = [
        f"| variant, {len(record['seeds'])} seeds | {' | '.join(titles)} | "
        f"{' | '.join(f'gain, {title}' for title in titles)} |",
        f"|---|{'---:|' * (2 * len(names))}",
    ]
    for variant in variants:
        pairs = list(zip(variant["dev"], variants[0]["dev"], strict=True))
        means = [spread([run[name] for run in variant["dev"]]) for name in names]
        gains = [spread([run[name] - old[name] for run, old in pairs], sign="+") for name in names]
        if variant is variants[0]:
            gains = ["–"] * len(names)
        lines.append(f"| {variant['name']} | {' | '.join([*means, *gains])} |")
    return "\n".join(lines)


def spread(values: Sequence[float], *, sign: str = "") -> str:
    """Mean ± sample standard deviation, in percent."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    return f"{100 * mean:{sign}.1f} ± {100 * deviation:.1f}"


def _finished(config: TrainingConfig) -> bool:
    return (Path(config.output) / RECORD).is_file()


def _words(found: object, place: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise HadathError(f"{place}: found {found!r}; expected a list of key=value")
    for word in found:
        key, equals, _ = word.partition("=")
        if key in FIXED:
            raise HadathError(f"{place}: {key!r} is the plan's, alike for all variants; remove it")
        if not equals:
            raise HadathError(
                f"{place}: found {word!r}; expected key=value, in quotation marks where it holds "
                f"a comma"
            )
    return tuple(found)

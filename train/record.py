"""What a run leaves beside its model: its settings, data, versions, revision, log and loss curve.

It does not know the model, nor where a run's folder is written (finish.py).
"""

import dataclasses
import io
import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.config import TrainingConfig
from hadath.errors import HadathError
from hadath.files import read_json, write_text
from hadath.provenance import PACKAGES, git_revision, hardware_line, library_versions
from train.data import data_hash

RECORD, CURVE = "training.json", "loss.png"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run began with; asked for at its end, files and revision might be others by then."""

    clock: float
    data: dict[str, str]
    git: str | None

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return time.monotonic() - self.clock


def beginning(files: Sequence[str]) -> Beginning:
    """Clock, revision and the files' hashes now. HadathError where one can't be read."""
    return Beginning(time.monotonic(), data_hash(files), git_revision())


def run_record(
    config: TrainingConfig, log: Sequence[dict[str, Any]], *, began: Beginning, seconds: float
) -> dict[str, Any]:
    """All that is needed to repeat the run and to doubt its figures."""
    return {
        "command": command(),
        "config": dataclasses.asdict(config),
        "data": began.data,
        "versions": library_versions((*PACKAGES, "accelerate")),
        "git": began.git,
        "machine": hardware_line(),
        "seconds": round(seconds, 1),
        "log": list(log),
    }


def refit_record(files: Sequence[str]) -> dict[str, Any]:
    """What it takes to fit a trained model's numbers once more: command, dev data, revision."""
    return {
        "command": command(),
        "data": data_hash(list(dict.fromkeys(files))),
        "git": git_revision(),
    }


def seeds_in(record: Mapping[str, Any]) -> tuple[int, ...]:
    """The seeds of a training's record; of an averaged model's, those of all that went into it."""
    seeds = {int(record["config"]["seed"])}
    for source in record.get("average", {}).get("records", ()):
        seeds |= set(source["seeds"])
    return tuple(sorted(seeds))


def source_record(folder: Path) -> dict[str, Any]:
    """What an averaged model keeps of the training of one of its sources; {} where that is lost.

    Raises HadathError where the record can't be read.
    """
    if not (folder / RECORD).is_file():
        return {}
    record = read_training_record(folder)
    try:
        return {
            "commands": commands_in(record),
            "seeds": list(seeds_in(record)),
            "data": data_in(record),
            "dev": sorted(judged_in(record)),
            "held_out": sorted(held_out_in(record)),
            "seconds": seconds_in(record),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise HadathError(f"{folder / RECORD}: no training's record; restore the file") from error


def commands_in(record: Mapping[str, Any]) -> list[str]:
    """The commands that made a model, in order: trainings, their mean, the fitting of numbers."""
    mean = record.get("average", {})
    trained = [line for source in mean.get("records", ()) for line in source.get("commands", ())]
    first = list(dict.fromkeys(trained)) or [record["command"]]
    return first + [record[step]["command"] for step in ("average", "refit") if step in record]


def data_in(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(file, SHA-256) of all that its trainings read: train, dev and held-out files.

    A file that changed between an averaged model's trainings is there with each of its hashes.
    """
    pairs = [
        (str(path), str(digest))
        for source in record.get("average", {}).get("records", ())
        for path, digest in source.get("data", ())
    ]
    pairs += record.get("data", {}).items()
    pairs += record.get("refit", {}).get("data", {}).items()
    return list(dict.fromkeys(pairs))


def judged_in(record: Mapping[str, Any]) -> set[str]:
    """The files that chose a model and fitted its numbers, an averaged one's sources' too."""
    sources = record.get("average", {}).get("records", ())
    files = set(record["config"]["dev"]) | set(record.get("refit", {}).get("data", ()))
    return files.union(*(source.get("dev", ()) for source in sources))


def held_out_in(record: Mapping[str, Any]) -> set[str]:
    """The files that were read only so that training articles like them were dropped."""
    sources = record.get("average", {}).get("records", ())
    files = set(record["config"].get("held_out", ()))
    return files.union(*(source.get("held_out", ()) for source in sources))


def seconds_in(record: Mapping[str, Any]) -> float:
    """Seconds of training, those of an averaged model's sources summed."""
    sources = record.get("average", {}).get("records", ())
    told = [source["seconds"] for source in sources if "seconds" in source]
    return float(sum(told) if told else record.get("seconds", 0))


def read_training_record(folder: Path) -> dict[str, Any]:
    """The record that a training left in `folder`. Raises HadathError where it can't be read."""
    record = read_json(folder / RECORD)
    if not isinstance(record, dict):
        raise HadathError(f"{folder / RECORD}: found no record; restore or remove the file")
    return record


def left_by_training(folder: Path, **more: dict[str, Any]) -> dict[str, str | bytes]:
    """The loss curve and the record that a training left in `folder`, the latter told of `more`.

    Numbers fitted before are not the new model's: how they were fitted is left out. Nothing where
    there is no record. Raises HadathError where it can't be read.
    """
    kept: dict[str, str | bytes] = {}
    if (folder / CURVE).is_file():
        kept[CURVE] = (folder / CURVE).read_bytes()
    if (folder / RECORD).is_file():
        record = read_training_record(folder)
        kept[RECORD] = record_text({k: v for k, v in record.items() if k != "refit"} | more)
    return kept


def record_text(record: dict[str, Any]) -> str:
    """The record as the text of its file."""
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def write_record(folder: Path, name: str, record: dict[str, Any], table: str) -> None:
    """Write NAME.json and its Markdown `table` as NAME.md into `folder`, and print the table."""
    write_text(folder / f"{name}.md", table + "\n")
    write_text(folder / f"{name}.json", record_text(record))
    sys.stdout.write(table + "\n")


def command() -> str:
    """The command line of this run, as one would type it."""
    return shlex.join(["python", "-m", "train", *sys.argv[1:]])


def loss_curve(log: Sequence[dict[str, Any]], goal: str) -> bytes:
    """A PNG of the training loss by step, with the dev score on an axis of its own."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    losses = [(row["step"], row["loss"]) for row in log if "loss" in row]
    scores = [(row["step"], row["eval_goal"]) for row in log if "eval_goal" in row]
    if losses:
        axes.plot(*zip(*losses, strict=True), color="#888888", label="training loss")
    axes.set(xlabel="step", ylabel="training loss")
    twin = axes.twinx()
    if scores:
        twin.plot(*zip(*scores, strict=True), "o-", color="#1b6ca8", label=f"dev {goal}")
    twin.set(ylabel=f"dev {goal}", ylim=(0, 1))
    if losses or scores:
        figure.legend(loc="outside upper center", ncols=2)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()

"""Where a run's checkpoints lie, which one it goes on from, and whether they are this run's.

It does not know how they are written and read back (loop.py).
"""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from transformers import EarlyStoppingCallback, TrainerState

from hadath.config import TrainingConfig
from hadath.errors import HadathError, system_reason
from hadath.files import read_json, write_text
from train.data import data_hash

WHOLE = "whole"  # marks a checkpoint that was written to its end
RUN = "run.json"  # beside the checkpoints: the settings and data that they belong to


def is_first_process() -> bool:
    """Whether this is the only process, or the one of several that writes and removes files."""
    return os.environ.get("RANK", "0") == "0"


def checkpoint_folder(config: TrainingConfig) -> Path:
    """Where a run keeps its checkpoints: beside the model's folder, never in it."""
    output = Path(config.output)
    return output.with_name(output.name + ".checkpoints")


def refuse_unsaved(config: TrainingConfig) -> None:
    """Raise HadathError where an older run left checkpoints, which a new one would remove."""
    folder = checkpoint_folder(config)
    whole = _whole(folder)
    if whole:
        raise HadathError(
            f"{folder}: {whole[-1].name} of a run that was not saved; go on from it with --resume, "
            f"or remove the folder to start anew"
        )


def clear(folder: Path) -> None:
    """Make the folder anew, without what an older run left in it."""
    if is_first_process():
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HadathError(
            f"{folder}: not made ({system_reason(error)}); choose another output"
        ) from error


def last_checkpoint(folder: Path) -> str:
    """The newest whole checkpoint; half-written ones are removed. HadathError where none is."""
    whole = _whole(folder)
    if not whole:
        raise HadathError(f"{folder}: nothing to resume; start the run without --resume")
    if is_first_process():
        for path in _checkpoints(folder):
            if path not in whole:
                shutil.rmtree(path, ignore_errors=True)
    _forget_lost_best(whole[-1], folder)
    return str(whole[-1])


def _whole(folder: Path) -> list[Path]:
    return [path for path in _checkpoints(folder) if (path / WHOLE).exists()]


def _checkpoints(folder: Path) -> list[Path]:
    """Oldest first, half-written ones too."""
    steps = {path: path.name.removeprefix("checkpoint-") for path in folder.glob("checkpoint-*")}
    return sorted((path for path in steps if steps[path].isdecimal()), key=lambda p: int(steps[p]))


def note_run(config: TrainingConfig, folder: Path, *, resume: bool) -> None:
    """Note what the checkpoints in `folder` belong to; on resuming, refuse other settings or data.

    Where the folder lies is no setting.
    """
    settings = json.loads(json.dumps(asdict(config)))
    now = settings | {"data": data_hash(config.files)}
    if not resume or not (folder / RUN).is_file():
        if is_first_process():
            write_text(folder / RUN, json.dumps(now, ensure_ascii=False, indent=1) + "\n")
        return
    before = read_json(folder / RUN)
    was = before if isinstance(before, dict) else {}
    for key in sorted((now.keys() | was.keys()) - {"output"}):
        if now.get(key) != was.get(key):
            then, by_now = was.get(key), now.get(key)
            what = "files changed" if key == "data" else f"{then!r} then, {by_now!r} now"
            raise HadathError(
                f"{folder}: {key}: {what}; resume with what the run began with, or remove the "
                f"folder to start anew"
            )


def has_ended(state: TrainerState, config: TrainingConfig) -> bool:
    """Whether the run of this state was over: stopped early, or where the config stops it."""
    counter = state.stateful_callbacks.get(EarlyStoppingCallback.__name__, {})
    bad = counter.get("attributes", {}).get("early_stopping_patience_counter", 0)
    done = state.epoch or 0.0
    return bad >= config.patience or (config.stop_after is not None and done >= config.stop_after)


def _forget_lost_best(checkpoint: Path, folder: Path) -> None:
    """Point the state at the best checkpoint where it lies now, should the folder have moved."""
    path = checkpoint / "trainer_state.json"
    state = read_json(path)
    if isinstance(state, dict) and state.get("best_model_checkpoint"):
        state["best_model_checkpoint"] = str(folder / Path(state["best_model_checkpoint"]).name)
        write_text(path, json.dumps(state))  # whole at any time: each process reads and writes it

"""What both recipes share at their two ends: how the base is loaded, and the folder a run leaves.

It does not know the task.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hadath.config import TrainingConfig
from hadath.models import Model, load_model, save_compact, save_model
from hadath.scores import AnswerResult, EventResult
from train.checkpoints import checkpoint_folder, is_first_process
from train.judge import Judged
from train.record import CURVE, RECORD, Beginning, loss_curve, record_text, run_record


def base_settings(config: TrainingConfig) -> dict[str, Any]:
    """What `load_base` makes of the base by this config, whatever the task."""
    return {
        "layers": config.layers,
        "overrides": {
            "attention_dropout": config.attention_dropout,
            "hidden_dropout": config.hidden_dropout,
        },
        "cleaning": config.arabert_cleaning,
        "fold_marks": config.fold_marks,
        "fold_letters": config.fold_letters,
    }


def as_compact(model: Model) -> Model:
    """The model as it will be loaded once it is saved compactly: its weights rounded to 7 bits."""
    with tempfile.TemporaryDirectory() as place:
        save_compact(model, Path(place) / "rounded")
        return replace(
            load_model(Path(place) / "rounded", task=model.settings.task), name=model.name
        )


def finish(
    model: Model,
    config: TrainingConfig,
    log: Sequence[dict[str, Any]],
    *,
    fit: Callable[[Model], Judged[AnswerResult] | Judged[EventResult]],
    goal: str,
    began: Beginning,
) -> Model:
    """Fit the dev numbers, save model, record and loss curve as one folder, drop the checkpoints.

    A compact model's weights are rounded first: its numbers are fitted to what will be loaded.
    """
    if not is_first_process():
        return model
    save = save_model
    if config.compact:
        save = save_compact
        model = as_compact(model)
    model = fit(model).model
    seconds = began.seconds
    record = run_record(config, log, began=began, seconds=seconds)
    files: dict[str, str | bytes] = {
        RECORD: record_text(record),
        CURVE: loss_curve(log, goal),
    }
    save(model, config.output, extra_files=files)
    shutil.rmtree(checkpoint_folder(config), ignore_errors=True)
    sys.stderr.write(f"saved {config.output} after {seconds / 60:.1f} minutes\n")
    return model

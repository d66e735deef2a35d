"""Fits a trained model's numbers anew (calibrate.py), to other dev articles or a newer decoder.

Its weights stay as they are; it knows nothing of how they were trained.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from hadath.errors import HadathError
from hadath.hub import find_folder
from hadath.model_settings import ModelSettings
from hadath.models import Model, load_model, refuse_other_folder, save_compact, save_model
from train.data import read_sets
from train.finish import as_compact
from train.judge import asked_of, fit_answers, fit_events
from train.record import left_by_training, refit_record
from train.score import refuse_other_labels


def refit(
    task: str,
    source: str,
    dev: Sequence[str],
    output: str,
    *,
    compact: bool,
    rereads: int | None = None,
    reread_share: float | None = None,
    respell: bool | None = None,
) -> None:
    """Save `source` into `output` with the numbers that the `dev` files give it.

    `rereads`, `reread_share`, `respell`: how an answer finder reads, where that is to change.
    The record that `source` has of its training is kept, this command and its data beside it.
    """
    refuse_other_folder(output)
    folder = find_folder(source, task=task)
    model = load_model(source, task=task)
    said = {"rereads": rereads, "reread_share": reread_share, "respell": respell}
    changed: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if changed and task != "answers":
        raise HadathError(f"--{next(iter(changed)).replace('_', '-')}: it is for answers alone")
    model = replace(model, settings=replace(model.settings, **changed))
    if compact:
        model = as_compact(model)
    fitted = fitted_to(model, dev)
    save = save_compact if compact else save_model
    files = left_by_training(folder, refit=refit_record(dev))
    save(fitted, output, extra_files=files)
    sys.stderr.write(f"{output}: {_numbers(model.settings)} → {_numbers(fitted.settings)}\n")


def _numbers(settings: ModelSettings) -> str:
    """What is fitted, in words."""
    temperature = f"temperature {settings.temperature:.2f}"
    if settings.task == "answers":
        floor = f"floor {settings.confidence_floor:.2f}"
        threshold = f"no-answer threshold {settings.no_answer_threshold:.2f}"
        twice = f"; best {settings.rereads} read twice" if settings.rereads else ""
        respelt = "; respelt" if settings.respell else ""
        return f"{temperature}, {floor}, {threshold}{twice}{respelt}"
    levels = sorted({settings.thresholds.get(label, 0.5) for label in settings.labels})
    return f"{temperature}, types' threshold {' to '.join(f'{each:.2f}' for each in levels)}"


def fitted_to(model: Model, files: Sequence[str]) -> Model:
    """The model with the numbers that these files' articles give it; its weights are shared.

    For answers each file weighs the same. Raises HadathError where the files hold nothing to fit
    them to, or an event type that the model does not tell.
    """
    sets = read_sets(files)
    articles = list(chain.from_iterable(sets))
    if model.settings.task == "answers":
        if not asked_of(articles):
            raise HadathError(f"{', '.join(files)}: no question in these files to fit to")
        return fit_answers(model, *sets).model
    refuse_other_labels(model, articles, files)
    if not any(article.events for article in articles):
        raise HadathError(f"{', '.join(files)}: no event in these files to fit to")
    return fit_events(model, articles).model

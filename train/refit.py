"""Fits a trained model's temperature and thresholds anew, to other dev articles or a newer decoder.

Its weights stay as they are; it knows nothing of how they were trained.
"""

import sys
from collections.abc import Sequence

from hadath.errors import HadathError
from hadath.hub import find_folder
from hadath.models import load_model, save_compact, save_model
from train.data import read_files
from train.judge import fit_answers, fit_events

KEPT = ("training.json", "loss.png")


def refit(
    task: str,
    source: str,
    dev: Sequence[str],
    output: str,
    *,
    compact: bool,
    threshold_dev: Sequence[str] = (),
) -> None:
    """Save `source` into `output` with the numbers that the `dev` files give it.

    `threshold_dev`: files that alone give the no-answer threshold, where those of `dev` differ in
    how like the training articles they are; answers only.
    """
    if threshold_dev and task != "answers":
        raise HadathError("--threshold-dev: only answers have a no-answer threshold; leave it out")
    folder = find_folder(source, task=task)
    model = load_model(source, task=task)
    articles = read_files(dev)
    fitted = (fit_answers if task == "answers" else fit_events)(model, articles).model
    if threshold_dev:
        fitted = fit_answers(
            fitted, read_files(threshold_dev), temperature=fitted.settings.temperature
        ).model
    kept = {name: (folder / name).read_bytes() for name in KEPT if (folder / name).is_file()}
    save = save_compact if compact else save_model
    save(fitted, output, extra_files=kept)
    before, after = model.settings, fitted.settings
    sys.stderr.write(
        f"{output}: temperature {before.temperature:.2f} → {after.temperature:.2f}, "
        f"no-answer threshold {before.no_answer_threshold:.2f} → {after.no_answer_threshold:.2f}\n"
    )

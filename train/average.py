"""Averages the weights of models fine-tuned from one another, or from one base, into one model.

After Wortsman and others (2022), "Model soups" and "Robust fine-tuning of zero-shot models". The
numbers fitted on dev don't average: `refit` comes next. It knows nothing of training.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace

import torch

from hadath.errors import HadathError
from hadath.hub import find_folder
from hadath.models import Model, load_model, refuse_other_folder, save_model
from train.record import command, left_by_training, source_record


def average(task: str, sources: Sequence[str], output: str, shares: Sequence[float] = ()) -> None:
    """Save into `output` the weighted mean of the sources' weights, with the last one's settings.

    `shares`: one a source, above 0, summing to 1; left out, all alike. The last source's record of
    its training is kept, with this command and all sources' commands, seeds and data beside it.
    Raises HadathError where the models differ in more than weights, or the shares don't fit.
    """
    if len(sources) < 2:
        raise HadathError(f"average: found {len(sources)} model; name at least two")
    weights = tuple(shares) or (1 / len(sources),) * len(sources)
    # Said this way round, "nan" does not pass.
    fit = len(weights) == len(sources) and min(weights) > 0 and abs(sum(weights) - 1) <= 1e-6
    if not fit:
        raise HadathError(
            f"--shares: found {' '.join(map(str, weights))}; give {len(sources)} numbers above 0 "
            f"that sum to 1"
        )
    refuse_other_folder(output)
    models = [load_model(source, task=task) for source in sources]
    last = models[-1]
    for other in models[:-1]:
        _refuse_other(other, last)
    states = [model.network.state_dict() for model in models]
    mean = {
        name: sum(
            share * state[name].float() for share, state in zip(weights, states, strict=True)
        ).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[-1].items()
    }
    with torch.no_grad():
        last.network.load_state_dict(mean)
    folders = [find_folder(source, task=task) for source in sources]
    files = left_by_training(
        folders[-1],
        average={
            "command": command(),
            "models": list(sources),
            "shares": list(weights),
            "records": [kept for folder in folders if (kept := source_record(folder))],
        },
    )
    save_model(replace(last, name=output), output, extra_files=files)
    sys.stderr.write(f"{output}: the mean of {', '.join(sources)}; fit its numbers with refit\n")


def _refuse_other(one: Model, last: Model) -> None:
    """Raise HadathError where two models read or answer otherwise than by their weights."""
    shapes = [
        {name: tuple(tensor.shape) for name, tensor in model.network.state_dict().items()}
        for model in (one, last)
    ]
    same = (
        ("their weights' names or shapes", shapes[0] == shapes[1]),
        ("their labels", one.settings.labels == last.settings.labels),
        ("their mode", one.settings.multi_label == last.settings.multi_label),
        ("their spelling", one.settings.respell == last.settings.respell),
        ("their context", one.settings.context == last.settings.context),
        ("their tokenizers", _pieces(one) == _pieces(last)),
    )
    for what, agree in same:
        if not agree:
            raise HadathError(
                f"average: {one.name} and {last.name} differ in {what}; average models "
                f"fine-tuned from one base"
            )


def _pieces(model: Model) -> object:
    """What the tokenizer does to a text, whatever its last call was cut at."""
    record = json.loads(model.tokenizer.backend_tokenizer.to_str())
    return {key: value for key, value in record.items() if key not in ("truncation", "padding")}

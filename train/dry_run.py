"""What a training run will take: weights, steps, memory and time, measured on a few real steps.

It trains nothing and keeps nothing. Where the base can't be had, its published architecture with
random weights stands in for it, which costs as much.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from hadath.annotations import Article
from hadath.config import AnswersConfig, EventsConfig, TrainingConfig
from hadath.errors import HadathError
from hadath.features import WindowSize, refuse_long_annotated_questions
from hadath.hub import find_folder
from hadath.models import load_base, load_model, refuse_wide_window
from hadath.provenance import hardware_line
from train import answers, events
from train.answers import refuse_unasked
from train.data import training_articles
from train.events import label_set, refuse_other_counts
from train.examples import Collator, Row
from train.finish import base_settings
from train.loop import (
    chosen_precision,
    freeze,
    parameter_groups,
    training_arguments,
)
from train.losses import Gold, answers_loss
from train.pooling import add_pooling_layer
from train.probe import head_is_new

STEPS = 3  # measured, after one that warms up
GPU_FLOPS = 100e12  # sustained in bf16: a third of what an A100's data sheet promises

# Published config.json files of bases that this repository has recipes for.
ARCHITECTURES: dict[str, dict[str, int]] = {
    "aubmindlab/bert-base-arabertv02": {"vocab_size": 64_000, "num_hidden_layers": 12},
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """`seconds_a_step` is measured here on `tokens_a_step` tokens of typical windows.

    `gigabytes`: the peak, at a batch of the longest windows; None where the system can't tell it.
    """

    weights: int
    trained: int
    rows: int
    steps: int
    tokens_a_step: float
    operations_a_token: int
    seconds_a_step: float
    gigabytes: float | None
    stand_in: bool

    @property
    def hours_here(self) -> float:
        """The whole run on this machine, judging on dev not counted."""
        return self.steps * self.seconds_a_step / 3600

    @property
    def hours_on_gpu(self) -> float:
        """The whole run at GPU_FLOPS, judging on dev not counted."""
        operations = self.operations_a_token * self.tokens_a_step * self.steps
        return operations / GPU_FLOPS / 3600


def dry_run(config: TrainingConfig) -> Estimate:
    """What the whole run will take, from a few steps of it.

    Raises HadathError where the run itself would refuse its data, base or settings.
    """
    train, sets = training_articles(config)
    dev = list(chain.from_iterable(sets))
    labels = _labels(config, train, dev)
    on_gpu = not training_arguments(config).use_cpu
    network, tokenizer, stand_in = _network(config, labels)
    if isinstance(config, EventsConfig) and config.mean_pooling and head_is_new(network):
        add_pooling_layer(network)
    refuse_wide_window(network, tokenizer, config.window, config.base)
    if isinstance(config, AnswersConfig):
        size = WindowSize(config.window, config.stride)
        refuse_long_annotated_questions(tokenizer, [*train, *dev], size)
    freeze(network, config.frozen_layers)
    rows = _rows(config, train, labels, tokenizer)
    if not rows:
        raise HadathError(f"{', '.join(config.train)}: nothing to train on in these files")
    device = torch.device("cuda" if on_gpu else "cpu")
    seconds, tokens = _measured(config, network.to(device), Collator(tokenizer), rows)
    batch = config.batch_size * config.gradient_accumulation
    epochs = config.epochs if config.stop_after is None else min(config.epochs, config.stop_after)
    steps = math.ceil(-(-len(rows) // batch) * epochs)
    return Estimate(
        weights=sum(each.numel() for each in network.parameters()),
        trained=sum(each.numel() for each in network.parameters() if each.requires_grad),
        rows=len(rows),
        steps=max(steps, 1),  # it stops after a step, not before
        tokens_a_step=tokens * config.gradient_accumulation,
        operations_a_token=_operations(network),
        seconds_a_step=seconds * config.gradient_accumulation,
        gigabytes=_peak_gigabytes(device),
        stand_in=stand_in,
    )


def describe(config: TrainingConfig, estimate: Estimate) -> str:
    """The estimate in a few lines."""
    base = config.base + (
        " (not to be had here: its architecture with random weights stands in, and the embedded "
        "tokenizer for its own)" if estimate.stand_in else ""
    )  # fmt: skip
    memory = "not told by this system"
    if estimate.gigabytes is not None:
        memory = f"{estimate.gigabytes:.1f} GB at its peak"
    return (
        f"base      {base}\n"
        f"weights   {estimate.weights / 1e6:.1f} million, {estimate.trained / 1e6:.1f} trained\n"
        f"data      {estimate.rows:,} windows, {estimate.steps:,} steps of "
        f"{estimate.tokens_a_step:,.0f} tokens\n"
        f"memory    {memory}\n"
        f"speed     {estimate.seconds_a_step:.2f} s a step on {hardware_line()}\n"
        f"here      about {_duration(estimate.hours_here)}, judging on dev not counted\n"
        f"one GPU   about {_duration(estimate.hours_on_gpu)} if it sustains "
        f"{GPU_FLOPS / 1e12:.0f} TFLOPS (reckoned, not measured)\n"
    )


def _labels(config: TrainingConfig, train: list[Article], dev: list[Article]) -> tuple[str, ...]:
    """An event classifier's labels, () for an answer finder; refuses what its recipe refuses."""
    if isinstance(config, EventsConfig):
        labels = label_set(config, train, dev)
        if config.mode == "single-label":
            refuse_other_counts(config.train, train)
            refuse_other_counts(config.dev, dev)
        return labels
    if isinstance(config, AnswersConfig):
        refuse_unasked(config, train, dev)
        return ()
    raise HadathError(f"{type(config).__name__}: no recipe for such a config")


def _network(config: TrainingConfig, labels: tuple[str, ...]) -> tuple[Any, Any, bool]:
    """(network, tokenizer, whether they stand in for a base that can't be had)."""
    task = "events" if labels else "answers"
    try:
        find_folder(config.base, task=task)
    except HadathError:
        if config.base not in ARCHITECTURES:
            raise
        return _stand_in(config, labels), load_model(task=task).tokenizer, True
    network, tokenizer = load_base(
        config.base,
        task,
        labels,
        **base_settings(config),
    )
    return network, tokenizer, False


def _stand_in(config: TrainingConfig, labels: tuple[str, ...]) -> PreTrainedModel:
    shape = ARCHITECTURES[config.base]
    most = shape["num_hidden_layers"]
    if config.layers is not None and config.layers > most:
        raise HadathError(f"layers: found {config.layers}; {config.base} has 1 to {most}")
    about = BertConfig(
        **shape | {"num_hidden_layers": config.layers or most},
        num_labels=len(labels) or 2,
        attention_probs_dropout_prob=config.attention_dropout,
        hidden_dropout_prob=config.hidden_dropout,
    )
    return (BertForSequenceClassification if labels else BertForQuestionAnswering)(about)


def _rows(
    config: TrainingConfig,
    train: list[Article],
    labels: tuple[str, ...],
    tokenizer: PreTrainedTokenizerFast,
) -> list[Row]:
    if isinstance(config, EventsConfig):
        return events.rows_of(train, tokenizer, labels, config)
    return answers.rows_of(train, tokenizer, cast(AnswersConfig, config)).rows


def _measured(
    config: TrainingConfig, network: PreTrainedModel, collate: Collator, rows: list[Row]
) -> tuple[float, float]:
    """(seconds a batch, tokens a batch): the median of STEPS batches of typical length.

    The step that warms up takes the longest windows, as the Trainer's first one does, so that
    they make the peak of memory.
    """
    ordered = sorted(rows, key=lambda row: len(row["input_ids"]))
    middle = max(0, len(ordered) // 2 - config.batch_size // 2)
    typical = ordered[middle : middle + config.batch_size]
    optimizer = torch.optim.AdamW(parameter_groups(network, config), fused=True)
    network.train()
    loss = events.loss_of(config, rows) if isinstance(config, EventsConfig) else answers_loss
    times = []
    for batch in [ordered[-config.batch_size :]] + [typical] * STEPS:
        inputs = {name: value.to(network.device) for name, value in collate(batch).items()}
        read = inputs["input_ids"].numel()
        began = time.monotonic()
        _loss(config, network, inputs, loss).backward()
        optimizer.step()
        optimizer.zero_grad()
        if network.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic() - began)
    mean_tokens = sum(len(row["input_ids"]) for row in ordered) / len(ordered) * len(typical)
    return statistics.median(times[1:]) * mean_tokens / read, mean_tokens


def _loss(
    config: TrainingConfig,
    network: PreTrainedModel,
    inputs: dict[str, torch.Tensor],
    loss: Callable[[Any, Gold], torch.Tensor],
) -> torch.Tensor:
    """The recipe's loss over one batch, in the config's precision."""
    names = ("gold", "article", "labels")
    gold = {name: inputs.pop(name) for name in names if name in inputs}
    kind = network.device.type
    precision = chosen_precision(config.precision, on_gpu=kind == "cuda")
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    with torch.autocast(kind, dtype=half, enabled=half is not None):
        outputs = network(**inputs)
    return loss(outputs, gold)


def _operations(network: PreTrainedModel) -> int:
    """Operations a token: 2 a weight that multiplies, 4 more where it learns (Kaplan et al. 2020).

    Embeddings are looked up, which costs next to nothing.
    """
    linear = [each.weight for each in network.modules() if isinstance(each, torch.nn.Linear)]
    return sum((6 if weight.requires_grad else 2) * weight.numel() for weight in linear)


def _peak_gigabytes(device: torch.device) -> float | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def _duration(hours: float) -> str:
    if hours < 1 / 60:
        return f"{3600 * hours:.0f} seconds"
    return f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"

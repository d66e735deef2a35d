"""The training loop: Hugging Face's Trainer, judged each epoch by our own predictor.

It does not know the task: a Recipe brings the rows, the loss and the judge.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from safetensors.torch import load_file
from torch.utils.data import Sampler
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.integrations import TensorBoardCallback
from transformers.trainer_pt_utils import get_length_grouped_indices
from transformers.trainer_utils import rotate_checkpoints
from transformers.utils import ModelOutput

from hadath.config import TrainingConfig
from hadath.errors import HadathError
from hadath.hub import first_line
from hadath.models import Model, refuse_other_folder, refuse_wide_window
from hadath.predict import computes_bf16
from train.checkpoints import (
    WHOLE,
    checkpoint_folder,
    clear,
    has_ended,
    last_checkpoint,
    note_run,
)
from train.examples import Collator, Row
from train.progress import Progress


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the loop needs of a task: rows, a loss over a batch, and a judge on dev.

    `judge` returns dev figures; the one named `goal` chooses the epoch (higher is better).
    """

    model: Model
    rows: Sequence[Row]
    loss: Callable[[Any, Mapping[str, torch.Tensor]], torch.Tensor]
    judge: Callable[[Model], dict[str, float]]
    goal: str


def fit(recipe: Recipe, config: TrainingConfig, *, resume: bool) -> list[dict[str, Any]]:
    """Train the recipe's network in place, leave it at its best epoch, return the log.

    Checkpoints lie in `<output>.checkpoints` until the caller has saved the model; without
    `resume` those of an older run go first (`checkpoints.refuse_unsaved` is for the caller). Raises
    HadathError where there is nothing to resume, or `output` is something else than a model.
    """
    if not recipe.rows:
        raise HadathError(f"{', '.join(config.train)}: nothing to train on in these files")
    refuse_wide_window(recipe.model.network, recipe.model.tokenizer, config.window, config.base)
    refuse_other_folder(config.output)
    arguments = training_arguments(config)
    # It may refuse, so it comes before an older run's checkpoints go.
    freeze(recipe.model.network, config.frozen_layers)
    folder = checkpoint_folder(config)
    last = last_checkpoint(folder) if resume else None
    if last is None:
        clear(folder)
    note_run(config, folder, resume=resume)
    if last is not None:
        state = TrainerState.load_from_json(str(Path(last) / "trainer_state.json"))
        if has_ended(state, config):  # it was killed after its last epoch, before it was saved
            best = Path(state.best_model_checkpoint or last)
            recipe.model.network.load_state_dict(load_file(best / "model.safetensors"))
            return list(state.log_history)
    trainer = JudgedTrainer(recipe, config, arguments)
    trainer.train(resume_from_checkpoint=last)
    return list(trainer.state.log_history)


def training_arguments(config: TrainingConfig) -> TrainingArguments:
    """Trainer's settings for this config on this machine; processes share the batch."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if config.batch_size % processes:
        raise HadathError(
            f"batch_size: {config.batch_size} is not divisible by {processes} processes; change one"
        )
    on_gpu = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    if on_gpu and not torch.cuda.is_available():
        raise HadathError("device: 'cuda', but no GPU is usable here; use device=cpu or auto")
    precision = chosen_precision(config.precision, on_gpu=on_gpu)
    arguments = TrainingArguments(
        output_dir=str(checkpoint_folder(config)),
        use_cpu=not on_gpu,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size // processes,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup if config.warmup < 1 else 0.999,
        weight_decay=config.weight_decay,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        seed=config.seed,
        data_seed=config.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="goal",
        greater_is_better=True,
        logging_strategy="steps",
        logging_steps=10,
        restore_callback_states_from_checkpoint=True,  # epochs without gain are counted on
        report_to=[],
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        disable_tqdm=not sys.stderr.isatty(),
        ddp_backend="gloo" if processes > 1 and not on_gpu else None,
        ddp_find_unused_parameters=False if processes > 1 else None,
    )
    refuse_several_gpus(arguments)
    return arguments


def refuse_several_processes(name: str) -> None:
    """Raise HadathError where a command that trains by itself was started as several processes."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise HadathError(f"{name}: started as several processes; start it as one")


def refuse_several_gpus(arguments: TrainingArguments) -> None:
    """Raise HadathError where one process sees several GPUs: each would get a whole batch."""
    if arguments.n_gpu > 1:
        raise HadathError(
            f"device: {arguments.n_gpu} GPUs for one process; start a process for each (torchrun "
            f"--standalone --nproc-per-node {arguments.n_gpu} -m train …) or show it one "
            f"(CUDA_VISIBLE_DEVICES=0)"
        )


def chosen_precision(asked: str, *, on_gpu: bool) -> str:
    """`auto` is bf16 where the device computes it, else fp16 on a GPU and fp32 on a CPU."""
    if asked != "auto":
        if asked == "fp16" and not on_gpu:
            raise HadathError("precision: fp16 trains on a GPU only; use bf16, fp32 or auto")
        return asked
    if on_gpu:
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if computes_bf16() else "fp32"


class JudgedTrainer(Trainer):
    """A Trainer whose loss is the recipe's and whose `evaluate` asks our own predictor."""

    control: TrainerControl
    optimizer: torch.optim.Optimizer | None

    def __init__(
        self, recipe: Recipe, config: TrainingConfig, arguments: TrainingArguments
    ) -> None:
        self._recipe = recipe
        self._config = config
        super().__init__(
            model=recipe.model.network,
            args=arguments,
            train_dataset=list(recipe.rows),
            eval_dataset=[],
            data_collator=Collator(recipe.model.tokenizer),
            callbacks=[
                EarlyStoppingCallback(early_stopping_patience=config.patience),
                _StopAfter(config.stop_after),
            ],
        )
        self.model_accepts_loss_kwargs = False
        self.remove_callback(ProgressCallback)
        self.remove_callback(PrinterCallback)
        self.add_callback(Progress(recipe.goal))
        if _has_tensorboard():
            board = TensorBoardCallback()
            # The Trainer's own place is among the checkpoints, which go once the model is saved.
            board.logging_dir = f"{config.output}.tensorboard"
            self.add_callback(board)

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, ModelOutput]:
        """The recipe's loss over one batch (a mean over rows)."""
        names = ("gold", "article", "labels")
        gold: dict[str, torch.Tensor] = {name: inputs.pop(name) for name in names if name in inputs}
        outputs = model(**inputs)
        loss = self._recipe.loss(outputs, gold)
        return (loss, outputs) if return_outputs else loss

    def evaluate(
        self,
        eval_dataset: object = None,
        ignore_keys: object = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Dev figures by our predictor, judged by the first process and told to the others."""
        told: list[dict[str, float] | None] = [None]
        if self.is_world_process_zero():
            # The network that serves is not wrapped for several processes.
            network = self.accelerator.unwrap_model(self.model)
            generator_state = torch.get_rng_state()
            figures = self._recipe.judge(self._recipe.model)
            network.train()
            # Judging must not move the dropout of the next epoch, whatever it drew.
            torch.set_rng_state(generator_state)
            told = [{f"{metric_key_prefix}_{name}": value for name, value in figures.items()}]
        figures = broadcast_object_list(told)[0]
        figures[f"{metric_key_prefix}_goal"] = figures[f"{metric_key_prefix}_{self._recipe.goal}"]
        self.log(figures)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, figures
        )
        return figures

    def create_optimizer(self, model: PreTrainedModel | None = None) -> torch.optim.Optimizer:
        """AdamW with a learning rate that falls by `layerwise_decay` a layer from the head down."""
        if self.optimizer is None:
            groups = parameter_groups(self._recipe.model.network, self._config)
            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = kind(groups, **options)
        return self.optimizer

    def _save_checkpoint(self, model: PreTrainedModel, trial: object) -> None:
        """Mark each checkpoint once all of it is on disk: a kill while saving leaves it unmarked.

        Only then do older ones go, all but the best: whenever the kill comes, one is there that is
        whole.
        """
        try:
            super()._save_checkpoint(model, trial)
            if self.args.should_save:
                folder = Path(self.args.output_dir)
                (folder / f"checkpoint-{self.state.global_step}" / WHOLE).touch()
                best = self.state.best_model_checkpoint
                rotate_checkpoints(str(folder), save_total_limit=1, best_model_checkpoint=best)
        # A full disk is an OSError, a SafetensorError or, from torch, a RuntimeError.
        except Exception as error:
            raise HadathError(
                f"{self.args.output_dir}: a checkpoint was not written "
                f"({first_line(error).lower()}); free some space, then run again with --resume"
            ) from error

    def _get_train_sampler(self, train_dataset: object = None) -> Sampler[int]:
        lengths = [len(row["input_ids"]) for row in self._recipe.rows]
        batch = self._config.batch_size * self._config.gradient_accumulation
        return LengthSampler(lengths, batch, self._config.seed)


class LengthSampler(Sampler[int]):
    """Rows of like length side by side, shuffled anew each epoch from (seed, epoch) alone.

    So a resumed run and every process of a distributed one see the same order.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch = batch
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 100_003 + self._epoch)
        return iter(get_length_grouped_indices(self._lengths, self._batch, generator=generator))


def parameter_groups(network: PreTrainedModel, config: TrainingConfig) -> list[dict[str, Any]]:
    """Optimizer groups by depth (embeddings deepest), no weight decay on biases and norms."""
    depth = network.config.num_hidden_layers
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        below = depth + 1 - _layer_of(name, depth)
        decays = parameter.ndim > 1
        group = groups.setdefault(
            (below, decays),
            {
                "params": [],
                "weight_decay": config.weight_decay if decays else 0.0,
                "lr": config.learning_rate * config.layerwise_decay**below,
            },
        )
        group["params"].append(parameter)
    return list(groups.values())


def freeze(network: PreTrainedModel, layers: int | None) -> None:
    """Leave the embeddings and the lowest `layers` encoder layers as they are; None trains all.

    What is frozen costs no backward pass: half the layers frozen trains twice as fast.
    """
    if layers is None:
        return
    depth = network.config.num_hidden_layers
    if layers >= depth:
        raise HadathError(
            f"frozen_layers: found {layers}; of {depth} layers one at least must learn, so "
            f"{depth - 1} at most"
        )
    for name, parameter in network.named_parameters():
        if _layer_of(name, depth) <= layers:
            parameter.requires_grad = False


def _layer_of(name: str, depth: int) -> int:
    """0 for embeddings, 1… for encoder layers, depth + 1 for all that stands on them."""
    if ".embeddings" in name:
        return 0
    words = name.split(".")
    for before, word in pairwise(words):
        if before in ("layer", "layers") and word.isdigit():
            return int(word) + 1
    return depth + 1


class _StopAfter(TrainerCallback):
    """Ends the run after so many epochs while the learning rate still stands where it stood.

    A later stage then goes on from a network that was not annealed yet.
    """

    def __init__(self, epochs: float | None) -> None:
        self._epochs = epochs

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        if self._epochs is not None and (state.epoch or 0.0) >= self._epochs:
            control.should_training_stop = True


def _has_tensorboard() -> bool:
    return find_spec("tensorboard") is not None

"""Goes on with an encoder's masked-language pre-training on texts that nobody annotated.

Hugging Face's Trainer and its collator of masked words do the work; what is saved is an encoder, a
base for `answers` and `events`. It knows no task.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import (
    AutoModelForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.utils import ModelOutput

from hadath.errors import HadathError
from hadath.files import write_text
from hadath.hub import find_folder, quiet_libraries, told_in_one_line
from hadath.models import absent_folder, load_base, refuse_wide_window, taking_the_place_of
from hadath.provenance import hardware_line
from train.data import read_paragraphs
from train.loop import (
    chosen_precision,
    freeze,
    refuse_several_gpus,
    refuse_several_processes,
)
from train.record import RECORD, beginning, command, record_text

MASKED = 0.15  # share of the tokens that are hidden (Devlin and others 2019)
IGNORED = -100  # the collator's label of a token that is not hidden
SHORTEST = 8  # tokens; what is left over for the last row is dropped under it


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """How the encoder is trained; `window` is in tokens, `learning_rate` falls linearly to 0."""

    epochs: float = 1.0
    learning_rate: float = 3e-4
    batch_size: int = 16
    window: int = 256
    frozen_layers: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise HadathError(f"{name}: found {value}; expected {low} to {high}")


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("epochs", 0.01, 1000),
    ("learning_rate", 1e-9, 1),
    ("batch_size", 1, 4096),
    ("window", 16, 8192),
    ("frozen_layers", 0, 1000),
    ("seed", 0, 2**31 - 1),
)


def adapt(base: str, texts: Sequence[str], output: str, how: Adaptation) -> float:
    """Train `base` on the texts' hidden words, save the encoder, give the mean loss in nats.

    `texts`: annotated articles, of which the text alone is learned, or plain texts. The new head of
    a base that has none is trained too, and dropped. Raises HadathError where `output` is there
    already, or a file or the base can't be read.
    """
    target = absent_folder(output)
    refuse_several_processes("adapt")
    paragraphs = read_paragraphs(texts)
    began = beginning(texts)
    folder = find_folder(base, task="answers")
    # The tokenizer cleans as the base's did, and is saved so. Attention dropout is slow.
    finder, tokenizer = load_base(base, "answers", overrides={"attention_dropout": 0.0})
    set_seed(how.seed)
    with told_in_one_line(base, "name another base"), quiet_libraries():
        network = AutoModelForMaskedLM.from_pretrained(
            folder,
            config=finder.config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
        )
    if tokenizer.mask_token is None:
        raise HadathError(f"{base}: its tokenizer has no token for a hidden word; name another")
    refuse_wide_window(network, tokenizer, how.window, base)
    freeze(network, how.frozen_layers)
    blocks = packed(tokenizer, paragraphs, how.window)
    sys.stderr.write(f"{len(paragraphs)} paragraphs: {len(blocks)} blocks of {how.window} tokens\n")
    with tempfile.TemporaryDirectory() as place:
        arguments = _arguments(how, place)
        refuse_several_gpus(arguments)
        trainer = _AtHiddenWords(
            model=network,
            args=arguments,
            train_dataset=blocks,
            data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=MASKED),
        )
        trainer.remove_callback(PrinterCallback)
        loss = float(trainer.train().training_loss)
    seconds = began.seconds
    record: dict[str, Any] = {
        "command": command(),
        "base": base,
        "adaptation": asdict(how),
        "data": began.data,
        "git": began.git,
        "machine": hardware_line(),
        "seconds": round(seconds, 1),
        "loss": round(loss, 4),
    }
    _save(network.base_model, tokenizer, target.resolve(), record)
    sys.stderr.write(f"saved {output}: loss {loss:.3f}, {seconds / 60:.1f} minutes\n")
    return loss


def _save(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    record: dict[str, Any],
) -> None:
    with taking_the_place_of(folder) as beside, quiet_libraries():
        encoder.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        write_text(beside / RECORD, record_text(record))


class _AtHiddenWords(Trainer):
    """A Trainer with `hidden_word_loss`."""

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, ModelOutput]:
        """The loss over one batch."""
        loss, outputs = hidden_word_loss(model, inputs)
        return (loss, outputs) if return_outputs else loss


def hidden_word_loss(
    network: PreTrainedModel, batch: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, ModelOutput]:
    """(mean cross-entropy of the batch's hidden words in nats, the outputs at those words).

    `labels`: (row, token), IGNORED where none is hidden. The words that stand are not predicted:
    that would take most of the time on a CPU.
    """
    labels = batch["labels"]
    hidden = labels != IGNORED

    def at_hidden(_: torch.nn.Module, states: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (states[0][hidden],)

    # The last matrix of every architecture's head, whatever stands before it.
    hook = network.get_output_embeddings().register_forward_pre_hook(at_hidden)
    try:
        outputs = network(**{name: each for name, each in batch.items() if name != "labels"})
    finally:
        hook.remove()
    total = functional.cross_entropy(outputs.logits.float(), labels[hidden], reduction="sum")
    return total / max(1, int(hidden.sum())), outputs  # in a short batch none may be hidden


def packed(
    tokenizer: PreTrainedTokenizerFast, paragraphs: Sequence[str], window: int
) -> list[dict[str, list[int]]]:
    """The paragraphs' tokens one after another, cut into rows of `window`, special tokens included.

    A separator stands between two paragraphs. After the full-sentences input of Liu and others
    (2019). Raises HadathError where there is too little text for one row.
    """
    first, between = tokenizer.cls_token_id, tokenizer.sep_token_id
    ids = tokenizer(list(paragraphs), add_special_tokens=False, verbose=False)["input_ids"]
    stream = list(chain.from_iterable([*each, between] for each in ids))
    length = window - 1
    cut = [stream[at : at + length] for at in range(0, len(stream), length)]
    rows = [{"input_ids": [first, *ids]} for ids in cut if len(ids) >= SHORTEST]
    if not rows:
        raise HadathError(f"{len(stream)} tokens of text, too few to learn from; name more files")
    return rows


def _arguments(how: Adaptation, place: str) -> TrainingArguments:
    on_gpu = torch.cuda.is_available()
    precision = chosen_precision("auto", on_gpu=on_gpu)
    return TrainingArguments(
        output_dir=place,
        use_cpu=not on_gpu,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        num_train_epochs=how.epochs,
        per_device_train_batch_size=how.batch_size,
        learning_rate=how.learning_rate,
        warmup_steps=0.05,
        weight_decay=0.01,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        seed=how.seed,
        save_strategy="no",
        logging_steps=50,
        report_to=[],
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        disable_tqdm=not sys.stderr.isatty(),
    )

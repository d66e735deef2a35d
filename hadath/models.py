"""Loads and saves a model as one folder: encoder, head, tokenizer with its cleaning, settings.

It does not know how a model is trained or asked. It runs no code of a repository, reads no pickle.
"""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from hadath.cleaning import needs_arabert_cleaning, with_arabert_cleaning
from hadath.errors import HadathError, system_reason
from hadath.files import home_path, read_json, read_text, write_bytes, write_text
from hadath.folding import with_folded_letters, with_folded_marks
from hadath.hub import (
    find_folder,
    first_line,
    offline_default,
    quiet_libraries,
    told_in_one_line,
)
from hadath.model_settings import SETTINGS_FILE, TASKS, ModelSettings, read_settings
from hadath.weights import compact_state

MODELS_VARIABLE = "HADATH_MODELS"
_MEND = "copy it anew"
_HEADS: dict[str, Any] = {
    "answers": AutoModelForQuestionAnswering,
    "events": AutoModelForSequenceClassification,
}
# What an architecture may call the two dropouts that a training run sets.
_DROPOUTS = {
    "attention_dropout": ("attention_probs_dropout_prob", "attention_dropout"),
    "hidden_dropout": ("hidden_dropout_prob", "dropout", "mlp_dropout"),
}


@dataclass(frozen=True)
class Model:
    """A network with its head, its tokenizer, its settings, and the name it was asked for by."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    settings: ModelSettings
    name: str


def load_base(
    source: str | Path,
    task: str,
    labels: Sequence[str] = (),
    *,
    multi_label: bool = True,
    layers: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    cleaning: str = "auto",
    fold_marks: bool = False,
    fold_letters: bool = False,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """An encoder from any folder or hub name with a head for `task`, in float32, to be fine-tuned.

    The head is new unless the source already has one for this task and these labels. `layers`
    keeps only the lowest ones. `overrides` sets values of the network's config; "attention_dropout"
    and "hidden_dropout" go by whatever name the architecture has for them. `cleaning`: AraBERT's,
    "yes", "no" or "auto", on bases that were pre-trained so. `fold_marks`: the tokenizer becomes
    blind to diacritics, tatweel and the script of digits. `fold_letters`: it reads letters that the
    press writes in several ways as one, and the embeddings with it. Raises HadathError in one line.
    """
    folder = find_folder(source, task=task)
    _demand_weights(folder, str(source), task)
    config = _config(folder, str(source), task)
    keep_head = _has_head(config, task, labels)
    _describe_head(config, task, labels, multi_label=multi_label)
    _override(config, layers, overrides or {}, str(source))
    network, _ = _network(folder, config, task, str(source))
    if not keep_head:
        _renew_head(network)
    tokenizer = _tokenizer(folder, str(source))
    fine_tuned = (folder / SETTINGS_FILE).is_file()  # then its tokenizer carries what it needs
    if cleaning == "yes" or (cleaning == "auto" and not fine_tuned and _is_arabert(folder, source)):
        tokenizer = with_arabert_cleaning(tokenizer)
    if fold_marks:
        tokenizer = with_folded_marks(tokenizer)
    if fold_letters:
        tokenizer = with_folded_letters(tokenizer, network, str(source))
    return network, tokenizer


def load_model(source: str | Path | None = None, *, task: str) -> Model:
    """A fine-tuned model in float32: the embedded one, or that of a folder or hub name.

    Raises HadathError in one line where it is missing, incomplete, of the other task or at odds
    with itself.
    """
    name = str(source) if source is not None else f"embedded {task}"
    folder = find_folder(source, task=task) if source is not None else embedded_folder(task)
    settings = read_settings(folder, name)
    if settings.task != task:
        raise HadathError(f"{name}: a model for {settings.task}; name one for {task}, or none")
    _demand_weights(folder, name, task)
    config = _config(folder, name, task)
    if task == "events" and _labels(config) != settings.labels:
        raise HadathError(
            f"{name}/config.json: id2label has {_few(_labels(config))}, {SETTINGS_FILE} has "
            f"{_few(settings.labels)}; take both files from the same save"
        )
    network, absent = _network(folder, config, task, name)
    if absent:
        raise HadathError(
            f"{name}: the weights lack {_few(absent)}, or have them in another size; "
            f"save or copy the model anew"
        )
    tokenizer = _tokenizer(folder, name)
    refuse_wide_window(network, tokenizer, settings.window, name)
    return Model(network.eval(), tokenizer, settings, name)


def save_model(
    model: Model, folder: str | Path, *, extra_files: Mapping[str, str | bytes] | None = None
) -> None:
    """Save as a folder that stock `AutoModel*` and `AutoTokenizer` load.

    `extra_files`: {name: text}. Written beside, then renamed: an older model in `folder` stays
    whole until the new one is, and is then replaced with all that lies in its folder. Raises
    HadathError if it can't be written.
    """
    _save(model, Path(folder), _write_floats, extra_files or {})


def save_compact(
    model: Model, folder: str | Path, *, extra_files: Mapping[str, str | bytes] | None = None
) -> None:
    """`save_model` in a quarter of the bytes (weights.py); the reload differs a little."""
    _save(model, Path(folder), _write_integers, extra_files or {})


def export(source: str | Path | None, target: str | Path, task: str) -> None:
    """Write a model, compact or not, as a plain float32 folder for other tools.

    Raises HadathError where `target` holds something already: it might be the model one meant.
    """
    folder = home_path(target)
    with _told_of(target):
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise HadathError(
                f"{target}: is there already; name a new folder (--model names the source)"
            )
    model = load_model(source, task=task)
    save_model(Model(model.network.float(), model.tokenizer, model.settings, str(target)), target)


def embedded_folder(task: str) -> Path:
    """Where the shipped model for `task` lies: $HADATH_MODELS, or models/ beside the package."""
    if task not in TASKS:
        raise HadathError(f"task {task!r}: expected one of {', '.join(TASKS)}")
    beside = Path(__file__).resolve().parent.parent / "models"
    folder = home_path(os.environ.get(MODELS_VARIABLE) or beside) / task
    if not folder.is_dir():
        raise HadathError(
            f"{folder}: no embedded model for {task} here; set {MODELS_VARIABLE} to the folder "
            f"'models' of a checkout, or name a model"
        )
    return folder


def refuse_other_folder(folder: str | Path) -> None:
    """Raise HadathError where a model saved in `folder` would take the place of something else."""
    folder = home_path(folder).resolve()
    with _told_of(folder):
        if folder.exists() and not folder.is_dir():
            raise HadathError(f"{folder}: a file; name a folder for the model")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / SETTINGS_FILE).is_file():
            raise HadathError(
                f"{folder}: has files but no {SETTINGS_FILE}, so it is no model's folder; "
                f"name another"
            )


def absent_folder(name: str | Path) -> Path:
    """Where `name` points. Raises HadathError where something is there already."""
    folder = home_path(name)
    with _told_of(name):
        if folder.exists():
            raise HadathError(f"{name}: is there already; name a new folder")
    return folder


@contextmanager
def _told_of(folder: str | Path) -> Iterator[None]:
    """A folder that can't be looked at (closed to us, too long a name) as one line."""
    try:
        yield
    except OSError as error:
        raise HadathError(f"{folder}: {system_reason(error)}; name another folder") from error


def refuse_wide_window(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, window: int, base: str
) -> None:
    """Raise HadathError where the window has more tokens than the encoder `base` has places."""
    places = getattr(network.config, "max_position_embeddings", None) or window
    most = min(places, tokenizer.model_max_length)
    if window > most:
        raise HadathError(f"window: {window} tokens, but {base} reads {most} at most; lower it")


def _demand_weights(folder: Path, name: str, task: str) -> None:
    files = ("model.safetensors", "model.safetensors.index.json")
    if not any((folder / file).is_file() for file in files):
        raise HadathError(
            f"{name}: no model.safetensors; weights in pickle files (pytorch_model.bin) are never "
            f"loaded: convert them where you trust them (save_pretrained), or name a revision of "
            f"the hub that has it (NAME@refs/pr/1); {offline_default(task)}"
        )


def _config(folder: Path, name: str, task: str) -> PretrainedConfig:
    if task not in TASKS:
        raise HadathError(f"task {task!r}: expected one of {', '.join(TASKS)}")
    path = folder / "config.json"
    if not path.is_file():
        raise HadathError(f"{name}: no config.json; save or copy the model anew")
    try:
        record = read_json(path)
    except HadathError as error:  # it names the file
        raise HadathError(f"{error}; copy it anew") from error
    kind = record.get("model_type") if isinstance(record, dict) else None
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise HadathError(
            f"{name}/config.json: model_type {kind!r} is unknown to transformers, and code that "
            f"comes with a model is never run; choose another base; {offline_default(task)}"
        )
    with told_in_one_line(f"{name}/config.json", _MEND), quiet_libraries():
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)


def _network(
    folder: Path, config: PretrainedConfig, task: str, name: str
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The network in float32, and the names of weights that the folder lacks (they are new)."""
    with told_in_one_line(name, _MEND), quiet_libraries():
        network, report = _HEADS[task].from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            # Heads of another task or label set differ in size; the caller judges by the report.
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    absent = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    return network, tuple(sorted(absent))


def _tokenizer(folder: Path, name: str) -> PreTrainedTokenizerFast:
    if not any((folder / file).is_file() for file in ("tokenizer.json", "vocab.txt", "vocab.json")):
        raise HadathError(f"{name}: no tokenizer.json; save or copy the model anew")
    with told_in_one_line(f"{name}: tokenizer", _MEND), quiet_libraries():
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise HadathError(f"{name}: its tokenizer gives no offsets; choose a base whose does")
    return tokenizer


def _has_head(config: PretrainedConfig, task: str, labels: Sequence[str]) -> bool:
    """Whether the source was fine-tuned for this task and these labels: then its head is of use."""
    ending = {"answers": "ForQuestionAnswering", "events": "ForSequenceClassification"}[task]
    fine_tuned = any(name.endswith(ending) for name in config.architectures or ())
    return fine_tuned and (task == "answers" or _labels(config) == tuple(labels))


def _describe_head(
    config: PretrainedConfig, task: str, labels: Sequence[str], *, multi_label: bool
) -> None:
    """Set how many outputs the head has, their names, and the loss to train it with."""
    names = labels if task == "events" else ("start", "end")
    if not names:
        raise HadathError("labels: none; an event model needs one at least")
    config.id2label = dict(enumerate(names))
    config.label2id = {label: number for number, label in enumerate(names)}
    config.problem_type = None
    if task == "events":
        kind = "multi_label" if multi_label else "single_label"
        config.problem_type = f"{kind}_classification"


def _labels(config: PretrainedConfig) -> tuple[str, ...]:
    return tuple(label for _, label in sorted((config.id2label or {}).items()))


def _few(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def _override(
    config: PretrainedConfig, layers: int | None, overrides: Mapping[str, Any], name: str
) -> None:
    if layers is not None:
        if not 1 <= layers <= config.num_hidden_layers:
            raise HadathError(f"layers: found {layers}; {name} has 1 to {config.num_hidden_layers}")
        config.num_hidden_layers = layers
    for key, value in overrides.items():
        known = [one for one in _DROPOUTS.get(key, (key,)) if hasattr(config, one)]
        if not known:
            raise HadathError(f"{name}: its config has no {key!r}; remove that setting")
        setattr(config, known[0], value)


def _renew_head(network: PreTrainedModel) -> None:
    """New values for all that lies outside the encoder."""
    for child in network.children():
        if child is not network.base_model:
            for parameter in child.parameters():
                parameter._is_hf_initialized = False  # else _init_weights leaves what was loaded
            child.apply(network._init_weights)


def _is_arabert(folder: Path, source: str | Path) -> bool:
    """By the name asked for, or by the names that its files remember."""
    names = [folder.name if folder == home_path(source) else str(source)]
    for file, key in (("config.json", "_name_or_path"), ("tokenizer_config.json", "name_or_path")):
        path = folder / file
        if path.is_file():
            record = read_json(path)
            names.append(str(record.get(key) or "") if isinstance(record, dict) else "")
    return any(needs_arabert_cleaning(name) for name in names)


def _save(
    model: Model,
    folder: Path,
    write_weights: Callable[[PreTrainedModel, Path], None],
    extra_files: Mapping[str, str | bytes],
) -> None:
    refuse_other_folder(folder)
    folder = home_path(folder).resolve()
    with taking_the_place_of(folder) as beside, quiet_libraries():
        write_weights(model.network, beside)
        # The last call's cut would stay in the file, and readers other than transformers heed it.
        model.tokenizer.backend_tokenizer.no_truncation()
        model.tokenizer.save_pretrained(beside)
        _minify(beside / "tokenizer.json")
        settings = json.dumps(model.settings.record(), ensure_ascii=False, indent=2)
        for name, content in {**extra_files, SETTINGS_FILE: settings + "\n"}.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            write_bytes(beside / name, data)


@contextmanager
def taking_the_place_of(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`: takes its place if all goes well, vanishes if not."""
    mark = secrets.token_hex(4)
    beside = folder.with_name(f"{folder.name}.partial-{mark}")
    old = folder.with_name(f"{folder.name}.old-{mark}")
    try:
        beside.mkdir(parents=True)
        yield beside
        for path in beside.glob("*.safetensors"):
            path.chmod(beside.stat().st_mode & 0o666)  # safetensors makes them private
        if folder.exists():
            folder.rename(old)
        try:
            beside.rename(folder)
        except BaseException:  # an interrupt too
            if old.exists():
                old.rename(folder)
            raise
    # A full disk is an OSError, a SafetensorError or, from tokenizers, a bare Exception.
    except Exception as error:
        raise HadathError(
            f"{folder}: not saved ({first_line(error).lower()}); what was there before is untouched"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _write_floats(network: PreTrainedModel, folder: Path) -> None:
    network.save_pretrained(folder)


def _write_integers(network: PreTrainedModel, folder: Path) -> None:
    tensors, quantization = compact_state(network)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    network.config.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(read_text(path)) | {
        "architectures": [type(network).__name__],
        "dtype": "float32",
        "quantization_config": quantization,
    }
    write_text(path, json.dumps(config, ensure_ascii=False, indent=2) + "\n")


def _minify(path: Path) -> None:
    """The same JSON without indentation: half the bytes."""
    value = read_json(path)
    write_text(path, json.dumps(value, ensure_ascii=False, separators=(",", ":")))

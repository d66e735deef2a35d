"""Settings of a fine-tuning run: a YAML file plus key=value words, checked field by field.

It does not know what a setting does; train/ does.
"""

import dataclasses
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from hadath.errors import HadathError, did_you_mean
from hadath.files import home_path, read_mapping


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What both tasks share. The YAML files in configs/ say in a comment what each key does."""

    base: str
    output: str
    train: tuple[str, ...]
    dev: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    epochs: float = 3.0
    stop_after: float | None = None
    batch_size: int = 16
    gradient_accumulation: int = 1
    learning_rate: float = 5e-5
    layerwise_decay: float = 1.0
    warmup: float = 0.1
    weight_decay: float = 0.01
    attention_dropout: float = 0.0
    hidden_dropout: float = 0.1
    layers: int | None = None
    frozen_layers: int | None = None
    window: int = 256
    patience: int = 2
    seed: int = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    arabert_cleaning: Literal["auto", "yes", "no"] = "auto"
    fold_marks: bool = False
    fold_letters: bool = False
    plain_alefs: float = 0.0
    compact: bool = False

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name, None)
            if value is not None and not low <= value <= high:
                raise HadathError(f"{name}: {value} is out of range; expected {low} to {high}")
        if not self.dev:
            raise HadathError("dev: no files; name at least one, of other articles than train")

    @property
    def files(self) -> list[str]:
        """All files that the training reads."""
        return [*self.train, *self.dev, *self.held_out]


@dataclass(frozen=True, kw_only=True)
class AnswersConfig(TrainingConfig):
    """Settings of an answer finder's run."""

    stride: int = 96
    longest_answer: int = 48
    rereads: int = 0
    reread_share: float = 0.3
    respell: bool = False
    role_questions: float = 0.5
    moved_questions: float = 0.0
    strangers: float = 0.0
    empty_windows: float = 0.5
    scheme: str = "plover"

    def __post_init__(self) -> None:
        super(AnswersConfig, self).__post_init__()
        if self.stride >= self.window // 2:
            raise HadathError(
                f"stride: {self.stride} tokens shared by neighbouring windows of {self.window}; "
                f"keep it under half a window"
            )


@dataclass(frozen=True, kw_only=True)
class EventsConfig(TrainingConfig):
    """Settings of an event classifier's run."""

    scheme: str = "plover"
    labels: Literal["scheme", "data"] = "scheme"
    mode: Literal["multi-label", "single-label"] = "multi-label"
    context: Literal["none", "previous", "title"] = "none"
    loss: Literal["cross-entropy", "balanced", "asymmetric"] = "cross-entropy"
    mean_pooling: bool = False

    def __post_init__(self) -> None:
        super(EventsConfig, self).__post_init__()
        if self.loss == "asymmetric" and self.mode == "single-label":
            raise HadathError(
                "loss: asymmetric weighs a label's presence and absence apart, and single-label "
                "has no absence; use balanced or cross-entropy"
            )


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("epochs", 0, 1000),
    ("stop_after", 0, 1000),
    ("batch_size", 1, 4096),
    ("gradient_accumulation", 1, 4096),
    ("learning_rate", 0, 1),
    ("layerwise_decay", 0.1, 1),
    ("warmup", 0, 1),
    ("weight_decay", 0, 1),
    ("attention_dropout", 0, 0.9),
    ("hidden_dropout", 0, 0.9),
    ("layers", 1, 1000),
    ("frozen_layers", 0, 1000),
    ("window", 16, 8192),
    ("patience", 1, 1000),
    ("seed", 0, 2**31 - 1),
    ("stride", 0, 4096),
    ("longest_answer", 1, 512),
    ("rereads", 0, 20),
    ("reread_share", 0, 1),
    ("role_questions", 0, 100),
    ("moved_questions", 0, 1),
    ("strangers", 0, 1),
    ("plain_alefs", 0, 1),
    ("empty_windows", 0, 1),
)

Config = TypeVar("Config", bound=TrainingConfig)


def load_config(kind: type[Config], path: str | Path, words: Sequence[str] = ()) -> Config:
    """The YAML file's settings with `key=value` words over them.

    Raises HadathError naming file and field (or the word), what was found and what was expected.
    """
    values = read_mapping(path)
    fields = typing.get_type_hints(kind)
    settings: dict[str, Any] = {
        _known(key, fields, str(path)): _typed(value, fields[key], f"{path}: {key}")
        for key, value in values.items()
    }
    said: dict[str, str] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise HadathError(f"{word!r}: expected key=value, for instance epochs=2")
        _known(key, fields, word)
        settings[key] = _typed(_word_value(text, fields[key]), fields[key], word)
        said[key] = word
    for field in dataclasses.fields(kind):
        if field.name not in settings and field.default is dataclasses.MISSING:
            raise HadathError(f"{path}: no {field.name!r}; it has no default, set it")
    try:
        if "output" in settings:
            settings["output"] = str(_output(settings["output"]))
        return kind(**settings)
    except HadathError as error:
        # A word of the command line is blamed for what it says, not the file.
        name = str(error).partition(":")[0]
        raise HadathError(f"{said.get(name, path)}: {error}") from error


def _output(name: str) -> Path:
    try:
        return home_path(name)
    except HadathError as error:
        raise HadathError(f"output: {error}") from error


def _known(key: object, fields: dict[str, Any], place: str) -> str:
    if isinstance(key, str) and key in fields:
        return key
    mend = did_you_mean(str(key), fields, f"the settings are {', '.join(fields)}")
    raise HadathError(f"{place}: no setting {str(key)!r}; {mend}")


def _word_value(text: str, kind: object) -> object:
    """A command-line word as the YAML value it stands for."""
    if typing.get_origin(kind) is tuple:
        return [part for part in text.split(",") if part]
    if str in (kind, *typing.get_args(kind)) or typing.get_origin(kind) is Literal:
        return text
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def _typed(value: object, kind: object, place: str) -> object:
    """`value` as `kind`. YAML reads 3e-5 as a text and no as False, hence by field type."""
    origin = typing.get_origin(kind)
    if origin is Literal:
        choices = typing.get_args(kind)
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        if text in choices:
            return text
        raise HadathError(f"{place}: found {value!r}; expected one of {', '.join(choices)}")
    if origin is types.UnionType:
        if value is None:
            return None
        return _typed(value, typing.get_args(kind)[0], place)
    if origin is tuple:
        items = [value] if isinstance(value, str) else value
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return tuple(items)
        raise HadathError(f"{place}: found {value!r}; expected a list of file names")
    return _plain(value, kind, place)


def _plain(value: object, kind: object, place: str) -> object:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str) and value.strip():
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = float("nan")
        if number == number and abs(number) != float("inf"):
            return number
    names: dict[object, str] = {
        bool: "true or false",
        str: "a text",
        int: "a whole number",
        float: "a number",
    }
    mend = "; put it in quotation marks" if kind is str and value is not None else ""
    raise HadathError(f"{place}: found {value!r}; expected {names[kind]}{mend}")

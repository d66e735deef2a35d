"""The few numbers and names that a model needs beside its weights: checked, kept as hadath.json.

It does not know how they are fitted (calibrate.py) nor what uses them (predict.py).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hadath.errors import HadathError, did_you_mean
from hadath.files import read_json

TASKS = ("answers", "events")
CONTEXTS = ("none", "previous", "title")
FORMAT = 3
SETTINGS_FILE = "hadath.json"
# What came with a format, as folders of those before it were read.
_SINCE: dict[int, dict[str, Any]] = {
    2: {"rereads": 0, "reread_share": 0.3},
    3: {"respell": False, "confidence_floor": 0.0},
}


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What a model needs beside its weights; saved as hadath.json beside config.json.

    task: "answers" or "events". base: what it was fine-tuned from.
    labels: the event types in the order of the outputs; none for answers.
    multi_label: several types a sentence, or exactly one.
    thresholds: by label, the probability from which a type is told.
    temperature: what logits are divided by before they become probabilities.
    confidence_floor: the best answer's least probability of being right, below 1 (decode.py).
    window, stride: tokens of a window, and of its overlap with the next.
    longest_answer: in tokens.
    rereads: best candidates of a question that are read once more (rereading.py); 0 is none.
    reread_share: weight of that second reading beside the first, 0 to 1.
    respell: whether questions and articles are read without careless spelling (spelling.py).
    no_answer_threshold: probability of an answer under which "the article does not say".
    context: what the event model reads beside the sentence: one of CONTEXTS.
    scheme: the coding scheme that the event types are of.
    """

    task: str
    base: str
    labels: tuple[str, ...] = ()
    multi_label: bool = True
    thresholds: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    confidence_floor: float = 0.0
    window: int = 256
    stride: int = 96
    longest_answer: int = 48
    rereads: int = 0
    reread_share: float = 0.3
    respell: bool = False
    no_answer_threshold: float = 0.5
    context: str = "none"
    scheme: str = "plover"
    format: int = FORMAT

    def __post_init__(self) -> None:
        for name, found, expected in _settings_problems(self):
            raise HadathError(f"{name}: found {found!r}; expected {expected}")

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self) | {"labels": list(self.labels), "thresholds": dict(self.thresholds)}

    @staticmethod
    def from_record(record: object) -> "ModelSettings":
        """Build from what `record` gave. Raises HadathError naming the field."""
        names = [one.name for one in fields(ModelSettings)]
        if not isinstance(record, dict):
            raise HadathError(f"found {type(record).__name__}; expected an object with {names}")
        written = record.get("format")
        if isinstance(written, int) and written > FORMAT:
            raise HadathError(f"format: found {written}; update Hadath, it reads up to {FORMAT}")
        for name in record:
            if name not in names:
                mend = did_you_mean(str(name), names, "remove it")
                raise HadathError(f"{name}: no such setting; {mend}")
        if type(written) is int and 1 <= written < FORMAT:
            for number in range(written + 1, FORMAT + 1):
                record = _SINCE[number] | record
            record |= {"format": FORMAT}
        for name in names:
            if name not in record:
                raise HadathError(f"{name}: missing; add it or save the model anew")
        labels = record["labels"]
        if isinstance(labels, list):  # JSON has no tuples
            labels = tuple(labels)
        return ModelSettings(**record | {"labels": labels})


def read_settings(folder: Path, name: str) -> ModelSettings:
    """The checked hadath.json of a model's folder. Raises HadathError naming file and field."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise HadathError(
            f"{name}: no {SETTINGS_FILE}, so not a model fine-tuned by Hadath; "
            f"fine-tune it (python -m train) or name another"
        )
    try:
        record = read_json(path)
    except HadathError as error:  # it names the file
        raise HadathError(f"{error}; copy it anew") from error
    try:
        return ModelSettings.from_record(record)
    except HadathError as error:
        raise HadathError(f"{name}/{SETTINGS_FILE}: {error}") from error


def _settings_problems(settings: ModelSettings) -> Iterator[tuple[str, object, str]]:
    """(field, what was found, what was expected) of each setting that is wrong, types first."""
    kinds: tuple[tuple[str, type | tuple[type, ...], str], ...] = (
        ("task", str, "a text"), ("base", str, "a text"), ("context", str, "a text"),
        ("scheme", str, "a text"), ("labels", tuple, "a list of names"),
        ("multi_label", bool, "true or false"), ("thresholds", Mapping, "numbers by label"),
        ("temperature", (int, float), "a number"), ("confidence_floor", (int, float), "a number"),
        ("no_answer_threshold", (int, float), "a number"),
        ("window", int, "a whole number"), ("stride", int, "a whole number"),
        ("longest_answer", int, "a whole number"), ("rereads", int, "a whole number"),
        ("reread_share", (int, float), "a number"), ("respell", bool, "true or false"),
        ("format", int, "a whole number"),
    )  # fmt: skip
    for name, kind, expected in kinds:
        value = getattr(settings, name)
        # True is an int in Python, not in a settings file.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            yield name, value, expected
    ranges: tuple[tuple[str, bool, str], ...] = (
        ("task", settings.task in TASKS, f"one of {', '.join(TASKS)}"),
        ("context", settings.context in CONTEXTS, f"one of {', '.join(CONTEXTS)}"),
        ("temperature", 0 < settings.temperature < math.inf, "a number above 0"),
        ("confidence_floor", 0 <= settings.confidence_floor < 1, "a number from 0 to below 1"),
        ("no_answer_threshold", 0 <= settings.no_answer_threshold <= 1, "a number from 0 to 1"),
        ("window", settings.window >= 8, "at least 8 tokens"),
        ("stride", 0 <= settings.stride < settings.window, "at least 0 and less than the window"),
        ("longest_answer", settings.longest_answer >= 1, "at least 1 token"),
        ("rereads", 0 <= settings.rereads <= 20, "0 to 20"),
        ("reread_share", 0 <= settings.reread_share <= 1, "a number from 0 to 1"),
        ("format", settings.format == FORMAT, str(FORMAT)),
    )
    for name, is_right, expected in ranges:
        if not is_right:
            yield name, getattr(settings, name), expected
    yield from _label_problems(settings)


def _label_problems(settings: ModelSettings) -> Iterator[tuple[str, object, str]]:
    labels = settings.labels
    if not all(isinstance(label, str) and label.strip() for label in labels):
        yield "labels", list(labels), "names only"
    elif len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        yield "labels", twice, "each label once"
    elif bool(labels) != (settings.task == "events"):
        yield "labels", list(labels), "labels for events, and none for answers"
    for label, threshold in settings.thresholds.items():
        if label not in labels:
            yield "thresholds", label, "labels of this model only"
        elif isinstance(threshold, bool) or not isinstance(threshold, int | float):
            yield f"thresholds.{label}", threshold, "a number"
        elif not 0 <= threshold <= 1:
            yield f"thresholds.{label}", threshold, "a number from 0 to 1"

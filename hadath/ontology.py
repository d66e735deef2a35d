"""Event types with their quad classes, scores, names and colours, read from a YAML scheme.

It does not know how a type is found in a text, nor how its roles are asked for (role_questions.py).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from hadath.errors import HadathError
from hadath.fields import checked, nearest_of
from hadath.files import read_yaml

GREY = "#d0d0d0"


@dataclass(frozen=True, slots=True)
class QuadClass:
    """One of the few classes that types roll up to, with its names for people."""

    name: str
    arabic: str
    english: str


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event: its class and score, its names and meaning, the colour it is shown in."""

    name: str
    quad: str | None
    score: float | None
    arabic: str
    english: str
    colour: str
    arabic_gloss: str = ""
    english_gloss: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A named set of event types, in the order in which they are listed."""

    name: str
    types: tuple[EventType, ...]
    quads: tuple[QuadClass, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The types' names, in order."""
        return tuple(event_type.name for event_type in self.types)

    def find(self, name: str) -> EventType | None:
        """The type of that name; None where the scheme has none."""
        return next((event_type for event_type in self.types if event_type.name == name), None)


def load_scheme(name_or_path: str | Path = "plover") -> Scheme:
    """A scheme that ships with Hadath, by name, or any YAML file of that form.

    Raises HadathError naming file:field, with the nearest known key where one is misspelt.
    """
    path, value = read_scheme_file(name_or_path, "")
    fields = checked(value, path, {"name": str, "quads": list, "types": list}, ("name", "types"))
    quads = tuple(_quad(item, place) for place, item in _listed(fields, "quads", path))
    known = [quad.name for quad in quads]
    types = tuple(_type(item, place, known) for place, item in _listed(fields, "types", path))
    if not types:
        raise HadathError(f"{path}: types: it is empty; a scheme needs one type at least")
    _refuse_twins((quad.name for quad in quads), f"{path}: quads")
    _refuse_twins((event_type.name for event_type in types), f"{path}: types")
    return Scheme(fields["name"], types, quads)


def read_scheme_file(name_or_path: str | Path, ending: str) -> tuple[str, Any]:
    """(path, YAML value) of a path, or of the shipped file `<name><ending>.yaml`."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") and len(path.parts) == 1:
        path = _shipped(str(name_or_path), ending)
    return str(path), read_yaml(path)


_QUAD = {"name": str, "arabic": str, "english": str}
_TYPE = _QUAD | {
    "quad": str, "score": (int, float), "colour": str, "arabic_gloss": str, "english_gloss": str,
}  # fmt: skip


def _quad(value: object, place: str) -> QuadClass:
    fields = checked(value, place, _QUAD, ("name",))
    name = fields["name"]
    return QuadClass(name, fields.get("arabic", name), fields.get("english", name))


def _type(value: object, place: str, quads: list[str]) -> EventType:
    fields = checked(value, place, _TYPE, ("name",))
    name, quad, colour = fields["name"], fields.get("quad"), fields.get("colour", GREY)
    if not name.strip():
        raise HadathError(f"{place}.name: it is empty; name the type")
    if quad is not None and quad not in quads:
        raise HadathError(f"{place}.quad: no quad class {quad!r}; {nearest_of(quad, quads)}")
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise HadathError(f'{place}.colour: {colour!r} is no colour; write it as "#ffd166", quoted')
    score = fields.get("score")
    return EventType(
        name,
        quad,
        None if score is None else float(score),
        fields.get("arabic", name),
        fields.get("english", name),
        colour,
        fields.get("arabic_gloss", ""),
        fields.get("english_gloss", ""),
    )


def _shipped(name: str, ending: str) -> Path:
    folder = Path(str(resources.files("hadath") / "schemes"))
    path = folder / f"{name}{ending}.yaml"
    if not path.is_file():
        names = sorted(
            item.stem for item in folder.glob("*.yaml") if not item.stem.endswith("_questions")
        )
        raise HadathError(f"no scheme {name!r}; {nearest_of(name, names)}, or give a .yaml file")
    return path


def _listed(fields: Mapping[str, Any], key: str, path: str) -> Iterable[tuple[str, object]]:
    for number, item in enumerate(fields.get(key, ())):
        yield f"{path}: {key}[{number}]", item


def _refuse_twins(names: Iterable[str], place: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise HadathError(f"{place}: {name!r} is listed twice; keep one")
        seen.add(name)

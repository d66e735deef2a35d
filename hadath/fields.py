"""Checks that what a YAML or JSON file holds has the keys and kinds that its reader knows.

It does not know files, nor what a value means.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hadath.errors import HadathError, did_you_mean


def checked(
    value: object, place: str, kinds: Mapping[str, Any], required: Iterable[str] = ()
) -> dict[str, Any]:
    """`value` as a mapping with keys and kinds as in `kinds`; raises naming the place."""
    if not isinstance(value, dict):
        raise HadathError(f"{place}: expected keys and values, found {type(value).__name__}")
    for key, item in value.items():
        if key not in kinds:
            raise HadathError(f"{place}: no key {key!r}; {nearest_of(str(key), kinds)}")
        if not isinstance(item, kinds[key]) or (isinstance(item, bool) and kinds[key] is not bool):
            raise HadathError(
                f"{place}.{key}: expected {_kind_name(kinds[key])}, found {item!r:.40}; "
                f"{'put it in quotation marks' if kinds[key] is str else 'mend it'}"
            )
    for key in required:
        if key not in value:
            raise HadathError(f"{place}: no {key!r}; it needs {', '.join(required)}")
    return value


def nearest_of(word: str, known: Iterable[str]) -> str:
    """The mend for a name that is not known: the known one it looks like, else all of them."""
    known = list(known)
    return did_you_mean(word, known, f"known: {', '.join(known)}")


def _kind_name(kind: object) -> str:
    if isinstance(kind, tuple):
        return " or ".join(dict.fromkeys(_kind_name(one) for one in kind))
    return next((name for known, name in _KIND_NAMES if known is kind), "a number")


_KIND_NAMES = (
    (str, "a text"), (list, "a list"), (dict, "keys and values"), (bool, "true or false"),
    (int, "a whole number"), (type(None), "nothing"),
)  # fmt: skip

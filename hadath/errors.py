"""The one error root: every message names the place, what was found there and how to mend it.

It does not know what can go wrong; phrasings that messages share are here.
"""

import difflib
from collections.abc import Iterable


class HadathError(ValueError):
    """Something the user can mend: a file, a setting, a model or a request that does not fit."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The mend for a name that is not known: the one it looks like, else what `otherwise` says."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def shortened(text: str, longest: int = 40) -> str:
    """The text if it has at most `longest` characters, else its head and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def system_reason(error: OSError) -> str:
    """What the system said: "permission denied", "no space left on device"."""
    return (error.strerror or str(error)).lower()

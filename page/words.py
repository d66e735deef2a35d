"""The page's words in Arabic and English, from one table, and errors told in either.

It does not know where on the page a word stands.
"""

import functools
import string
from pathlib import Path

from hadath.errors import HadathError
from hadath.files import read_mapping

LANGUAGES = ("ar", "en")
_TABLE = Path(__file__).with_name("words.yaml")

Words = dict[str, str]


class RequestError(HadathError):
    """A request that the page refuses. `key` names the sentence that says why."""

    def __init__(self, key: str, **fields: str | int) -> None:
        self.key = key
        self.fields = fields
        super().__init__(words_of("en")[key].format(**fields))


def told(error: HadathError, language: str) -> str:
    """The error's sentence in the language; what the library says itself stays English."""
    if isinstance(error, RequestError):
        return words_of(language)[error.key].format(**error.fields)
    return words_of(language)["not_done"].format(detail=error)


def words_of(language: str) -> Words:
    """Key -> sentence in one language; Arabic where the language is not known."""
    return _shipped_words()[language if language in LANGUAGES else LANGUAGES[0]]


def load_words(path: Path) -> dict[str, Words]:
    """Language -> key -> sentence. Raises HadathError where the languages do not match."""
    rows: dict[str, Words] = read_mapping(path)
    for key, row in rows.items():
        if sorted(row) != sorted(LANGUAGES):
            raise HadathError(f"{path}: {key!r} is in {', '.join(row)}; write it in {LANGUAGES}")
        first, *others = (_fields(row[language]) for language in LANGUAGES)
        if any(fields != first for fields in others):
            raise HadathError(
                f"{path}: {key!r} has other {{fields}} in one language than in another"
            )
    return {language: {key: row[language] for key, row in rows.items()} for language in LANGUAGES}


@functools.cache
def _shipped_words() -> dict[str, Words]:
    return load_words(_TABLE)


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}

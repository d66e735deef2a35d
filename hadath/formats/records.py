"""Checks the plain JSON values that other tools export, so that each fault gets one clear line.

It does not know which tool they come from, nor what they mean.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from hadath.annotations import AnnotationError, Article
from hadath.errors import HadathError

DETAILS = ("title", "date", "source", "split")


def objects(value: object, place: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, object) of each object of a list. Raises HadathError where it is not such a list."""
    if not isinstance(value, list):
        raise HadathError(f"{place}: expected a list, found {type(value).__name__}")
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise HadathError(f"{place}[{number}]: expected an object, found {type(item).__name__}")
        yield number, item


def text_of(fields: dict[str, Any], key: str, place: str) -> str:
    """The text under a key. Raises HadathError where there is none."""
    if key not in fields:
        raise HadathError(
            f"{place}: no {key!r}; its keys are {', '.join(map(str, fields)) or 'none'}"
        )
    value = fields[key]
    if not isinstance(value, str):
        raise HadathError(f"{place}: {key}: expected a text, found {type(value).__name__}")
    return value


def id_of(value: object, otherwise: str) -> str:
    """An id as text, be it a text or a number; `otherwise` where there is none."""
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    return otherwise


def details(fields: dict[str, Any], place: str) -> dict[str, str | None]:
    """Title, date, source and split, where the tool kept them beside the text."""
    found: dict[str, str | None] = {}
    for key in DETAILS:
        value = fields.get(key)
        if value is not None and not isinstance(value, str):
            raise HadathError(f"{place}: {key}: expected a text, found {type(value).__name__}")
        found[key] = value or None
    return found


def bounds(fields: dict[str, Any], place: str) -> tuple[tuple[int, int], ...]:
    """The sentences that were kept beside the text; () where there are none."""
    found = []
    for number, item in objects(fields.get("sentences") or [], f"{place}: sentences"):
        start, end = item.get("start"), item.get("end")
        if not isinstance(start, int) or not isinstance(end, int):
            raise HadathError(
                f"{place}: sentences[{number}]: expected whole numbers 'start' and 'end'"
            )
        found.append((start, end))
    return tuple(found)


def kept_details(article: Article) -> dict[str, Any]:
    """What `details` and `bounds` read again."""
    kept: dict[str, Any] = {key: getattr(article, key) for key in DETAILS if getattr(article, key)}
    if article.sentences:
        kept["sentences"] = [{"start": start, "end": end} for start, end in article.sentences]
    return kept


def build(place: str, **fields: Any) -> Article:  # noqa: ANN401 - Article's fields, each of its type
    """An article, or a HadathError that begins with the place."""
    try:
        return Article(**fields)
    except AnnotationError as error:
        raise HadathError(f"{place}: {error}") from error


def left_out(articles: Sequence[Article], name: str, fields: Sequence[str]) -> tuple[str, ...]:
    """One line for each field that some articles have and the format cannot hold."""
    lines = []
    for field in fields:
        count = sum(bool(getattr(article, field)) for article in articles)
        if count:
            lines.append(f"{field} of {count} articles: {name} cannot hold them")
    return tuple(lines)

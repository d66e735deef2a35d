"""Reads and writes doccano's JSON Lines: labelled spans, relations and whole-text labels ↔ events.

It knows nothing of questions, which doccano's exports do not hold.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hadath.annotations import Article, Event, parse_json_line
from hadath.errors import HadathError
from hadath.files import numbered_lines, write_text
from hadath.formats.records import (
    bounds,
    build,
    details,
    id_of,
    kept_details,
    left_out,
    objects,
    text_of,
)
from hadath.formats.regions import Link, Marked, Region, events_of, regions_of, role_named
from hadath.formats.repairs import CODE_POINTS, UTF_16, Counting, Import, Repair, trim


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label and its two offsets, as doccano counts them."""

    key: str
    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the export, its offsets not yet trusted."""

    place: str
    fields: dict[str, Any]
    text: str
    marks: tuple[_Mark, ...]
    links: tuple[Link, ...]
    whole: tuple[str, ...]
    classes: bool = False  # the file labels whole texts


def read(path: str | Path) -> Import:
    """Every line as an article; ACTOR, RECIPIENT, PLACE, DATE are roles, other labels event types.

    doccano keeps no quotes, so how it counted is decided once for the whole file: where offsets in
    UTF-16 units read better than in code points they are taken so. One way reads better than the
    other when fewer spans run past their text, then when fewer begin or end inside a word or at
    white space. A tie goes to code points. White space at a span's edges is trimmed, and told.
    """
    rows = [_row(f"{path}:{number}", line) for number, line in numbered_lines(path)]
    if not rows:
        raise HadathError(f"{path}: no lines in it; expected one JSON object a line")
    # A line without a label tells nothing of itself; its fellows tell what kind of file it is.
    if not any(row.marks or "entities" in row.fields for row in rows):
        rows = [replace(row, classes=True) for row in rows]
    counting = min((CODE_POINTS, UTF_16), key=lambda way: _misfits(rows, way))
    repairs = []
    if counting is UTF_16:
        repairs.append(
            Repair(str(path), "offsets are counted in UTF-16 units", "counted in code points")
        )
    articles: dict[str, Article] = {}
    for number, row in enumerate(rows, 1):
        article = _article(row, counting, str(number), repairs)
        if article.id in articles:
            raise HadathError(
                f"{row.place}: id {article.id!r} is used twice; give each line its own"
            )
        articles[article.id] = article
    return Import(tuple(articles.values()), tuple(repairs))


def write(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """One line an article, offsets in code points. Tells what doccano cannot hold."""
    lines = []
    key = 0
    for number, article in enumerate(articles, 1):
        regions, links = regions_of(article)
        keys = {region.key: key + index for index, region in enumerate(regions, 1)}
        key += len(regions) + len(links)
        record = {
            "id": number, "text": article.text, "article_id": article.id, **kept_details(article),
            "entities": [
                {"id": keys[region.key], "label": region.labels[0],
                 "start_offset": region.span.start, "end_offset": region.span.end}
                for region in regions
            ],
            "relations": [
                {"id": key - index, "from_id": keys[link.first], "to_id": keys[link.second],
                 "type": link.role}
                for index, link in enumerate(links)
            ],
            "Comments": [],
        }  # fmt: skip
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))
    return left_out(articles, "doccano", ("questions",))


def _row(place: str, line: str) -> _Row:
    try:
        fields = parse_json_line(line)
    except HadathError as error:
        raise HadathError(f"{place}: {error}") from error
    if not isinstance(fields, dict):
        raise HadathError(f"{place}: expected an object, found {type(fields).__name__}")
    text = text_of(fields, "text" if "text" in fields or "data" not in fields else "data", place)
    marks, whole = [], []
    if "entities" in fields:
        labels = fields["entities"]
    else:
        labels = fields.get("label", fields.get("labels"))
    if labels is None and "cats" not in fields:
        raise HadathError(f"{place}: neither 'label' nor 'entities'; export as JSONL from doccano")
    for number, item in enumerate(_listed(labels, f"{place}: label")):
        if isinstance(item, str):
            whole.append(item)
        else:
            marks.append(_mark(item, f"{place}: label[{number}]", f"#{number}"))
    whole += [str(label) for label in _listed(fields.get("cats"), f"{place}: cats")]
    links = tuple(
        _link(item) for _, item in objects(fields.get("relations") or [], f"{place}: relations")
    )
    return _Row(place, fields, text, tuple(marks), links, tuple(whole))


def _listed(value: object, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise HadathError(f"{place}: expected a list, found {type(value).__name__}")
    return value


def _mark(item: object, place: str, key: str) -> _Mark:
    """One span, as [start, end, label] or as an object of the newer export."""
    if isinstance(item, list) and len(item) == 3:
        start, end, label = item
    elif isinstance(item, dict):
        start, end, label = (item.get(name) for name in ("start_offset", "end_offset", "label"))
        key = id_of(item.get("id"), key)
    else:
        raise HadathError(f"{place}: expected [start, end, label], found {str(item)[:40]!r}")
    for offset in (start, end):
        if not isinstance(offset, int) or isinstance(offset, bool):
            raise HadathError(f"{place}: expected a whole number as offset, found {offset!r}")
    if not isinstance(label, str) or not label.strip():
        raise HadathError(f"{place}: expected a label's name, found {label!r}")
    return _Mark(key, label, start, end)


def _link(item: dict[str, Any]) -> Link:
    return Link(
        id_of(item.get("from_id"), ""),
        id_of(item.get("to_id"), ""),
        role_named(str(item.get("type"))),
    )


def _misfits(rows: Sequence[_Row], counting: Counting) -> tuple[int, int]:
    """(spans past their text's end, edges inside a word or at white space) under one counting."""
    outside = edges = 0
    for row in rows:
        # Both ways agree on a text without rare characters: it says nothing.
        if not UTF_16.tells_apart(row.text):
            continue
        for mark in row.marks:
            span = _offsets(row.text, mark, counting)
            if span is None:
                outside += 1
            else:
                start, end = span
                edges += _cuts(row.text, start) + _cuts(row.text, end)
                edges += row.text[start].isspace() + row.text[end - 1].isspace()
    return outside, edges


def _offsets(text: str, mark: _Mark, counting: Counting) -> tuple[int, int] | None:
    """The span's code points; None where it is empty, past the end or inside a character."""
    if counting is CODE_POINTS:
        return (mark.start, mark.end) if 0 <= mark.start < mark.end <= len(text) else None
    index = {offset: number for number, offset in enumerate(counting.boundaries(text))}
    start, end = index.get(mark.start), index.get(mark.end)
    return (start, end) if start is not None and end is not None and start < end else None


def _cuts(text: str, offset: int) -> bool:
    return 0 < offset < len(text) and _in_word(text[offset - 1]) and _in_word(text[offset])


def _in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _article(row: _Row, counting: Counting, number: str, repairs: list[Repair]) -> Article:
    regions = []
    for mark in row.marks:
        span = _offsets(row.text, mark, counting)
        what = f"{mark.label} [{mark.start}, {mark.end}]"
        if span is None:
            raise HadathError(
                f"{row.place}: {what} is empty, past the text's end ({len(row.text)}) or inside a "
                f"character; mark it again"
            )
        words = trim(row.text, *span)
        if not words.text:
            raise HadathError(f"{row.place}: {what} holds white space only; mark it again")
        if len(words.text) != span[1] - span[0]:
            repairs.append(Repair(row.place, f"{what} has white space at its edge", "trimmed"))
        regions.append(Region(mark.key, words, (mark.label,)))
    sentences = bounds(row.fields, row.place)
    events, unlinked = events_of(Marked(row.place, row.text, sentences, tuple(regions), row.links))
    repairs += unlinked
    if row.classes or row.whole:
        sentences = sentences or ((0, len(row.text)),)
        events += tuple(_whole(row))
    name = id_of(row.fields.get("article_id"), id_of(row.fields.get("id"), number))
    return build(row.place, id=name, text=row.text, sentences=sentences, events=events,
                 **details(row.fields, row.place))  # fmt: skip


def _whole(row: _Row) -> Iterator[Event]:
    for label in dict.fromkeys(row.whole):
        yield Event(label, trim(row.text, 0, len(row.text)))

"""Turns an article and what was found in it into escaped HTML: marked text, answers, events.

It does not know models, the page's framework, or any language's words: those are handed in.
"""

import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hadath.errors import HadathError

if TYPE_CHECKING:  # predict.py brings torch, of which no HTML has need
    from hadath.ontology import Scheme
    from hadath.predict import Reading, SentenceEvents

_NO_COLOUR = "#8a8f98"
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}")


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` to `end` of an article, to be shown with a label beside them.

    `kind` becomes the CSS class; `colour` is "#rrggbb", or None for the class's own.
    """

    start: int
    end: int
    label: str
    kind: str
    colour: str | None = None


def highlight(article: str, marks: Sequence[Mark] = ()) -> str:
    """The whole article as escaped, right-to-left HTML with its marks, the most important first.

    Where marks overlap, the more important one gives the look. The text content of the result is
    the article, character for character: labels are attributes, which the style sheet draws.
    """
    for mark in marks:
        if not 0 <= mark.start < mark.end <= len(article):
            raise HadathError(
                f"mark ({mark.start}, {mark.end}) lies outside the article of {len(article)} "
                f"characters; give the article in which it was found"
            )
    pieces = [
        _piece(article[start:end], start, marks, over)
        for start, end, over in _segments(article, marks)
    ]
    return _element("div", *pieces, class_="article", dir="rtl", lang="ar")


def answers_in_article(article: str, reading: "Reading") -> str:
    """The article with its answers marked and numbered; none where it does not say."""
    answers = reading.answers if reading.found else ()
    return highlight(
        article,
        [
            Mark(answer.start, answer.end, str(rank), "answer best" if rank == 1 else "answer")
            for rank, answer in enumerate(answers, 1)
        ],
    )


def events_in_article(
    article: str, sentences: Sequence["SentenceEvents"], scheme: "Scheme", language: str
) -> str:
    """The article with each sentence that reports an event coloured and labelled by type."""
    marks = []
    for sentence in sentences:
        names = _by_probability(sentence.types)
        if names:
            label = " · ".join(_type_name(scheme, name, language) for name in names)
            colour = _colour(scheme, names[0])
            marks.append(Mark(sentence.start, sentence.end, label, "event", colour))
    return highlight(article, marks)


def answer_list(reading: "Reading", words: Mapping[str, str]) -> str:
    """The answers, best first, each with its confidence; or, plainly, that there is none."""
    if not reading.found or not reading.answers:
        figure = _element("bdi", _text(percent(reading.answerable)))
        detail = _text(words["not_said_detail"]).format(probability=figure)
        return _element(
            "div",
            _element("p", _text(words["not_said"]), class_="not-said"),
            _element("p", detail, class_="detail"),
            class_="notice quiet",
            role="status",
        )
    cards = [
        _card(rank, answer.text, answer.confidence, words)
        for rank, answer in enumerate(reading.answers, 1)
    ]
    # A list whose markers are styled away is no list to VoiceOver, unless its role says so.
    return _element("ol", *cards, class_="answers", role="list", aria_label=words["answers_found"])


def legend(sentences: Iterable["SentenceEvents"], scheme: "Scheme", language: str) -> str:
    """One entry for each event type found: colour, name, how many sentences report it."""
    counts: dict[str, int] = {}
    for sentence in sentences:
        for name in sentence.types:
            counts[name] = counts.get(name, 0) + 1
    order = [name for name in scheme.names if name in counts]
    order += sorted(set(counts) - set(order))
    entries = [
        _element(
            "li",
            _element("span", class_="swatch", aria_hidden="true"),
            _element("span", _text(_type_name(scheme, name, language))),
            _element("bdi", str(counts[name]), class_="count"),
            style=f"--type: {_colour(scheme, name)}",
            title=_gloss(scheme, name, language),
        )
        for name in order
    ]
    return _element("ul", *entries, class_="legend", role="list") if entries else ""


def event_table(
    article: str,
    sentences: Sequence["SentenceEvents"],
    scheme: "Scheme",
    *,
    language: str,
    words: Mapping[str, str],
) -> str:
    """A row for each event: its type, its sentence, its probability."""
    rows = [
        _element(
            "tr",
            _type_cell(_type_name(scheme, name, language)),
            _sentence_cell(article, sentence),
            _element("td", _element("bdi", _text(percent(sentence.types[name])))),
            style=f"--type: {_colour(scheme, name)}",
        )
        for sentence in sentences
        for name in _by_probability(sentence.types)
    ]
    if not rows:
        return notice(words["no_events"])
    heads = [
        _element("th", _text(words[key]), scope="col")
        for key in ("type", "sentence", "probability")
    ]
    table = _element(
        "table", _element("thead", _element("tr", *heads)), _element("tbody", *rows)
    )  # fmt: skip
    # Focusable, so that arrow keys scroll it.
    return _element(
        "div", table, class_="rows", tabindex=0, role="region", aria_label=words["events_found"]
    )


def exports(name: str, record: object, table: str, words: Mapping[str, str]) -> str:
    """Buttons that copy the result, or save it as `name`.json or `name`.csv, within the browser.

    The contents travel in the page itself, so nothing is kept on the server.
    """
    actions = {"copy": "copy", "json": "save_json", "csv": "save_csv"}
    buttons = [
        _element(
            "button",
            _text(words[key]),
            type="button",
            data_export=action,
            data_done=words["copied"] if action == "copy" else None,
        )
        for action, key in actions.items()
    ]
    content = json.dumps(record, ensure_ascii=False, indent=2)
    return _element(
        "div", *buttons, class_="exports", data_name=name, data_json=content, data_csv=table
    )


def notice(message: str, *, problem: bool = False) -> str:
    """A sentence to the user; a `problem` is announced by screen readers at once."""
    return _element(
        "div",
        _element("p", _text(message), dir="auto"),
        class_="notice problem" if problem else "notice quiet",
        role="alert" if problem else "status",
    )


def percent(probability: float) -> str:
    """0.973 -> "97%"; never "100%" or "0%" for what is not quite certain."""
    shown = round(probability * 100)
    if shown == 100 and probability < 1:
        return ">99%"
    if shown == 0 and probability > 0:
        return "<1%"
    return f"{shown}%"


def _segments(article: str, marks: Sequence[Mark]) -> Iterator[tuple[int, int, list[int]]]:
    """(start, end, marks over it) of each stretch within which no mark starts or ends."""
    starts: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for index, mark in enumerate(marks):
        starts.setdefault(mark.start, []).append(index)
        ends.setdefault(mark.end, []).append(index)
    over: set[int] = set()
    for start, end in itertools.pairwise(sorted({0, len(article), *starts, *ends})):
        over.difference_update(ends.get(start, ()))
        over.update(starts.get(start, ()))
        yield start, end, sorted(over)


def _piece(text: str, start: int, marks: Sequence[Mark], over: Sequence[int]) -> str:
    if not over:
        return _text(text)
    top = marks[over[0]]
    label = " ".join(marks[index].label for index in over if marks[index].start == start)
    return _element(
        "mark",
        _text(text),
        class_=top.kind,
        data_mark=" ".join(str(index + 1) for index in over),
        data_start=start,
        data_label=label or None,
        style=f"--type: {_safe_colour(top.colour)}" if top.colour else None,
    )


def _card(rank: int, answer: str, confidence: float, words: Mapping[str, str]) -> str:
    width = max(0.0, min(1.0, confidence)) * 100
    fill = _element("span", style=f"width: {width:.1f}%")
    figure = f"{_text(words['confidence'])} {_element('bdi', _text(percent(confidence)))}"
    button = _element(
        "button",
        _element("span", str(rank), class_="rank", aria_hidden="true"),
        _element("span", _text(answer), class_="words", dir="rtl", lang="ar"),
        _element(
            "span",
            _element("span", fill, class_="bar", aria_hidden="true"),
            _element("span", figure),
            class_="meter",
        ),
        type="button",
        class_="card best" if rank == 1 else "card",
        data_show=rank,
        title=words["show_in_article"],
    )
    return _element("li", button)


def _type_cell(name: str) -> str:
    return _element("td", _element("span", class_="swatch", aria_hidden="true"), _text(name))


def _sentence_cell(article: str, sentence: "SentenceEvents") -> str:
    words = _element("span", _text(" ".join(article[sentence.start : sentence.end].split())))
    button = _element(
        "button", words, type="button", class_="link", data_show_at=sentence.start
    )  # fmt: skip
    return _element("td", button, dir="rtl", lang="ar")


def _element(tag: str, *content: str, **attributes: str | int | None) -> str:
    """One HTML element. `content` is HTML already; attribute values are escaped, None left out."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_text(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(content)}</{tag}>"


def _text(text: str) -> str:
    # A parser reads a bare carriage return as a line feed, which would change the text.
    return html.escape(text).replace("\r", "&#13;")


def _by_probability(types: Mapping[str, float]) -> list[str]:
    return sorted(types, key=lambda name: (-types[name], name))


def _type_name(scheme: "Scheme", name: str, language: str) -> str:
    """A type's name in the language; a type that the scheme does not know keeps its own."""
    kind = scheme.find(name)
    if kind is None:
        return name
    return kind.arabic if language == "ar" else kind.english


def _gloss(scheme: "Scheme", name: str, language: str) -> str | None:
    kind = scheme.find(name)
    if kind is None:
        return None
    gloss = kind.arabic_gloss if language == "ar" else kind.english_gloss
    return f"{name}: {gloss}" if gloss else name


def _colour(scheme: "Scheme", name: str) -> str:
    kind = scheme.find(name)
    return _safe_colour(kind.colour if kind else None)


def _safe_colour(colour: str | None) -> str:
    """The colour where it is one; a scheme is data, and must not write style sheets."""
    return colour if colour and _COLOUR.fullmatch(colour) else _NO_COLOUR

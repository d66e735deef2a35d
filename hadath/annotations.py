"""Annotated articles: frozen, self-checking, every quote at its offset in the raw text.

They are kept as JSON Lines. It does not know other tools' formats (formats/), nor what an event
type means (ontology.py).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadath.errors import HadathError, shortened
from hadath.files import numbered_lines, parse_json, write_text
from hadath.text import sentence_at, sentences

ROLES = ("actor", "recipient", "place", "date")
SPLITS = ("train", "dev", "test", "leave-one-out")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an article's record: where, what was found, how to mend it."""

    field: str
    found: str
    mend: str

    def __str__(self) -> str:
        return f"{self.field}: {self.found}; {self.mend}"


class AnnotationError(HadathError):
    """An article that contradicts itself. `problems` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")


@dataclass(frozen=True, slots=True)
class Span:
    """A quote and the character at which it starts in its article's raw text."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """The character after the quote's last one."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Event:
    """What was done, the words that report it, and who, to whom, where and when, each quoted."""

    type: str
    span: Span
    actor: tuple[Span, ...] = ()
    recipient: tuple[Span, ...] = ()
    place: tuple[Span, ...] = ()
    date: tuple[Span, ...] = ()

    def role(self, name: str) -> tuple[Span, ...]:
        """The quotes of one of ROLES."""
        if name not in ROLES:
            raise HadathError(f"no role {name!r}; the roles are {', '.join(ROLES)}")
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and all its right answers in the article; none where the article does not say."""

    id: str
    question: str
    answers: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """A raw text with its sentences, events and questions. It cannot be built if one offset lies.

    `sentences`: (start, end) pairs in reading order, not overlapping; empty means "let the splitter
    say". Every event's span starts inside one of them. Raises AnnotationError naming all that is
    wrong.
    """

    id: str
    text: str
    title: str | None = None
    date: str | None = None
    source: str | None = None
    split: str | None = None
    sentences: tuple[tuple[int, int], ...] = ()
    events: tuple[Event, ...] = ()
    questions: tuple[Question, ...] = ()

    def __post_init__(self) -> None:
        found = list(_problems(self))
        if found:
            raise AnnotationError(found)

    def sentence_of(self, event: Event) -> int | None:
        """Index of the sentence in which the event's words start; None without sentences."""
        return sentence_at(self.sentences, event.span.start)

    def bounds(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of every sentence: the article's own, or else the splitter's."""
        return self.sentences or tuple(sentences(self.text))

    def sentence_types(
        self, bounds: Sequence[tuple[int, int]] | None = None
    ) -> list[frozenset[str]]:
        """The event types that each sentence reports; `bounds`: where others than its own count."""
        places = self.bounds() if bounds is None else bounds
        types: list[set[str]] = [set() for _ in places]
        for event in self.events:
            place = sentence_at(places, event.span.start)
            if place is not None:
                types[place].add(event.type)
        return [frozenset(each) for each in types]

    def record(self) -> dict[str, Any]:
        """The article as plain JSON values, every column there (so `datasets` sees one schema)."""
        return {
            "id": self.id, "title": self.title, "date": self.date, "source": self.source,
            "split": self.split, "text": self.text,
            "sentences": [{"start": start, "end": end} for start, end in self.sentences],
            "events": [
                {"type": event.type, "span": _span_record(event.span)}
                | {role: [_span_record(span) for span in event.role(role)] for role in ROLES}
                for event in self.events
            ],
            "questions": [
                {"id": question.id, "question": question.question,
                 "answers": [_span_record(span) for span in question.answers]}
                for question in self.questions
            ],
        }  # fmt: skip

    @staticmethod
    def from_record(record: object) -> "Article":
        """Build from what `record` gave. Raises AnnotationError naming every field at fault."""
        if not isinstance(record, dict):
            raise AnnotationError([Problem("article", *_not_an("object", record))])
        found: list[Problem] = []
        fields = _fields(record, "", _ARTICLE_KEYS, found)
        bounds = [_bounds(item, at, found) for at, item in _items(fields, "sentences", "", found)]
        events = [_event(item, at, found) for at, item in _items(fields, "events", "", found)]
        questions = [
            _question(item, at, found) for at, item in _items(fields, "questions", "", found)
        ]
        try:
            article = Article(
                id=_text(fields, "id", "", found),
                text=_text(fields, "text", "", found),
                title=_text_or_none(fields, "title", found),
                date=_text_or_none(fields, "date", found),
                source=_text_or_none(fields, "source", found),
                split=_text_or_none(fields, "split", found),
                sentences=tuple(bounds),
                events=tuple(events),
                questions=tuple(questions),
            )
        except AnnotationError as error:
            raise AnnotationError([*found, *_not_caused_by(found, error.problems)]) from None
        if found:
            raise AnnotationError(found)
        return article


def read_articles(path: str | Path) -> list[Article]:
    """All articles of a JSON Lines file, in order. Raises HadathError naming file:line."""
    articles: list[Article] = []
    lines: dict[str, int] = {}
    for number, line in numbered_lines(path):
        try:
            article = Article.from_record(parse_json_line(line))
        except HadathError as error:
            raise HadathError(f"{path}:{number}: {error}") from error
        if article.id in lines:
            raise HadathError(
                f"{path}:{number}: id {article.id!r} stands in line {lines[article.id]} already; "
                f"give each article an id of its own"
            )
        lines[article.id] = number
        articles.append(article)
    if not articles:
        raise HadathError(f"{path}: no articles in it; expected one JSON object a line")
    return articles


def write_articles(path: str | Path, articles: Iterable[Article]) -> None:
    """One JSON object a line; the old file stays whole until the new one is."""
    lines = [json.dumps(article.record(), ensure_ascii=False) + "\n" for article in articles]
    write_text(path, "".join(lines))


def parse_json_line(line: str) -> object:
    """One line's JSON value. Raises HadathError saying where it breaks off."""
    try:
        return parse_json(line)
    except json.JSONDecodeError as error:
        raise HadathError(
            f"column {error.colno}: not JSON ({error.msg.lower()}); is the line cut off?"
        ) from error
    except RecursionError as error:
        raise HadathError("nested too deeply to be an article") from error
    except ValueError as error:  # a number of thousands of digits, a key twice
        raise HadathError(f"not JSON that can be read ({error})") from error


def quotes(article: Article) -> Iterator[tuple[str, Span]]:
    """(field, span) of every quote of the article: events, their roles, answers."""
    for number, event in enumerate(article.events):
        yield f"events[{number}].span", event.span
        for role in ROLES:
            for index, span in enumerate(event.role(role)):
                yield f"events[{number}].{role}[{index}]", span
    for number, question in enumerate(article.questions):
        for index, span in enumerate(question.answers):
            yield f"questions[{number}].answers[{index}]", span


def _problems(article: Article) -> Iterator[Problem]:
    if not article.id.strip():
        yield Problem("id", "it is empty", "give each article an id of its own")
    if not article.text.strip():
        yield Problem("text", "it is empty", "an article needs a text")
    if article.split is not None and article.split not in SPLITS:
        yield Problem("split", f"no split {article.split!r}", f"the splits are {', '.join(SPLITS)}")
    misplaced = list(_sentence_problems(article))
    yield from misplaced
    yield from _quote_problems(article)
    if not misplaced:  # else no event's sentence can be told
        yield from _event_problems(article)
    yield from _question_problems(article)


def _quote_problems(article: Article) -> Iterator[Problem]:
    for field, span in quotes(article):
        read = article.text[max(span.start, 0) : span.end]
        if not span.text.strip():
            yield Problem(field, "the quote is empty", "quote the words or remove it")
        elif span.start < 0 or read != span.text:
            yield Problem(
                field,
                f"the article reads {_short(read)} at {span.start}, not {_short(span.text)}",
                "mend its 'start' (hadath check --fix does, where the quote occurs once)",
            )
        elif span.text != span.text.strip():
            yield Problem(
                field, f"the quote {_short(span.text)} has white space at its edge", "trim it"
            )


def _event_problems(article: Article) -> Iterator[Problem]:
    for number, event in enumerate(article.events):
        if article.sentences and article.sentence_of(event) is None:
            yield Problem(
                f"events[{number}].span",
                f"starts at {event.span.start}, outside every sentence",
                "mend the span or the sentences",
            )


def _sentence_problems(article: Article) -> Iterator[Problem]:
    last = 0
    for number, (start, end) in enumerate(article.sentences):
        if not (last <= start < end <= len(article.text)):
            yield Problem(
                f"sentences[{number}]",
                f"({start}, {end}) is empty, out of order or past the text's end "
                f"({len(article.text)})",
                "sentences stand in reading order and do not overlap",
            )
        last = end


def _question_problems(article: Article) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, question in enumerate(article.questions):
        if not question.question.strip():
            yield Problem(
                f"questions[{number}].question", "it is empty", "write the question or remove it"
            )
        if question.id in seen:
            yield Problem(
                f"questions[{number}].id", f"{question.id!r} is used twice", "number the questions"
            )
        seen.add(question.id)


def _short(text: str) -> str:
    return repr(shortened(text))


def _span_record(span: Span) -> dict[str, Any]:
    return {"start": span.start, "text": span.text}


_ARTICLE_KEYS = frozenset(
    ("id", "title", "date", "source", "split", "text", "sentences", "events", "questions")
)  # fmt: skip


# Each reader below notes what is wrong in `found` and goes on with a stand-in ("", 0, nothing), so
# that one pass names every fault; `from_record` builds no article once anything was noted.


def _not_caused_by(found: Sequence[Problem], problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems that do not merely come of a stand-in."""
    fields = [problem.field for problem in found]
    if any(field == "text" for field in fields):
        return
    stray = any(field.startswith("sentences") for field in fields)
    for problem in problems:
        outside = stray and problem.found.endswith("outside every sentence")
        if not outside and not any(_within(field, problem.field) for field in fields):
            yield problem


def _within(first: str, second: str) -> bool:
    """Whether one field is the other or a part of it (`events[1]`, `events[1].span`)."""
    short, long = sorted((first, second), key=len)
    return long == short or long.startswith((f"{short}.", f"{short}["))


def _not_an(kind: str, value: object) -> tuple[str, str]:
    return f"expected an {kind}, found {_short(json.dumps(value))}", "see data/README.md"


def _name(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _fields(
    value: object,
    place: str,
    keys: Iterable[str],
    found: list[Problem],
    required: Iterable[str] = ("id", "text"),
) -> dict[str, Any]:
    if not isinstance(value, dict):
        found.append(Problem(place, *_not_an("object", value)))
        return {}
    for key in required:
        if key not in value:
            found.append(
                Problem(_name(place, key), f"no {key!r}", f"it needs {', '.join(sorted(required))}")
            )
    for key in value:
        if key not in keys:
            mend = f"the keys are {', '.join(sorted(keys))}"
            shown = key if key.isprintable() else repr(key)
            found.append(Problem(_name(place, shown), f"unknown key {key!r}", mend))
    return value


def _items(
    fields: dict[str, Any], key: str, place: str, found: list[Problem]
) -> Iterator[tuple[str, object]]:
    value = fields.get(key)
    name = _name(place, key)
    if value is None:
        return
    if not isinstance(value, list):
        what = f"expected a list, found {type(value).__name__}"
        found.append(Problem(name, what, "write [] where there is none"))
        return
    for number, item in enumerate(value):
        yield f"{name}[{number}]", item


def _text(fields: dict[str, Any], key: str, place: str, found: list[Problem]) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        what = f"expected a text, found {_short(json.dumps(value))}"
        found.append(Problem(_name(place, key), what, "put it in quotation marks"))
        return ""
    return value


def _text_or_none(fields: dict[str, Any], key: str, found: list[Problem]) -> str | None:
    return None if fields.get(key) is None else _text(fields, key, "", found)


def _number(fields: dict[str, Any], key: str, place: str, found: list[Problem]) -> int:
    value = fields.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        what = f"expected a whole number, found {_short(json.dumps(value))}"
        found.append(Problem(_name(place, key), what, "count characters from 0"))
        return 0
    return value


def _bounds(value: object, place: str, found: list[Problem]) -> tuple[int, int]:
    fields = _fields(value, place, ("start", "end"), found, required=("start", "end"))
    return _number(fields, "start", place, found), _number(fields, "end", place, found)


def _span(value: object, place: str, found: list[Problem]) -> Span:
    fields = _fields(value, place, ("start", "text"), found, required=("start", "text"))
    return Span(_number(fields, "start", place, found), _text(fields, "text", place, found))


def _event(value: object, place: str, found: list[Problem]) -> Event:
    fields = _fields(value, place, ("type", "span", *ROLES), found, required=("type", "span"))
    span = _span(fields["span"], f"{place}.span", found) if "span" in fields else Span(0, "")
    roles = {
        role: tuple(_span(item, at, found) for at, item in _items(fields, role, place, found))
        for role in ROLES
    }
    return Event(_text(fields, "type", place, found), span, **roles)


def _question(value: object, place: str, found: list[Problem]) -> Question:
    keys = ("id", "question", "answers")
    fields = _fields(value, place, keys, found, required=("id", "question"))
    answers = tuple(_span(item, at, found) for at, item in _items(fields, "answers", place, found))
    question = _text(fields, "question", place, found)
    return Question(_text(fields, "id", place, found), question, answers)

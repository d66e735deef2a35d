"""Lints annotation files: every fault with its file and line, and how to mend it or its own mend.

It does not know how articles are read for training (annotations.py), nor the event types by heart.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hadath.annotations import ROLES, AnnotationError, Article, Problem, Span, parse_json_line
from hadath.errors import HadathError, did_you_mean, system_reason
from hadath.files import write_text
from hadath.formats.repairs import occurrences
from hadath.text import PHRASE_WORDS, fold, phrases

SHARED_PHRASES = 0.5

# Marks that steer the writing direction or show nothing, so that a reader cannot see them go wrong.
_INVISIBLE = re.compile(
    "[\\x00"  # NUL
    "\\u061c\\u200e\\u200f"  # Arabic letter mark, left-to-right and right-to-left mark
    "\\u202a-\\u202e"  # embeddings and overrides
    "\\u2066-\\u2069"  # isolates
    "\\ufeff"  # byte order mark, zero width no-break space
    "\\ud800-\\udfff]"  # half of a surrogate pair
)

# How JSON lines are commonly written: (non-ASCII characters escaped, separators).
_STYLES = tuple(
    (escaped, separators) for escaped in (False, True) for separators in ((", ", ": "), (",", ":"))
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: its file, its line (0: the file as a whole), what was found and how to mend it."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class _Seen:
    """What the lines so far held, to find again what may stand only once, or in one split only."""

    articles: dict[str, _Place] = field(default_factory=dict)
    questions: dict[str, _Place] = field(default_factory=dict)
    texts: dict[str, list[int]] = field(default_factory=dict)
    phrases: dict[str, dict[int, list[int]]] = field(default_factory=dict)  # by split
    known: list[tuple[_Place, str, int]] = field(default_factory=list)


def check(
    paths: Sequence[str | Path], *, fix: bool = False, scheme: Collection[str] | None = None
) -> list[Finding]:
    """All that is wrong with the files, in their order; what `fix` mended is not among it.

    `fix` sets the start of each quote that stands at another place, and only one, in its article;
    the other lines stay as they are, byte for byte. `scheme`: the event types there are; None takes
    any.
    """
    findings: list[Finding] = []
    seen = _Seen()
    for path in paths:
        try:
            lines = Path(path).read_bytes().split(b"\n")
        except OSError as error:
            findings.append(Finding(str(path), 0, system_reason(error)))
            continue
        if _is_foreign(path, lines):
            mend = "bring it in first: hadath convert FILE NEW.jsonl --from FORMAT --to hadath"
            findings.append(Finding(str(path), 0, f"not Hadath's JSON Lines; {mend}"))
            continue
        mended: dict[int, bytes] = {}
        for number, line in enumerate(lines, 1):
            place = _Place(str(path), number)
            found, new = _check_line(line, place, seen, fix=fix, scheme=scheme)
            findings += [Finding(str(path), number, text) for text in found]
            if new is not None:
                mended[number - 1] = new
        if not any(line.strip() for line in lines):
            findings.append(Finding(str(path), 0, "no articles; expected one JSON object a line"))
        if mended:
            joined = b"\n".join(mended.get(index, line) for index, line in enumerate(lines))
            findings += _rewrite(path, joined)
    return findings


def _is_foreign(path: str | Path, lines: Sequence[bytes]) -> bool:
    """Whether the file is another tool's: neither named .jsonl nor beginning like an article."""
    first = next((line for line in lines if line.strip()), b"")
    if Path(path).suffix.lower() == ".jsonl" or not first:
        return False
    try:
        record = parse_json_line(first.decode("utf-8-sig"))
    except ValueError:  # HadathError and UnicodeDecodeError are of this kind
        return True
    return not isinstance(record, dict) or not {"id", "text"} & record.keys()


def _check_line(
    line: bytes, place: _Place, seen: _Seen, *, fix: bool, scheme: Collection[str] | None
) -> tuple[list[str], bytes | None]:
    """(what is wrong, the mended line or None where nothing was mended)."""
    try:
        text = line.decode("utf-8-sig" if place.line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        mend = "save the file as UTF-8 (for instance: iconv -f windows-1256 -t utf-8)"
        return [f"byte 0x{byte:02x} is not UTF-8; {mend}"], None
    if not text.strip():
        return [], None
    try:
        record = parse_json_line(text)
    except HadathError as error:
        return [str(error)], None
    new = None
    if fix and _mend_starts(record):
        new = _dump_like(record, text, line)
    try:
        article = Article.from_record(record)
        problems: Sequence[Problem] = ()
    except AnnotationError as error:
        article, problems = None, error.problems
    found = [str(_with_starts(problem, record)) for problem in problems]
    found += _record_faults(record, scheme)
    if article is not None:
        found += _article_faults(article)
    found += _seen_before(record, place, seen)
    return found, new


# --- offsets ---


def _quotes(record: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """(field, {"start", "text"}) of every quote that is shaped as one, whatever else is wrong."""
    for at, event in _objects(record, "events"):
        if _is_quote(event.get("span")):
            yield f"{at}.span", event["span"]
        for role in ROLES:
            yield from (item for item in _objects(event, role, at) if _is_quote(item[1]))
    for at, question in _objects(record, "questions"):
        yield from (item for item in _objects(question, "answers", at) if _is_quote(item[1]))


def _objects(value: object, key: str, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    items = value.get(key) if isinstance(value, dict) else None
    name = f"{place}.{key}" if place else key
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield f"{name}[{number}]", item


def _is_quote(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("text"), str)
        and type(value.get("start")) is int
    )


def _lies(span: dict[str, Any], text: str) -> bool:
    return span["start"] < 0 or not text.startswith(span["text"], span["start"])


def _mend_starts(record: object) -> bool:
    """Sets the start of each quote that stands only once and elsewhere; whether any was set."""
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str):
        return False
    mended = False
    for _, span in _quotes(record):
        starts = list(occurrences(text, span["text"])) if _lies(span, text) else []
        if len(starts) == 1:
            span["start"] = starts[0]
            mended = True
    return mended


def _with_starts(problem: Problem, record: object) -> Problem:
    """The problem, told with the places where its quote does stand if its offset lies."""
    text = record.get("text") if isinstance(record, dict) else None
    for name, span in _quotes(record):
        if (
            name == problem.field
            and isinstance(text, str)
            and span["text"].strip()
            and _lies(span, text)
        ):
            return Problem(problem.field, problem.found, _where(text, span["text"]))
    return problem


def _where(text: str, quote: str) -> str:
    starts = list(occurrences(text, quote))
    if not starts:
        return "the article does not have these words: quote it exactly or remove the quote"
    if len(starts) == 1:
        return f"it stands at {starts[0]} only: set 'start' so, or let --fix do it"
    told = ", ".join(map(str, starts[:8])) + (" …" if len(starts) > 8 else "")
    return f"it stands at {told}: set 'start' to the one that is meant"


def _dump_like(record: object, text: str, line: bytes) -> bytes:
    """The mended record in the manner in which its line was written."""
    body = text.strip()
    original = json.loads(body)
    styles = [style for style in _STYLES if _dump(original, style) == body]
    dumped = _dump(record, styles[0] if styles else (False, (", ", ": ")))
    start = text.index(body)
    prefix = b"\xef\xbb\xbf" if line.startswith(b"\xef\xbb\xbf") else b""
    return prefix + (text[:start] + dumped + text[start + len(body) :]).encode("utf-8")


def _dump(record: object, style: tuple[bool, tuple[str, str]]) -> str:
    escaped, separators = style
    dumped = json.dumps(record, ensure_ascii=escaped, separators=separators)
    # A lone surrogate can only be written as an escape.
    if not escaped and any("\ud800" <= character <= "\udfff" for character in dumped):
        return json.dumps(record, separators=separators)
    return dumped


def _rewrite(path: str | Path, data: bytes) -> Iterator[Finding]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        yield Finding(
            str(path), 0, "nothing mended: the file is not all UTF-8; save it as UTF-8 first"
        )
        return
    try:
        write_text(path, text)
    except HadathError as error:
        yield Finding(str(path), 0, str(error).removeprefix(f"{path}: "))


# --- faults of one article ---


def _record_faults(record: object, scheme: Collection[str] | None) -> Iterator[str]:
    """Faults that can be seen whether or not the article can be built."""
    if not isinstance(record, dict):
        return
    text = record.get("text")
    if isinstance(text, str) and "\r" in text:
        count = text.count("\r")
        yield (
            f"text: carriage return (U+000D) at {text.index(chr(13))}, {count} in all; "
            f"end lines with \\n alone and count the offsets anew"
        )
    named = [("text", text)]
    named += [
        (f"{at}.question", item.get("question")) for at, item in _objects(record, "questions")
    ]
    for name, value in named:
        yield from _invisible(name, value)
    for name, span in _quotes(record):
        # What stands in the text was told there.
        if isinstance(text, str) and _lies(span, text):
            yield from _invisible(name, span["text"])
    for at, event in _objects(record, "events"):
        kind = event.get("type")
        if scheme is not None and isinstance(kind, str) and kind not in scheme:
            types = sorted(scheme)
            mend = did_you_mean(kind.upper(), types, f"the types are {', '.join(types)}")
            yield f"{at}.type: no type {kind!r}; {mend}"


def _invisible(name: str, value: object) -> Iterator[str]:
    found = Counter(_INVISIBLE.findall(value)) if isinstance(value, str) else Counter()
    for character, count in sorted(found.items()):
        code = ord(character)
        default = "LONE SURROGATE" if 0xD800 <= code <= 0xDFFF else "NULL"
        yield (
            f"{name}: invisible U+{code:04X} {unicodedata.name(character, default)} at "
            f"{str(value).index(character)}, {count} in all; remove it and count later offsets anew"
        )


def _article_faults(article: Article) -> Iterator[str]:
    for number, event in enumerate(article.events):
        sentence = article.sentence_of(event)
        if sentence is None:
            continue
        start, end = article.sentences[sentence]
        for role in ROLES:
            for index, span in enumerate(event.role(role)):
                if not _inside(span, start, end):
                    yield (
                        f"events[{number}].{role}[{index}]: {span.text[:30]!r} at {span.start} "
                        f"leaves the event's sentence ({start} to {end}); quote it from there"
                    )
    asked: dict[str, int] = {}
    for number, question in enumerate(article.questions):
        first = asked.setdefault(fold(question.question), number)
        if first != number:
            yield (
                f"questions[{number}]: asks {question.question[:60]!r} again, "
                f"as questions[{first}]; give one question all its answers"
            )


def _inside(span: Span, start: int, end: int) -> bool:
    return start <= span.start and span.end <= end


# --- faults across lines and files ---


def _seen_before(record: object, place: _Place, seen: _Seen) -> Iterator[str]:
    if not isinstance(record, dict):
        return
    name = record.get("id")
    if isinstance(name, str) and name.strip():
        first = seen.articles.setdefault(name, place)
        if first is not place:
            yield f"id: {name!r} stands in {_told(first, place)} already; give each article its own"
    for at, question in _objects(record, "questions"):
        key = question.get("id")
        if isinstance(key, str):
            other = seen.questions.setdefault(key, place)
            # Twice in one article is told with the article's own problems.
            if other is not place:
                yield f"{at}.id: {key!r} stands in {_told(other, place)} already; give it its own"
    text, split = record.get("text"), record.get("split")
    if isinstance(text, str):
        # What other tools bring in says no split: then each file is one.
        yield from _leaks(text, split if isinstance(split, str) else place.path, place, seen)


def _leaks(text: str, split: str, place: _Place, seen: _Seen) -> Iterator[str]:
    """Articles of another split that this one repeats, wholly or by half of its phrases."""
    folded = fold(text)
    # Hashes keep a large corpus in memory; two phrases that share one are too rare to matter.
    own = {hash(phrase) for phrase in phrases(text)}
    # One's own split is not looked through: there, what all articles end with would cost a square.
    others = [index for name, index in seen.phrases.items() if name != split]
    shared = Counter(other for index in others for phrase in own for other in index.get(phrase, ()))
    for other in seen.texts.get(folded, ()):
        shared[other] = max(shared[other], len(own), 1)
    for other, count in sorted(shared.items()):
        first, other_split, size = seen.known[other]
        share = count / max(min(len(own), size), 1)
        if other_split != split and share >= SHARED_PHRASES:
            told = f"{share:.0%} of its {PHRASE_WORDS}-word phrases stand in {_told(first, place)}"
            if place.path == split or first.path == other_split:  # named by no one
                yield f"text: {told} too; where each file is a split, put both in one"
            else:
                yield f"split: {split!r}, but {told}, which is in {other_split!r}; put both in one"
    number = len(seen.known)
    seen.known.append((place, split, len(own)))
    seen.texts.setdefault(folded, []).append(number)
    index = seen.phrases.setdefault(split, {})
    for phrase in own:
        index.setdefault(phrase, []).append(number)


def _told(first: _Place, place: _Place) -> str:
    return f"line {first.line}" if first.path == place.path else str(first)

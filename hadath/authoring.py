"""Reads the annotators' own files and turns them into articles with fixed splits.

It does not know what the event types mean (ontology.py), nor other tools' formats (formats/).
"""

import csv
import io
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hadath.annotations import (
    ROLES,
    Article,
    Event,
    Question,
    Span,
    parse_json_line,
    read_articles,
    write_articles,
)
from hadath.errors import HadathError
from hadath.fields import checked
from hadath.files import numbered_lines, read_json, write_bytes, write_text
from hadath.text import phrases

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
SEED = 2024

# Combining marks are no \w to Python, yet they end Arabic words.
_LETTER = r"[\w\u064b-\u065f\u0670]"


def read_authoring(path: str | Path) -> list[Article]:
    """All articles of an authoring file (one JSON object a line: sentences with quoted roles).

    A role stands at its first whole-word occurrence in its sentence; an event spans its sentence.
    Raises HadathError naming file:line.
    """
    return _read(path, _authored)


def read_standoff(path: str | Path) -> list[Article]:
    """All articles of a standoff file (`start`/`end` offsets into the exact text).

    Raises HadathError naming file:line.
    """
    return _read(path, _standoff)


def find_quote(text: str, quote: str) -> int:
    """Where `quote` starts in `text`: its first occurrence as whole words, else any, else -1."""
    whole = re.search(f"(?<!{_LETTER}){re.escape(quote)}(?!{_LETTER})", text)
    return whole.start() if whole else text.find(quote)


def assign_splits(
    articles: Sequence[Article], *, seed: int = SEED, tries: int = 30
) -> dict[str, str]:
    """Article id -> train, dev or test, 80/10/10, so that each split gets its share of everything.

    Counted are articles, sentences per event type, questions with and without an answer, sources
    and characters; rare things weigh as much as common ones. Articles that share a run of 8 words
    go together. The same articles and seed give the same splits.
    """
    groups = _near_groups(articles)
    counts = _label_counts(articles, groups)
    total = counts.sum(axis=0)
    wanted = np.outer(list(SHARES.values()), total)
    # The rarest label that a group holds says how early the group must be placed.
    rarity = np.array([min((total[row > 0]), default=0) for row in counts])
    best, least = np.zeros(len(groups), dtype=int), np.inf
    for draw in range(tries):
        order = list(range(len(groups)))
        random.Random(seed + draw).shuffle(order)
        order.sort(key=lambda group: rarity[group])
        placed, loss = _place(counts, wanted, order)
        if loss < least:
            best, least = placed, loss
    names = list(SHARES)
    return {
        article_id: names[split]
        for group, split in zip(groups, best, strict=True)
        for article_id in group
    }


def build_data(
    source_folder: str | Path, target_folder: str | Path, *, seed: int = SEED
) -> list[Path]:
    """Write a data folder from the annotators' files; returns the files written.

    `source_folder` holds `authored/*.jsonl` and `seeds/annotated.jsonl` with its texts.
    """
    source, target = Path(source_folder), Path(target_folder)
    authored = [
        replace(article, source=f"authored {path.stem.replace('part', 'part ')}")
        for path in sorted((source / "authored").glob("*.jsonl"))
        for article in read_authoring(path)
    ]
    if not authored:
        raise HadathError(
            f"{source / 'authored'}: no *.jsonl files in it; expected authoring files"
        )
    _refuse_twins(authored)
    seeds = [
        replace(article, source="seed article", split="leave-one-out")
        for article in read_standoff(source / "seeds" / "annotated.jsonl")
    ]
    split_of = assign_splits(authored, seed=seed)
    written = []
    for split in SHARES:
        path = target / "authored" / f"{split}.jsonl"
        write_articles(
            path, [replace(item, split=split) for item in authored if split_of[item.id] == split]
        )
        written.append(path)
    return written + _write_seeds(seeds, source / "seeds", target / "seeds")


def build_round(
    sources: Sequence[str | Path], data_folder: str | Path, number: int, *, split: str = "train"
) -> Path:
    """Write a later round of authoring files as `authored/SPLIT-NUMBER.jsonl`; returns its path.

    A later round goes into one split as a whole: what was drawn stays as it was drawn. Raises
    HadathError where an article's id is taken, or it shares a run of 8 words with an article of
    another split.
    """
    if split not in SHARES:
        raise HadathError(f"split: found {split!r}; a later round goes into {', '.join(SHARES)}")
    target = Path(data_folder) / "authored" / f"{split}-{number}.jsonl"
    source = f"authored round {number}" if split == "train" else f"authored {split} {number}"
    found = [
        replace(article, source=source, split=split)
        for path in sources
        for article in read_authoring(path)
    ]
    old = [
        article
        for folder in ("authored", "seeds")
        for path in sorted((Path(data_folder) / folder).glob("*.jsonl"))
        if path != target
        for article in read_articles(path)
    ]
    _refuse_twins([*old, *found])
    taken = {
        phrase: article.id
        for article in old
        if article.split != split
        for phrase in phrases(article.text)
    }
    for article in found:
        for phrase in sorted(phrases(article.text) & taken.keys()):
            raise HadathError(
                f"article {article.id!r} shares {' '.join(phrase)!r} with {taken[phrase]!r} of "
                f"another split; write it in other words"
            )
    write_articles(target, found)
    return target


def write_quadclass(source: str | Path, target: str | Path) -> None:
    """Write a JSON list of {text, label, ...} as CSV with those two columns, rows in order."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("text", "label"))
    rows = read_json(source)
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        if not isinstance(row, dict) or not {"text", "label"} <= row.keys():
            raise HadathError(f"{source}: [{number}]: expected an object with text and label")
        writer.writerow((row["text"], row["label"]))
    write_text(target, table.getvalue())


def _read(path: str | Path, build: Callable[[Any], Article]) -> list[Article]:
    articles = []
    for number, line in numbered_lines(path):
        try:
            articles.append(build(parse_json_line(line)))
        except HadathError as error:
            raise HadathError(f"{path}:{number}: {error}") from error
    if not articles:
        raise HadathError(f"{path}: no articles in it; expected one JSON object a line")
    return articles


def _authored(record: object) -> Article:
    fields = checked(record, "article", _ARTICLE, ("id", "sentences"))
    text, bounds = _join(fields["sentences"])
    events = []
    for number, sentence in enumerate(fields["sentences"]):
        span = Span(bounds[number][0], sentence["s"])
        for index, event in enumerate(sentence.get("events", [])):
            events.append(_authored_event(event, span, f"sentences[{number}].events[{index}]"))
    questions = tuple(
        _authored_question(question, text, f"{fields['id']}-q{number}", f"questions[{number - 1}]")
        for number, question in enumerate(fields.get("questions", []), 1)
    )
    return Article(
        fields["id"],
        text,
        title=fields.get("title"),
        date=fields.get("date"),
        sentences=tuple(bounds),
        events=tuple(events),
        questions=questions,
    )


def _join(sentences: list[Any]) -> tuple[str, list[tuple[int, int]]]:
    """The text (a space inside a paragraph, a newline between two) and each sentence's place."""
    text, last_paragraph = "", None
    bounds: list[tuple[int, int]] = []
    for number, sentence in enumerate(sentences):
        place = f"sentences[{number}]"
        fields = checked(sentence, place, {"s": str, "p": int, "events": list}, ("s", "p"))
        if fields["s"] != fields["s"].strip() or "\n" in fields["s"] or not fields["s"]:
            raise HadathError(f"{place}.s: it is empty or has stray white space; trim it")
        if bounds:
            text += " " if fields["p"] == last_paragraph else "\n"
        bounds.append((len(text), len(text) + len(fields["s"])))
        text, last_paragraph = text + fields["s"], fields["p"]
    return text, bounds


def _authored_event(event: object, sentence: Span, place: str) -> Event:
    kinds = {"type": str} | dict.fromkeys(ROLES, list)
    fields = checked(event, place, kinds, ("type",))
    roles = {}
    for role in ROLES:
        spans = []
        for index, quote in enumerate(fields.get(role, [])):
            at = find_quote(sentence.text, quote) if isinstance(quote, str) and quote else -1
            if at < 0:
                raise HadathError(
                    f"{place}.{role}[{index}]: {quote!r} is not in the sentence; "
                    f"quote its exact words"
                )
            spans.append(Span(sentence.start + at, quote))
        roles[role] = tuple(spans)
    return Event(fields["type"], sentence, **roles)


def _authored_question(question: object, text: str, name: str, place: str) -> Question:
    kinds = {"q": str, "a": (str, type(None)), "n": int}
    fields = checked(question, place, kinds, ("q", "a"))
    answer, occurrence = fields["a"], fields.get("n", 1)
    if answer is None:
        return Question(name, fields["q"])
    at = -1
    for _ in range(max(occurrence, 1)):
        at = text.find(answer, at + 1) if answer else -1
        if at < 0 or occurrence < 1:
            raise HadathError(
                f"{place}.a: occurrence {occurrence} of {answer!r} is not in the text; "
                f"quote its exact words"
            )
    return Question(name, fields["q"], (Span(at, answer),))


def _standoff(record: object) -> Article:
    fields = checked(record, "article", _STANDOFF, ("id", "text", "sentences"))
    text = fields["text"]
    events = tuple(
        _standoff_event(event, text, f"events[{number}]")
        for number, event in enumerate(fields.get("events", []))
    )
    # Sentences and questions are written as in our own records; those readers check them.
    rest = {
        key: fields.get(key) for key in ("id", "text", "title", "date", "sentences", "questions")
    }
    return replace(Article.from_record(rest), events=events)


def _standoff_event(event: object, text: str, place: str) -> Event:
    kinds = {"sentence": int, "start": int, "end": int, "type": str} | dict.fromkeys(ROLES, list)
    fields = checked(event, place, kinds, ("start", "end", "type"))
    roles = {
        role: tuple(
            _slice(item, text, f"{place}.{role}[{index}]")
            for index, item in enumerate(fields.get(role, []))
        )
        for role in ROLES
    }
    span = {"start": fields["start"], "end": fields["end"]}
    return Event(fields["type"], _slice(span, text, place), **roles)


def _slice(bounds: object, text: str, place: str) -> Span:
    fields = checked(bounds, place, {"start": int, "end": int}, ("start", "end"))
    start, end = fields["start"], fields["end"]
    if not 0 <= start < end <= len(text):
        raise HadathError(
            f"{place}: ({start}, {end}) lies outside the text of {len(text)} characters"
        )
    return Span(start, text[start:end])


_ARTICLE = {
    "id": str,
    "title": str,
    "date": str,
    "topic": str,
    "sentences": list,
    "questions": list,
}
_STANDOFF = {
    "id": str, "title": (str, type(None)), "date": (str, type(None)), "text": str,
    "sentences": list, "events": list, "questions": list,
}  # fmt: skip


def _refuse_twins(articles: Sequence[Article]) -> None:
    for article_id, count in Counter(article.id for article in articles).items():
        if count > 1:
            raise HadathError(
                f"article {article_id!r} stands {count} times; give each an id of its own"
            )


def _near_groups(articles: Sequence[Article]) -> list[list[str]]:
    """Ids of articles that must share a split, in order of first appearance."""
    group_of: dict[str, list[str]] = {}
    first_with: dict[tuple[str, ...], str] = {}
    for article in articles:
        group_of[article.id] = [article.id]
        for phrase in sorted(phrases(article.text)):
            other = group_of[first_with.setdefault(phrase, article.id)]
            own = group_of[article.id]
            if other is not own:
                other.extend(own)
                group_of.update(dict.fromkeys(own, other))
    seen: dict[int, list[str]] = {id(group): group for group in group_of.values()}
    return list(seen.values())


def _label_counts(articles: Sequence[Article], groups: Sequence[Sequence[str]]) -> np.ndarray:
    """(groups, labels) how much of each countable thing every group holds."""
    found = {article.id: Counter(_labels(article)) for article in articles}
    labels = sorted({label for counter in found.values() for label in counter})
    return np.array(
        [[sum(found[name][label] for name in group) for label in labels] for group in groups]
    )


def _labels(article: Article) -> Iterator[str]:
    yield "article"
    yield f"source {article.source}"
    for question in article.questions:
        yield "answered" if question.answers else "unanswerable"
    for types in article.sentence_types():
        yield from types
    yield from ["hundred characters"] * (len(article.text) // 100)


def _place(
    counts: np.ndarray, wanted: np.ndarray, order: Sequence[int]
) -> tuple[np.ndarray, float]:
    """Put each group where it is needed most: each one's split, and how far off all of them are."""
    held = np.zeros_like(wanted)
    placed = np.zeros(len(counts), dtype=int)
    for group in order:
        # Relative need, so that a rare type counts as much as a common one.
        gain = ((np.clip(wanted - held, 0, None) / wanted) * (counts[group] > 0)).sum(axis=1)
        full = held + counts[group] > wanted * 1.1 + 1
        gain -= full.sum(axis=1)
        placed[group] = int(gain.argmax())
        held[placed[group]] += counts[group]
    return placed, float((((held - wanted) / wanted) ** 2).sum())


def _write_seeds(seeds: Sequence[Article], source: Path, target: Path) -> list[Path]:
    """The seed articles as records, and their texts and second labelling as they were given."""
    path = target / "seeds.jsonl"
    write_articles(path, seeds)
    written = [path]
    for given in sorted((*source.glob("*.txt"), *source.glob("second_pass.json"))):
        copy = target / given.name
        write_bytes(copy, given.read_bytes())
        written.append(copy)
    return written

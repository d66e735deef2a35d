"""Reads and writes Label Studio's JSON export: spans, choices and relations ↔ events and questions.

It does not know how to set a labelling project up, nor which event types there are.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hadath.annotations import Article, Event, Question, Span
from hadath.errors import HadathError
from hadath.files import read_json, write_text
from hadath.formats.records import (
    bounds,
    build,
    details,
    id_of,
    kept_details,
    objects,
    text_of,
)
from hadath.formats.regions import ANSWER, Link, Marked, Region, events_of, regions_of, role_named
from hadath.formats.repairs import UTF_16, Claim, Import, Repair, locate

SPAN_KINDS = ("labels", "hypertextlabels")
QUESTION = "question"
UNANSWERABLE = "unanswerable"


@dataclass(slots=True)
class _Draft:
    """What the results of one task say, gathered by region."""

    claims: dict[str, Claim] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    unanswerable: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def read(path: str | Path, *, annotator: str | int | None = None, text_key: str = "text") -> Import:
    """Every annotated task as an article.

    Labels (or a region's own choices) are event types, except ACTOR, RECIPIENT, PLACE and DATE,
    which are roles, and ANSWER, whose text area holds the question. A task-level text area
    `unanswerable` holds a question that the text does not answer; task-level choices are the whole
    text's types. Cancelled annotations are skipped. Where a task has several annotators,
    `annotator` (id or e-mail) chooses; else the one marked as ground truth. `text_key` names the
    text in a task's data.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise HadathError(f"{path}: expected a list of tasks; export as 'JSON' from Label Studio")
    articles: list[Article] = []
    repairs: list[Repair] = []
    ids: set[str] = set()
    for number, task in objects(tasks, f"{path}: tasks"):
        place = f"{path}: task {id_of(task.get('id'), str(number + 1))}"
        chosen = _chosen(task, place, annotator)
        if isinstance(chosen, Repair):
            repairs.append(chosen)
            continue
        data = task.get("data")
        if not isinstance(data, dict):
            raise HadathError(f"{place}: no 'data'; export as 'JSON', not 'JSON-MIN'")
        article, mended = _article(
            data, chosen, place, text_key=text_key, name=id_of(task.get("id"), str(number + 1))
        )
        if article.id in ids:
            raise HadathError(
                f"{place}: id {article.id!r} is used twice; give each task its own data.id"
            )
        ids.add(article.id)
        articles.append(article)
        repairs += mended
    if not articles:
        raise HadathError(
            f"{path}: no task with an annotation in it" + (f" by {annotator}" if annotator else "")
        )
    return Import(tuple(articles), tuple(repairs))


def write(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """One task an article, offsets counted in UTF-16 units as Label Studio itself counts them."""
    tasks = [
        {
            "id": number,
            "data": {"text": article.text, "id": article.id, "offsets": UTF_16.name}
            | kept_details(article)
            | {"questions": [{"id": q.id, "question": q.question} for q in article.questions]},
            "annotations": [
                {"id": number, "completed_by": 1, "was_cancelled": False, "ground_truth": False,
                 "result": list(_results(article))}
            ],
            "predictions": [],
        }
        for number, article in enumerate(articles, 1)
    ]  # fmt: skip
    write_text(path, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
    asked = [Counter(question.question for question in article.questions) for article in articles]
    twice = sum(count - 1 for each in asked for count in each.values())
    told = f"{twice} questions asked twice of an article: their answers become one question's"
    return (told,) if twice else ()


def _chosen(task: dict[str, Any], place: str, annotator: str | int | None) -> list[Any] | Repair:
    """The results of the annotation that counts; a Repair where the task has none."""
    if "annotations" not in task and "completions" not in task:
        raise HadathError(f"{place}: no 'annotations'; export as 'JSON', not 'JSON-MIN'")
    every = objects(task.get("annotations", task.get("completions")), f"{place}: annotations")
    done = [annotation for _, annotation in every if not annotation.get("was_cancelled")]
    if annotator is not None:
        done = [annotation for annotation in done if str(annotator) in _names(annotation)]
    if not done:
        who = f" by {annotator}" if annotator is not None else ""
        return Repair(place, f"no annotation{who} that was not cancelled", "task skipped")
    people = {_names(annotation)[0] for annotation in done}
    truths = [annotation for annotation in done if annotation.get("ground_truth")]
    if len(people) > 1 and len(truths) != 1:
        raise HadathError(
            f"{place}: annotated by {', '.join(sorted(people))}; "
            f"say which annotator counts (--annotator)"
        )
    # The same hand may have saved more than once: the last word counts.
    last = max(truths or done, key=lambda a: str(a.get("updated_at") or a.get("created_at") or ""))
    result = last.get("result")
    if not isinstance(result, list):
        raise HadathError(
            f"{place}: annotations[].result: expected a list, found {type(result).__name__}"
        )
    return result


def _names(annotation: dict[str, Any]) -> tuple[str, ...]:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        return tuple(str(who[key]) for key in ("id", "email", "username") if who.get(key)) or (
            "unknown",
        )
    return (str(who) if who is not None else "unknown",)


def _article(
    data: dict[str, Any], results: list[Any], place: str, *, text_key: str, name: str
) -> tuple[Article, list[Repair]]:
    text = text_of(data, text_key, f"{place}: data")
    draft = _gather(results, place)
    repairs = [Repair(place, what, "left out") for what in (*draft.skipped, *_orphans(draft))]
    spans = _spans(draft, text, data.get("offsets"), place, repairs)
    article_id = id_of(data.get("id"), name)
    sentences = bounds(data, place)
    regions = tuple(
        Region(key, span, tuple(labels))
        for key, span in spans.items()
        if (labels := _types(draft, key))
    )
    repairs += _left_out(draft, spans, regions, place)
    marked = Marked(place, text, sentences, regions, tuple(draft.links))
    events, unlinked = events_of(marked)
    if draft.whole and text.strip():
        words = Span(len(text) - len(text.lstrip()), text.strip())
        events = (*events, *(Event(label, words) for label in dict.fromkeys(draft.whole)))
        sentences = sentences or ((0, len(text)),)
    questions = _questions(draft, spans, data, article_id, place)
    article = build(place, id=article_id, text=text, sentences=sentences, events=events,
                    questions=questions, **details(data, place))  # fmt: skip
    return article, [*repairs, *unlinked]


def _gather(results: list[Any], place: str) -> _Draft:
    draft = _Draft()
    for number, result in objects(results, f"{place}: result"):
        kind = str(result.get("type"))
        at = f"{place}: result[{number}]"
        if kind == "relation":
            draft.links.append(_link(result, at))
            continue
        value = result.get("value")
        if not isinstance(value, dict):
            raise HadathError(f"{at}.value: expected an object")
        key = id_of(result.get("id"), f"#{number}")
        name = str(result.get("from_name", ""))
        if kind in SPAN_KINDS:
            draft.labels.setdefault(key, []).extend(_words(value, kind, at))
            draft.claims[key] = _claim(value, at)
        elif kind == "choices":
            words = _words(value, kind, at)
            if "start" in value:
                draft.choices.setdefault(key, []).extend(words)
                if isinstance(value.get("text"), str):
                    draft.claims.setdefault(key, _claim(value, at))
            else:
                draft.whole.extend(words)
        elif kind == "textarea" and "start" in value and name.lower().startswith(QUESTION):
            draft.asked.setdefault(key, []).extend(_words(value, "text", at))
        elif kind == "textarea" and name.lower().startswith((UNANSWERABLE, QUESTION)):
            draft.unanswerable.extend(_words(value, "text", at))
        else:
            draft.skipped.append(f"{kind} of {name!r} says nothing that an article holds")
    return draft


def _orphans(draft: _Draft) -> Iterator[str]:
    """What hangs on a region that is not there, or lacks its question."""
    for key in [*draft.choices, *draft.asked]:
        if key not in draft.claims:
            yield f"region {key!r} has a choice or a question but no label"
    for key, labels in draft.labels.items():
        if any(label.upper() == ANSWER for label in labels) and not draft.asked.get(key):
            yield f"region {key!r} is an answer without a question"


def _link(result: dict[str, Any], place: str) -> Link:
    labels = _words(result, "labels", place) if result.get("labels") else []
    roles = [role for label in labels if (role := role_named(label))]
    return Link(str(result.get("from_id")), str(result.get("to_id")), roles[0] if roles else None)


def _claim(value: dict[str, Any], place: str) -> Claim:
    """The start and words of a region; hypertext keeps the offset that counts apart."""
    counted = value.get("globalOffsets")
    start = counted.get("start") if isinstance(counted, dict) else value.get("start")
    quote = value.get("text")
    if not isinstance(start, int) or isinstance(start, bool):
        raise HadathError(f"{place}: start: expected a whole number, found {start!r}")
    if not isinstance(quote, str) or not quote.strip():
        raise HadathError(f"{place}: no words in value.text; mark the stretch again")
    return Claim(start, quote)


def _words(value: dict[str, Any], key: str, place: str) -> list[str]:
    words = value.get(key)
    words = [words] if isinstance(words, str) else words
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise HadathError(f"{place}: {key}: expected a list of texts")
    return [word for word in words if word.strip()]


def _spans(
    draft: _Draft, text: str, counted: object, place: str, repairs: list[Repair]
) -> dict[str, Span]:
    """Every region's place in the text; what the tool counted differently is told."""
    spans: dict[str, Span] = {}
    counted_so: Counter[str] = Counter()
    name = counted if isinstance(counted, str) else None
    places = locate(text, list(draft.claims.values()), counted=name, nearest=True)
    for (key, claim), found in zip(draft.claims.items(), places, strict=True):
        what = f"region {key!r} {claim.quote[:40]!r} is not at {claim.start}"
        if found.span is None:
            raise HadathError(f"{place}: {what}: {found.how}; mark it again")
        if found.counting:
            counted_so[found.counting] += 1
        elif found.how:
            repairs.append(Repair(place, what, found.how))
        spans[key] = found.span
    for counting, count in counted_so.items():
        # What counts as its own export says is no repair.
        if counting != name:
            what = f"{count} offsets are counted in {counting}"
            repairs.append(Repair(place, what, "counted in code points"))
    return spans


def _types(draft: _Draft, key: str) -> list[str]:
    """A region's roles and event types: its choices where it has any, else its labels."""
    labels = [label for label in draft.labels.get(key, []) if label.upper() != ANSWER]
    roles = [label for label in labels if role_named(label)]
    return list(dict.fromkeys(roles or draft.choices.get(key) or labels))


def _left_out(
    draft: _Draft, spans: Mapping[str, Span], regions: Sequence[Region], place: str
) -> Iterator[Repair]:
    """Tells of each label that a region loses: an event's or a second role's beside a role."""
    for region in regions:
        role = next((label for label in region.labels if role_named(label)), None)
        given = [*draft.labels.get(region.key, []), *draft.choices.get(region.key, [])]
        lost = [label for label in given if label != role and label.upper() != ANSWER]
        if role and lost:
            what = f"region {region.key!r} {spans[region.key].text[:40]!r} is a {role}"
            how = f"its {', '.join(dict.fromkeys(lost))} left out; mark a region of its own"
            yield Repair(place, what, how)


def _questions(
    draft: _Draft, spans: dict[str, Span], data: dict[str, Any], article_id: str, place: str
) -> tuple[Question, ...]:
    """Questions in the order of data.questions, where the task has them, with their ids."""
    answers: dict[str, dict[Span, None]] = {}
    ids: dict[str, str] = {}
    for number, entry in objects(data.get("questions") or [], f"{place}: data.questions"):
        ids[text_of(entry, "question", f"{place}: data.questions[{number}]")] = id_of(
            entry.get("id"), ""
        )
    found = [(question, spans[key]) for key in spans for question in draft.asked.get(key, [])]
    for question, span in found:
        answers.setdefault(question, {})[span] = None
    for question in draft.unanswerable:
        answers.setdefault(question, {})
    order = [question for question in ids if question in answers]
    order += [question for question in answers if question not in ids]
    return tuple(
        Question(ids.get(question) or f"{article_id}#{number}", question, tuple(answers[question]))
        for number, question in enumerate(order, 1)
    )


def _results(article: Article) -> Iterator[dict[str, Any]]:
    ruler = UTF_16.boundaries(article.text)
    regions, links = regions_of(article)
    for region in regions:
        yield _result(region.key, region.span, ruler, labels=list(region.labels))
    for link in links:
        yield {"from_id": link.first, "to_id": link.second, "type": "relation",
               "direction": "right", "labels": [link.role]}  # fmt: skip
    for number, question in enumerate(article.questions, 1):
        for index, span in enumerate(question.answers, 1):
            key = f"q{number}a{index}"
            yield _result(key, span, ruler, labels=[ANSWER])
            # A text area of a region keeps its own words where the region keeps the quote.
            yield _result(key, span, ruler, text=[question.question])
        if not question.answers:
            yield {"id": f"q{number}", "type": "textarea", "from_name": UNANSWERABLE,
                   "to_name": "text", "value": {"text": [question.question]}}  # fmt: skip


def _result(key: str, span: Span, ruler: list[int], **value: list[str]) -> dict[str, Any]:
    where = {"start": ruler[span.start], "end": ruler[span.end], "text": span.text}
    kind, name = ("labels", "label") if "labels" in value else ("textarea", QUESTION)
    return {"id": key, "type": kind, "from_name": name, "to_name": "text",
            "origin": "manual", "value": where | value}  # fmt: skip

"""Reads and writes questions in SQuAD's JSON, versions 1 and 2; one article a paragraph.

It knows nothing of events, which SQuAD cannot hold.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from hadath.annotations import Article, Question, Span
from hadath.errors import HadathError
from hadath.files import read_json, write_text
from hadath.formats.records import (
    build,
    id_of,
    left_out,
    objects,
    text_of,
)
from hadath.formats.repairs import CODE_POINTS, Claim, Import, Repair, locate


def read(path: str | Path) -> Import:
    """Every paragraph as an article, ids `TITLE/NUMBER` where the file gives none of its own.

    An answer whose offset lies is put right where its words stand once, or where only white space
    is off; each such repair is told. Raises HadathError naming file and question otherwise.
    """
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        raise HadathError(f"{path}: no 'data' list; a SQuAD file is an object with 'data': [...]")
    articles: list[Article] = []
    repairs: list[Repair] = []
    numbers: Counter[str] = Counter()
    ids: dict[str, str] = {}
    for place, title, paragraph in _paragraphs(path, document["data"]):
        name = title or Path(path).stem
        numbers[name] += 1
        article_id = id_of(paragraph.get("id"), f"{name}/{numbers[name]}")
        if article_id in ids:
            raise HadathError(
                f"{place}: id {article_id!r} stands in {ids[article_id]} already; give it its own"
            )
        ids[article_id] = place.removeprefix(f"{path}: ")
        text = text_of(paragraph, "context", place)
        questions = _questions(paragraph, text, f"{path}: ", article_id, repairs)
        articles.append(
            build(place, id=article_id, text=text, title=title or None, questions=questions)
        )
    if not articles:
        raise HadathError(f"{path}: no paragraphs in it; expected data[].paragraphs[]")
    return Import(tuple(articles), tuple(repairs))


def write(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """Version 2 where any question has no answer, else 1.1. Tells what SQuAD cannot hold."""
    second = any(not question.answers for article in articles for question in article.questions)
    repeated = Counter(question.id for article in articles for question in article.questions)
    twice = [question for question, count in repeated.items() if count > 1]
    if twice:
        raise HadathError(
            f"{path}: question id {twice[0]!r} stands in two articles; SQuAD needs ids of their own"
        )
    data = [
        {"title": title, "paragraphs": [_paragraph(article, second) for article in group]}
        for title, group in groupby(articles, key=lambda article: article.title or "")
    ]
    document = {"version": "v2.0" if second else "1.1", "data": data}
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    return left_out(articles, "SQuAD", ("date", "source", "split", "sentences", "events"))


def _paragraphs(path: str | Path, data: list[Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(place, title, paragraph) of every paragraph of the file."""
    for number, entry in objects(data, f"{path}: data"):
        title = entry.get("title")
        if not isinstance(title, str | None):
            raise HadathError(
                f"{path}: data[{number}].title: expected a text, found {type(title).__name__}"
            )
        place = f"{path}: data[{number}].paragraphs"
        for index, paragraph in objects(entry.get("paragraphs"), place):
            yield f"{place}[{index}]", title or "", paragraph


def _questions(
    paragraph: dict[str, Any], text: str, start: str, article_id: str, repairs: list[Repair]
) -> tuple[Question, ...]:
    questions: list[Question] = []
    claims: list[Claim] = []
    asked: list[tuple[str, str, int]] = []
    for number, entry in objects(paragraph.get("qas"), f"{start}{article_id}: qas"):
        question_id = id_of(entry.get("id"), f"{article_id}#{number + 1}")
        place = f"{start}question {question_id!r}"
        answers = _claims(entry, place, repairs)
        asked.append((question_id, text_of(entry, "question", place), len(answers)))
        claims += answers
    found = iter(zip(claims, locate(text, claims, counted=CODE_POINTS.name), strict=True))
    for question_id, question, count in asked:
        spans: dict[Span, None] = {}
        for claim, place_found in (next(found) for _ in range(count)):
            place = f"{start}question {question_id!r}"
            what = f"the answer {claim.quote[:40]!r} is not at {claim.start}"
            if place_found.span is None:
                raise HadathError(f"{place}: {what}: {place_found.how}; mend its 'answer_start'")
            if place_found.how:
                repairs.append(Repair(place, what, place_found.how))
            spans[place_found.span] = None
        questions.append(Question(question_id, question, tuple(spans)))
    return tuple(questions)


def _claims(entry: dict[str, Any], place: str, repairs: list[Repair]) -> list[Claim]:
    """The answers as the file claims them; none where it says that the question is impossible."""
    answers = list(objects(entry.get("answers") or [], f"{place}: answers"))
    impossible = entry.get("is_impossible")
    if impossible and answers:
        repairs.append(
            Repair(place, f"impossible, yet {len(answers)} answers", "read as without an answer")
        )
        return []
    if impossible is False and not answers:
        repairs.append(
            Repair(place, "not is_impossible, yet no answers", "read as without an answer")
        )
    claims = []
    for number, answer in answers:
        begin = answer.get("answer_start")
        if not isinstance(begin, int) or isinstance(begin, bool):
            raise HadathError(
                f"{place}: answers[{number}].answer_start: expected a whole number, found {begin!r}"
            )
        quote = text_of(answer, "text", f"{place}: answers[{number}]")
        if not quote.strip():
            raise HadathError(
                f"{place}: answers[{number}].text: empty; quote the words or remove the answer"
            )
        claims.append(Claim(begin, quote))
    return claims


def _paragraph(article: Article, second: bool) -> dict[str, Any]:
    qas = []
    for question in article.questions:
        answers = [{"text": span.text, "answer_start": span.start} for span in question.answers]
        entry = {"id": question.id, "question": question.question, "answers": answers}
        qas.append(entry | ({"is_impossible": not answers} if second else {}))
    return {"id": article.id, "context": article.text, "qas": qas}

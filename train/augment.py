"""Training texts as they might have been met too: beside a stranger's paragraph, in plain alefs.

What must not change an answer (behaviour.py measures it) is trained for here. It does not know how
articles become windows (examples.py).
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from hadath.annotations import Article, Event, Question, Span
from hadath.text import fold
from train.behaviour import content_words
from train.perturbations import with_plain_alefs

Asked = tuple[Question, Article]
_SHORTEST_PARAGRAPH = 80  # characters: under it, mostly a dateline or a source
_TRIES = 20  # strangers drawn for a question before it goes without


def beside_strangers(asked: Sequence[Asked], share: float, seed: int) -> list[Asked]:
    """`share` of the questions asked of their article with another one's paragraph before or after.

    A paragraph that shares a content word with the question, or holds a right answer, is passed
    over: it might answer. Order and number stay; answers are shifted to where they stand now.
    """
    dice = random.Random(f"strangers {seed}")
    paragraphs = [
        (article.id, paragraph)
        for article in {article.id: article for _, article in asked}.values()
        for paragraph in article.text.split("\n")
        if len(paragraph) >= _SHORTEST_PARAGRAPH
    ]
    return [
        _beside(question, article, paragraphs, dice)
        if paragraphs and dice.random() < share
        else (question, article)
        for question, article in asked
    ]


def _beside(
    question: Question,
    article: Article,
    paragraphs: Sequence[tuple[str, str]],
    dice: random.Random,
) -> Asked:
    before = dice.random() < 0.5
    words = content_words(question.question)
    answers = [fold(span.text) for span in question.answers]
    for _ in range(_TRIES):
        home, paragraph = dice.choice(paragraphs)
        folded = fold(paragraph)
        if (
            home == article.id
            or words & content_words(paragraph)
            or any(answer in folded for answer in answers)
        ):
            continue
        text = f"{paragraph}\n{article.text}" if before else f"{article.text}\n{paragraph}"
        shift = len(paragraph) + 1 if before else 0
        moved = tuple(Span(span.start + shift, span.text) for span in question.answers)
        return replace(question, answers=moved), Article(id=article.id, text=text)
    return question, article


def questions_in_plain_alefs(asked: Sequence[Asked], share: float, seed: int) -> list[Asked]:
    """`share` of the questions and, drawn apart, of their articles, with bare alefs."""
    dice = random.Random(f"alefs {seed}")
    varied = []
    for question, article in asked:
        if dice.random() < share:
            question = replace(question, question=with_plain_alefs(question.question))
        if dice.random() < share:
            answers = tuple(
                Span(span.start, with_plain_alefs(span.text)) for span in question.answers
            )
            question = replace(question, answers=answers)
            article = Article(id=article.id, text=with_plain_alefs(article.text))
        varied.append((question, article))
    return varied


def articles_in_plain_alefs(articles: Sequence[Article], share: float, seed: int) -> list[Article]:
    """The articles, and `share` of them once more with bare alefs; ids of the copies end in -plain.

    Offsets and types are their originals'.
    """
    dice = random.Random(f"alefs {seed}")
    copies = [_in_plain_alefs(article) for article in articles if share and dice.random() < share]
    return [*articles, *copies]


def _in_plain_alefs(article: Article) -> Article:
    # Roles are left out: nobody learns from them here.
    events = tuple(
        Event(event.type, Span(event.span.start, with_plain_alefs(event.span.text)))
        for event in article.events
    )
    return replace(
        article,
        id=f"{article.id}-plain",
        text=with_plain_alefs(article.text),
        events=events,
        questions=(),
    )

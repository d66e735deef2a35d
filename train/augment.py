"""Training texts as they might have been met too: beside a stranger's paragraph, in plain alefs.

What must not change an answer (behaviour.py measures it) is trained for here. It does not know how
articles become windows (examples.py).
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from hadath.annotations import Article, Event, Question, Span
from hadath.spelling import embedded_spellings
from hadath.text import fold
from train.perturbations import with_plain_alefs
from train.strangers import Paragraph, content_words, paragraphs

QuestionOf = tuple[Question, Article]
"""A question and the article that it is asked of."""
_TRIES = 20  # strangers drawn for a question before it goes without


def beside_strangers(asked: Sequence[QuestionOf], share: float, seed: int) -> list[QuestionOf]:
    """`share` of the questions asked of their article with another one's paragraph before or after.

    A paragraph that shares a content word with the question, or holds an answer that the question
    has here, is passed over: it might answer. Order and number stay; answers are shifted to where
    they stand now.
    """
    dice = random.Random(f"strangers {seed}")
    others = paragraphs({article.id: article for _, article in asked}.values())
    return [
        _beside(question, article, others, dice)
        if others and dice.random() < share
        else (question, article)
        for question, article in asked
    ]


def _beside(
    question: Question,
    article: Article,
    others: Sequence[Paragraph],
    dice: random.Random,
) -> QuestionOf:
    before = dice.random() < 0.5
    words = content_words(question.question)
    answers = [fold(span.text) for span in question.answers]
    for _ in range(_TRIES):
        other = dice.choice(others)
        if not other.is_strange_to(article.id, words):
            continue
        paragraph = other.text
        folded = fold(paragraph)
        if any(answer in folded for answer in answers):
            continue
        text = f"{paragraph}\n{article.text}" if before else f"{article.text}\n{paragraph}"
        shift = len(paragraph) + 1 if before else 0
        moved = tuple(Span(span.start + shift, span.text) for span in question.answers)
        return replace(question, answers=moved), Article(id=article.id, text=text)
    return question, article


def respelt(asked: Sequence[QuestionOf]) -> list[QuestionOf]:
    """The questions and articles as a finder that respells reads them; every offset stays."""
    pairs = embedded_spellings().respell_pairs(
        [question.question for question, _ in asked], [article.text for _, article in asked]
    )
    return [
        _in_other_letters(replace(question, question=words), article, text)
        for (question, article), words, text in zip(asked, *pairs, strict=True)
    ]


def questions_in_plain_alefs(
    asked: Sequence[QuestionOf], share: float, seed: int
) -> list[QuestionOf]:
    """`share` of the questions and, drawn apart, of their articles, with bare alefs."""
    dice = random.Random(f"alefs {seed}")
    varied = []
    for question, article in asked:
        if dice.random() < share:
            question = replace(question, question=with_plain_alefs(question.question))
        if dice.random() < share:
            text = with_plain_alefs(article.text)
            question, article = _in_other_letters(question, article, text)
        varied.append((question, article))
    return varied


def _in_other_letters(question: Question, article: Article, text: str) -> QuestionOf:
    """The question asked of `text`, which has other letters than its article at the same places."""
    answers = tuple(
        Span(span.start, text[span.start : span.start + len(span.text)])
        for span in question.answers
    )
    return replace(question, answers=answers), Article(id=article.id, text=text)


def articles_in_plain_alefs(articles: Sequence[Article], share: float, seed: int) -> list[Article]:
    """`share` of the articles with bare alefs, without roles and questions; the others as they are.

    Order, ids, offsets and types stay.
    """
    dice = random.Random(f"alefs {seed}")
    return [_in_plain_alefs(article) if dice.random() < share else article for article in articles]


def _in_plain_alefs(article: Article) -> Article:
    events = tuple(
        Event(event.type, Span(event.span.start, with_plain_alefs(event.span.text)))
        for event in article.events
    )
    return replace(article, text=with_plain_alefs(article.text), events=events, questions=())

"""Questions that their article does not answer, made by moving questions to a like article.

It does not know how questions become windows (examples.py).
"""

import random
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from hadath.annotations import Article, Question
from hadath.text import fold
from train.judge import asked_of


def moved_questions(
    articles: Sequence[Article], share: float, seed: int
) -> list[tuple[Question, Article]]:
    """`share` of the answerable questions, each asked of the article nearest to question and home.

    Nearness is TF-IDF over folded words. An article in which a right answer stands word for word,
    also joined to a particle (و, ب, ل …), is passed over: it might answer after all. The same
    articles, share and seed give the same list.
    """
    homes = {article.id: number for number, article in enumerate(articles)}
    answerable = [
        (question, homes[article.id])
        for question, article in asked_of(articles)
        if question.answers
    ]
    wanted = round(share * len(answerable))
    if not wanted or len(articles) < 2:
        return []
    chosen = random.Random(seed).sample(answerable, min(wanted, len(answerable)))
    texts = [fold(article.text) for article in articles]
    weights = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True)
    matrix = weights.fit_transform(texts)
    asked = weights.transform([fold(question.question) for question, _ in chosen])
    made = []
    for row, (question, home) in enumerate(chosen):
        near = (asked[row] + 0.5 * matrix[home]) @ matrix.T
        order = np.argsort(-near.toarray()[0], kind="stable")
        answers = [fold(span.text) for span in question.answers]
        for other in order.tolist():
            if other != home and not any(answer in texts[other] for answer in answers):
                moved = Question(f"{question.id}-moved", question.question)
                made.append((moved, articles[other]))
                break
    return made

"""Paragraphs of other articles that say nothing of a question, for training and for the suite.

It does not know what is done with them (augment.py, behaviour.py).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hadath.annotations import Article
from hadath.text import fold

_SHORTEST = 80  # characters: under it, mostly a dateline or a source
_QUESTION_WORDS = frozenset(
    map(
        fold,
        "ماذا لماذا بماذا كيف متى أين الذي التي الذين هذا هذه ذلك كانت يكون خلال بعد قبل".split(),
    )
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, the id of its article, and its content words."""

    home: str
    text: str
    words: frozenset[str]

    def is_strange_to(self, article: str, words: frozenset[str]) -> bool:
        """Whether it is of another article and shares none of a question's content words."""
        return self.home != article and not words & self.words


def paragraphs(articles: Iterable[Article]) -> list[Paragraph]:
    """The paragraphs of the articles that are long enough to say something, in order."""
    return [
        Paragraph(article.id, text, content_words(text))
        for article in articles
        for text in article.text.split("\n")
        if len(text) >= _SHORTEST
    ]


def content_words(text: str) -> frozenset[str]:
    """Folded words of three letters and more, without clitics and the words that only ask."""
    words = (word for word in fold(text).split() if word not in _QUESTION_WORDS)
    bare = (re.sub("^[وف]?[بلك]?(?:ال|لل)?", "", word) for word in words)
    return frozenset(word for word in bare if len(word) > 2)

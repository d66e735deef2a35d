"""Hadath reads Arabic news: which events an article reports, and answers in its own words.

Names load when first used, so that `import hadath` stays light.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadath.annotations import Article, Event, Question, Span, read_articles, write_articles
    from hadath.errors import HadathError
    from hadath.predict import Answer, AnswerFinder, EventClassifier, Reading, SentenceEvents

__version__ = "0.1.0"
_HOMES = {
    "Answer": "predict",
    "AnswerFinder": "predict",
    "Article": "annotations",
    "Event": "annotations",
    "EventClassifier": "predict",
    "HadathError": "errors",
    "Question": "annotations",
    "Reading": "predict",
    "SentenceEvents": "predict",
    "Span": "annotations",
    "read_articles": "annotations",
    "write_articles": "annotations",
}
__all__ = [  # noqa: RUF022 - in the order a reader meets them
    "AnswerFinder", "EventClassifier", "Answer", "Reading", "SentenceEvents",
    "Article", "Event", "Question", "Span", "read_articles", "write_articles", "HadathError",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'hadath' has no attribute {name!r}")
    return getattr(importlib.import_module(f"hadath.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])

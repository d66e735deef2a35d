"""What batching and half precision save and the second reading costs, on the seed articles."""

from contextlib import nullcontext
from dataclasses import replace
from unittest import mock

from benchmarks.pairs import compare
from hadath import AnswerFinder, EventClassifier, predict, read_articles


def main() -> None:
    """Print the ratios."""
    articles = read_articles("data/seeds/seeds.jsonl")
    pairs = [
        (question.question, article) for article in articles for question in article.questions[:8]
    ]
    finder, classifier = AnswerFinder.load(), EventClassifier.load()
    model = finder.model
    once = AnswerFinder(replace(model, settings=replace(model.settings, rereads=0)))

    def in_float32() -> None:
        with mock.patch.object(predict, "_autocast", lambda device: nullcontext()):
            finder.ask_many(pairs)

    compare(
        f"{len(pairs)} questions one by one / together",
        lambda: finder.ask_many(pairs),
        lambda: [finder.ask(*pair) for pair in pairs],
    )
    compare(
        f"{len(articles)} articles' events one by one / together",
        lambda: classifier.classify_many(articles),
        lambda: [classifier(article) for article in articles],
    )
    compare(
        f"{len(pairs)} questions read twice / once",
        lambda: once.ask_many(pairs),
        lambda: finder.ask_many(pairs),
    )
    compare(
        f"{len(pairs)} questions in float32 / in this processor's best precision",
        lambda: finder.ask_many(pairs),
        in_float32,
    )


if __name__ == "__main__":
    main()

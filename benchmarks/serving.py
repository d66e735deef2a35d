"""What batching and precision save, second reading and spelling cost, on the seed articles."""

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
    as_written = AnswerFinder(replace(model, settings=replace(model.settings, respell=False)))
    is_half = predict.computes_bf16()
    ours, other = ("bf16", "float32") if is_half else ("float32", "bf16")

    def in_the_other_precision() -> None:
        with mock.patch.object(predict, "computes_bf16", lambda: not is_half):
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
        f"{len(pairs)} questions respelt / as written",
        lambda: as_written.ask_many(pairs),
        lambda: finder.ask_many(pairs),
    )
    compare(
        f"{len(pairs)} questions in {other} / in {ours}, this processor's precision",
        lambda: finder.ask_many(pairs),
        in_the_other_precision,
    )


if __name__ == "__main__":
    main()

"""What happens on the page: article chosen, question asked, events found, all drawn as HTML.

It does not know Gradio: requests come in as values, what is shown goes out as HTML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hadath import highlight, results
from hadath.annotations import Article
from hadath.errors import HadathError
from page.limits import check_article, check_question, check_top
from page.words import told, words_of

if TYPE_CHECKING:  # predict.py brings torch
    from hadath.ontology import Scheme
    from hadath.predict import Reading, SentenceEvents

Face = Literal["answers", "events"]
PASTED = ""  # the choice that is none of the articles
_ANSWERS_SHOWN = 3
_EXAMPLES = 3  # questions that the article answers; one that it does not comes after them
_LONGEST_TITLE = 70


class Finder(Protocol):
    """What the page needs of an AnswerFinder."""

    def read_many(
        self, pairs: Sequence[tuple[str, str | Article]], top: int = 1
    ) -> "list[Reading]":
        """A reading for each (question, article)."""


class Classifier(Protocol):
    """What the page needs of an EventClassifier."""

    def __call__(self, article: str | Article) -> "list[SentenceEvents]":
        """The events of each sentence."""


@dataclass(frozen=True, slots=True, eq=False)  # Gradio hashes it, and events hold dictionaries
class Shown:
    """What one visitor looks at: an article and what was found in it, by this article's offsets.

    `face`: whose marks the article shows. `problem`: why the last request was refused.
    """

    article: str = ""
    face: Face = "answers"
    question: str = ""
    reading: "Reading | None" = None
    events: "tuple[SentenceEvents, ...] | None" = None
    problem: HadathError | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The three parts of the page that results change, as HTML."""

    article: str
    answers: str
    events: str


class Desk:
    """Serves all visitors; what belongs to one of them is in their `Shown`."""

    def __init__(
        self,
        finder: Finder,
        classifier: Classifier,
        articles: Sequence[Article],
        scheme: "Scheme",
        examples: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`examples`: article id -> questions to offer instead of the article's own."""
        self._finder = finder
        self._classifier = classifier
        self._articles = {article.id: article for article in articles}
        self._scheme = scheme
        self._examples = examples or {}

    def titles(self) -> list[tuple[str, str]]:
        """(title, id) of each article that can be chosen."""
        return [(_title(article), article.id) for article in self._articles.values()]

    def examples(self, choice: str) -> list[str]:
        """Short questions: a few that the chosen article answers and one that it does not."""
        if choice not in self._articles:
            return []
        if choice in self._examples:
            return list(self._examples[choice])
        questions = sorted(self._articles[choice].questions, key=lambda item: len(item.question))
        answered = [item.question for item in questions if item.answers]
        unanswered = [item.question for item in questions if not item.answers]
        return answered[:_EXAMPLES] + unanswered[:1]

    def choose(self, choice: str, shown: Shown) -> Shown:
        """Another article; what was found in the last one is gone."""
        return Shown(article=self._text(choice, ""), face=shown.face)

    def ask(self, choice: str, pasted: str, question: str, shown: Shown) -> Shown:
        """The article read for the question, or the reason why not."""
        shown = self._at(choice, pasted, shown, face="answers")
        try:
            reading = self._read(question, shown.article, _ANSWERS_SHOWN)
        except HadathError as problem:
            return replace(shown, reading=None, problem=problem)
        return replace(shown, question=question.strip(), reading=reading)

    def find_events(self, choice: str, pasted: str, shown: Shown) -> Shown:
        """The article's sentences read for events, or the reason why not."""
        shown = self._at(choice, pasted, shown, face="events")
        try:
            events = self._classifier(check_article(shown.article))
        except HadathError as problem:
            return replace(shown, events=None, problem=problem)
        return replace(shown, events=tuple(events))

    def turn_to_answers(self, choice: str, pasted: str, shown: Shown) -> Shown:
        """The answers' face: the article shows their marks."""
        return self._at(choice, pasted, shown, face="answers")

    def turn_to_events(self, choice: str, pasted: str, shown: Shown) -> Shown:
        """The events' face; they are found at once where there is an article to read."""
        at = self._at(choice, pasted, shown, face="events")
        if at.events is None and at.article.strip():
            return self.find_events(choice, pasted, shown)
        return at

    def draw(self, shown: Shown, language: str) -> Drawn:
        """What is shown, as HTML in the language."""
        return Drawn(
            article=self._draw_article(shown, language),
            answers=self._draw_answers(shown, language),
            events=self._draw_events(shown, language),
        )

    def answers_record(self, question: object, article: object, top: object) -> dict[str, Any]:
        """The answers as JSON values. Raises HadathError."""
        reading = self._read(question, article, check_top(top))
        return results.answers_record(str(question).strip(), reading)

    def events_record(self, article: object) -> dict[str, Any]:
        """The sentences and their events as JSON values. Raises HadathError."""
        text = check_article(article)
        return results.events_record(text, self._classifier(text))

    def _read(self, question: object, article: object, top: int) -> "Reading":
        pair = (check_question(question), check_article(article))
        return self._finder.read_many([pair], top=top)[0]

    def _text(self, choice: str, pasted: str) -> str:
        return self._articles[choice].text if choice in self._articles else pasted

    def _at(self, choice: str, pasted: str, shown: Shown, *, face: Face) -> Shown:
        """`shown` with this article and face; results are kept where the article is the same."""
        article = self._text(choice, pasted)
        if article != shown.article:
            return Shown(article=article, face=face)
        return replace(shown, face=face, problem=None)

    def _draw_article(self, shown: Shown, language: str) -> str:
        try:
            article = check_article(shown.article)
        except HadathError:
            return highlight.notice(words_of(language)["article_hint"])
        if shown.face == "events" and shown.events is not None:
            return highlight.events_in_article(article, shown.events, self._scheme, language)
        if shown.face == "answers" and shown.reading is not None:
            return highlight.answers_in_article(article, shown.reading)
        return highlight.highlight(article)

    def _draw_answers(self, shown: Shown, language: str) -> str:
        words = words_of(language)
        if shown.problem is not None and shown.face == "answers":
            return highlight.notice(told(shown.problem, language), problem=True)
        if shown.reading is None:
            return highlight.notice(words["answers_hint"])
        if not shown.reading.found:
            return highlight.answer_list(shown.reading, words)
        record = results.answers_record(shown.question, shown.reading)
        rows = results.answer_rows(shown.question, shown.reading)
        table = results.csv_head(results.ANSWER_COLUMNS) + results.csv_lines(rows)
        return highlight.answer_list(shown.reading, words) + highlight.exports(
            "hadath-answers", record, table, words
        )

    def _draw_events(self, shown: Shown, language: str) -> str:
        words = words_of(language)
        if shown.problem is not None and shown.face == "events":
            return highlight.notice(told(shown.problem, language), problem=True)
        if shown.events is None:
            return highlight.notice(words["events_hint"])
        record = results.events_record(shown.article, shown.events)
        rows = results.event_rows(shown.article, shown.events)
        table = results.csv_head(results.EVENT_COLUMNS) + results.csv_lines(rows)
        return (
            highlight.legend(shown.events, self._scheme, language)
            + highlight.event_table(
                shown.article, shown.events, self._scheme, language=language, words=words
            )
            + highlight.exports("hadath-events", record, table, words)
        )


def _title(article: Article) -> str:
    """The article's title, or its first words."""
    title = " ".join((article.title or article.text[: 4 * _LONGEST_TITLE]).split())
    if len(title) <= _LONGEST_TITLE:
        return title
    return title[:_LONGEST_TITLE].rsplit(" ", 1)[0] + "…"

"""How a model behaves when a text changes and its meaning does not, or the other way round.

After CheckList (Ribeiro and others 2020): each check has cases, and what must hold for each. It
asks the very predictors that serve; it does not know how results are shown (behaviour_report.py).
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from hadath.annotations import Article, Question
from hadath.predict import Answer, Reading, SentenceEvents
from hadath.scores import token_f1
from hadath.text import fold
from train import perturbations as change
from train.judge import asked_of
from train.pairs import Negation, WordOrder
from train.strangers import content_words, paragraphs

CASES = 100  # of a check: enough to tell 5 % from 15 %, in minutes on a laptop
_EXAMPLES = 5
_AROUND = 70  # characters of an article shown on each side of an answer

Asked = TypeVar("Asked", bound=Hashable)
Said = TypeVar("Said")
Item = TypeVar("Item")
Ask = tuple[str, str]
"""(question, article)."""


class Finder(Protocol):
    """What the answers' checks need of an AnswerFinder."""

    def read_many(self, pairs: Sequence[Ask], top: int = 1) -> list[Reading]:
        """As AnswerFinder's."""


class Classifier(Protocol):
    """What the events' checks need of an EventClassifier."""

    @property
    def labels(self) -> tuple[str, ...]:
        """As EventClassifier's."""

    def classify_many(self, articles: Sequence[str]) -> list[list[SentenceEvents]]:
        """As EventClassifier's."""


@dataclass(frozen=True, slots=True)
class Case(Generic[Asked]):
    """What is asked before and after a change; `place` is an id that a reader can look up."""

    place: str
    before: Asked
    after: Asked


@dataclass(frozen=True, slots=True)
class Result:
    """How often a check failed; `examples`: its surest failures, as plain JSON values."""

    name: str
    must_hold: str
    cases: int
    failures: int
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rate(self) -> float | None:
        """Share of the cases that failed; None without a case."""
        return round(self.failures / self.cases, 4) if self.cases else None


Failure = tuple[float, dict[str, Any]]
"""(how sure the model was, the example to show)."""


# --- answers ---------------------------------------------------------------------------------

_SAME_ANSWER = "the same answer, or none again"
_BOTH = (  # (name, change of question and article)
    ("diacritics added", change.with_diacritics),
    ("diacritics removed", change.without_diacritics),
    ("tatweel added", change.with_tatweel),
    ("other quotation marks", change.with_other_quotes),
    ("as copied from a page", change.as_copied),
)
_EACH = (  # (name, change of either alone)
    ("plain alefs", change.with_plain_alefs),
    ("other final letters", change.with_other_final_letters),
    ("digits of the other script", change.with_other_digits),
)


def check_answers(
    finder: Finder,
    articles: Sequence[Article],
    word_orders: Sequence[WordOrder],
    *,
    most: int = CASES,
) -> list[Result]:
    """Every check of an answer finder, at most `most` cases each, spread evenly over the articles.

    Raises RuntimeError where an answer is no slice of the text it was asked of.
    """
    read = _remembering(partial(_given, finder))
    return [
        _result(
            name,
            _SAME_ANSWER,
            len(chosen),
            _differences(chosen, read, same=same_answer, failure=_answer_failure),
        )
        for name, cases in _answer_cases(articles, word_orders)
        for chosen in [spread(cases, most)]
    ]


def same_answer(one: Answer | None, other: Answer | None) -> bool:
    """Whether both are none, or read the same once folded."""
    if one is None or other is None:
        return one is other
    return fold(one.text) == fold(other.text) or token_f1(other.text, [one.text]) >= 0.999


def _answer_cases(
    articles: Sequence[Article], word_orders: Sequence[WordOrder]
) -> Iterator[tuple[str, list[Case[Ask]]]]:
    asked = asked_of(articles)
    for name, changed in _BOTH:
        yield f"{name}, question and article", _changed(asked, changed, changed)
    for name, changed in _EACH:
        yield f"{name}, question", _changed(asked, changed, str)
        yield f"{name}, article", _changed(asked, str, changed)
    unrelated = list(_with_unrelated(articles))
    yield (
        "unrelated paragraph before",
        [
            Case(question.id, (question.question, text), (question.question, f"{other}\n{text}"))
            for question, text, other in unrelated
        ],
    )
    yield (
        "unrelated paragraph after",
        [
            Case(question.id, (question.question, text), (question.question, f"{text}\n{other}"))
            for question, text, other in unrelated
        ],
    )
    yield (
        "another word order",
        [
            Case(pair.question.id, (pair.question.question, text), (pair.other, text))
            for pair in word_orders
            for text in [pair.article.text]
        ],
    )


def _changed(
    asked: Sequence[tuple[Question, Article]],
    of_question: Callable[[str], str],
    of_article: Callable[[str], str],
) -> list[Case[Ask]]:
    """A case for each question that the change touches."""
    cases = [
        Case(
            question.id,
            (question.question, article.text),
            (of_question(question.question), of_article(article.text)),
        )
        for question, article in asked
    ]
    return [case for case in cases if case.before != case.after]


def _with_unrelated(articles: Sequence[Article]) -> Iterator[tuple[Question, str, str]]:
    """(question, its article's text, a paragraph of another that shares no content word)."""
    others = paragraphs(articles)
    for number, (question, article) in enumerate(asked_of(articles)):
        words = content_words(question.question)
        for turn in range(len(others)):
            other = others[(number + turn) % len(others)]
            if other.is_strange_to(article.id, words):
                yield question, article.text, other.text
                break


def _given(finder: Finder, asked: Sequence[Ask]) -> list[Answer | None]:
    """The answers that a user gets, each a slice of the very text it was asked of."""
    readings = finder.read_many(asked)
    for (_, text), reading in zip(asked, readings, strict=True):
        for answer in reading.answers:
            if not answer.text or text[answer.start : answer.end] != answer.text:
                raise RuntimeError(f"{answer}: no slice of the text it was asked of: {text!r}")
    return [reading.answers[0] if reading.found else None for reading in readings]


def _answer_failure(case: Case[Ask], before: Answer | None, after: Answer | None) -> Failure:
    given = [answer for answer in (before, after) if answer]
    return max(answer.confidence for answer in given), {
        "place": case.place,
        "before": _shown(*case.before, before or after),
        "after": _shown(*case.after, after or before),
        "said_before": [before.text] if before else [],
        "said_after": [after.text] if after else [],
    }


def _shown(question: str, text: str, answer: Answer | None) -> str:
    """The question, and the article around the answer, or around where it stood before."""
    start = answer.start if answer else 0
    first, last = max(start - _AROUND, 0), start + _AROUND
    excerpt = " ".join(text[first:last].split())
    return f"{question} | {'…' * (first > 0)}{excerpt}{'…' * (last < len(text))}"


# --- events ----------------------------------------------------------------------------------

_SAME_TYPES = "the same types"
_EVENT_CHANGES = (
    ("another country", change.with_other_countries),
    ("diacritics added", change.with_diacritics),
    ("diacritics removed", change.without_diacritics),
    ("tatweel added", change.with_tatweel),
    ("plain alefs", change.with_plain_alefs),
    ("other final letters", change.with_other_final_letters),
    ("digits of the other script", change.with_other_digits),
    ("other quotation marks", change.with_other_quotes),
    ("as copied from a page", change.as_copied),
)


def check_events(
    classifier: Classifier,
    articles: Sequence[Article],
    negations: Sequence[Negation],
    *,
    most: int = CASES,
) -> list[Result]:
    """Every check of an event classifier; each sentence is read alone, as an article of its own."""
    read = _remembering(partial(_told, classifier))
    sentences = [
        (f"{article.id} [{start}:{end}]", article.text[start:end])
        for article in articles
        for start, end in article.bounds()
    ]
    results = []
    for name, changed in _EVENT_CHANGES:
        cases = [Case(place, text, changed(text)) for place, text in sentences]
        touched = spread([case for case in cases if case.before != case.after], most)
        failures = _differences(touched, read, same=_same_types, failure=_event_failure)
        results.append(_result(name, _SAME_TYPES, len(touched), failures))
    told = [pair for pair in negations if pair.type in classifier.labels]
    return results + _check_negations(read, spread(told, most))


def _check_negations(
    read: Callable[[Sequence[str]], list[SentenceEvents]], pairs: Sequence[Negation]
) -> list[Result]:
    """Whether plain sentences have their type, and whether those that do lose it when negated."""
    plain = read([pair.plain for pair in pairs])
    negated = read([pair.negated for pair in pairs])
    missed: list[Failure] = []
    kept: list[Failure] = []
    for pair, before, after in zip(pairs, plain, negated, strict=True):
        if pair.type not in before.types:
            alone = Case(pair.type, pair.plain, pair.plain)
            missed.append((1 - before.scores[pair.type], _event_failure(alone, before, before)[1]))
        elif pair.type in after.types:
            case = Case(pair.type, pair.plain, pair.negated)
            kept.append((after.types[pair.type], _event_failure(case, before, after)[1]))
    return [
        _result("plain sentence", "its type is told", len(pairs), missed),
        _result(
            "negated sentence", "the type that was told of the plain one is gone",
            len(pairs) - len(missed), kept,
        ),
    ]  # fmt: skip


def _same_types(one: SentenceEvents, other: SentenceEvents) -> bool:
    return one.types.keys() == other.types.keys()


def _told(classifier: Classifier, texts: Sequence[str]) -> list[SentenceEvents]:
    return [_merged(sentences) for sentences in classifier.classify_many(texts)]


def _merged(sentences: Sequence[SentenceEvents]) -> SentenceEvents:
    """What was said of all sentences together: of each type the highest probability."""
    types: dict[str, float] = {}
    scores: dict[str, float] = {}
    for sentence in sentences:
        types |= {name: max(p, types.get(name, 0.0)) for name, p in sentence.types.items()}
        scores |= {name: max(p, scores.get(name, 0.0)) for name, p in sentence.scores.items()}
    return SentenceEvents(0, sentences[-1].end if sentences else 0, types, scores)


def _event_failure(case: Case[str], before: SentenceEvents, after: SentenceEvents) -> Failure:
    flipped = before.types.keys() ^ after.types.keys()
    moved = [abs(before.scores.get(each, 0) - after.scores.get(each, 0)) for each in flipped]
    return max(moved, default=0.0), {
        "place": case.place,
        "before": case.before,
        "after": case.after,
        "said_before": sorted(before.types),
        "said_after": sorted(after.types),
    }


# --- both ------------------------------------------------------------------------------------


def spread(cases: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the cases, at even distances, the same ones every time."""
    if len(cases) <= most:
        return list(cases)
    return [cases[number * len(cases) // most] for number in range(most)]


def _remembering(
    ask: Callable[[Sequence[Asked]], list[Said]],
) -> Callable[[Sequence[Asked]], list[Said]]:
    """The same function, which asks the model nothing twice."""
    known: dict[Asked, Said] = {}

    def asked(wanted: Sequence[Asked]) -> list[Said]:
        new = [each for each in dict.fromkeys(wanted) if each not in known]
        known.update(zip(new, ask(new) if new else [], strict=True))
        return [known[each] for each in wanted]

    return asked


def _differences(
    cases: Sequence[Case[Asked]],
    read: Callable[[Sequence[Asked]], list[Said]],
    *,
    same: Callable[[Said, Said], bool],
    failure: Callable[[Case[Asked], Said, Said], Failure],
) -> list[Failure]:
    """The cases of which something else is said after the change than before."""
    before = read([case.before for case in cases])
    after = read([case.after for case in cases])
    return [
        failure(case, *pair)
        for case, *pair in zip(cases, before, after, strict=True)
        if not same(*pair)
    ]


def _result(name: str, must_hold: str, cases: int, failures: Sequence[Failure]) -> Result:
    surest = sorted(failures, key=lambda failure: (-failure[0], failure[1]["place"]))
    examples = [{**example, "sure": round(sure, 4)} for sure, example in surest[:_EXAMPLES]]
    return Result(name, must_hold, cases, len(failures), examples)

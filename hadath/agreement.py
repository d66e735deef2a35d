"""How far two annotators agree: event types by sentence, roles and answers by span.

It does not know who is right (scores.py judges a model against one truth).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hadath.annotations import ROLES, Article, Span, read_articles
from hadath.errors import HadathError
from hadath.files import read_json, read_text
from hadath.text import fold, sentence_at

SecondPass = Mapping[str, Mapping[int, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class TypeAgreement:
    """One event type over all sentences. `kappa` is None where neither or both always give it."""

    type: str
    first: int
    second: int
    both: int
    observed: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class RoleAgreement:
    """One role's quotes, compared within a sentence and event type; None where there are none.

    `exact`: F1 of quotes with equal bounds. `overlap`: F1 of quotes that share a character.
    """

    role: str
    first: int
    second: int
    exact: float | None
    overlap: float | None


@dataclass(frozen=True, slots=True)
class AnswerAgreement:
    """Answers to the questions that both asked; two that find no answer agree."""

    questions: int
    exact: float
    f1: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """All figures of two annotators' files. `all_types` pools every (sentence, type) decision."""

    articles: int
    sentences: int
    types: tuple[TypeAgreement, ...]
    all_types: TypeAgreement
    roles: tuple[RoleAgreement, ...] = ()
    answers: AnswerAgreement | None = None
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The figures as plain JSON values."""
        return asdict(self)

    def rows(self) -> list[tuple[str, ...]]:
        """The figures as cells, the headers of each part in a row of their own."""
        rows: list[tuple[str, ...]] = [("type", "first", "second", "both", "observed", "kappa")]
        rows += [_type_row(figure) for figure in (*self.types, self.all_types)]
        if self.roles:
            rows.append(("role", "first", "second", "exact F1", "overlap F1", ""))
            rows += [
                (r.role, str(r.first), str(r.second), _figure(r.exact), _figure(r.overlap), "")
                for r in self.roles
            ]
        if self.answers:
            rows.append(("answers", "questions", "exact", "F1", "", ""))
            exact, f1 = _figure(self.answers.exact), _figure(self.answers.f1)
            rows.append(("all", str(self.answers.questions), exact, f1, "", ""))
        return rows

    def table(self) -> str:
        """The rows as text in columns, under one line that says what was compared."""
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [f"{self.articles} articles, {self.sentences} sentences"]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        for name, ids in (("first", self.only_first), ("second", self.only_second)):
            if ids:
                lines.append(f"only in the {name} file: {', '.join(ids)}")
        return "\n".join(lines)


def agree(first: Sequence[Article], second: Sequence[Article]) -> Agreement:
    """Compare two annotators' articles, matched by id.

    Sentences are the first's, else the second's, else the splitter's. Raises HadathError where no
    id stands in both, two texts of one id differ, or an event stands in none of the sentences.
    """
    others = {article.id: article for article in second}
    pairs = [(article, others[article.id]) for article in first if article.id in others]
    if not pairs:
        raise HadathError("the two files share no article id; annotate the same articles in both")
    for one, other in pairs:
        if one.text != other.text:
            at = _differ(one.text, other.text)
            raise HadathError(
                f"article {one.id!r}: the texts differ at character {at}; "
                f"annotate the same text in both"
            )
    bounds = {one.id: _sentences(one, other) for one, other in pairs}
    for one, other in pairs:
        for event in (*one.events, *other.events):
            if sentence_at(bounds[one.id], event.span.start) is None:
                raise HadathError(
                    f"article {one.id!r}: the event at {event.span.start} stands outside the "
                    f"sentences that are compared; give both files the same sentences"
                )
    labels = [
        types
        for one, other in pairs
        for types in zip(
            one.sentence_types(bounds[one.id]), other.sentence_types(bounds[one.id]), strict=True
        )
    ]
    types, pooled = _type_figures(labels)
    matched = {one.id for one, _ in pairs}
    return Agreement(
        articles=len(pairs),
        sentences=len(labels),
        types=types,
        all_types=pooled,
        roles=tuple(_role_figure(role, pairs, bounds) for role in ROLES),
        answers=_answer_figure(pairs),
        only_first=tuple(article.id for article in first if article.id not in matched),
        only_second=tuple(name for name in others if name not in matched),
    )


def agree_files(first: str | Path, second: str | Path) -> Agreement:
    """Compare two annotators' files; the second may be a second pass (`read_second_pass`)."""
    articles = read_articles(first)
    try:
        document = json.loads(read_text(second))
    except (ValueError, RecursionError):
        document = None  # more than one line of JSON, or none: read_articles tells
    if isinstance(document, dict) and "text" not in document:
        return agree_types(articles, read_second_pass(second))
    return agree(articles, read_articles(second))


def agree_types(articles: Sequence[Article], second_pass: SecondPass) -> Agreement:
    """Compare articles with a second labelling of their sentences by type alone.

    Sentences that the second pass leaves out are not compared. Raises HadathError where it names an
    article or a sentence that is not there.
    """
    known = {article.id: article for article in articles}
    labels = []
    for name, sentences in second_pass.items():
        if name not in known:
            raise HadathError(f"the second pass has article {name!r}, the annotations do not")
        types_of = known[name].sentence_types()
        count = len(types_of)
        for index, labelled in sentences.items():
            if not 0 <= index < count:
                raise HadathError(
                    f"the second pass has sentence {index} of {name!r}, which has {count} from 0"
                )
            labels.append((types_of[index], labelled))
    if not labels:
        raise HadathError("the second pass labels no sentence")
    types, pooled = _type_figures(labels)
    left = tuple(name for name in known if name not in second_pass)
    return Agreement(len(second_pass), len(labels), types, pooled, only_first=left)


def read_second_pass(path: str | Path) -> SecondPass:
    """{article id: {sentence index: its types}} from JSON. Raises HadathError naming the place."""
    document = read_json(path)
    if not isinstance(document, dict):
        raise HadathError(f"{path}: expected {{article id: {{sentence index: [types]}}}}")
    found: dict[str, dict[int, frozenset[str]]] = {}
    for name, sentences in document.items():
        if not isinstance(sentences, dict):
            raise HadathError(f"{path}: {name}: expected {{sentence index: [types]}}")
        found[name] = {}
        for index, types in sentences.items():
            if not index.isdecimal():
                raise HadathError(f"{path}: {name}: {index!r} is no sentence's index; count from 0")
            if not isinstance(types, list) or not all(isinstance(kind, str) for kind in types):
                kind = json.dumps(types, ensure_ascii=False)[:40]
                raise HadathError(f"{path}: {name}.{index}: expected a list of types, found {kind}")
            found[name][int(index)] = frozenset(types)
    return found


# --- event types ---


def _sentences(first: Article, second: Article) -> Sequence[tuple[int, int]]:
    return first.sentences or second.bounds()


def _type_figures(
    labels: Sequence[tuple[frozenset[str], frozenset[str]]],
) -> tuple[tuple[TypeAgreement, ...], TypeAgreement]:
    """Each type's figures, and those of all decisions pooled."""
    names = sorted({name for pair in labels for types in pair for name in types})
    # (sentence, type): whether the annotator gives the sentence the type
    first = np.array([[name in types for name in names] for types, _ in labels], dtype=bool)
    second = np.array([[name in types for name in names] for _, types in labels], dtype=bool)
    each = [_type_figure(name, first[:, at], second[:, at]) for at, name in enumerate(names)]
    return tuple(each), _type_figure("all", first.ravel(), second.ravel())


def _type_figure(name: str, first: np.ndarray, second: np.ndarray) -> TypeAgreement:
    """One type's figures. `first`, `second`: (decision,) of bool."""
    return TypeAgreement(
        type=name,
        first=int(first.sum()),
        second=int(second.sum()),
        both=int((first & second).sum()),
        observed=float((first == second).mean()) if len(first) else 1.0,
        kappa=_kappa(first, second),
    )


def _kappa(first: np.ndarray, second: np.ndarray) -> float | None:
    try:
        from sklearn.metrics import cohen_kappa_score
    except ImportError as error:
        raise HadathError("agreement needs scikit-learn; pip install 'hadath[train]'") from error
    # Where both always say the same one thing, chance alone explains all: kappa is 0 / 0.
    if len(first) == 0 or len(np.unique(np.concatenate([first, second]))) == 1:
        return None
    return float(cohen_kappa_score(first, second))


def _type_row(figure: TypeAgreement) -> tuple[str, ...]:
    counts = (str(figure.first), str(figure.second), str(figure.both))
    return (figure.type, *counts, _figure(figure.observed), _figure(figure.kappa))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


# --- roles ---


def _role_figure(
    role: str,
    pairs: Sequence[tuple[Article, Article]],
    bounds: Mapping[str, Sequence[tuple[int, int]]],
) -> RoleAgreement:
    counts = np.zeros(4, dtype=int)  # first, second, exact, overlapping
    for one, other in pairs:
        first = _role_spans(one, role, bounds[one.id])
        second = _role_spans(other, role, bounds[one.id])
        for key in first.keys() | second.keys():
            mine, yours = first[key], second[key]
            counts += len(mine), len(yours), len(mine & yours), _overlapping(mine, yours)
    total = counts[0] + counts[1]
    exact, overlap = (float(2 * count / total) if total else None for count in counts[2:])
    return RoleAgreement(role, int(counts[0]), int(counts[1]), exact, overlap)


def _role_spans(
    article: Article, role: str, bounds: Sequence[tuple[int, int]]
) -> defaultdict[tuple[int | None, str], set[Span]]:
    """The role's quotes by (sentence, event type); `agree` has seen that each has its sentence."""
    found: defaultdict[tuple[int | None, str], set[Span]] = defaultdict(set)
    for event in article.events:
        found[sentence_at(bounds, event.span.start), event.type].update(event.role(role))
    return found


def _overlapping(first: Iterable[Span], second: Iterable[Span]) -> int:
    """The most pairs of quotes that share a character, each quote in one pair at most."""
    from scipy.optimize import linear_sum_assignment

    ours, theirs = list(first), list(second)
    if not ours or not theirs:
        return 0
    meets = np.array([[a.start < b.end and b.start < a.end for b in theirs] for a in ours])
    rows, columns = linear_sum_assignment(meets, maximize=True)
    return int(meets[rows, columns].sum())


# --- answers ---


def _answer_figure(pairs: Sequence[tuple[Article, Article]]) -> AnswerAgreement | None:
    scores = [score for one, other in pairs for score in _answer_scores(one, other)]
    if not scores:
        return None
    exact, f1 = np.mean(scores, axis=0)
    return AnswerAgreement(len(scores), float(exact), float(f1))


def _answer_scores(first: Article, second: Article) -> Iterator[tuple[float, float]]:
    """(exact match, token F1) of each question that both asked, in whatever words' spelling."""
    ours, theirs = _answers(first), _answers(second)
    for question in sorted(ours.keys() & theirs.keys()):  # sums of floats depend on the order
        tokens = [(a, b) for a in ours[question] for b in theirs[question]]
        if tokens:
            yield max(float(a == b) for a, b in tokens), max(_f1(a, b) for a, b in tokens)
        else:
            same = float(not ours[question] and not theirs[question])
            yield same, same


def _answers(article: Article) -> dict[str, list[list[str]]]:
    """The folded words of every answer, by folded question."""
    found: defaultdict[str, list[list[str]]] = defaultdict(list)
    for question in article.questions:
        found[fold(question.question)] += [fold(span.text).split() for span in question.answers]
    return found


def _f1(first: Sequence[str], second: Sequence[str]) -> float:
    shared = sum((Counter(first) & Counter(second)).values())
    total = len(first) + len(second)
    return 2 * shared / total if total else 1.0


def _differ(first: str, second: str) -> int:
    pairs = zip(first, second, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))

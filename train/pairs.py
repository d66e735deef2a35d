"""Hand-written pairs of texts that a model must treat alike, or apart: data/behaviour/*.jsonl.

They are for the behaviour suite only, never for training. It does not know a model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hadath.annotations import Article, Question, parse_json_line
from hadath.errors import HadathError, did_you_mean, shortened
from hadath.files import numbered_lines
from hadath.ontology import load_scheme
from hadath.text import fold


@dataclass(frozen=True, slots=True)
class WordOrder:
    """A question of an article, and the same question in another order or syntax."""

    article: Article
    question: Question
    other: str


@dataclass(frozen=True, slots=True)
class Negation:
    """A sentence that reports an event of a type, and one that says it did not happen."""

    type: str
    plain: str
    negated: str


def read_word_orders(path: str | Path, articles: Sequence[Article]) -> list[WordOrder]:
    """Lines of {article, question, other}, their ids looked up. HadathError names file:line."""
    known = {article.id: article for article in articles}
    pairs: list[WordOrder] = []
    for place, fields in _lines(path, ("article", "question", "other")):
        article = known.get(fields["article"])
        if article is None:
            mend = did_you_mean(fields["article"], known, "name one of the data given")
            raise HadathError(f"{place}: no article {fields['article']!r}; {mend}")
        asked = {question.id: question for question in article.questions}
        question = asked.get(fields["question"])
        if question is None:
            mend = did_you_mean(fields["question"], asked, f"see the questions of {article.id}")
            raise HadathError(f"{place}: no question {fields['question']!r} in it; {mend}")
        _refuse_same(place, question.question, fields["other"])
        pairs.append(WordOrder(article, question, fields["other"]))
    return pairs


def read_negations(path: str | Path) -> list[Negation]:
    """Lines of {type, plain, negated}, of PLOVER's types. HadathError names file:line."""
    names = load_scheme().names
    pairs: list[Negation] = []
    for place, fields in _lines(path, ("type", "plain", "negated")):
        if fields["type"] not in names:
            mend = did_you_mean(fields["type"], names, f"the types are {', '.join(names)}")
            raise HadathError(f"{place}: no type {fields['type']!r}; {mend}")
        _refuse_same(place, fields["plain"], fields["negated"])
        pairs.append(Negation(**fields))
    return pairs


def _lines(path: str | Path, keys: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(file:line, its fields) of every line; each has just these keys, and a text for each."""
    seen: dict[tuple[str, ...], str] = {}
    for number, line in numbered_lines(path):
        place = f"{path}:{number}"
        try:
            fields = parse_json_line(line)
        except HadathError as error:
            raise HadathError(f"{place}: {error}") from error
        if not isinstance(fields, dict) or fields.keys() != set(keys):
            found = ", ".join(fields) if isinstance(fields, dict) else shortened(line)
            raise HadathError(f"{place}: found {found}; a line is an object of {', '.join(keys)}")
        for key, value in fields.items():
            if not isinstance(value, str) or not fold(value):
                raise HadathError(f"{place}: {key}: found {value!r}; write a text there")
        same = tuple(fold(fields[key]) for key in keys)
        if same in seen:
            raise HadathError(f"{place}: the same pair stands at {seen[same]}; remove one")
        seen[same] = place
        yield place, fields
    if not seen:
        raise HadathError(f"{path}: no pairs in it; write an object of {', '.join(keys)} a line")


def _refuse_same(place: str, one: str, other: str) -> None:
    if fold(one) == fold(other):
        raise HadathError(f"{place}: both read {shortened(one)!r}; write the second one otherwise")

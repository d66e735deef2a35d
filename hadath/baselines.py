"""What a system must beat: majority and TF-IDF + linear SVM for events, word overlap for answers.

It does not score (scores.py) and knows nothing of encoders. All of it is deterministic.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC

from hadath.annotations import Article, Question
from hadath.errors import HadathError
from hadath.scores import AnswerResult, EventResult, FloatArray, exact_match, token_f1
from hadath.text import fold

EventPredictor = Callable[[Sequence[Article]], list[EventResult]]
AnswerPredictor = Callable[[Sequence[Article]], list[AnswerResult]]

MAJORITY_SET = "Most frequent label set"
MAJORITY_TYPE = "Most frequent type"
SVM = "TF-IDF + linear SVM"
OVERLAP = "Word overlap"
BEFORE = "Before the other articles"  # the very model, where it was adapted to some of them

_HELD_OUT = 5  # every fifth article fits the probabilities


@dataclass(frozen=True, slots=True)
class _Sentence:
    article: Article
    start: int
    end: int
    gold: frozenset[str]

    @property
    def text(self) -> str:
        return self.article.text[self.start : self.end]


def fit_events_baselines(train: Sequence[Article]) -> dict[str, EventPredictor]:
    """Every baseline for events, by name, fitted on `train`: each reads articles, gives results.

    The majority baselines say the same of every sentence: the most frequent set of labels (mostly
    none, so its micro-F1 is 0) and the most frequent single type. Their scores are the shares in
    training. Raises HadathError where there is no event to learn from.
    """
    rows = _sentences(train)
    counts = Counter(label for row in rows for label in row.gold)
    if not counts:
        raise HadathError(
            f"baselines: no event in the {len(train)} training articles; nothing to learn from"
        )
    shares = {label: counts[label] / len(rows) for label in sorted(counts)}
    sets = Counter(row.gold for row in rows)
    most_frequent = min(sets, key=lambda types: (-sets[types], sorted(types)))
    type_ = min(counts, key=lambda label: (-counts[label], label))
    return {
        MAJORITY_SET: _constant(most_frequent, shares),
        MAJORITY_TYPE: _constant(frozenset((type_,)), shares),
        SVM: _fit_svm(rows, sorted(counts)),
    }


def fit_answer_baseline(train: Sequence[Article], dev: Sequence[Article]) -> AnswerPredictor:
    """The sentence that shares most with the question, tokens folded and weighed by IDF in `train`.

    `answerable` is the share of the question's weight that the sentence covers; its threshold is
    the one with the best F1 on `dev`, and `confidence` the share of exact matches there.
    """
    weights = _inverse_frequencies(train)
    asked = [
        (question, *_closest_sentence(article, question, weights))
        for article in dev
        for question in article.questions
    ]
    if not asked:
        raise HadathError(f"baselines: no question in the {len(dev)} dev articles to fit on")
    threshold = _best_threshold(asked)
    hits = [exact_match(best, _gold(question)) for question, best, _ in asked]
    confidence = float(np.mean(hits))

    def predict(articles: Sequence[Article]) -> list[AnswerResult]:
        results = []
        for article in articles:
            for question in article.questions:
                best, share = _closest_sentence(article, question, weights)
                said = best if share >= threshold else ""
                asked_of = (article.id, question.id, _gold(question))
                results.append(
                    AnswerResult(*asked_of, best, said, share, confidence, len(article.text))
                )
        return results

    return predict


# --- events ----------------------------------------------------------------------------------


def _sentences(articles: Sequence[Article]) -> list[_Sentence]:
    rows = []
    for article in articles:
        bounds = article.bounds()
        rows += [
            _Sentence(article, start, end, types)
            for (start, end), types in zip(bounds, article.sentence_types(bounds), strict=True)
        ]
    return rows


def _result(row: _Sentence, predicted: frozenset[str], scores: Mapping[str, float]) -> EventResult:
    return EventResult(
        row.article.id, row.start, row.end, row.gold, predicted, scores, len(row.article.text)
    )


def _constant(types: frozenset[str], shares: Mapping[str, float]) -> EventPredictor:
    def predict(articles: Sequence[Article]) -> list[EventResult]:
        return [_result(row, types, shares) for row in _sentences(articles)]

    return predict


def _fit_svm(rows: Sequence[_Sentence], labels: Sequence[str]) -> EventPredictor:
    """One-vs-rest on all of `rows`; a type is said where its margin reaches one common threshold.

    A margin of 0 would be a straw man (precision .96, recall .40 on our articles), so the threshold
    is the one with the best micro-F1; see _fit_decision. Where every sentence of `rows` has exactly
    one type, the type with the largest margin is said, and no other.
    """
    single = all(len(row.gold) == 1 for row in rows)
    machine = _machine().fit([row.text for row in rows], _label_matrix(rows, labels))
    threshold, probabilities = _fit_decision(rows, labels)

    def predict(articles: Sequence[Article]) -> list[EventResult]:
        found = _sentences(articles)
        if not found:
            return []
        margins = _margins(machine, found, labels)
        first = np.arange(len(labels)) == margins.argmax(axis=1)[:, None]
        said = first if single else margins >= threshold
        return [
            _result(
                row,
                frozenset(label for label, hit in zip(labels, hits, strict=True) if hit),
                dict(zip(labels, chances, strict=True)),
            )
            for row, hits, chances in zip(
                found, said.tolist(), probabilities(margins).tolist(), strict=True
            )
        ]

    return predict


def _machine() -> Pipeline:
    features = make_union(
        TfidfVectorizer(
            preprocessor=fold, token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True
        ),
        TfidfVectorizer(
            preprocessor=fold, analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True
        ),
    )
    return make_pipeline(
        features, OneVsRestClassifier(LinearSVC(class_weight="balanced", random_state=0))
    )


def _label_matrix(rows: Sequence[_Sentence], labels: Sequence[str]) -> NDArray[np.int64]:
    return np.array([[int(label in row.gold) for label in labels] for row in rows])


def _margins(machine: Pipeline, rows: Sequence[_Sentence], labels: Sequence[str]) -> FloatArray:
    """(sentence, label) signed distances; one label alone comes back flat."""
    return machine.decision_function([row.text for row in rows]).reshape(len(rows), len(labels))


def _fit_decision(
    rows: Sequence[_Sentence], labels: Sequence[str]
) -> tuple[float, Callable[[FloatArray], FloatArray]]:
    """The margin from which to say a type, and the curve from margins to probabilities (Platt).

    One of each for all types, fitted on the margins that a second machine, trained without every
    fifth article, gives for those articles.
    """
    ids = sorted({row.article.id for row in rows})
    held_out = set(ids[::_HELD_OUT])
    seen = [row for row in rows if row.article.id not in held_out]
    known = [label for label in labels if any(label in row.gold for row in seen)]
    unseen = [row for row in rows if row.article.id in held_out]
    gold = _label_matrix(unseen, known).ravel()
    if len(set(gold.tolist())) < 2:  # too few articles to tell: the machine's own boundary
        return 0.0, lambda margins: 1 / (1 + np.exp(-margins))
    machine = _machine().fit([row.text for row in seen], _label_matrix(seen, known))
    margins = _margins(machine, unseen, known).reshape(-1, 1)
    platt = LogisticRegression(C=1e6).fit(margins, gold)
    precision, recall, thresholds = precision_recall_curve(gold, margins.ravel())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return (
        float(thresholds[np.argmax(f1[:-1])]),
        lambda each: platt.predict_proba(each.reshape(-1, 1))[:, 1].reshape(each.shape),
    )


# --- answers ---------------------------------------------------------------------------------


def _gold(question: Question) -> tuple[str, ...]:
    return tuple(dict.fromkeys(span.text for span in question.answers))


def _inverse_frequencies(articles: Sequence[Article]) -> Callable[[str], float]:
    """Smoothed IDF over sentences; a word never seen weighs most."""
    texts = [set(fold(row.text).split()) for row in _sentences(articles)]
    counts = Counter(word for words in texts for word in words)
    total = len(texts)
    return lambda word: math.log((1 + total) / (1 + counts[word])) + 1


def _closest_sentence(
    article: Article, question: Question, weights: Callable[[str], float]
) -> tuple[str, float]:
    """(the sentence's raw text, its share of the question's weight); the first of equals."""
    words = set(fold(question.question).split())
    whole = sum(map(weights, words))
    best, most = "", -1.0
    for start, end in article.bounds():
        text = article.text[start:end].strip()
        covered = sum(weights(word) for word in sorted(words & set(fold(text).split())))
        share = covered / whole if whole else 0.0
        if share > most:
            best, most = text, share
    return best, max(most, 0.0)


def _best_threshold(asked: Sequence[tuple[Question, str, float]]) -> float:
    """The share from which to answer, so that F1 is best; infinite where silence is."""
    gains = np.array(
        [
            token_f1(best, _gold(question)) - token_f1("", _gold(question))
            for question, best, _ in asked
        ]
    )
    shares = np.array([share for _, _, share in asked])
    levels = np.unique(shares)
    totals = [gains[shares >= level].sum() for level in levels]
    best = int(np.argmax(totals))
    return float(levels[best]) if totals[best] > 0 else math.inf

"""The baselines learn what little they can, the same each time, and never raise on odd articles."""

import math

import pytest

from hadath.annotations import Article, Event, Question, Span
from hadath.baselines import (
    MAJORITY_SET,
    MAJORITY_TYPE,
    SVM,
    fit_answer_baseline,
    fit_events_baselines,
)
from hadath.errors import HadathError
from hadath.scores import score_events

REPORTS = {
    "CONSULT": "التقى الوزير نظيره في {place} وبحثا التعاون.",
    "ASSAULT": "قصفت الطائرات مواقع المسلحين قرب {place} وقتلت عشرة.",
    None: "بلغت درجات الحرارة في {place} معدلها المعتاد.",
}
PLACES = (
    "باريس",
    "بغداد",
    "تونس",
    "عمّان",
    "الرباط",
    "مسقط",
    "دمشق",
    "الخرطوم",
    "طرابلس",
    "نواكشوط",
)


def article(number, types, *, split_sentences=True):
    place = PLACES[number % len(PLACES)]
    text, bounds, events = "", [], []
    for type_ in types:
        text += "\n" if text else ""
        start, sentence = len(text), REPORTS[type_].format(place=place)
        text += sentence
        bounds.append((start, len(text)))
        if type_:
            events.append(Event(type_, Span(start, sentence)))
    answer = Span(text.index(place), place)
    questions = (
        Question("1", "أين التقى الوزير نظيره؟", (answer,)),
        Question("2", "كم بلغت كلفة مشروع السكك الحديدية؟"),
    )
    return Article(
        f"a{number}",
        text,
        sentences=tuple(bounds) if split_sentences else (),
        events=tuple(events),
        questions=questions,
    )


TRAIN = [article(n, ("CONSULT", None, None, "ASSAULT" if n % 2 else None)) for n in range(20)]
TEST = [article(n, (None, "CONSULT", "ASSAULT")) for n in range(20, 26)]


def test_the_majority_baselines_say_the_same_of_every_sentence():
    baselines = fit_events_baselines(TRAIN)
    assert {each.predicted for each in baselines[MAJORITY_SET](TEST)} == {frozenset()}
    assert {each.predicted for each in baselines[MAJORITY_TYPE](TEST)} == {frozenset({"CONSULT"})}


def test_the_linear_svm_learns_what_words_tell():
    results = fit_events_baselines(TRAIN)[SVM](TEST)
    assert score_events(results).figures["micro_f1"].value == 1
    for result in results:
        assert set(result.scores) == {"CONSULT", "ASSAULT"}
        assert all(0 <= probability <= 1 for probability in result.scores.values())


def test_where_each_sentence_has_one_type_the_svm_says_one():
    train = [article(n, ("CONSULT",) if n % 3 else ("ASSAULT",)) for n in range(20)]
    results = fit_events_baselines(train)[SVM](TEST)
    assert all(len(result.predicted) == 1 for result in results)
    told = [(result.gold, result.predicted) for result in results if result.gold]
    assert all(gold == predicted for gold, predicted in told) and len(told) == 12


def test_every_sentence_has_one_result_with_its_gold_types():
    for predict in fit_events_baselines(TRAIN).values():
        results = predict(TEST)
        places = [(each.id, *bounds) for each in TEST for bounds in each.sentences]
        assert [(each.article, each.start, each.end) for each in results] == places
        assert [each.gold for each in results] == [
            types for each in TEST for types in each.sentence_types()
        ]
        assert predict([]) == []


def test_an_article_without_sentences_is_split():
    unsplit = [article(20, (None, "CONSULT", "ASSAULT"), split_sentences=False)]
    predict = fit_events_baselines(TRAIN)[SVM]
    assert [each.gold for each in predict(unsplit)] == [each.gold for each in predict(TEST[:1])]


def test_fitting_twice_gives_the_same_results():
    first, second = (fit_events_baselines(TRAIN)[SVM](TEST) for _ in range(2))
    assert first == second
    one, two = (fit_answer_baseline(TRAIN, TEST)(TEST) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_articles_is_enough_to_fit(count):
    few = [article(n, ("CONSULT", None)) for n in range(count)]
    for predict in fit_events_baselines(few).values():
        assert len(predict(TEST)) == 18


def test_the_overlap_baseline_answers_with_the_sentence_that_shares_most():
    results = fit_answer_baseline(TRAIN, TEST)(TEST)
    by_id = {each.id: each for each in TEST}
    for result in results:
        assert result.best in by_id[result.article].text
        assert result.predicted in ("", result.best)
        assert 0 <= result.answerable <= 1
    where = [each for each in results if each.question == "1"]
    assert all("التقى الوزير" in each.best for each in where)


def test_the_threshold_is_never_worse_on_dev_than_always_or_never_answering():
    from hadath.scores import token_f1

    results = fit_answer_baseline(TRAIN, TEST)(TEST)
    reached = math.fsum(token_f1(each.predicted, each.gold) for each in results)
    always = math.fsum(token_f1(each.best, each.gold) for each in results)
    never = math.fsum(token_f1("", each.gold) for each in results)
    assert reached >= max(always, never) - 1e-9


def test_nothing_to_learn_from_is_one_clear_line():
    calm = [article(0, (None,))]
    with pytest.raises(HadathError, match="no event in the 1 training articles"):
        fit_events_baselines(calm)
    silent = Article("x", "نص.")
    with pytest.raises(HadathError, match="no question in the 1 dev articles"):
        fit_answer_baseline(TRAIN, [silent])

"""Agreement is symmetric, perfect with oneself, and right on cases that can be counted by hand."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.agreement import agree, agree_files, agree_types, read_second_pass
from hadath.annotations import ROLES, Article, Event, Question, Span, write_articles
from hadath.errors import HadathError

WORDS = tuple(f"كلمة{letter}" for letter in "ابتثجحخد")
TEXT = f"{' '.join(WORDS[:4])}.\n{' '.join(WORDS[4:])}."
SENTENCES = ((0, TEXT.index("\n")), (TEXT.index("\n") + 1, len(TEXT)))


def span(first, last=None):
    start, end = TEXT.index(WORDS[first]), TEXT.index(WORDS[last or first])
    return Span(start, TEXT[start : end + len(WORDS[last or first])])


def article(*events, questions=(), name="a"):
    return Article(name, TEXT, sentences=SENTENCES, events=events, questions=questions)


@st.composite
def annotated(draw, name="a"):
    spans = st.integers(0, 7).flatmap(
        lambda first: st.integers(first, 7).map(lambda last: span(first, last))
    )
    some = st.lists(spans, max_size=3, unique=True).map(tuple)
    event = st.builds(
        Event,
        type=st.sampled_from(("AID", "ACCUSE", "AGREE")),
        span=spans,
        **dict.fromkeys(ROLES, some),
    )
    questions = tuple(
        Question(f"q{number}", f"ما {number}؟", draw(some))
        for number in draw(st.sets(st.integers(0, 3)))
    )
    return article(*draw(st.lists(event, max_size=4)), questions=questions, name=name)


@given(one=annotated(), other=annotated())
@settings(max_examples=30, deadline=None)
def test_agreement_is_symmetric_within_bounds_and_overlap_is_never_below_exact(one, other):
    there, back = agree([one], [other]), agree([other], [one])
    for first, second in zip(
        (*there.types, there.all_types), (*back.types, back.all_types), strict=True
    ):
        assert (first.first, first.second, first.both) == (second.second, second.first, second.both)
        assert first.kappa == pytest.approx(second.kappa)
        assert first.kappa is None or -1 <= first.kappa <= 1
    for first, second in zip(there.roles, back.roles, strict=True):
        assert (first.exact, first.overlap) == (second.exact, second.overlap)
        assert first.exact is None or 0 <= first.exact <= first.overlap <= 1
    if there.answers and back.answers:
        assert there.answers.exact == pytest.approx(back.answers.exact)
        assert 0 <= there.answers.exact <= there.answers.f1 <= 1
    json.dumps(there.record(), allow_nan=False)


@given(one=annotated())
@settings(max_examples=30, deadline=None)
def test_everyone_agrees_with_themselves(one):
    same = agree([one], [one])
    assert all(figure.observed == 1 and figure.kappa in (None, 1) for figure in same.types)
    assert all(role.exact in (None, 1) and role.overlap in (None, 1) for role in same.roles)
    assert same.answers is None or (same.answers.exact, same.answers.f1) == (1, 1)


def test_kappa_is_what_the_formula_says():
    # Eight sentences: both 3, first alone 1, second alone 2, neither 2.
    first, second = (0, 1, 2, 3), (0, 1, 2, 4, 5)

    def corpus(labels):
        events = [
            [Event("AID", span(4 * (at % 2))) for at in labels if at // 2 == n] for n in range(4)
        ]
        return [article(*some, name=f"{number}") for number, some in enumerate(events)]

    found = agree(corpus(first), corpus(second))
    (aid,) = found.types
    chance = (4 / 8) * (5 / 8) + (4 / 8) * (3 / 8)
    assert (aid.first, aid.second, aid.both, aid.observed) == (4, 5, 3, 5 / 8)
    assert aid.kappa == pytest.approx((5 / 8 - chance) / (1 - chance))
    assert found.all_types == replace(aid, type="all")


def test_kappa_is_unknown_where_chance_explains_all():
    every = article(Event("AID", span(0)), Event("AID", span(4)))
    (aid,) = agree([every], [every]).types
    assert (aid.observed, aid.kappa) == (1, None)
    assert agree([article()], [article()]).all_types.kappa is None
    assert "–" in agree([every], [every]).table()


def test_roles_are_compared_within_their_sentence_and_type():
    def with_actor(*actors, kind="AID", at=0):
        return article(Event(kind, span(at), actor=actors))

    def actor(one, other):
        figure = agree([one], [other]).roles[0]
        return figure.exact, figure.overlap

    assert actor(with_actor(span(1, 2)), with_actor(span(1, 2))) == (1, 1)
    assert actor(with_actor(span(1, 2)), with_actor(span(2))) == (0, 1)
    assert actor(with_actor(span(1, 2)), with_actor(span(1), span(2))) == (0, pytest.approx(2 / 3))
    assert actor(with_actor(span(1)), with_actor(span(1), kind="AGREE")) == (0, 0)
    assert actor(with_actor(span(1)), with_actor()) == (0, 0)
    assert actor(with_actor(), with_actor()) == (None, None)


def test_answers_to_the_same_question_are_compared_as_they_fold():
    def asked(question, *answers, name="q"):
        return article(questions=(Question(name, question, answers),))

    def answers(one, other):
        found = agree([one], [other]).answers
        return found and (found.questions, found.exact, found.f1)

    assert answers(asked("من؟", span(0)), asked("مَن", span(0), name="other")) == (1, 1, 1)
    assert answers(asked("من؟", span(0, 1)), asked("من؟", span(1))) == (1, 0, pytest.approx(2 / 3))
    assert answers(asked("من؟", span(0), span(3)), asked("من؟", span(3))) == (1, 1, 1)
    assert answers(asked("من؟"), asked("من؟")) == (1, 1, 1)
    assert answers(asked("من؟"), asked("من؟", span(3))) == (1, 0, 0)
    assert answers(asked("من؟"), asked("متى؟")) is None


def test_articles_are_matched_by_id_and_must_be_the_same_text():
    found = agree([article(name="a"), article(name="b")], [article(name="c"), article(name="a")])
    assert (found.articles, found.only_first, found.only_second) == (1, ("b",), ("c",))
    assert "only in the second file: c" in found.table()
    with pytest.raises(HadathError, match="share no article id"):
        agree([article(name="a")], [article(name="b")])
    with pytest.raises(HadathError, match=r"article 'a': the texts differ at character 3"):
        agree([Article("a", "نص واحد")], [Article("a", "نص آخر")])


def test_articles_without_sentences_are_split():
    one = replace(article(Event("AID", span(5))), sentences=())
    assert agree([one], [one]).sentences == 2
    assert agree([one], [article()]).types[0].first == 1


def test_an_event_outside_the_sentences_that_are_compared_is_told_not_lost():
    whole = article(Event("AID", span(0)), Event("AGREE", span(5)))
    half = replace(article(Event("AID", span(0))), sentences=SENTENCES[:1])
    with pytest.raises(HadathError, match=r"'a': the event at \d+ stands outside the sentences"):
        agree([half], [whole])
    assert agree([whole], [half]).all_types.observed == 0.75


def test_a_second_pass_counts_the_splitters_sentences_where_an_article_has_none():
    one = replace(article(Event("AID", span(5))), sentences=())
    assert agree_types([one], {"a": {0: frozenset(), 1: frozenset({"AID"})}}).sentences == 2


# --- a second pass ---


def test_a_second_pass_is_compared_by_type(tmp_path):
    write_articles(
        tmp_path / "first.jsonl", [article(Event("AID", span(0)), Event("AID", span(4)))]
    )
    second = tmp_path / "second.json"
    second.write_text(json.dumps({"a": {"0": ["AID"], "1": ["AGREE"]}}), encoding="utf-8")
    found = agree_files(tmp_path / "first.jsonl", second)
    assert [(t.type, t.first, t.second, t.both, t.observed) for t in found.types] == [
        ("AGREE", 0, 1, 0, 0.5), ("AID", 2, 1, 1, 0.5)
    ]  # fmt: skip
    assert found.roles == () and found.answers is None
    same = agree_files(tmp_path / "first.jsonl", tmp_path / "first.jsonl")
    assert [t.observed for t in same.types] == [1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected {article id"),
        ('{"a": []}', "a: expected {sentence index"),
        ('{"a": {"x": []}}', "a: 'x' is no sentence's index"),
        ('{"a": {"0": "AID"}}', 'a.0: expected a list of types, found "AID"'),
        ('{"a": {"0": [', "x.json:1: column"),
    ],
)
def test_a_second_pass_of_another_shape_is_named(content, message, tmp_path):
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(HadathError, match=message):
        read_second_pass(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"b": {0: frozenset()}}, "has article 'b', the annotations do not"),
        ({"a": {2: frozenset()}}, "has sentence 2 of 'a', which has 2"),
        ({"a": {}}, "labels no sentence"),
    ],
)
def test_a_second_pass_that_does_not_fit_is_refused(second, message):
    with pytest.raises(HadathError, match=message):
        agree_types([article()], second)

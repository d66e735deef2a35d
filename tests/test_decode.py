"""Decoding: the best span is the best over all, and calibration never reorders nor invents."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.calibrate import (
    _TEMPERATURES,
    _best_span,
    answers_confidence,
    events_temperature,
    no_answer_threshold,
    shared_threshold,
)
from hadath.decode import (
    Candidate,
    best_spans,
    chosen_labels,
    distinct_places,
    event_probabilities,
    rank,
    read_again,
)

LOGIT = st.floats(-8, 8, allow_nan=False, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(LOGIT, LOGIT), min_size=3, max_size=14),
    st.integers(1, 6),
    st.integers(1, 8),
)
def test_best_spans_are_those_of_brute_force(rows, longest, top):
    start, end = (np.array(side, dtype=np.float32) for side in zip(*rows, strict=True))
    first, last = 1, len(rows) - 2
    if last < first:
        return
    null = float(start[0]) + float(end[0])
    every = [
        float(start[a]) + float(end[b]) - null
        for a, b in itertools.combinations_with_replacement(range(first, last + 1), 2)
        if b - a < longest
    ]
    found = best_spans(start, end, (first, last), longest=longest, top=top)
    assert np.allclose([odds for _, _, odds in found], sorted(every, reverse=True)[:top], atol=1e-4)
    for a, b, _ in found:
        assert first <= a <= b <= last and b - a < longest


CANDIDATES = st.lists(
    st.builds(
        lambda start, length, odds: Candidate(start, start + length, odds),
        st.integers(0, 60), st.integers(1, 9), LOGIT,
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(CANDIDATES, st.floats(0.3, 5), st.integers(1, 5), st.floats(0, 0.5))
def test_a_ranking_is_ordered_free_of_overlaps_and_a_probability(
    candidates, temperature, top, floor
):
    ranking = rank(candidates, temperature=temperature, top=top, floor=floor)
    shown = ranking.spans
    assert len(shown) <= top and 0 <= ranking.answerable <= 1
    assert all(span.probability <= ranking.answerable + 1e-9 for span in shown)
    assert [span.probability for span in shown] == sorted(
        (s.probability for s in shown), reverse=True
    )
    for one, other in itertools.combinations(shown, 2):
        assert one.end <= other.start or other.end <= one.start


@settings(max_examples=40, deadline=None)
@given(CANDIDATES)
def test_a_span_seen_in_two_windows_counts_once(candidates):
    once = rank(candidates, temperature=1.0, top=3)
    assert rank([*candidates, *candidates], temperature=1.0, top=3) == once


@settings(max_examples=40, deadline=None)
@given(CANDIDATES, st.floats(0.3, 2.5))
def test_windows_that_know_nothing_change_nothing(candidates, temperature):
    noise = [
        Candidate(at, at + 3, -9.0 * temperature, window)
        for window in range(1, 60)
        for at in range(1000 * window, 1000 * window + 100, 5)
    ]
    alone = rank(candidates, temperature=temperature, top=1)
    longer = rank([*candidates, *noise], temperature=temperature, top=1)
    assert longer.answerable <= max(alone.answerable, 0.01)
    if candidates:
        assert longer.spans[0].start < 1000 or candidates[0].log_odds < -8 * temperature
        assert longer.spans[0].probability >= alone.spans[0].probability - 0.01


def test_a_further_window_without_an_answer_does_not_lose_the_answer():
    good = [Candidate(10, 14, 6.0)]
    noise = [Candidate(at, at + 3, -7.0, 1) for at in range(100, 160, 5)]
    longer = rank([*good, *noise], temperature=1.0, top=1)
    assert (longer.spans[0].start, longer.spans[0].end) == (10, 14)
    assert longer.answerable >= rank(good, temperature=1.0, top=1).answerable - 1e-9


def test_a_sure_window_of_many_likenesses_beats_a_doubtful_one_of_a_single_span():
    sure = [Candidate(100 + at, 120, 6.0 - 0.1 * at) for at in range(8)]
    doubtful = [Candidate(300, 320, 2.0, 1)]
    ranking = rank([*doubtful, *sure], temperature=1.0, top=2)
    assert [(span.start, span.end) for span in ranking.spans] == [(100, 120), (300, 320)]
    assert ranking.answerable > 0.99
    assert ranking.spans[1].probability < 0.01


@settings(max_examples=80, deadline=None)
@given(
    CANDIDATES,
    st.integers(1, 4),
    st.lists(LOGIT | st.none(), min_size=4, max_size=4),
    st.floats(0, 1),
    st.booleans(),
)
def test_a_second_reading_decides_among_the_places_it_read(candidates, count, odds, share, twins):
    if twins:  # a neighbouring window that saw the same, less surely
        candidates = [*candidates, *(replace(c, window=1, log_odds=c.log_odds - 1)
                                     for c in candidates[::2])]  # fmt: skip
    places = distinct_places(candidates, count)
    assert places == [(s.start, s.end) for s in rank(candidates, temperature=1.0, top=count).spans]
    first = {place: max(c.log_odds for c in candidates if place == (c.start, c.end))
             for place in places}  # fmt: skip
    second = {place: value for place, value in zip(places, odds, strict=False) if value is not None}
    weighed = {place: first[place] + share * (second.get(place, first[place]) - first[place])
               for place in places}  # fmt: skip
    again = read_again(candidates, places, second, share)
    assert [(c.start, c.end, c.window) for c in again] == [
        (c.start, c.end, c.window) for c in candidates
    ]
    if not second:
        assert again == candidates
        return
    best = max(again, key=lambda c: c.log_odds)
    assert best.log_odds == pytest.approx(max(weighed.values()), abs=1e-4)
    for one, moved in zip(candidates, again, strict=True):
        near = [place for place in places if one.start < place[1] and place[0] < one.end]
        if near:  # other bounds of one answer keep their distance from it
            gap = first[near[0]] - one.log_odds
            assert weighed[near[0]] - moved.log_odds == pytest.approx(gap, abs=1e-4)
        else:
            assert moved.log_odds <= min(weighed.values()) + 1e-4


def test_without_a_second_reading_nothing_moves():
    candidates = [Candidate(0, 4, 2.0), Candidate(2, 6, 1.0, 1), Candidate(9, 12, -3.0)]
    places = [(0, 4), (9, 12)]
    assert read_again(candidates, places, {}, 0.5) == candidates
    assert read_again(candidates, places, {(0, 4): -8.0, (9, 12): 8.0}, 0.0) == candidates
    turned = read_again(candidates, places, {(0, 4): -8.0, (9, 12): 8.0}, 1.0)
    assert [each.log_odds for each in turned] == [-8.0, -9.0, 8.0]
    one_unread = read_again(candidates, places, {(9, 12): -8.0}, 1.0)
    assert [each.log_odds for each in one_unread] == [2.0, 1.0, -8.0]


def test_single_label_probabilities_sum_to_one_and_choose_one():
    logits = np.array([[0.1, 2.0, -1.0], [9.0, 9.5, -3.0]])
    probabilities = event_probabilities(logits, temperature=1.7, multi_label=False)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert chosen_labels(probabilities, np.ones(3), multi_label=False).sum(axis=1).tolist() == [
        1,
        1,
    ]


def test_the_temperature_of_overconfident_events_is_found():
    random = np.random.default_rng(3)
    truth = random.normal(size=(4000, 1)) * 2
    gold = random.random((4000, 1)) < 1 / (1 + np.exp(-truth))
    assert events_temperature(truth * 3, gold, multi_label=True) == pytest.approx(3, rel=0.15)


def drawn_questions(count: int, sharpness: float):
    """Questions of one or two windows whose best span is right as often as its odds say."""
    random = np.random.default_rng(4)
    candidates, right = [], []
    for _ in range(count):
        odds = random.normal(size=(random.integers(1, 3), 3)) * 2
        spans = [
            Candidate(100 * window + 10 * at, 100 * window + 10 * at + 3, sharpness * value, window)
            for window, row in enumerate(odds.tolist())
            for at, value in enumerate(row)
        ]
        true = [replace(each, log_odds=each.log_odds / sharpness) for each in spans]
        best = rank(true, temperature=1.0, top=1).spans[0]
        hit = random.random() < best.probability
        candidates.append(spans)
        right.append(frozenset({(best.start, best.end)} if hit else ()))
    return candidates, right


def test_the_temperature_of_overconfident_answers_is_found():
    candidates, right = drawn_questions(1500, sharpness=2.5)
    found = answers_confidence(candidates, right, [1.0] * 1500)
    assert found[0] == pytest.approx(2.5, rel=0.15)
    assert found[1] <= 0.02


def test_the_floor_of_a_network_that_denies_too_surely_is_found():
    random = np.random.default_rng(5)
    candidates, right = drawn_questions(3000, sharpness=1.0)
    void = random.random(3000) < 0.1
    right = [
        frozenset((each.start, each.end) for each in spans) if is_void else places
        for spans, places, is_void in zip(candidates, right, void, strict=True)
    ]
    temperature, floor = answers_confidence(candidates, right, [1.0] * 3000)
    assert temperature == pytest.approx(1.0, rel=0.2)
    assert floor == pytest.approx(0.1, abs=0.025)


def test_the_fitted_probability_is_the_one_that_is_shown():
    candidates, right = drawn_questions(60, sharpness=1.0)
    # Twins in one window, and two windows that are both sure.
    candidates.append([Candidate(5, 9, 2.0), Candidate(1, 3, 2.0)])
    candidates.append([Candidate(50, 53, 12.0, 0), Candidate(40, 43, 11.9, 1)])
    right += [frozenset({(1, 3)}), frozenset({(40, 43)})]
    for spans, places in zip(candidates, right, strict=True):
        probability, hit = _best_span(spans, places)
        for at in (0, 24, -1):
            best = rank(spans, temperature=_TEMPERATURES[at], top=1).spans[0]
            assert best.probability == pytest.approx(probability[at])
            assert hit == ((best.start, best.end) in places)


def test_without_a_question_answers_keep_their_temperature():
    assert answers_confidence([], [], []) == (1, 0)
    assert answers_confidence([[]], [frozenset()], [1.0]) == (1, 0)


def test_the_shared_threshold_finds_the_gap_and_is_half_where_nothing_is_known():
    probabilities = np.array([[0.2, 0.3]] * 40 + [[0.35, 0.1]] * 20)
    gold = np.array([[False, False]] * 40 + [[True, False]] * 20)
    assert 0.3 < shared_threshold(probabilities, gold) <= 0.35
    assert shared_threshold(probabilities, np.zeros_like(gold)) == 0.5


def test_a_few_sentences_hardly_move_the_shared_threshold():
    probabilities, gold = np.array([[0.45], [0.2]]), np.array([[True], [False]])
    assert shared_threshold(probabilities, gold, prior=5.0) <= 0.45
    alike = np.array([[0.5], [0.45], [0.2]]), np.array([[True], [False], [False]])
    assert shared_threshold(*alike) == 0.5


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.2, 1.0, 3.0])
        ),
        min_size=1,
    )
)
def test_no_other_threshold_up_to_a_half_gives_a_better_f1(rows):
    answerable, f1, weights = (np.array(side, dtype=float) for side in zip(*rows, strict=True))
    answerable, unanswerable = answerable / 8, f1 == 0

    def score(threshold):
        return np.average(np.where(answerable >= threshold, f1, unanswerable), weights=weights)

    threshold = no_answer_threshold(answerable, f1, unanswerable, weights)
    others = [at for at in np.linspace(0, 0.5, 41) if at not in answerable]
    assert threshold <= 0.5
    assert all(score(threshold) >= score(at) - 1e-9 for at in others)


def test_the_no_answer_threshold_of_a_large_dev_split_takes_no_square_of_memory():
    random = np.random.default_rng(5)
    answerable = random.random(200_000)
    unanswerable = random.random(200_000) > answerable
    weights = np.ones_like(answerable)
    threshold = no_answer_threshold(answerable, 1.0 - unanswerable, unanswerable, weights)
    assert threshold == pytest.approx(0.5, abs=0.05)


def test_the_no_answer_threshold_separates_what_can_be_separated():
    answerable = np.array([0.9, 0.8, 0.3, 0.1])
    threshold = no_answer_threshold(
        answerable,
        np.array([1.0, 0.7, 0.0, 0.0]),
        np.array([False, False, True, True]),
        np.ones(4),
    )
    assert 0.3 < threshold <= 0.8

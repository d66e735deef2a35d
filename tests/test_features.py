"""Windows: no gold answer is lost between two of them, and tokens point into the raw article."""

import numpy as np
import pytest

from hadath.annotations import Span
from hadath.errors import HadathError
from hadath.features import (
    Window,
    WindowSize,
    answer_windows,
    gold_tokens,
    sentence_windows,
    slice_of,
    span_cost,
)
from hadath.models import load_base


@pytest.fixture(scope="module")
def tokenizer(tiny_base):
    return load_base(tiny_base, "answers")[1]


def pairs_of(articles):
    return [(question, article) for article in articles for question in article.questions]


def test_every_gold_answer_shorter_than_the_stride_stands_whole_in_a_window(
    tokenizer, seed_articles
):
    asked = pairs_of(seed_articles)
    windows = answer_windows(
        tokenizer,
        [(question.question, article.text) for question, article in asked],
        WindowSize(128, 60),
    )
    cost = span_cost(
        windows, [article.text for _, article in asked], [question.answers for question, _ in asked]
    )
    assert cost.spans > 200 and cost.lost == 0
    assert cost.moved <= cost.spans * 0.05


def test_gold_tokens_read_back_cover_the_quote(tokenizer, seed_articles):
    for question, article in pairs_of(seed_articles[:2]):
        windows = answer_windows(
            tokenizer, [(question.question, article.text)], WindowSize(160, 64)
        )
        for window in windows:
            for first, last in gold_tokens(window, question.answers):
                start, end = slice_of(article.text, window, first, last)
                assert any(start <= span.start and span.end <= end for span in question.answers)


def test_windows_cover_the_whole_article_and_hold_the_whole_question(tokenizer, seed_articles):
    article = seed_articles[4].text
    question = "من التقى الرئيس الروسي؟"
    windows = answer_windows(tokenizer, [(question, article)], WindowSize(96, 32))
    asked = tuple(tokenizer(question)["input_ids"])
    assert len(windows) > 5
    covered = [False] * len(article)
    for window in windows:
        assert len(window) <= 96 and window.ids[: len(asked)] == asked
        for start, end in window.offsets[window.first : window.last + 1]:
            covered[start:end] = [True] * (end - start)
    assert all(done or article[at].isspace() for at, done in enumerate(covered))


def test_a_mark_at_the_end_of_an_answer_belongs_to_it(tokenizer):
    article = "زار الوزيرُ القاهرةَ أمسِ."
    span = Span(article.index("القاهرة"), "القاهرةَ")
    [window] = answer_windows(tokenizer, [("أين؟", article)], WindowSize(96, 32))
    [(first, last)] = gold_tokens(window, [span])
    start, end = slice_of(article, window, first, last)
    assert article[start:end] == "القاهرةَ"


def test_an_answer_whose_last_word_stands_in_the_next_window_is_not_held():
    article = "زار القاهرةَ في مايو"
    places = np.array([[0, 0], [0, 3], [3, 11], [0, 0]])  # the window ends after the city
    window = Window(owner=0, ids=(0, 7, 8, 2), types=(0,) * 4, first=1, last=2, offsets=places)
    city = article.index("القاهرة")
    assert gold_tokens(window, [Span(city, "القاهرةَ")]) == [(2, 2)]
    assert gold_tokens(window, [Span(city, "القاهرةَ في")]) == []


def test_a_question_of_more_than_half_a_window_is_refused(tokenizer):
    with pytest.raises(HadathError, match="question 2: "):
        answer_windows(tokenizer, [("من؟", "خبر"), ("من هو؟ " * 50, "خبر")], WindowSize(96, 32))


def test_a_sentence_is_cut_after_its_context(tokenizer):
    sentence, context = "قال الوزير إن المحادثات بدأت اليوم.", "كلمات كثيرة قبلها " * 40
    [alone] = sentence_windows(tokenizer, [(sentence, "")], 64, has_context=False)
    [both] = sentence_windows(tokenizer, [(sentence, context)], 64, has_context=True)
    assert len(both) == 64 and both.ids[: len(alone) - 1] == alone.ids[:-1]
    assert sentence_windows(tokenizer, [], 64, has_context=True) == []


def test_a_sign_that_no_token_reads_may_stand_before_an_answer():
    places = np.array([[0, 0], [0, 3], [5, 12], [13, 16], [0, 0]])
    window = Window(owner=0, ids=(0, 7, 8, 9, 2), types=(0,) * 5, first=1, last=3, offsets=places)
    assert gold_tokens(window, [Span(4, "\u200fالقاهرة")]) == [(2, 2)]
    assert gold_tokens(window, [Span(0, "زار \u200fالقاهرة")]) == [(1, 2)]
    cut = Window(owner=0, ids=(0, 8, 2), types=(0,) * 3, first=1, last=1, offsets=places[[0, 2, 4]])
    assert gold_tokens(cut, [Span(0, "زار \u200fالقاهرة")]) == []


def test_a_first_sentence_is_read_as_a_pair_where_the_others_are(tokenizer):
    first, second = ("التقى الوزيران.", ""), ("ثم غادرا.", "التقى الوزيران.")
    [alone] = sentence_windows(tokenizer, [first], 64, has_context=True)
    together = sentence_windows(tokenizer, [first, second], 64, has_context=True)
    assert together[0].ids == alone.ids

"""Prediction: every answer is a slice of the raw article; order and batch change nothing."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import hadath
from hadath import AnswerFinder, Article, EventClassifier, HadathError, predict
from hadath.features import answer_windows, sentence_windows
from hadath.predict import article_sentences, sentences_with_context
from hadath.text import sentences

# Diacritics, tatweel, presentation forms (lam-alef and joined ones), Arabic-Indic digits, both
# families of month names, an emoji.
HARD = (
    "وصلَ الرئيسُ إلى موســكو يومَ الخَميسِ 6 تشرين الثاني/نوفمبر ٢٠٢٣. "
    "\ufefb \ufedf\ufee0\ufea4\ufeae\ufe8f قال الوزير «لا للحرب»! 🇩🇿 هل وافق؟ نعم…"
)


@pytest.fixture(scope="module")
def finder(tiny_finder_folder):
    return AnswerFinder.load(str(tiny_finder_folder))


@pytest.fixture(scope="module")
def classifier(tiny_classifier_folder):
    return EventClassifier.load(str(tiny_classifier_folder))


def test_every_answer_is_a_slice_of_the_raw_article(finder, seed_articles):
    pairs = [
        (question.question, article)
        for article in seed_articles
        for question in article.questions[:5]
    ]
    pairs += [("متى وصل الرئيس؟", HARD), ("من؟", HARD * 40)]
    for (_, article), answers in zip(pairs, finder.ask_many(pairs, top=4), strict=True):
        text = article if isinstance(article, str) else article.text
        assert answers
        for answer in answers:
            assert text[answer.start : answer.end] == answer.text == answer.text.strip() != ""
            assert 0 <= answer.confidence <= 1


def test_order_and_company_change_no_answer(finder, seed_articles):
    pairs = [
        (question.question, article.text)
        for article in seed_articles
        for question in article.questions[:3]
    ]
    together = finder.ask_many(pairs)
    backwards = finder.ask_many(pairs[::-1])[::-1]
    alone = [finder.ask(*pair) for pair in pairs]
    for one, other, single in zip(together, backwards, alone, strict=True):
        # Half precision rounds differently with the batch's padding; a near tie may turn.
        for answers in (other, single):
            assert answers[0].confidence == pytest.approx(one[0].confidence, abs=0.02)


def test_below_the_threshold_the_article_does_not_say(tiny_finder_folder):
    finder = AnswerFinder.load(str(tiny_finder_folder))
    settings = replace(finder.model.settings, no_answer_threshold=1.0)
    finder.model = replace(finder.model, settings=settings)
    assert finder.ask("من؟", HARD) == []
    reading = finder.read_many([("من؟", HARD)])[0]
    assert reading.answers and not reading.found


def test_sentences_come_in_order_with_a_score_for_each_label(classifier, seed_articles):
    for article in (seed_articles[0].text, HARD):
        found = classifier(article)
        assert [(s.start, s.end) for s in found] == sentences(article)
        for sentence in found:
            assert set(sentence.scores) == set(classifier.labels)
            assert sentence.types.items() <= sentence.scores.items()
            assert list(sentence.types.values()) == sorted(sentence.types.values(), reverse=True)


def test_an_annotated_article_is_read_by_its_own_sentences(classifier, seed_articles):
    found = classifier(seed_articles[1])
    assert tuple((s.start, s.end) for s in found) == seed_articles[1].sentences


BAD = {
    "": "it is empty",
    " \n\t ": "it is empty",
    "\u064e\u0651\u0640": "no letter or digit",  # diacritics and tatweel only
    "؟!…": "no letter or digit",
    "خبر\ud800": "lone surrogate at character 3",
    "ا" * 1_000_001: "at most 1,000,000",
}


@pytest.mark.parametrize(("text", "expected"), BAD.items(), ids=lambda value: ascii(value)[:20])
def test_what_cannot_be_read_is_told_in_one_line(finder, classifier, text, expected):
    for call in (
        lambda: finder.ask("من؟", text),
        lambda: finder.ask(text, HARD),
        lambda: classifier(text),
    ):
        with pytest.raises(HadathError) as error:
            call()
        assert expected in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["Only Latin here.", "خبر\x00عاجل", "\u202eخبر\u202c عاجل", "x"])
def test_odd_texts_are_read_all_the_same(finder, classifier, text):
    for answer in finder.ask("من؟", text):
        assert text[answer.start : answer.end] == answer.text
    assert classifier(text)


def test_a_question_too_long_for_a_window_is_refused(finder):
    with pytest.raises(HadathError, match=r"question 1: .* ask a shorter one"):
        finder.ask("من التقى الوزير " * 60, HARD)


def test_lots_change_no_answer_and_a_long_question_is_refused_before_any_is_read(
    finder, classifier, seed_articles, monkeypatch
):
    articles = [article.text for article in seed_articles]
    pairs = [("من التقى الوزير؟", article) for article in articles] * 2
    together, events = finder.read_many(pairs), classifier.logits(articles)
    lots = []

    def counted(tokenizer, texts, size):
        lots.append(len(texts))
        return answer_windows(tokenizer, texts, size)

    monkeypatch.setattr(predict.features, "answer_windows", counted)
    monkeypatch.setattr(predict, "LONGEST_ARTICLE", max(map(len, articles)))
    for one, other in zip(finder.read_many(pairs), together, strict=True):
        assert one.answerable == pytest.approx(other.answerable, abs=0.02)
    assert sum(lots) == len(pairs) and len(lots) > 2
    assert np.allclose(classifier.logits(articles), events, atol=0.05)
    lots.clear()
    with pytest.raises(HadathError, match=f"question {len(pairs) + 1}: "):
        finder.read_many([*pairs, ("من التقى الوزير " * 60, HARD)])
    assert not lots


def test_a_sentence_longer_than_the_window_is_read_to_its_end(classifier):
    long = ("قال الوزير إن المحادثات بدأت اليوم في القاهرة " * 40).strip()
    model = classifier.model
    windows = sentence_windows(
        model.tokenizer,
        [("خبر", ""), (long, "")],
        model.settings.window,
        has_context=False,
        whole=True,
    )
    assert [window.owner for window in windows[:2]] == [0, 1] and windows[-1].owner == 1
    assert windows[-1].offsets[windows[-1].last - 1, 1] == len(long)
    rows = dict(predict._run(model, windows, torch.device("cpu")))
    best = np.max([rows[index] for index in range(1, len(windows))], axis=0)
    assert len(windows) > 3
    assert np.allclose(classifier.logits(["خبر", long]), [rows[0], best], atol=0.05)


def test_no_pairs_no_answers_and_a_top_below_one_is_refused(finder, classifier):
    assert finder.ask_many([]) == [] and classifier.classify_many([]) == []
    with pytest.raises(HadathError, match="top: 0"):
        finder.ask("من؟", HARD, top=0)


def test_a_model_of_the_other_task_is_refused(tiny_finder_folder, tiny_classifier_folder):
    with pytest.raises(HadathError, match="answers"):
        EventClassifier.load(str(tiny_finder_folder))
    with pytest.raises(HadathError, match="events"):
        AnswerFinder.load(str(tiny_classifier_folder))


def test_public_names_are_those_promised():
    assert set(hadath.__all__) == {
        "Answer", "AnswerFinder", "Article", "Event", "EventClassifier", "HadathError", "Question",
        "Reading", "SentenceEvents", "Span", "read_articles", "write_articles",
    }  # fmt: skip
    for name in hadath.__all__:
        assert getattr(hadath, name).__name__ == name


def test_serving_imports_nothing_that_only_training_needs():
    code = (
        "import sys, hadath.predict; "
        "heavy = {'sklearn', 'evaluate', 'datasets', 'matplotlib', 'gradio', "
        "'transformers.trainer'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_neighbour_changes_no_sentences_types_with_context(classifier):
    settings = replace(classifier.model.settings, context="previous")
    reader = EventClassifier(replace(classifier.model, settings=settings))
    one, other = "التقى الوزيران في القاهرة.", "قصف الجيش الميناء. وأدانت الأمم المتحدة ذلك."
    alone, together = reader.logits([one]), reader.logits([one, other])
    assert np.allclose(alone[0], together[0], atol=0.05)


def test_a_title_stands_beside_every_sentence_but_itself():
    text = "قمة في جدة. وصل الوزير اليوم. وغادر غدا."
    places = article_sentences(text)
    first, second, third = (text[start:end] for start, end in places)
    pasted = [(first, ""), (second, first), (third, first)]
    assert sentences_with_context(text, places, context="title") == pasted
    # An article without a title is read as a pasted text, one with a title by that.
    for title, expected in (
        (None, pasted),
        ("", pasted),
        (first, pasted),
        ("لقاء", [(first, "لقاء"), (second, "لقاء"), (third, "لقاء")]),
    ):
        article = Article("a", text, title=title)
        assert sentences_with_context(article, places, context="title") == expected
    assert sentences_with_context(text, [], context="title") == []
    unreadable = Article("a", text, title="\ud800")
    assert sentences_with_context(unreadable, places, context="title") == pasted
    endless = Article("a", text, title="خبر " * 9000)
    read = sentences_with_context(endless, places, context="title")
    assert {len(title) for _, title in read} == {500}
    before = [(first, ""), (second, first), (third, second)]
    assert sentences_with_context(text, places, context="previous") == before


def test_an_articles_title_is_read_where_the_model_wants_it(classifier):
    text = "وصل الوزير إلى القاهرة. وغادرها مساء."
    settings = replace(classifier.model.settings, context="title")
    reader = EventClassifier(replace(classifier.model, settings=settings))
    named = [Article("a", text, title=title) for title in ("زيارة رسمية", "قصف الميناء")]
    one, other = (reader.logits([article]) for article in named)
    assert not np.allclose(one, other)
    assert np.allclose(*(classifier.logits([article]) for article in named))

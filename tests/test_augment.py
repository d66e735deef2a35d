"""Training texts varied: what must not change an answer changes nothing but where it stands."""

import pytest

from hadath.annotations import Article, Event, Question, Span, read_articles
from hadath.config import AnswersConfig, EventsConfig
from hadath.models import load_base
from hadath.text import fold
from train import answers, events
from train.augment import articles_in_plain_alefs, beside_strangers, questions_in_plain_alefs
from train.judge import asked_of
from train.perturbations import with_plain_alefs
from train.strangers import content_words


@pytest.fixture(scope="module")
def asked(dev_articles) -> list[tuple[Question, Article]]:
    return asked_of(dev_articles)


def test_beside_a_stranger_every_answer_is_still_a_slice(asked):
    varied = beside_strangers(asked, 1.0, seed=4)
    assert [question.id for question, _ in varied] == [question.id for question, _ in asked]
    sides = set()
    for (old, home), (question, article) in zip(asked, varied, strict=True):
        assert [span.text for span in question.answers] == [span.text for span in old.answers]
        for span in question.answers:
            assert article.text[span.start : span.end] == span.text
        if article.text != home.text:
            sides.add("before" if article.text.endswith(f"\n{home.text}") else "after")
            assert home.text in article.text
    assert sides == {"before", "after"}


def test_a_stranger_shares_no_content_word_with_the_question_and_holds_no_right_answer(asked):
    changed = 0
    for (old, home), (_, article) in zip(asked, beside_strangers(asked, 1.0, 4), strict=True):
        paragraph = article.text.replace(home.text, "").strip("\n")
        changed += bool(paragraph)
        assert not content_words(paragraph) & content_words(old.question)
        assert all(fold(span.text) not in fold(paragraph) for span in old.answers)
    assert changed > 0.9 * len(asked)


@pytest.mark.parametrize("vary", [beside_strangers, questions_in_plain_alefs])
def test_share_and_seed_alone_decide_what_varies(vary, asked):
    assert vary(asked, 0.0, 1) == asked
    assert vary(asked, 0.3, 1) == vary(asked, 0.3, 1) != vary(asked, 0.3, 2)
    changed = sum(one != other for one, other in zip(asked, vary(asked, 0.3, 1), strict=True))
    assert 0.15 * len(asked) < changed < 0.6 * len(asked)


def test_one_article_alone_has_no_stranger(asked):
    of_one = [pair for pair in asked if pair[1].id == asked[0][1].id]
    assert beside_strangers(of_one, 1.0, seed=1) == of_one
    assert beside_strangers([], 1.0, seed=1) == []


def test_plain_alefs_move_no_character_and_question_and_article_vary_apart(asked):
    kinds = set()
    for (old, home), (question, article) in zip(
        asked, questions_in_plain_alefs(asked, 0.5, seed=2), strict=True
    ):
        of_question = question.question != old.question
        of_article = article.text != home.text
        kinds.add((of_question, of_article))
        assert question.question in (old.question, with_plain_alefs(old.question))
        assert article.text in (home.text, with_plain_alefs(home.text))
        for was, span in zip(old.answers, question.answers, strict=True):
            assert span.start == was.start
            assert article.text[span.start : span.end] == span.text
    assert len(kinds) == 4


def test_articles_in_plain_alefs_keep_order_sentences_and_types(dev_articles):
    varied = articles_in_plain_alefs(dev_articles, 0.5, seed=3)
    changed = 0
    for home, article in zip(dev_articles, varied, strict=True):
        assert article.id == home.id and article.sentences == home.sentences
        assert article.text in (home.text, with_plain_alefs(home.text))
        changed += article.text != home.text
        assert article.sentence_types() == home.sentence_types()
    assert 0.2 * len(dev_articles) < changed < 0.8 * len(dev_articles)
    assert articles_in_plain_alefs(dev_articles, 0.0, seed=3) == dev_articles


def test_a_small_article_in_plain_alefs_reads_as_written():
    text = "أعلن الوزير إضرابا."
    article = Article("a", text, sentences=((0, 19),), events=(Event("PROTEST", Span(0, text)),))
    [varied] = articles_in_plain_alefs([article], 1.0, seed=1)
    assert varied.text == "اعلن الوزير اضرابا." and varied.events[0].span.text == varied.text


def test_both_recipes_train_on_what_their_config_varies(tiny_base, little_data):
    train = read_articles(little_data / "train.jsonl")
    common = {"base": "any", "output": "any", "train": ("t",), "dev": ("d",), "window": 64}
    _, tokenizer = load_base(tiny_base, "answers")
    built = [
        answers.rows_of(
            train, tokenizer, AnswersConfig(**common, stride=16, role_questions=0, **varied)
        )
        for varied in ({}, {"strangers": 1.0}, {"plain_alefs": 1.0})
    ]
    plain, *others = built
    assert all(other.questions == plain.questions for other in others)
    assert all(other.rows != plain.rows for other in others)
    labels = ("CONSULT", "ACCUSE")
    rows = [
        events.rows_of(train, tokenizer, labels, EventsConfig(**common, plain_alefs=share))
        for share in (0.0, 1.0)
    ]
    assert rows[0] != rows[1]
    assert [row["labels"] for row in rows[0]] == [row["labels"] for row in rows[1]]

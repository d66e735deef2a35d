"""Careless spelling is read as newspapers spell it, letter for letter; careful text as it is."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath import features
from hadath.annotations import Article, Question, Span, write_articles
from hadath.config import AnswersConfig
from hadath.errors import HadathError
from hadath.models import load_base, load_model
from hadath.predict import AnswerFinder
from hadath.spelling import Spellings, as_one, bare_words, embedded_spellings, read_spellings
from train.__main__ import main as train
from train.answers import rows_of
from train.augment import respelt
from train.judge import asked_of
from train.perturbations import with_diacritics, with_other_final_letters, with_plain_alefs
from train.spellings import spellings

FEW = Spellings(
    [["إيران"], ["في"], ["أن", "إن"], ["إلى"], ["على", "علي"], ["مدرسة"], ["أنت"], ["كانت"]]
)
LETTERS = "ابتدرسعفكلمنويىةهأإآؤئء ًّـ؟.\n"


def both_read(question: str, article: str) -> tuple[str, str]:
    (question,), (article,) = FEW.respell_pairs([question], [article])
    return question, article


@given(st.text(LETTERS, max_size=60), st.text(LETTERS, max_size=60))
@settings(max_examples=200, deadline=None)
def test_letters_that_are_confused_change_and_nothing_else_whatever_is_read(question, article):
    for text, read in zip((question, article), both_read(question, article), strict=True):
        assert len(read) == len(text)
        assert as_one(read) == as_one(text)
    assert FEW.respell(FEW.respell(article)) == FEW.respell(article)


@pytest.mark.parametrize(
    ("careless", "careful"),
    [
        ("الى ايران", "إلى إيران"),
        ("فى مدرسه", "في مدرسة"),
        ("وايران", "وإيران"),
        ("فِى مَدْرَســه", "فِي مَدْرَســة"),
        ("كانت في ايران", "كانت في إيران"),  # no ك with أنت
        ("علي في إيران", "علي في إيران"),  # the name
        ("ايران؛ فى، الى.", "إيران؛ في، إلى."),
        ("ﻻ اﻷمن في إيران", "ﻻ اﻷمن في إيران"),  # ligatures, as printed pages give them
        ("ا\u0655لى ا\u0655يران", "ا\u0655لى ا\u0655يران"),  # hamzas that stand apart
    ],
)
def test_words_are_spelt_as_usual(careless, careful):
    assert FEW.respell(careless) == careful


def test_a_habit_is_what_a_text_does_often_and_each_is_judged_by_itself():
    slip = "إلى إيران في مدرسة ثم إلى إيران أن ان"
    assert FEW.respell(slip) == slip
    assert FEW.respell("الى ايران في مدرسة") == "إلى إيران في مدرسة"
    assert FEW.respell("إلى إيران فى مدرسه") == "إلى إيران في مدرسة"
    egyptian = "ذهب إلى مدرسته في إيران وقال إنه في مدرسة"
    assert FEW.respell(egyptian) == egyptian


def test_a_text_that_drops_dots_does_not_add_them_elsewhere():
    few = Spellings([["في"], ["الذي"], ["على"], ["مصطفى"], ["إلى"]])
    assert few.respell("فى الذى على مصطفى إلى") == "في الذي على مصطفى إلى"
    assert few.respell("في الذي علي مصطفي إلى") == "في الذي على مصطفى إلى"


def test_a_question_takes_the_spelling_of_its_article():
    article = "قال الوزير الأشعري إن الأزمة انتهت"
    assert both_read("ماذا قال الاشعري؟", article)[0] == "ماذا قال الأشعري؟"
    assert both_read("ماذا قال الاشعري؟", "قال غيره")[0] == "ماذا قال الاشعري؟"


def test_real_news_is_read_as_it_stands(seed_articles):
    for article in seed_articles:
        assert embedded_spellings().respell(article.text) == article.text


@pytest.mark.parametrize("careless", [with_plain_alefs, with_other_final_letters])
def test_most_words_of_real_news_come_back(careless, seed_articles):
    lost = back = 0
    for article in seed_articles:
        read = embedded_spellings().respell(careless(article.text))
        for word, seen, found in zip(
            *map(bare_words, (article.text, careless(article.text), read)), strict=True
        ):
            lost += word != seen
            back += word != seen and word == found
    assert lost > 300
    assert back > 0.85 * lost


def test_training_and_serving_read_alike(tiny_finder_folder, seed_articles, monkeypatch):
    asked = [
        (replace(question, question=with_plain_alefs(question.question)), article)
        for question, article in asked_of(seed_articles[:2])
    ]
    model = load_model(str(tiny_finder_folder), task="answers")
    finder = AnswerFinder(replace(model, settings=replace(model.settings, respell=True)))
    served = []
    real = features.answer_windows

    def watched(tokenizer, pairs, size):
        served.extend(pairs)
        return real(tokenizer, pairs, size)

    monkeypatch.setattr(features, "answer_windows", watched)
    finder.candidates([(question.question, article) for question, article in asked])
    trained = respelt(asked)
    assert served == [(question.question, article.text) for question, article in trained]
    assert served != [(question.question, article.text) for question, article in asked]
    for (question, _), (read, text) in zip(asked, trained, strict=True):
        for old, new in zip(question.answers, read.answers, strict=True):
            assert (old.start, len(old.text)) == (new.start, len(new.text))
            assert text.text[new.start : new.start + len(new.text)] == new.text


def test_a_recipe_trains_on_what_its_config_has_it_read(tiny_base, seed_articles):
    config = AnswersConfig(
        base="any", output="any", train=("t",), dev=("d",), role_questions=0, respell=True
    )
    careful = seed_articles[0]
    careless = replace(careful, text=with_plain_alefs(careful.text), events=(), questions=())
    asked = [
        replace(
            question,
            answers=tuple(
                replace(span, text=with_plain_alefs(span.text)) for span in question.answers
            ),
        )
        for question in careful.questions
    ]
    careless = replace(careless, questions=tuple(asked))
    _, tokenizer = load_base(tiny_base, "answers")

    def ids(article: Article, respell: bool) -> list[tuple[int, ...]]:
        rows = rows_of([article], tokenizer, replace(config, respell=respell)).rows
        return [row["input_ids"] for row in rows]

    wanted, read, raw = ids(careful, True), ids(careless, True), ids(careless, False)
    assert wanted == ids(careful, False)

    def alike(others: list[tuple[int, ...]]) -> int:
        return sum(
            one == other
            for row, seen in zip(wanted, others, strict=False)
            for one, other in zip(row, seen, strict=False)
        )

    assert alike(read) > alike(raw)


def test_an_answer_is_a_slice_of_the_raw_text_and_stands_where_it_stood(seed_articles):
    finder = AnswerFinder.load()
    assert finder.model.settings.respell
    article = seed_articles[1].text
    asked = "في أي تاريخ أقرّ المشرّعون الروس المعاهدة؟"
    [careful] = finder.ask(asked, article)
    for careless in (with_plain_alefs, with_other_final_letters):
        raw = careless(with_diacritics(article))
        [answer] = finder.ask(careless(asked), raw)
        assert raw[answer.start : answer.end] == answer.text
        assert as_one(answer.text) == as_one(with_diacritics(article)[answer.start : answer.end])
        [bare] = finder.ask(careless(asked), careless(article))
        assert (bare.start, bare.end) == (careful.start, careful.end)


def test_refit_sets_and_unsets_it(tiny_finder_folder, tmp_path, dev_articles, capsys):
    few = tmp_path / "few.jsonl"
    write_articles(few, dev_articles[:1])
    source = tiny_finder_folder
    for word, expected in (("--respell", True), ("--no-respell", False)):
        output = tmp_path / word
        assert (
            train(["refit", "answers", str(source), str(few), "--output", str(output), word]) == 0
        )
        assert AnswerFinder.load(str(output)).model.settings.respell is expected
        source = output
    assert train(["refit", "events", "models/events", str(few), "--output", "x", "--respell"]) == 2
    assert "--respell: it is for answers alone" in capsys.readouterr().err


# --- the list ---------------------------------------------------------------------------------


def test_careless_texts_do_not_count_and_rare_words_are_left_out():
    careful = ["ذهب إلى إيران في أول يوم", "جاء إلى إيران من مدرسة"] * 2
    careless = ["ذهب الى ايران فى اول يوم"]
    found = spellings([*careful, *careless, "قال أوباما"])
    assert found == [["إلى"], ["أول"], ["إيران"], ["في"], ["مدرسة"]]
    assert Spellings(found).respell(careless[0]) == careful[0]


def test_a_rarer_word_is_its_own_but_a_slip_is_not():
    texts = ["عاد إلى مدرسة في إيران"] * 30
    assert ["مدرسة", "مدرسه"] in spellings([*texts, *["عاد مدرسه إلى مدرسة في مدرسة أو مدرسة"] * 2])
    assert ["مدرسة"] in spellings([*texts, "عاد مدرسه إلى مدرسة في مدرسة أو مدرسة"])
    assert ["إلى"] in spellings([*texts, *["عاد إلى إيران ثم إلى مدرسة ثم الى إيران"] * 2])


def test_a_word_that_would_be_taken_apart_wrongly_is_listed():
    found = spellings(["سألت أنت وكانت أمس في إيران"] * 3)
    assert ["كانت"] not in found  # وكانت alone was met
    assert ["وكانت"] in found or Spellings(found).usual("وكانت") == "وكانت"


def test_the_command_writes_what_the_reader_reads(tmp_path, capsys):
    text = "عادت أمس إلى إيران في أول يوم"
    question = Question("1", "متى عادت إلى إيران؟", (Span(5, "أمس"),))
    articles = tmp_path / "articles.jsonl"
    write_articles(articles, [Article("a", text, questions=(question,)), Article("b", f"{text}.")])
    output = tmp_path / "spellings.txt"
    assert train(["spellings", str(articles), "--output", str(output)]) == 0
    assert output.read_text(encoding="utf-8").startswith("# How 3 texts spell")
    assert read_spellings(output).respell("الى ايران") == "إلى إيران"
    assert train(["spellings", str(tmp_path / "none.jsonl"), "--output", str(output)]) == 2
    assert "none.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("إيران\nإلى at", ":2: found 'at'; write Arabic words"),
        ("إيرانُ", ":1: found 'إيرانُ'; write Arabic words without marks"),
        ("# head\nإيران مصر", ":2: 'مصر' is no spelling of 'إيران'"),
        ("إيران\n\nايران", ":3: 'ايران' is spelt on line 1 already; join them"),
    ],
)
def test_a_wrong_list_is_told_by_line(tmp_path, lines, words):
    path = tmp_path / "list.txt"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(HadathError) as told:
        read_spellings(path)
    assert words in str(told.value) and str(path) in str(told.value)

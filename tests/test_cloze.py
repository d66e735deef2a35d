"""Questions made from phrases that recur: the article without the sentence answers them."""

from dataclasses import replace
from pathlib import Path

import pytest

from hadath.annotations import Article, read_articles
from hadath.text import fold
from train.__main__ import main as train
from train.cloze import AROUND, GAP, cloze_articles

TEXT = (
    "وصل وزير الخارجية سامر الحلبي إلى عمّان صباح الثلاثاء في زيارة تستمر يومين.\n"
    "وقال وزيرُ الخارجيّة ســامر الحلبي إن الزيارة تبحث ملف المياه. "
    "ورحبت الحكومة الأردنية بالضيف في بيان نشرته الوكالة الرسمية مساء اليوم نفسه."
)


@pytest.fixture(scope="module")
def made(dev_articles) -> list[tuple[Article, Article]]:
    return [(one, cloze) for one in dev_articles for cloze in cloze_articles(one, 3, seed=1)]


def test_the_answers_are_the_gaps_phrase_and_the_sentence_is_gone(made):
    assert len(made) > 40
    for article, cloze in made:
        (question,) = cloze.questions
        (gap,) = {fold(span.text) for span in question.answers}
        before, after = question.question.removesuffix("؟").split(GAP, 1)
        filled = fold(f"{before} {gap} {after}")
        assert filled in fold(article.text)
        assert filled not in fold(cloze.text)
        assert gap not in fold(question.question)
        assert len(fold(before).split()) <= AROUND
        assert len(fold(after).split()) <= AROUND


def test_another_places_marks_are_no_other_phrase():
    (cloze,) = cloze_articles(Article("a", TEXT), 1, seed=1)
    (question,) = cloze.questions
    assert question.question.startswith((f"وصل {GAP} إلى", f"وقال {GAP} إن"))
    # A slice of the raw text, with the diacritics and the tatweel that stand there.
    assert [span.text for span in question.answers] in (
        ["وزير الخارجية سامر الحلبي"],
        ["وزيرُ الخارجيّة ســامر الحلبي"],
    )


def test_number_and_seed_decide(dev_articles):
    article = dev_articles[0]
    for most in (1, 2, 5):
        assert len(cloze_articles(article, most, seed=1)) <= most
    once = cloze_articles(article, 3, seed=1)
    assert once == cloze_articles(article, 3, seed=1)
    assert any(
        cloze_articles(one, 3, seed=2) != cloze_articles(one, 3, seed=1) for one in dev_articles
    )
    names = [cloze.questions[0].id for cloze in once]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        # Twice in one sentence: with one place as the gap the other would tell.
        ("التقى الرئيس علي نظيره ثم أشاد الرئيس علي بنتائج اللقاء. ووصل الرئيس علي.", None),
        # A number is one word, with its decimals, its thousands and whatever digits.
        ("بلغت كلفة المشروع الجديد نحو 3.5 مليار. وقال إن العائد يبلغ 3.5 مليار.", "3.5 مليار"),
        ("وصل إلى المخيم الجديد أمس ٤٬٢٠٠ نازح. وقال الوالي إن ٤٬٢٠٠ نازح ينتظرون.", "٤٬٢٠٠ نازح"),
        # Marks and joiners belong to their word, bidi marks to none.
        ("وقال الكاتب Jose\u0301 في لقاء طويل معنا. وأضاف Jose\u0301 أنه عائد.", "Jose\u0301"),
        ("قرأ طلاب الحي القرۡآن الكريم في المسجد. وختموا القرۡآن الكريم أمس.", "القرۡآن الكريم"),
        ("وصل وزير\u200f الخارجية إلى المدينة أمس مساء. وعاد وزير الخارجية.", "وزير الخارجية"),
        # A sentence that asks already is not asked.
        ("ماذا قال وزير الخارجية أمس في المدينة؟ عاد وزير الخارجية.", None),
    ],
)  # fmt: skip
def test_a_gap_is_whole_words_and_the_only_one(text, answer):
    told = {
        span.text.replace("\u200f", "")
        for seed in range(6)
        for cloze in cloze_articles(Article("a", text), 1, seed=seed)
        for span in cloze.questions[0].answers
    }
    assert told == (set() if answer is None else {answer})


def test_events_and_questions_are_not_read(dev_articles):
    for article in dev_articles:
        bare = replace(article, events=(), questions=())
        assert cloze_articles(bare, 3, seed=1) == cloze_articles(article, 3, seed=1)


@pytest.mark.parametrize(
    "text",
    [
        "جملة واحدة لا يتكرر فيها شيء مما يقال هنا.",
        "وصل الوفد في المساء إلى المدينة القديمة. وعاد في الصباح من حيث أتى على عجل.",  # في alone
        "الوزير. الوزير. الوزير.",  # no words around the gap
        "***",
    ],
)
def test_nothing_to_ask(text):
    assert cloze_articles(Article("a", text), 3, seed=1) == []


def test_command_writes_a_file_to_train_on(tmp_path, little_data, capsys):
    output = tmp_path / "cloze.jsonl"
    words = ["cloze", str(little_data / "train.jsonl"), "--output", str(output), "--most", "2"]
    assert train(words) == 0
    articles = read_articles(output)
    assert f"{len(articles)} questions" in capsys.readouterr().err
    assert all(len(article.questions) == 1 and article.questions[0].answers for article in articles)


def test_bad_input_is_one_clear_line(tmp_path: Path, little_data, capsys):
    short = tmp_path / "short.csv"
    short.write_text("text,label\nجملة قصيرة,CONSULT\n", encoding="utf-8")
    output = tmp_path / "cloze.jsonl"
    for words, said in (
        ([str(short)], "short.csv: no phrase recurs"),
        ([str(little_data / "train.jsonl"), "--most", "0"], "most: found 0"),
        ([str(tmp_path / "absent.jsonl")], "absent.jsonl"),
    ):
        assert train(["cloze", *words, "--output", str(output)]) == 2
        told = capsys.readouterr().err
        assert told.startswith("train: ") and told.count("\n") == 1
        assert said in told
        assert not output.exists()

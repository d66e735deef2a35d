"""What the page does without a browser: bad input, both languages, results, accounts."""

import csv
import io
import json
from pathlib import Path

import pytest
from page_fakes import FakeClassifier, FakeFinder

import serve
from hadath.annotations import Article, Question, Span, read_articles
from hadath.errors import HadathError
from hadath.files import read_mapping
from hadath.ontology import load_scheme
from hadath.results import (
    ANSWER_COLUMNS,
    EVENT_COLUMNS,
    answer_rows,
    csv_head,
    csv_lines,
    event_rows,
)
from page.desk import PASTED, Desk, Shown
from page.limits import LONGEST_ARTICLE, MOST_ANSWERS, check_article, check_question, check_top
from page.words import LANGUAGES, RequestError, load_words, told, words_of

ROOT = Path(__file__).parents[1]
TEXT = "التقى الوزير نظيره في عمّان. وقصف الطيران المدينة."
ARTICLE = Article(
    id="a",
    text=TEXT,
    questions=(
        Question("q1", "أين التقى الوزير نظيره؟", (Span(22, "عمّان"),)),
        Question("q2", "كم دام اللقاء؟"),
    ),
)

BAD = {
    "": "empty",
    " \n\t\u00a0": "empty",
    "\u200f\u2066\u200c": "empty",  # direction mark, isolate, joiner: nothing to see
    "\u064e\u064f\u0650": "not_arabic",  # diacritics alone
    "\u0640\u0640": "not_arabic",  # tatweel alone
    "١٢٣ ؟؟ !!": "not_arabic",
    "only Latin letters": "not_arabic",
    "ن" * (LONGEST_ARTICLE + 1): "long",
    "نص\x00": "character",
    "نص \u202eمقلوب\u202c": "character",  # right-to-left override
    "نص \u202dمقلوب": "character",  # left-to-right override
    "نص \ud83d": "character",
    "\udc00": "character",
    None: "not_text",
    7: "not_text",
}


@pytest.fixture
def desk() -> Desk:
    return Desk(FakeFinder([ARTICLE]), FakeClassifier(), [ARTICLE], load_scheme())


@pytest.mark.parametrize(("text", "reason"), BAD.items(), ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize(
    ("check", "what"), [(check_article, "article"), (check_question, "question")]
)
def test_bad_input_is_refused_with_a_reason_in_both_languages(check, what, text, reason):
    with pytest.raises(RequestError) as caught:
        check(text)
    assert caught.value.key == f"{what}_{reason}"
    arabic, english = (told(caught.value, language) for language in LANGUAGES)
    assert arabic != english
    assert "{" not in arabic + english
    assert "\n" not in arabic + english


@pytest.mark.parametrize("text", [BAD_TEXT for BAD_TEXT in BAD if isinstance(BAD_TEXT, str)])
def test_bad_input_is_drawn_as_a_notice_and_never_raises(desk, text):
    for shown in (
        desk.ask(PASTED, text, "أين؟", Shown()),
        desk.ask("a", "", text, Shown()),
        desk.find_events(PASTED, text, Shown()),
        desk.turn_to_events(PASTED, text, Shown()),
    ):
        for language in LANGUAGES:
            drawn = desk.draw(shown, language)
            "".join((drawn.article, drawn.answers, drawn.events)).encode()
            assert ('role="alert"' in drawn.answers + drawn.events) == (shown.problem is not None)


def test_the_longest_article_and_what_is_only_partly_arabic_are_read():
    longest = "ن" * LONGEST_ARTICLE
    assert check_article(longest) is longest
    mixed = "\r\nGDP: \u202bالناتج\u202c \u2067(2%)\u2069 \U0001f600"  # embedding, isolate
    assert check_article(mixed) == mixed
    assert check_question("  من؟ ") == "من؟"


@pytest.mark.parametrize("top", [0, -1, MOST_ANSWERS + 1, 1.5, "3", None, True])
def test_an_impossible_number_of_answers_is_refused(top):
    with pytest.raises(RequestError, match="whole number"):
        check_top(top)


def test_every_word_is_in_both_languages():
    arabic, english = (words_of(language) for language in LANGUAGES)
    assert arabic.keys() == english.keys()
    assert all(sentence.strip() for words in (arabic, english) for sentence in words.values())
    same = {key for key in arabic if arabic[key] == english[key]}
    assert same == {"title"}


@pytest.mark.parametrize(
    "line", ["ask: {ar: اسأل}", 'ask: {ar: "{a}", en: "{b}"}', "ask: {ar: ا, en: a, fr: a}"]
)
def test_a_word_missing_in_one_language_is_refused(tmp_path, line):
    (tmp_path / "words.yaml").write_text(line, encoding="utf-8")
    with pytest.raises(HadathError, match="'ask'"):
        load_words(tmp_path / "words.yaml")


def test_an_unknown_language_gets_arabic():
    assert words_of("fr") == words_of(["x"]) == words_of("ar")


def test_what_the_library_refuses_is_told_in_the_language_too():
    assert told(HadathError("device 'gpu'"), "ar").startswith("تعذّر")
    assert "device 'gpu'" in told(HadathError("device 'gpu'"), "en")


def test_examples_are_the_articles_own_questions_the_unanswered_one_last(desk):
    assert desk.examples("a") == ["أين التقى الوزير نظيره؟", "كم دام اللقاء؟"]
    assert desk.examples(PASTED) == []


def test_an_answer_is_marked_in_the_article_and_an_absent_one_said_plainly(desk):
    answered = desk.draw(desk.ask("a", "", "أين التقى الوزير نظيره؟", Shown()), "ar")
    assert ">عمّان</mark>" in answered.article
    unanswered = desk.draw(desk.ask("a", "", "كم دام اللقاء؟", Shown()), "ar")
    assert "المقال لا يذكر ذلك" in unanswered.answers
    assert "<mark" not in unanswered.article


def test_results_stay_with_their_article_and_go_with_another(desk):
    shown = desk.find_events("a", "", desk.ask("a", "", "أين التقى الوزير نظيره؟", Shown()))
    assert shown.reading is not None
    assert shown.events is not None
    back = desk.turn_to_answers("a", "", shown)
    assert "answer best" in desk.draw(back, "en").article
    other = desk.turn_to_answers(PASTED, "نص آخر", shown)
    assert other.reading is None
    assert other.events is None


def test_the_events_face_reads_the_article_at_once(desk):
    shown = desk.turn_to_events("a", "", Shown())
    drawn = desk.draw(shown, "ar")
    assert drawn.article.count("<mark") == 2
    assert "<table" in drawn.events


def test_records_hold_slices_of_the_article(desk):
    record = desk.answers_record("أين التقى الوزير نظيره؟", TEXT, 3)
    assert record["found"]
    for answer in record["answers"]:
        assert TEXT[answer["start"] : answer["end"]] == answer["text"]
    for sentence in desk.events_record(TEXT)["sentences"]:
        assert TEXT[sentence["start"] : sentence["end"]] == sentence["text"]
        assert sentence["types"].items() <= sentence["scores"].items()
    json.dumps(record)


def rows(table: str) -> list[list[str]]:
    assert table.startswith("\ufeff")  # so that Excel reads it as UTF-8
    return list(csv.reader(io.StringIO(table[1:], newline="")))


def test_csv_opens_as_arabic_and_runs_no_formula(desk):
    text = '=HYPERLINK(1) التقى الوزير, "نظيره"\nاليوم'
    told = csv_lines(event_rows(text, FakeClassifier()(text)[:1]))
    heads, row = rows(csv_head(EVENT_COLUMNS) + told)
    assert heads[:2] == ["type", "sentence"]
    assert row[0] == "CONSULT"
    assert row[1].startswith("'=HYPERLINK")
    shown = desk.ask("a", "", "أين التقى الوزير نظيره؟", Shown())
    told = csv_lines(answer_rows(shown.question, shown.reading))
    heads, row = rows(csv_head(ANSWER_COLUMNS) + told)
    assert dict(zip(heads, row, strict=True))["answer"] == "عمّان"


def test_accounts_come_from_a_file_or_the_environment(tmp_path):
    path = tmp_path / "accounts"
    path.write_text("sara:pass:word\r\n\nomar: x \n", encoding="utf-8")
    assert serve.read_accounts(str(path), None) == [("sara", "pass:word"), ("omar", " x ")]
    assert serve.read_accounts(None, "sara:p") == [("sara", "p")]
    assert serve.read_accounts(None, None) == []


@pytest.mark.parametrize("text", ["sara", "sara:", ":p", "ok:p\nsara"])
def test_an_account_that_is_none_is_refused_without_telling_it(tmp_path, text):
    path = tmp_path / "accounts"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HadathError, match=r":\d: not user:password") as caught:
        serve.read_accounts(str(path), None)
    assert "sara" not in str(caught.value)


def test_an_empty_account_file_does_not_leave_the_door_open(tmp_path):
    (tmp_path / "accounts").write_text("\n", encoding="utf-8")
    with pytest.raises(HadathError, match="no account"):
        serve.read_accounts(str(tmp_path / "accounts"), None)


def test_a_missing_account_file_is_one_line_and_exit_status_1(tmp_path, capsys):
    assert serve.main(["--auth-file", str(tmp_path / "none")]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "none" in message


def test_no_password_can_be_given_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        serve.main(["--help"])
    options = {word for word in capsys.readouterr().out.split() if word.startswith("--")}
    assert not any("pass" in word for word in options)


def test_the_pages_examples_are_short_questions_about_the_seeds():
    seeds = {article.id: article for article in read_articles(ROOT / "data/seeds/seeds.jsonl")}
    examples = read_mapping(ROOT / "page/examples.yaml")
    assert examples.keys() == seeds.keys()
    desk = Desk(FakeFinder([]), FakeClassifier(), list(seeds.values()), load_scheme(), examples)
    for name, questions in examples.items():
        assert desk.examples(name) == questions
        assert len(set(questions)) == len(questions) == 4
        assert all(check_question(question) == question for question in questions)
        assert max(map(len, questions)) <= 40  # four of them fit beside one another

"""The behaviour suite: a change keeps the text's sense, a failure is counted, none is hidden."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath import AnswerFinder, EventClassifier
from hadath.annotations import Article, Question, read_articles
from hadath.errors import HadathError
from hadath.ontology import load_scheme
from hadath.predict import Answer, Reading, SentenceEvents
from hadath.report import card_disagreements
from hadath.text import fold
from train import perturbations as change
from train.__main__ import main
from train.behaviour import (
    Result,
    check_answers,
    check_events,
    same_answer,
    spread,
)
from train.behaviour_report import (
    behaviour_markdown,
    behaviour_report,
    behaviour_section,
    read_behaviour,
    report_text,
)
from train.cards import behaviour_of_card, write_card
from train.pairs import Negation, WordOrder, read_negations, read_word_orders
from train.strangers import content_words

ROOT = Path(__file__).parents[1]
PAIRS = ROOT / "data/behaviour"
CARDS = ROOT / "model_cards"
FOLDED_AWAY = (
    change.with_diacritics,
    change.without_diacritics,
    change.with_tatweel,
    change.with_plain_alefs,
    change.with_other_final_letters,
    change.with_other_digits,
    change.with_other_quotes,
    change.as_copied,
)
NEWS = st.text(alphabet='أإآابتحدرسعلمنهويئءةى \n.،"«»“”0159٣٧\u064e\u0651\u0640', max_size=80)


@pytest.fixture(scope="module")
def lent(dev_articles, seed_articles):
    return [*dev_articles, *seed_articles]


# --- perturbations ---------------------------------------------------------------------------


@pytest.mark.parametrize("changed", FOLDED_AWAY, ids=lambda each: each.__name__)
@given(text=NEWS)
def test_what_scores_fold_away_is_all_that_changes(changed, text):
    assert fold(changed(text)) == fold(text)
    assert changed(text) == changed(text)


@pytest.mark.parametrize("changed", FOLDED_AWAY, ids=lambda each: each.__name__)
def test_a_real_article_is_changed_where_it_can_be_and_reads_the_same(changed, seed_articles):
    texts = [article.text for article in seed_articles]
    assert [fold(changed(text)) for text in texts] == [fold(text) for text in texts]
    assert any(changed(text) != text for text in texts)


@given(text=NEWS)
def test_digits_swapped_twice_and_added_diacritics_removed_give_the_text_back(text):
    assert change.with_other_digits(change.with_other_digits(text)) == text
    bare = change.without_diacritics(text)
    assert change.without_diacritics(change.with_diacritics(bare)) == bare
    unstretched = text.replace("\u0640", "")
    assert change.with_tatweel(unstretched).replace("\u0640", "") == unstretched


def test_final_letters_change_at_the_end_of_a_word_alone():
    text = "يرى وزيرٌ في مدرسة الحيّ، على بيئته وفيها (القاهرة)."
    other = "يري وزيرٌ فى مدرسه الحيّ، علي بيئته وفيها (القاهره)."
    assert change.with_other_final_letters(text) == other


@given(text=NEWS)
def test_quotation_marks_stay_where_they_are(text):
    changed = change.with_other_quotes(text)
    places = [match.start() for match in re.finditer('["“”„«»]', text)]
    assert [match.start() for match in re.finditer('["“”«»]', changed)] == places


def test_quotations_open_and_close_in_the_next_kind():
    assert change.with_other_quotes('قال "نعم" ثم "لا".') == "قال «نعم» ثم «لا»."
    assert change.with_other_quotes("قال «نعم» ثم «لا».") == "قال “نعم” ثم “لا”."
    assert change.with_other_quotes("قال “نعم” ثم ”لا”.") == 'قال "نعم" ثم "لا".'


def test_countries_swapped_twice_give_every_sentence_back(lent):
    changed = 0
    for article in lent:
        for start, end in article.sentences:
            text = article.text[start:end]
            other = change.with_other_countries(text)
            assert change.with_other_countries(other) == text
            changed += other != text
    assert changed > 30


def test_two_countries_of_a_pair_have_the_same_shape():
    names = [name for pair in change.COUNTRIES for name in pair]
    assert len(set(names)) == len(names)
    for one, other in change.COUNTRIES:
        assert one.startswith("ال") == other.startswith("ال")
        assert one.endswith("ا") == other.endswith("ا")
        assert " " not in one + other


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("زار فرنسا وبولندا", "زار بولندا وفرنسا"),
        ("وصل من مصر إلى الصين.", "وصل من إيران إلى الهند."),
        ("للهند، وبالعراق ولتركيا", "للصين، وباليمن ولألمانيا"),
        ("الرئيس المصري والفرنسيون", None),  # nisba
        ("قتلوا جنديا روسيا", None),  # a Russian soldier
        ("في جنوب السودان وبحر الصين", None),  # longer names
        ("قوات سوريا الديمقراطية وقناة روسيا اليوم", None),
        ("هو مصر على موقفه", None),  # insists
        ("التركيات واليابانيون والمصران", None),
        ("سار ثلاثة أميال", None),
    ],
)
def test_only_whole_words_that_name_a_country_are_swapped(text, changed):
    assert change.with_other_countries(text) == (changed or text)


# --- the hand-written pairs ------------------------------------------------------------------


def test_every_word_order_names_a_question_and_asks_it_otherwise(lent):
    pairs = read_word_orders(PAIRS / "word_order.jsonl", lent)
    assert len(pairs) >= 60
    for pair in pairs:
        assert pair.question in pair.article.questions
        assert fold(pair.other) != fold(pair.question.question)
        assert pair.other.endswith("؟")
        assert content_words(pair.other) & content_words(pair.question.question)
    assert len({pair.question.id for pair in pairs}) == len(pairs)
    assert any(not pair.question.answers for pair in pairs)
    assert {pair.article.split for pair in pairs} == {"dev", "leave-one-out"}


def test_negations_cover_every_type_four_times():
    pairs = read_negations(PAIRS / "negation.jsonl")
    counts = Counter(pair.type for pair in pairs)
    assert counts.keys() == set(load_scheme().names)
    assert min(counts.values()) >= 4
    negation = re.compile(r"(^|\s)(لم|لن|لا|من دون أن)\s")
    for pair in pairs:
        assert negation.search(pair.negated) and not negation.search(pair.plain), pair


def test_no_pair_is_in_the_training_articles():
    trained = "\n".join(
        fold(article.text)
        for path in sorted((ROOT / "data/authored").glob("train*.jsonl"))
        for article in read_articles(path)
    )
    for pair in read_negations(PAIRS / "negation.jsonl"):
        assert fold(pair.plain) not in trained and fold(pair.negated) not in trained


GOOD = {"type": "AID", "plain": "أرسلت دواء.", "negated": "لم ترسل دواء."}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", ":2: column 2: not JSON"),
        ("[]", r":2: found \[\]; a line is an object of type, plain, negated"),
        (json.dumps({"type": "AID"}), ":2: found type; a line is an object of"),
        (json.dumps(GOOD | {"note": ""}), ":2: found type, plain, negated, note; a line is"),
        (json.dumps(GOOD | {"type": "AIDE"}), ":2: no type 'AIDE'; did you mean 'AID'?"),
        (json.dumps(GOOD | {"plain": 3}), ":2: plain: found 3; write a text there"),
        (json.dumps(GOOD | {"plain": " ."}), ":2: plain: found ' .'; write a text there"),
        (json.dumps(GOOD | {"negated": GOOD["plain"]}), ":2: both read 'أرسلت دواء.'"),
        (json.dumps(GOOD), r":2: the same pair stands at .*:1; remove one"),
    ],
)
def test_a_bad_negation_is_one_clear_line(tmp_path, line, message):
    path = tmp_path / "negation.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + line, encoding="utf-8")
    with pytest.raises(HadathError, match=message) as error:
        read_negations(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"article": "b"}, ":1: no article 'b'; name one of the data given"),
        ({"question": "a-q9"}, ":1: no question 'a-q9' in it; did you mean 'a-q1'?"),
        ({"other": "من جاء؟"}, ":1: both read 'من جاء؟'; write the second one otherwise"),
    ],
)
def test_a_bad_word_order_is_one_clear_line(tmp_path, fields, message):
    article = Article("a", "جاء علي.", questions=(Question("a-q1", "من جاء؟"),))
    path = tmp_path / "word_order.jsonl"
    good = {"article": "a", "question": "a-q1", "other": "جاء من؟"}
    path.write_text(json.dumps(good | fields), encoding="utf-8")
    with pytest.raises(HadathError, match=re.escape(message)):
        read_word_orders(path, [article])
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(HadathError, match="no pairs in it"):
        read_word_orders(path, [article])


# --- the checks, on models that fail on purpose ----------------------------------------------

ARTICLES = [
    Article(
        "a", "قال أحمد إن 12 سفينة وصلت إلى الميناء «الكبير» في فرنسا صباح الخميس الماضي بعد رحلة.",
        sentences=((0, 83),), questions=(Question("a-q1", "كم سفينة وصلت أمس؟"),),
    ),
    Article(
        "b", "هطلت أمطار غزيرة على الجبال وأغلقت الثلوج معظم الطرق في تركيا حتى إشعار آخر يا سادة.",
        sentences=((0, 83),), questions=(Question("b-q1", "أين هطلت الأمطار؟"),),
    ),
]  # fmt: skip
ORDERS = [WordOrder(ARTICLES[0], ARTICLES[0].questions[0], "السفن التي وصلت أمس كم عددها؟")]


class FirstWord:
    """Answers with the text's first word, or none where the question has a certain word."""

    def __init__(self, silent_at="\u0640"):
        self.asked = []
        self._silent_at = silent_at

    def read_many(self, pairs, top=1):
        """As an AnswerFinder does."""
        self.asked += pairs
        return [self._read(question, text) for question, text in pairs]

    def _read(self, question, text):
        word = re.search(r"\S+", text)
        answer = Answer(word[0], *word.span(), 0.75)
        return Reading((answer,), 0.9, self._silent_at not in question)


def by_name(results):
    return {result.name: result for result in results}


def test_an_answer_that_moves_or_goes_is_counted_and_shown():
    found = by_name(check_answers(FirstWord(), ARTICLES, ORDERS))
    assert found["unrelated paragraph before"].failures == 2
    assert found["unrelated paragraph before"].rate == 1.0
    assert found["unrelated paragraph after"].failures == 0
    assert found["plain alefs, article"].failures == 0
    assert found["digits of the other script, article"].cases == 1
    assert found["digits of the other script, question"].cases == 0
    assert found["digits of the other script, question"].rate is None
    stretched = found["tatweel added, question and article"]
    assert stretched.cases == 2 and stretched.failures >= 1
    assert stretched.examples[0]["said_after"] == [] and stretched.examples[0]["sure"] == 0.75
    [example, _] = found["unrelated paragraph before"].examples
    assert example["place"] == "a-q1"
    assert example["said_before"] == ["قال"] and example["said_after"] == ["هطلت"]
    assert "كم سفينة" in example["before"]


def test_a_question_in_another_order_must_get_the_same_answer():
    assert (
        by_name(check_answers(FirstWord("السفن"), ARTICLES, ORDERS))["another word order"].failures
        == 1
    )
    assert by_name(check_answers(FirstWord(), ARTICLES, ORDERS))["another word order"].failures == 0


def test_an_answer_that_is_no_slice_is_never_let_pass():
    class Liar(FirstWord):
        def _read(self, question, text):
            return Reading((Answer("كذب", 0, 3, 0.5),), 0.9, False)

    with pytest.raises(RuntimeError, match="no slice"):
        check_answers(Liar(), ARTICLES, ORDERS)


def test_nothing_is_asked_twice_and_cases_are_capped():
    finder = FirstWord()
    results = check_answers(finder, ARTICLES, ORDERS, most=1)
    assert max(result.cases for result in results) == 1
    assert len(set(finder.asked)) == len(finder.asked)
    assert spread(range(10), 5) == [0, 2, 4, 6, 8] and spread(range(3), 5) == [0, 1, 2]


def test_answers_are_compared_as_scores_compare_them():
    answer = Answer("أَحمد", 0, 5, 0.5)
    assert same_answer(answer, Answer("احمـد", 3, 8, 0.1))
    assert not same_answer(answer, Answer("أحمد علي", 0, 8, 0.5))
    assert not same_answer(answer, None) and same_answer(None, None)


class WordTypes:
    """Gives a sentence the types whose word it has, negated or not."""

    labels = ("AID", "CONSULT")

    def classify_many(self, articles):
        """As an EventClassifier does."""
        return [[self._read(text)] for text in articles]

    def _read(self, text):
        words = {"AID": "فرنسا", "CONSULT": "التقى"}
        types = {name: 0.9 for name, word in words.items() if word in text}
        return SentenceEvents(0, len(text), types, dict.fromkeys(words, 0.2) | types)


def test_a_type_that_flips_or_stays_where_it_must_go_is_counted():
    negations = [
        Negation("CONSULT", "التقى الوزير نظيره.", "لم يلتق الوزير نظيره."),
        Negation("CONSULT", "التقى الوزير ضيفه.", "ما التقى الوزير ضيفه."),
        Negation("CONSULT", "زار الوزير نظيره.", "ما التقى الوزير نظيره."),
        Negation("ASSAULT", "قصف الجيش المدينة.", "لم يقصف الجيش المدينة."),  # no label of it
    ]
    found = by_name(check_events(WordTypes(), ARTICLES, negations))
    assert (found["another country"].cases, found["another country"].failures) == (2, 1)
    [example] = found["another country"].examples
    assert example["said_before"] == ["AID"] and example["said_after"] == []
    assert "بولندا" in example["after"] and example["sure"] == 0.7
    assert found["digits of the other script"].cases == 1
    assert found["digits of the other script"].failures == 0
    assert (found["plain sentence"].cases, found["plain sentence"].failures) == (3, 1)
    assert (found["negated sentence"].cases, found["negated sentence"].failures) == (2, 1)
    assert found["negated sentence"].examples[0]["after"] == "ما التقى الوزير ضيفه."


# --- the report ------------------------------------------------------------------------------


@pytest.fixture
def report():
    results = [*check_answers(FirstWord(), ARTICLES, ORDERS), Result("other", "holds", 8, 1)]
    data = [str(ROOT / "data/seeds/seeds.jsonl")]
    return behaviour_report("answers", "a model", results, files=data, most=100, seconds=1.0)


def test_every_check_stands_in_the_table_with_its_rate(report, tmp_path):
    path = tmp_path / "behaviour.json"
    path.write_text(report_text(report), encoding="utf-8")
    assert read_behaviour(path) == report
    section = behaviour_section(report)
    for check in report["checks"]:
        assert f"| {check['name']} | {check['must_hold']} | {check['cases']} |" in section
    assert "| other | holds | 8 | 1 | 12.5 |" in section
    assert section in behaviour_markdown(report)
    assert "said: <span" in behaviour_markdown(report)
    assert {"command", "git", "machine", "versions"} <= report.keys()
    assert all(len(digest) == 64 for digest in report["data"].values())


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"schema": 9}, "schema: found 9"),
        ({"task": "poems"}, "task: found 'poems'"),
        ({"data": None}, "data: found None"),
        ({"checks": [3]}, r"checks\[0\]: found 3"),
        ({"checks": [{"name": "n", "must_hold": "", "cases": 2, "failures": 1, "rate": 0.1,
                      "examples": []}]}, r"checks\[0\]"),
    ],
)  # fmt: skip
def test_a_report_that_is_none_is_one_clear_line(report, tmp_path, fields, place):
    path = tmp_path / "behaviour.json"
    path.write_text(json.dumps(report | fields), encoding="utf-8")
    with pytest.raises(HadathError, match=place) as error:
        read_behaviour(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.fixture
def scored(tmp_path):
    """A folder that `train score` might have written for the embedded answer finder."""
    sheet = (CARDS / "answers-authored-test.json").read_text(encoding="utf-8")
    (tmp_path / "score").mkdir()
    (tmp_path / "score/sheet.json").write_text(sheet, encoding="utf-8")
    return str(tmp_path / "score")


def test_a_card_shows_every_rate_and_keeps_the_report_beside_it(report, scored, tmp_path):
    source, card = tmp_path / "behaviour.json", tmp_path / "cards/mine.md"
    source.write_text(report_text(report), encoding="utf-8")
    write_card("embedded-answers", [scored], str(card), behaviour=str(source))
    section = f"## Behaviour\n\n{behaviour_section(report)}\n"
    assert section in card.read_text(encoding="utf-8")
    assert read_behaviour(behaviour_of_card(card)) == report
    assert card_disagreements(card) == []  # the report is not taken for a score sheet
    write_card("embedded-answers", [scored], str(card))
    assert "## Behaviour" not in card.read_text(encoding="utf-8")
    assert not behaviour_of_card(card).exists()


def test_checks_of_the_other_task_are_refused(report, scored, tmp_path):
    source = tmp_path / "behaviour.json"
    source.write_text(report_text(report | {"task": "events"}), encoding="utf-8")
    with pytest.raises(HadathError, match="checks of events, but embedded-answers is of answers"):
        write_card("embedded-answers", [scored], str(tmp_path / "a.md"), behaviour=str(source))


@pytest.mark.parametrize("path", sorted(CARDS.glob("behaviour/*.json")), ids=lambda path: path.stem)
def test_a_cards_rates_are_those_of_its_report(path):
    card = (CARDS / f"{path.stem}.md").read_text(encoding="utf-8")
    assert behaviour_section(read_behaviour(path)) in card


# --- the shipped models ----------------------------------------------------------------------


def test_every_answer_of_the_shipped_model_is_a_slice_of_the_changed_text(lent):
    orders = read_word_orders(PAIRS / "word_order.jsonl", lent)
    finder = AnswerFinder.load()
    results = check_answers(finder, lent[:2], orders, most=2)  # raises where one is not
    assert sum(result.cases for result in results) > 15


def test_the_command_writes_what_the_card_takes(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    output = tmp_path / "out"
    words = ["behaviour", "events", "embedded", "--cases", "2", "--output", str(output)]
    assert main(words) == 0
    report = read_behaviour(output / "behaviour.json")
    assert report["task"] == "events" and report["model"] == "embedded events"
    assert behaviour_section(report) in capsys.readouterr().out
    assert (output / "behaviour.md").is_file()
    assert [check["cases"] for check in report["checks"][:7]] == [2] * 7
    assert main([*words, "--cases", "0"]) == 2
    assert "ask for at least one" in capsys.readouterr().err
    assert EventClassifier.load().labels == load_scheme().names

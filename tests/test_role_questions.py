"""Laws of role questions: all right answers are given, no wrong ones, and the Arabic reads."""

import functools
import re
from collections import Counter
from pathlib import Path

import pytest

from hadath.annotations import ROLES, Article, Event, Span, read_articles
from hadath.errors import HadathError
from hadath.ontology import load_scheme
from hadath.role_questions import SLOTS, fits_slot, load_templates, role_questions

DATA = Path(__file__).parent.parent / "data"
TEMPLATES = load_templates()
ARTICLES = [
    article
    for name in ("authored/train", "authored/dev", "authored/test", "seeds/seeds")
    for article in read_articles(DATA / f"{name}.jsonl")
]
DIACRITICS = re.compile("[\u064b-\u0652\u0670\u0640]")


PATTERNS = [
    (
        kind.type,
        role,
        "{" in phrasing,
        re.compile(re.sub(r"\\{\w+\\}", "(.+)", re.escape(phrasing))),
    )
    for kind in TEMPLATES.types
    for role, phrasings in kind.phrasings.items()
    for phrasing in phrasings
]


SLOTLESS = {
    phrasing
    for kind in TEMPLATES.types
    for phrasings in kind.phrasings.values()
    for phrasing in phrasings
    if "{" not in phrasing
}


@functools.cache
def asked_of(question):
    """The (type, role) of the phrasings that could have made a question."""
    found = {
        (type_, role, slotted)
        for type_, role, slotted, pattern in PATTERNS
        if pattern.fullmatch(question)
    }
    # A phrasing with a slot may contain one without by chance; the one without says more.
    bare = {item for item in found if not item[2]}
    return {(type_, role) for type_, role, _ in bare or found}


def all_quotes(article, type_, role):
    return {span for event in article.events if event.type == type_ for span in event.role(role)}


def article_of(*events, text="اتهم الوزير إيران. واتهمت تركيا قطر الخميس."):
    return Article("x", text, sentences=((0, 18), (19, len(text))), events=events)


def test_every_type_and_role_has_three_phrasings_or_more_each_a_question_said_once():
    assert {kind.type for kind in TEMPLATES.types} == set(load_scheme().names)
    everything = Counter()
    for kind in TEMPLATES.types:
        for role in ROLES:
            phrasings = kind.phrasings[role]
            everything.update(phrasings)
            assert len(phrasings) >= 3
            assert sum("{" not in phrasing for phrasing in phrasings) >= 2
    assert max(everything.values()) == 1


def test_a_slot_stands_only_where_a_genitive_is_wanted():
    prepositions = {
        "من",
        "إلى",
        "مع",
        "على",
        "ضد",
        "بحق",
        "جانب",
        "تجاه",
        "أمام",
        "إزاء",
        "مواجهة",
        "لمصلحة",
    }
    for kind in TEMPLATES.types:
        for phrasing in (text for texts in kind.phrasings.values() for text in texts):
            for before in re.findall(r"(\S+) {\w+}", phrasing):
                verbal_noun = not before.startswith(("ال", "ي", "ت")) or before.startswith("تهديد")
                assert before in prepositions or verbal_noun or before == "تعهد", phrasing
            assert not re.search(r"[^\s]{\w+}|{\w+}[^\s؟]", phrasing)


@pytest.mark.parametrize("seed", [0, 1])
def test_every_answer_is_a_slice_and_none_is_missing(seed):
    for article in ARTICLES:
        for question in role_questions(article, TEMPLATES, seed=seed, phrasings=3):
            if question.answers:
                for span in question.answers:
                    assert article.text[span.start : span.end] == span.text
                assert any(
                    set(question.answers) == all_quotes(article, type_, role)
                    for type_, role in asked_of(question.question)
                ), (article.id, question)


def test_no_event_answers_a_question_that_is_said_to_have_no_answer():
    for article in ARTICLES:
        for question in role_questions(article, TEMPLATES, seed=2):
            if not question.answers:
                asked = asked_of(question.question)
                assert any(not all_quotes(article, *pair) for pair in asked), (article.id, question)


def test_a_question_never_names_its_own_answer_nor_one_event_among_rivals():
    for article in ARTICLES:
        for question in role_questions(article, TEMPLATES, seed=3, phrasings=9):
            slotless = question.question in SLOTLESS
            assert slotless or not any(span.text in question.question for span in question.answers)
    rivals = article_of(
        Event(
            "ACCUSE", Span(0, "اتهم"), actor=(Span(5, "الوزير"),), recipient=(Span(12, "إيران"),)
        ),
        Event(
            "ACCUSE", Span(19, "واتهمت"), actor=(Span(26, "تركيا"),), recipient=(Span(32, "قطر"),)
        ),
    )
    for question in role_questions(rivals, TEMPLATES, seed=0, phrasings=9):
        assert len(question.answers) in (0, 2)
        if question.answers:
            assert not any(
                name in question.question for name in ("إيران", "قطر", "تركيا", "الوزير")
            )


def test_a_lone_event_is_named_by_its_other_party():
    event = Event(
        "ACCUSE", Span(0, "اتهم"), actor=(Span(5, "الوزير"),), recipient=(Span(12, "إيران"),)
    )
    asked = role_questions(article_of(event), TEMPLATES, seed=0, phrasings=9, no_answers=0)
    actors = [item.question for item in asked if item.answers[0].text == "الوزير"]
    assert any("إيران" in text for text in actors) and any("إيران" not in text for text in actors)


def test_the_parties_of_a_two_sided_meeting_are_not_asked_for_as_hosts():
    meeting = Event("CONSULT", Span(0, "اتهم"), actor=(Span(5, "الوزير"), Span(12, "إيران")))
    visit = Event(
        "CONSULT", Span(19, "واتهمت"), actor=(Span(26, "تركيا"),), recipient=(Span(32, "قطر"),)
    )
    asked = role_questions(article_of(meeting, visit), TEMPLATES, seed=0, phrasings=9)
    assert not any(("CONSULT", "recipient") in asked_of(item.question) for item in asked)


def test_the_same_seed_gives_the_same_questions_and_ids_are_unique():
    for article in ARTICLES[:40]:
        first = role_questions(article, TEMPLATES, seed=5)
        assert first == role_questions(article, TEMPLATES, seed=5)
        assert (
            len({item.id for item in first}) == len({item.question for item in first}) == len(first)
        )
    assert any(
        role_questions(article, TEMPLATES, seed=5) != role_questions(article, TEMPLATES, seed=6)
        for article in ARTICLES[:5]
    )


def test_about_one_question_has_no_answer_for_three_that_have():
    asked = [item for article in ARTICLES for item in role_questions(article, TEMPLATES, seed=0)]
    without = sum(not item.answers for item in asked)
    assert 0.2 < without / (len(asked) - without) <= 0.36
    assert not any(
        not item.answers
        for article in ARTICLES[:20]
        for item in role_questions(article, TEMPLATES, seed=0, no_answers=0)
    )


def test_an_absent_type_is_asked_for_only_where_no_word_hints_at_it():
    for article in ARTICLES:
        text = DIACRITICS.sub("", article.text)
        reported = {event.type for event in article.events}
        for question in role_questions(article, TEMPLATES, seed=4):
            if not question.answers:
                asked = {type_ for type_, _ in asked_of(question.question)}
                assert any(t in reported or not TEMPLATES.find(t).hinted_in(text) for t in asked)


@pytest.mark.parametrize(
    "quote",
    [
        "روسيا", "لبنان", "بكين", "بوتين", "كيم جونغ أون", "وزير الخارجية الصيني", "واشنطن",
        "الرئيس الروسي فلاديمير بوتين", "14 متظاهرا", "الحوثيين", "وزيري خارجية إثيوبيا والصومال",
        "إيران", "طهران", "البرلمان", "السودان", "حزب الله", "وزيرَ الخارجية الكويتي", "كابل",
        "حركة «الشباب»", "ثلاثة مهندسين إثيوبيين", "فرنسا وألمانيا", "رؤساء تركيا وأذربيجان",
    ],
)  # fmt: skip
def test_a_clean_noun_phrase_fills_a_slot(quote):
    assert fits_slot(quote)


@pytest.mark.parametrize(
    "quote",
    [
        "لنيروبي", "وكازاخستان", "بالرئيس التركي", "للفلبين", "ولندن", "فالوزير",
        "لـ52 ألف كونغولي",
        "مسلحون", "الجانبان", "وزيرا خارجية روسيا", "وفدا من المحتجين", "مقاتلو حركة الشباب",
        "مصدراً عسكرياً", "ناشطون حقوقيون", "أطباء إماراتيون", "نظيره الروسي", "جنودها", "بلاده",
        "تسعة منهم", "قوة حفظ السلام (كفور)", "كيم سون-هي، المسؤولة", "", "  ",
        "كبير مستشاري الرئيس لشؤون الأمن القومي في البيت الأبيض السابق",
    ],
)  # fmt: skip
def test_a_quote_with_a_clitic_a_case_or_a_pronoun_does_not(quote):
    assert not fits_slot(quote)


def test_no_question_joins_a_preposition_to_another():
    clash = re.compile(r" (من|إلى|مع|على|ضد|بحق|جانب) (?:لل|بال|وال(?!ي )|لـ|بـ)")
    for article in ARTICLES:
        for question in role_questions(article, TEMPLATES, seed=8, phrasings=9):
            assert not clash.search(question.question), question.question
            assert "{" not in question.question and question.question.endswith("؟")


GOOD = {role: f"[أي {role}؟]" for role in ROLES}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (GOOD | {"actor": "[من؟, 'من مع {actor}؟']"}, r"WIN.actor\[1\]: slots actor"),
        (GOOD | {"actor": "['من مع {place}؟', من؟]"}, r"WIN.actor\[0\]: slots place"),
        (GOOD | {"actor": "['من مع {recipient}؟']"}, "WIN.actor: every phrasing has a slot"),
        (GOOD | {"actor": "[من]"}, r"WIN.actor\[0\]: 'من' is no question"),
        (GOOD | {"actr": "[من؟]"}, "WIN: no key 'actr'; did you mean 'actor'"),
        (GOOD | {"lone": "1"}, "WIN.lone: expected true or false"),
        (GOOD | {"cues": "[1]"}, "WIN.cues: expected texts"),
        ({"actor": "[من؟]"}, "WIN: no 'recipient'"),
    ],
)
def test_a_bad_table_is_one_line_naming_file_and_field(tmp_path, fields, message):
    path = tmp_path / "bad.yaml"
    lines = [f"  {key}: {value}\n" for key, value in fields.items()]
    path.write_text("".join(("WIN:\n", *lines)), encoding="utf-8")
    with pytest.raises(HadathError, match=message) as caught:
        load_templates(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_slots_are_roles():
    assert set(SLOTS) < set(ROLES)

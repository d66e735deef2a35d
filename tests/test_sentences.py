"""Laws of the sentence splitter, its annotated articles, and what Arabic news makes hard."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.annotations import read_articles
from hadath.text import sentences

DATA = Path(__file__).parents[1] / "data"

# A sentence ends at "|" and nowhere else.
HARD = (
    "هل يزور كيم موسكو؟| لم يعلن الكرملين موعدا.",
    "يا للعجب!| قالها ثم مضى.",
    "هل فعلوها حقا؟!| لا أحد يعلم.",
    "“لن ننسحب أبدا”.| وأضاف أن الاتفاق قائم.",
    "وقال «سنرد».| ثم غادر القاعة.",
    '(انتهى البيان.)| وتلاه بيان آخر."',
    "قال “روسيا تخوض حربا. البلدان سيحاربان معا” وأضاف شيئا.",
    'رفعوا لافتات "أين أرشيفنا؟" وهتفوا ضد الشركات.',
    "أدين «ع. ر.»، بعد محاكمة طويلة.",
    "ارتفع النمو إلى 3.5 في المئة.| ثم هبط.",
    "بلغت النسبة ٣٫٥٪ من ٢.٧ مليون.| ولم تتغير.",
    "صرف 1.250.000 دينار و1,250.75 دولار.",
    "التقى د. أحمد سالم الوزير.| وحضر أ. د. خالد علي.",
    "ود. سمير حضر كذلك مع أ.د. منى.",
    "وقع الاتفاق ج. ب. مورغان في نيويورك.",
    "وقعه J. P. Morgan في U.S. قبل عام.",
    "سقطت المدينة عام 146 ق.م. في يد الرومان.",
    "بدأ عام 1445 هـ. في يوليو.",
    "توفي عام 632 م.| ودفن في المدينة.",
    "ولد سنة 960م.| دخل بعدها الجيش.",
    "ذكرته المراجع.[1][2]| ثم نفته.",
    "انتهت الحرب في عام 1945.| وبدأ السلام.",
    "قال “نحن .. لا نريد حربا” ومضى.",
    "بوتين وكيم .. لقاء الحليفين.",
    "صمت طويلا…| ثم تكلم.",
    "قال “لا أعرف… ربما غدا” وسكت.",
    "راجع https://www.un.org/ar/news.html للتفاصيل.| وشكرا.",
    "راسل press.office@example.com.sa قبل الخميس.",
    "الموقع https://مثال.إختبار/صفحة.الأخبار يعمل.",
    "انتهى اللقاء.|وغادر الوفد دون تصريح.",
    "هل انتهى؟|نعم انتهى.",
    "غادر عام 1991 .|وعاد عام 1995.|ثم مضى.",
    "خطوة جديدة|\nأعلنت الوزارة أمس بدء العمل|\n\nالمصدر: وكالات",
    "قالت الوكالة ذلك.| المصدر: الجزيرة",
    "السطر الأول|\r\nالسطر الثاني|\u2028السطر الثالث",
    "مينسك - سبوتنيك. بدأت القوات مناوراتها.| واستمرت يومين.",
    "1. وقف إطلاق النار|\n2. تبادل الأسرى",
    "انتهى البيان ! !| وعاد الهدوء .| وبدأ العمل",
    "قال المتحدث “بدأنا.| العمل مستمر ولم يغلق القوس.| وأضاف ذلك لاحقا.",
    "قال الوزير إنه سيعود.\u200f| ولم يعد.",
)


def expected(marked: str) -> tuple[str, list[str]]:
    return marked.replace("|", ""), [piece.strip() for piece in marked.split("|")]


@pytest.mark.parametrize("marked", HARD)
def test_arabic_news_is_cut_where_a_reader_would(marked):
    text, pieces = expected(marked)
    assert [text[start:end] for start, end in sentences(text)] == pieces


# Writers of the later rounds often marked a dateline («لندن - رويترز») as a sentence of its own;
# the splitter, which has no line's end there to go by, leaves it with what follows. Those of the
# last put two sentences under one now and then.
LATER_ROUNDS = {
    "train-2.jsonl": 0.98, "train-4.jsonl": 0.97, "train-6.jsonl": 0.97, "train-8.jsonl": 0.98,
    "train-9.jsonl": 0.98, "train-10.jsonl": 0.98, "dev-3.jsonl": 0.97,
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    sorted([*DATA.glob("seeds/*.jsonl"), *DATA.glob("authored/*.jsonl")]),
    ids=lambda path: path.name,
)
def test_annotated_sentences_are_found_again(path):
    hits = found = wanted = 0
    for article in read_articles(path):
        mine, gold = set(sentences(article.text)), set(article.sentences)
        hits, found, wanted = hits + len(mine & gold), found + len(mine), wanted + len(gold)
    assert wanted > 80
    least = LATER_ROUNDS.get(path.name, 0.99)
    assert hits / found > least and hits / wanted > least


ARABIC = st.text(alphabet='اويمهـ  دأ.؟!…"“”«»()،\n\r\u200f\u064e3٣aZ@:/-', max_size=80)


@settings(max_examples=300, deadline=None)
@given(ARABIC | st.text(max_size=60))
def test_every_character_but_space_is_in_exactly_one_sentence(text):
    found = sentences(text)
    last = 0
    for start, end in found:
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not text[last:start].strip()
        last = end
    assert not text[last:].strip()


@settings(max_examples=100, deadline=None)
@given(ARABIC)
def test_no_sentence_holds_a_line_break_inside(text):
    for start, end in sentences(text):
        assert "\n" not in text[start:end] and "\r" not in text[start:end]


@settings(max_examples=100, deadline=None)
@given(ARABIC, ARABIC)
def test_lines_are_split_independently(first, second):
    both = sentences(first + "\n" + second)
    shift = len(first) + 1
    shifted = [(start + shift, end + shift) for start, end in sentences(second)]
    assert both == sentences(first) + shifted


def test_a_text_of_white_space_has_no_sentence():
    assert sentences("") == sentences(" \n\t\u00a0\u2028") == []


UNITS = (". ", ".", "«", '" ', "د. ", "ا.ب", "@ابت.ابت", "“ا. ", "؟! ", "\u200f", "(.)", "ابت. ")


@pytest.mark.parametrize("unit", UNITS)
def test_no_run_of_stops_or_quotes_takes_quadratic_time(unit):
    text = unit * (250_000 // len(unit))
    before = time.perf_counter()
    sentences(text)
    assert time.perf_counter() - before < 2


@pytest.mark.parametrize("unit", ["ا", "كلمة ", "\u064e", "()"])
def test_a_megabyte_without_a_stop_is_one_sentence_at_once(unit):
    text = unit * (1_000_000 // len(unit))
    before = time.perf_counter()
    assert sentences(text) == [(0, len(text.rstrip()))]
    assert time.perf_counter() - before < 2

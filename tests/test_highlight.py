"""Laws of the HTML: the text is the article, every mark is whole, nothing in it is run."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath import highlight
from hadath.errors import HadathError
from hadath.highlight import Mark
from hadath.ontology import EventType, Scheme, load_scheme
from hadath.predict import Answer, Reading, SentenceEvents

WORDS = {"not_said_detail": "at {probability}"} | {
    name: name
    for name in (
        "answers_found", "confidence", "copied", "copy", "events_found", "no_events", "not_said",
        "probability", "save_csv", "save_json", "sentence", "show_in_article", "type",
    )
}  # fmt: skip


class Page(HTMLParser):
    """What a browser makes of HTML: its text, its elements, and the text under each mark."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.marks: list[tuple[dict[str, str], str]] = []
        self._in_mark = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        """Keep the element; a mark gathers text."""
        self.tags.append((tag, dict(attributes)))
        self._in_mark = tag == "mark"
        if self._in_mark:
            self.marks.append((dict(attributes), ""))

    def handle_endtag(self, tag):
        """A mark holds nothing but text, so any end is its end."""
        self._in_mark = False

    def handle_data(self, data):
        """Keep the text, and add it to the open mark."""
        self.text += data
        if self._in_mark:
            attributes, text = self.marks.pop()
            self.marks.append((attributes, text + data))

    def under(self, number: int) -> str:
        """The text under a mark, over all its pieces."""
        return "".join(text for at, text in self.marks if str(number) in at["data-mark"].split())


def pieces(article: str):
    """Any marks within the article, overlapping as they like."""
    place = st.tuples(st.integers(0, len(article) - 1), st.integers(1, len(article)))
    return st.lists(place.filter(lambda pair: pair[0] < pair[1]), max_size=6)


article_and_places = st.text(
    st.sampled_from("ابتثَّ،؟ \n\r<>&\"'/{}$`@\u200f\u0640aé😀"), min_size=1, max_size=40
).flatmap(lambda article: st.tuples(st.just(article), pieces(article)))  # fmt: skip


@settings(deadline=None)
@given(article_and_places)
def test_the_text_of_a_highlighted_article_is_the_article_and_every_mark_is_whole(drawn):
    article, places = drawn
    marks = [Mark(start, end, f"label {start}", "answer") for start, end in places]
    page = Page(highlight.highlight(article, marks))
    assert page.text == article
    for number, mark in enumerate(marks, 1):
        assert page.under(number) == article[mark.start : mark.end]


@settings(deadline=None)
@given(article_and_places)
def test_nothing_but_our_own_elements_comes_out_whatever_goes_in(drawn):
    article, places = drawn
    marks = [Mark(start, end, article, article, article) for start, end in places]
    page = Page(highlight.highlight(article, marks))
    assert {tag for tag, _ in page.tags} <= {"div", "mark"}
    known = {"class", "dir", "lang", "data-mark", "data-start", "data-label", "style"}
    assert all(set(attributes) <= known for _, attributes in page.tags)


def test_a_script_in_the_article_is_text():
    html = highlight.highlight("<script>alert(1)</script>", [Mark(0, 8, "<b>", "answer")])
    assert "<script" not in html
    assert "<b>" not in html


def test_where_marks_overlap_the_more_important_gives_the_look():
    page = Page(
        highlight.highlight("0123456789", [Mark(4, 6, "1", "best"), Mark(2, 8, "2", "other")])
    )
    assert [(at["class"], text) for at, text in page.marks] == [
        ("other", "23"), ("best", "45"), ("other", "67"),
    ]  # fmt: skip


def test_a_mark_is_labelled_once_where_it_starts():
    page = Page(
        highlight.highlight("0123456789", [Mark(4, 6, "1", "best"), Mark(2, 8, "2", "other")])
    )
    assert [at.get("data-label") for at, _ in page.marks] == ["2", "1", None]


@pytest.mark.parametrize("place", [(-1, 2), (2, 2), (3, 1), (0, 99)])
def test_a_mark_outside_the_article_is_refused(place):
    with pytest.raises(HadathError, match="outside the article"):
        highlight.highlight("0123456789", [Mark(*place, "1", "best")])


def test_the_article_is_right_to_left_always():
    assert highlight.highlight("نص").startswith('<div class="article" dir="rtl" lang="ar">')


def reading(*confidences: float, found: bool = True) -> Reading:
    answers = tuple(Answer("نص", 0, 2, confidence) for confidence in confidences)
    return Reading(answers, 0.25, found)


def test_answers_come_best_first_with_their_confidence():
    page = Page(highlight.answer_list(reading(0.9, 0.3), WORDS))
    assert re.findall(r"\d+%", page.text) == ["90%", "30%"]
    assert [at["data-show"] for tag, at in page.tags if tag == "button"] == ["1", "2"]


def test_an_answer_below_the_threshold_is_neither_listed_nor_marked():
    weak = reading(0.9, found=False)
    html = highlight.answer_list(weak, WORDS)
    assert "not_said" in html
    assert "25%" in html
    assert "نص" not in html
    assert not Page(highlight.answers_in_article("نص", weak)).marks


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.9999, ">99%"), (1, "100%")],
)
def test_nothing_uncertain_is_shown_as_certain(probability, shown):
    assert highlight.percent(probability) == shown


SENTENCES = [
    SentenceEvents(0, 4, {"CONSULT": 0.6, "ASSAULT": 0.9}, {}),
    SentenceEvents(5, 9, {}, {}),
    SentenceEvents(10, 14, {"MYSTERY": 0.7}, {}),
]
ARTICLE = "aaaa bbbb <i>c"


@pytest.mark.parametrize("language", ["ar", "en"])
def test_event_types_are_named_in_the_language_and_coloured_by_the_likeliest(language):
    scheme = load_scheme()
    assault, consult = scheme.find("ASSAULT"), scheme.find("CONSULT")
    names = [kind.arabic if language == "ar" else kind.english for kind in (assault, consult)]
    first, other = Page(highlight.events_in_article(ARTICLE, SENTENCES, scheme, language)).marks
    assert first[0]["data-label"] == " · ".join(names)
    assert assault.colour in first[0]["style"]
    assert other[0]["data-label"] == "MYSTERY"


def test_the_legend_counts_the_sentences_of_each_type_found():
    text = Page(highlight.legend([*SENTENCES, SENTENCES[0]], load_scheme(), "en")).text
    assert re.findall(r"\d", text) == ["2", "2", "1"]
    assert text.endswith("MYSTERY1")


def test_the_table_has_a_row_for_each_event_and_no_foreign_element():
    page = Page(
        highlight.event_table(ARTICLE, SENTENCES, load_scheme(), language="en", words=WORDS)
    )
    assert re.findall(r"\d+%", page.text) == ["90%", "60%", "70%"]
    assert "i" not in [tag for tag, _ in page.tags]
    assert "<i>c" in page.text


def test_no_event_is_said_plainly():
    assert "no_events" in highlight.event_table(
        ARTICLE, SENTENCES[1:2], load_scheme(), language="en", words=WORDS
    )


def test_a_schemes_colour_cannot_write_a_style_sheet():
    kind = EventType("X", None, None, "س", "x", "red;background:url(//evil)")
    found = [SentenceEvents(0, 4, {"X": 0.9}, {})]
    assert "evil" not in highlight.events_in_article(ARTICLE, found, Scheme("s", (kind,)), "en")


def test_an_export_carries_its_contents_unchanged():
    record = {"text": '"<نص>" & \'\r\n\t\u200f'}
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(record.values())
    table = "\ufeff" + stream.getvalue()
    (_, attributes), *buttons = Page(highlight.exports("name", record, table, WORDS)).tags
    assert json.loads(attributes["data-json"]) == record
    assert attributes["data-csv"] == table
    assert [at["data-export"] for _, at in buttons] == ["copy", "json", "csv"]

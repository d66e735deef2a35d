"""Every format gives back what it can hold, and says what it mended or could not hold."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.annotations import ROLES, Article, Event, Question, Span, write_articles
from hadath.errors import HadathError
from hadath.formats import FORMATS, convert, doccano, label_studio, regions, squad, table
from hadath.formats.regions import Marked, Region, events_of
from hadath.formats.repairs import COUNTINGS, UTF_16, Claim, locate, occurrences
from hadath.ontology import load_scheme
from hadath.text import sentences

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).parent / "fixtures"
WORDS = (
    "القاهرة", "قَالَ", "الرئيسُ", "وزير", "وزير", "في", "😀", "🇪🇬", "Reuters", "لا", "لا", "١٢",
    "«نعم»،", "هههه", "هه", '"قال"', "a;b", "x|y", "\u0640\u0640",  # tatweel
)  # fmt: skip
GAPS = (" ", " ", " ", "\n", "\r\n", "\r\n\r\n", "  ", "\u00a0")  # no-break space last
TYPES = ("CONSULT", "ACCUSE", "AID")


@st.composite
def articles(draw, name="a1"):
    """An article of random words; its spans are runs of them, its sentences part them."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14))
    text, places = draw(st.sampled_from(("", "", "\r\n", "😀 "))), []
    for word in words:
        places.append((len(text), len(text) + len(word)))
        text += word + draw(st.sampled_from(GAPS))
    if draw(st.booleans()):
        text = text.rstrip()

    def span():
        first = draw(st.integers(0, len(words) - 1))
        last = draw(st.integers(first, min(first + 3, len(words) - 1)))
        return Span(places[first][0], text[places[first][0] : places[last][1]])

    def spans(most=2):
        return tuple(dict.fromkeys(span() for _ in range(draw(st.integers(0, most)))))

    cut = draw(st.integers(0, len(words) - 1))
    bounds = (places[0][0], places[cut][0], places[-1][1])
    pairs = tuple((start, end) for start, end in pairwise(bounds) if start < end)
    events = tuple(
        Event(draw(st.sampled_from(TYPES)), span(), **{role: spans() for role in ROLES})
        for _ in range(draw(st.integers(0, 3)))
    )
    questions = tuple(
        Question(f"{name}-q{number}", f"من {number}؟", spans(3))
        for number in range(draw(st.integers(0, 3)))
    )
    title = draw(st.sampled_from((None, "عنوان", "آخر")))
    split = draw(st.sampled_from((None, "train")))
    sentences = draw(st.sampled_from(((), pairs)))
    return Article(name, text, title=title, split=split, sentences=sentences, events=events,
                   questions=questions)  # fmt: skip


@st.composite
def corpora(draw):
    """A few articles, each with an id of its own."""
    count = draw(st.integers(1, 3))
    return tuple(draw(articles(name=f"a{number}")) for number in range(count))


def through(name, corpus, folder):
    path = folder / f"there.{name}"
    FORMATS[name].write(path, corpus)
    return FORMATS[name].read(path)


# --- round trips ---


@given(corpus=corpora())
@settings(max_examples=50, deadline=None)
def test_squad_gives_back_texts_titles_and_questions(corpus, tmp_path_factory):
    back = through("squad", corpus, tmp_path_factory.mktemp("squad"))
    assert back.articles == tuple(
        Article(a.id, a.text, title=a.title, questions=a.questions) for a in corpus
    )
    assert back.repairs == ()


@given(corpus=corpora())
@settings(max_examples=50, deadline=None)
def test_label_studio_gives_back_all_of_an_article(corpus, tmp_path_factory):
    back = through("label-studio", corpus, tmp_path_factory.mktemp("studio"))
    assert back.articles == corpus
    assert back.repairs == ()


@given(corpus=corpora())
@settings(max_examples=50, deadline=None)
def test_doccano_gives_back_all_but_questions(corpus, tmp_path_factory):
    back = through("doccano", corpus, tmp_path_factory.mktemp("doccano"))
    assert back.articles == tuple(replace(article, questions=()) for article in corpus)
    assert back.repairs == ()


@pytest.mark.parametrize("name", ["csv", "tsv"])
@given(corpus=corpora())
@settings(max_examples=30, deadline=None)
def test_a_table_gives_back_texts_and_types(name, corpus, tmp_path_factory):
    whole = tuple(
        Article(a.id, a.text, split=a.split, sentences=((0, len(a.text)),), events=tuple(
            Event(kind, Span(a.text.index(a.text.strip()), a.text.strip()))
            for kind in dict.fromkeys(event.type for event in a.events)))
        for a in corpus
    )  # fmt: skip
    back = through(name, whole, tmp_path_factory.mktemp(name))
    assert back.articles == whole
    assert back.repairs == ()


@given(corpus=corpora())
@settings(max_examples=30, deadline=None)
def test_plain_text_files_keep_every_character(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    table.write_texts(folder / "out", corpus)
    back = table.read_texts(folder / "out")
    assert back.articles == tuple(Article(a.id, a.text) for a in corpus)


def test_one_text_a_line_comes_back(tmp_path):
    corpus = tuple(Article(f"there-{n}", text) for n, text in ((1, "قال الوزير"), (2, "لا 😀")))
    table.write_lines(tmp_path / "there.txt", corpus)
    assert table.read_lines(tmp_path / "there.txt").articles == corpus
    with pytest.raises(HadathError, match="several lines"):
        table.write_lines(tmp_path / "x.txt", [Article("a", "سطر\nسطر")])


def test_a_file_name_never_leads_out_of_its_folder(tmp_path):
    table.write_texts(tmp_path / "out", [Article("../../قصة/1", "نص")])
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["_.._قصة_1.txt"]


# --- offsets counted in other ways ---


@given(article=articles(), counting=st.sampled_from(COUNTINGS))
@settings(max_examples=100, deadline=None)
def test_quotes_are_found_again_however_the_tool_counts(article, counting):
    ruler = counting.boundaries(article.text)
    spans = [event.span for event in article.events]
    claims = [Claim(ruler[span.start], span.text) for span in spans]
    found = locate(article.text, claims, counted=counting.name, nearest=True)
    for place, span in zip(found, spans, strict=True):
        assert place.span == span


@given(article=articles(), start=st.integers(-5, 90), quote=st.sampled_from(WORDS))
@settings(deadline=None)
def test_what_is_found_is_always_a_slice_of_the_text(article, start, quote):
    for nearest in (False, True):
        (place,) = locate(article.text, [Claim(start, f" {quote}")], nearest=nearest)
        if place.span:
            assert article.text[place.span.start : place.span.end] == place.span.text
            assert place.span.text == quote
        else:
            assert place.how


def test_an_offset_that_two_ways_of_counting_fit_is_not_guessed():
    text = "😀 هههه"
    (place,) = locate(text, [Claim(3, "هه")])
    assert place.span is None and "2 or 3" in place.how
    told, other = locate(text, [Claim(3, "هه"), Claim(3, "هههه")])
    assert (told.span, other.span) == (Span(2, "هه"), Span(2, "هههه"))


def test_an_answer_that_reads_right_stays_where_it_is_whatever_its_neighbours(tmp_path):
    text = "سطر\r\n\r\nهه هههه"
    answers = [Span(7, "هه"), Span(10, "هههه")]
    article = Article("a", text, questions=(Question("q", "ما؟", tuple(answers)),))
    squad.write(tmp_path / "x.json", [article])
    assert squad.read(tmp_path / "x.json").articles[0].questions == article.questions
    lying = (
        (tmp_path / "x.json").read_text("utf-8").replace('"answer_start": 10', '"answer_start": 1')
    )
    (tmp_path / "x.json").write_text(lying, encoding="utf-8")
    found = squad.read(tmp_path / "x.json")
    assert found.articles[0].questions == article.questions and len(found.repairs) == 1


# --- real-shaped exports ---


def test_a_label_studio_export_is_read_as_its_annotators_meant_it():
    found = label_studio.read(FIXTURES / "label_studio.json", annotator=1)
    first, second, third = found.articles
    consult, accuse, again = first.events
    assert consult.type == "CONSULT" and consult.actor[0].text.startswith("الرئيسُ")
    assert [consult.recipient[0].text, consult.place[0].text, consult.date[0].text] == [
        "نظيره التركي", "القاهرة", "يوم الأربعاء"
    ]  # fmt: skip
    assert (accuse.type, accuse.actor[0].text) == ("ACCUSE", "الخارجية المصرية")
    assert (again.type, again.actor[0].text) == ("ACCUSE", "القاهرة")
    assert again.actor[0].start > consult.place[0].start
    assert [(q.question, [a.text for a in q.answers]) for q in first.questions] == [
        ("أين التقى السيسي نظيره التركي؟", ["القاهرة"]), ("متى سافر السيسي إلى أنقرة؟", [])
    ]  # fmt: skip
    assert (first.title, first.date, second.id) == ("السيسي وأردوغان", "2024-02-14", "art-2")
    assert second.events[0].actor == (Span(second.text.index("الوزير", 30), "الوزير"),)
    assert third.sentence_types()[0] == {"SUPPORT"}
    told = [str(repair) for repair in found.repairs]
    assert "task 1: 10 offsets are counted in UTF-16" in told[0]
    assert r"task 2: 2 offsets are counted in code points, \r\n as one" in told[1]
    assert "task 4: no annotation by 1 that was not cancelled; task skipped" in told[2]


def test_several_annotators_need_a_choice():
    path = FIXTURES / "label_studio.json"
    with pytest.raises(HadathError, match=r"label_studio.json: task 3: annotated by 1, 2; say"):
        label_studio.read(path)
    (only,) = label_studio.read(path, annotator="salma@example.org").articles
    assert only.events == ()
    with pytest.raises(HadathError, match="no task with an annotation in it by nobody"):
        label_studio.read(path, annotator="nobody")


def studio(tmp_path, text, *results, **data):
    task = {
        "id": 1,
        "data": {"text": text} | data,
        "annotations": [{"completed_by": 1, "result": results}],
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps([task]), encoding="utf-8")
    return path


def region(key, start, quote, label, kind="labels"):
    value = {"start": start, "end": start + len(quote), "text": quote, kind: [label]}
    return {"id": key, "type": kind, "from_name": "label", "to_name": "text", "value": value}


def test_trimmed_white_space_and_lost_offsets_are_found_by_the_quote(tmp_path):
    text = "قال الوزير نعم، ثم عاد الوزير"
    path = studio(
        tmp_path, text, region("a", 3, " نعم، ", "AID"), region("b", 24, "الوزير", "ACCUSE")
    )
    found = label_studio.read(path)
    assert [e.span for e in found.articles[0].events] == [Span(11, "نعم،"), Span(23, "الوزير")]
    assert len(found.repairs) == 2 and "the nearest place" in str(found.repairs[1])


def test_roles_without_links_split_their_text_only_once(monkeypatch):
    text = "قال الوزير نعم. ثم عاد السفير وقال لا. " * 3
    regions = tuple(
        Region(f"{quote}{at}", Span(at, quote), (label,))
        for quote, label in (("قال", "CONSULT"), ("الوزير", "ACTOR"), ("السفير", "ACTOR"))
        for at in occurrences(text, quote)
    )
    splits = []

    def counted(split_text):
        splits.append(split_text)
        return sentences(split_text)

    monkeypatch.setattr("hadath.formats.regions.sentences", counted)
    events, repairs = events_of(Marked("x", text, (), regions, ()))
    assert splits == [text] and not repairs
    assert [[span.text for span in event.actor] for event in events] == [["الوزير"], ["السفير"]] * 3


def test_a_quote_with_two_nearest_places_is_one_error_line(tmp_path):
    path = studio(tmp_path, "لا كل لا", region("b", 3, "لا ", "AID"))
    with pytest.raises(HadathError, match=r"x.json: task 1: region 'b'.* not at 3: .*0, 6"):
        label_studio.read(path)


def test_hypertext_counts_by_its_global_offsets(tmp_path):
    result = region("a", 0, "الوزير", "AID", kind="hypertextlabels")
    result["value"] |= {"start": "/p[1]/text()[1]", "globalOffsets": {"start": 4, "end": 10}}
    assert (
        label_studio.read(studio(tmp_path, "قال الوزير", result)).articles[0].events[0].span.start
        == 4
    )


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"text": "نص", "label": []}, "JSON-MIN"),
        ({"annotations": [{"result": []}]}, "no 'data'"),
        ({"annotations": [{"result": []}], "data": {"body": "نص"}}, "no 'text'; its keys are body"),
        ({"annotations": [{"result": None}], "data": {"text": "نص"}}, "result: expected a list"),
        (
            {"annotations": [{"result": [{"type": "labels"}]}], "data": {"text": "نص"}},
            "value: expected",
        ),
        ({"annotations": [{"result": []}], "data": {"text": "  "}}, "text: it is empty"),
        (
            {
                "annotations": [{"result": [{"type": "relation", "labels": 5}]}],
                "data": {"text": "نص"},
            },
            "labels: expected a list",
        ),
    ],
)
def test_a_label_studio_file_of_another_shape_is_one_clear_line(task, message, tmp_path):
    (tmp_path / "x.json").write_text(json.dumps([{"id": 5} | task]), encoding="utf-8")
    with pytest.raises(HadathError, match=rf"x.json: task 5: .*{message}"):
        label_studio.read(tmp_path / "x.json")


def test_doccano_offsets_are_read_as_the_whole_file_counts_them():
    (article,) = doccano.read(FIXTURES / "doccano_utf16.jsonl").articles
    (event,) = article.events
    assert (event.span.text, event.actor[0].text, event.place[0].text) == ("زار", "الوزير", "بيروت")
    first, second = doccano.read(FIXTURES / "doccano.jsonl").articles
    assert first.events == (Event("CONSULT", Span(3, "زار"), actor=(Span(7, "الوزير"),)),)
    assert second.events == (Event("ACCUSE", Span(1, "أدانت")),)


def test_doccano_classes_label_the_whole_text():
    first, second = doccano.read(FIXTURES / "doccano_classes.jsonl").articles
    assert (first.sentence_types()[0], second.sentence_types()[0]) == ({"ACCUSE"}, frozenset())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "نص"}', "neither 'label' nor 'entities'"),
        ('{"text": "نص", "label": [[0, 9, "AID"]]}', r"AID \[0, 9\] is empty, past"),
        ('{"text": "نص", "label": [[1, 1, "AID"]]}', r"AID \[1, 1\] is empty"),
        ('{"text": "نص  ن", "label": [[2, 4, "AID"]]}', "white space only"),
        ('{"text": "نص", "label": [[0, "b", "AID"]]}', "expected a whole number"),
        ('{"text": "نص", "label": [[0, 1]]}', r"expected \[start, end, label\]"),
        ('{"text": "نص", "label": [[0, 1, "A"]', "is the line cut off"),
        ("[]", "expected an object"),
    ],
)
def test_a_bad_doccano_line_is_named(line, message, tmp_path):
    good = '{"id": 7, "text": "نص", "label": []}\n\n'
    (tmp_path / "x.jsonl").write_text(good + line, encoding="utf-8")
    with pytest.raises(HadathError, match=rf"x.jsonl:3: .*{message}"):
        doccano.read(tmp_path / "x.jsonl")


def test_a_squad_file_is_mended_where_white_space_lies():
    found = squad.read(FIXTURES / "squad_v2.json")
    assert [article.id for article in found.articles] == ["نادٍ/1", "نادٍ/2", "نادٍ/3"]
    first, second, third = found.articles[0].questions
    assert [answer.text for answer in first.answers] == ["هو نادٍ رياضيّ،  ثقافيّ", "نادٍ"]
    assert [answer.text for answer in second.answers] == ["1990"]
    assert (third.id, third.answers) == ("413", ())
    assert [str(repair).split(": ")[1] for repair in found.repairs] == [
        "question '411'",
        "question '412'",
    ]


def test_squad_is_version_1_where_every_question_has_an_answer(tmp_path):
    article = Article("a", "قال نعم", questions=(Question("q", "ماذا؟", (Span(4, "نعم"),)),))
    squad.write(tmp_path / "v1.json", [article])
    squad.write(tmp_path / "v2.json", [replace(article, questions=(Question("q", "ماذا؟"),))])
    first, second = (json.loads((tmp_path / f"v{n}.json").read_text("utf-8")) for n in (1, 2))
    assert first["version"] == "1.1" and "is_impossible" not in str(first)
    assert second["version"] == "v2.0" and "'is_impossible': True" in str(second)


def asked(**fields):
    return [{"id": "7", "question": "متى؟"} | fields]


@pytest.mark.parametrize(
    ("qas", "message"),
    [
        (asked(answers=[{"text": "لا", "answer_start": 5}]), "question '7': .*it stands at 0, 7"),
        (asked(answers=[{"text": "أبدا", "answer_start": 5}]), "question '7': .*does not have"),
        (asked(answers=[{"text": " ", "answer_start": 5}]), "question '7': .*text: empty"),
        (asked(answers=[{"text": "لا"}]), "question '7': .*answer_start: expected"),
        ([{"id": "7", "answers": []}], "question '7': no 'question'"),
        (asked() + asked(), "'7' is used twice"),
        ("x", "expected a list, found str"),
    ],
)
def test_a_squad_error_names_the_file_and_the_question(qas, message, tmp_path):
    data = {"data": [{"title": "ت", "paragraphs": [{"context": "لا نعم لا", "qas": qas}]}]}
    (tmp_path / "x.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(HadathError, match=f"x.json: .*{message}"):
        squad.read(tmp_path / "x.json")


# --- tables ---


def test_a_table_from_excel_is_read():
    found = table.read_csv(FIXTURES / "excel.csv")
    first, second = found.articles
    assert first.text == 'قال "الوزير": نعم؛\r\nثم غادر'
    assert first.sentence_types() == [{"CONSULT", "RETREAT"}]
    assert second.sentence_types() == [frozenset()]
    assert (first.id, second.id) == ("a1", "excel-3")
    assert [str(repair) for repair in found.repairs] == [
        f"{FIXTURES / 'excel.csv'}:1: column 'note'; left out"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("txt,label\nنص,AID\n", "x.csv:1: no column 'text' among txt, label; did you mean 'txt'"),
        ("text,labels\nنص,AID\n", "x.csv:1: no column 'label'.*did you mean 'labels'"),
        ("", "x.csv:1: no column 'text' among none"),
        ("text,label\n", "x.csv: no rows"),
        ("text,label,label\nن,A,B\n", "x.csv:1: column 'label' stands twice"),
        ('text,label\n"سطر\nسطر",A\nقال، نعم, لا,A\n', "x.csv:4: row 3 has 3 cells, the header 2"),
        ("text,label\nنص,A\nنص\n", "x.csv:3: row 3 has 1 cells, the header 2"),
        ('text,label\nنص,A\n"نص" ن,A\n', "x.csv:3: .*quote a cell"),
        ('text,label\nنص,A\n"نص,A\n', "x.csv:3: .*quote a cell"),
        ("text,label\n ,A\n", "x.csv:2: text: it is empty"),
        ("text,label,id\nنص,A,1\nنص,A,1\n", "x.csv:3: row 3: id '1' is used twice"),
        ("text,label,split\nنص,A,trein\n", "x.csv:2: split: no split 'trein'"),
    ],
)
def test_a_bad_row_is_named(content, message, tmp_path):
    (tmp_path / "x.csv").write_text(content, encoding="utf-8")
    with pytest.raises(HadathError, match=message):
        table.read_csv(tmp_path / "x.csv")


def test_a_long_cell_is_read_and_the_limit_put_back(tmp_path):
    import csv

    limit = csv.field_size_limit()
    (tmp_path / "x.csv").write_text(f"text,label\n{'ق' * 200_000},AID\n", encoding="utf-8")
    assert len(table.read_csv(tmp_path / "x.csv").articles[0].text) == 200_000
    assert csv.field_size_limit() == limit


# --- from one to another ---


def test_convert_tells_what_the_target_cannot_hold(tmp_path):
    text = "قال الوزير نعم. ثم عاد"
    article = Article(
        "a", text, sentences=((0, 15), (16, len(text))),
        events=(Event("CONSULT", Span(0, "قال"), actor=(Span(4, "الوزير"),)),),
        questions=(Question("q", "من؟", (Span(4, "الوزير"),)),),
    )  # fmt: skip
    write_articles(tmp_path / "a.jsonl", [article])
    done = convert(
        tmp_path / "a.jsonl", tmp_path / "a.csv", source_format="hadath", target_format="csv"
    )
    assert (done.articles, done.repairs) == (1, ())
    assert [line.split()[0] for line in done.left_out] == ["roles", "questions"]
    rows = table.read_csv(tmp_path / "a.csv").articles
    assert [(row.id, row.text, row.sentence_types()[0]) for row in rows] == [
        ("a#1", "قال الوزير نعم.", {"CONSULT"}), ("a#2", "ثم عاد", frozenset())
    ]  # fmt: skip


def test_a_lone_carriage_return_comes_back_from_a_table(tmp_path):
    article = Article("a", "نص\rآخر", sentences=((0, 6),))
    FORMATS["csv"].write(tmp_path / "x.csv", [article])
    assert [each.text for each in FORMATS["csv"].read(tmp_path / "x.csv").articles] == ["نص\rآخر"]


def test_label_studio_tells_of_a_question_asked_twice_of_an_article(tmp_path):
    twice = tuple(Question(f"q{n}", "من؟", (Span(0, "نص"),)) for n in (1, 2))
    [told] = FORMATS["label-studio"].write(
        tmp_path / "x.json", [Article("a", "نص", questions=twice)]
    )
    assert "1 questions asked twice" in told


def test_an_unknown_format_is_told_the_nearest(tmp_path):
    with pytest.raises(HadathError, match="no format 'labelstudio'; did you mean 'label-studio'"):
        convert("a", "b", source_format="labelstudio", target_format="csv")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xe3\xe5", b"[1]", b'{"a": 1}', b"null", b"[" * 5000]
)
def test_no_bad_file_gives_anything_but_a_clear_error(name, content, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(content)
    try:
        assert FORMATS[name].read(path).articles
    except HadathError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
    with pytest.raises(HadathError, match="no such file"):
        FORMATS[name].read(tmp_path / "absent")


def test_utf_16_counts_as_python_does():
    text = "😀 قَالَ\r\n🇪🇬"
    assert UTF_16.boundaries(text)[-1] == len(text.encode("utf-16-le")) // 2


def test_label_studio_tells_of_each_label_that_a_region_loses(tmp_path):
    text = "قال الوزير نعم"
    several = region("a", 4, "الوزير", "ACTOR")
    several["value"]["labels"] = ["ACTOR", "RECIPIENT", "AID"]
    found = label_studio.read(studio(tmp_path, text, region("b", 0, "قال", "CONSULT"), several))
    [event] = found.articles[0].events
    assert (event.type, [span.text for span in event.actor]) == ("CONSULT", ["الوزير"])
    [told] = found.repairs
    assert "region 'a' 'الوزير' is a ACTOR" in str(told) and "RECIPIENT, AID left out" in str(told)


def test_the_guides_label_studio_configuration_names_what_the_reader_takes():
    guide = (ROOT / "docs/annotation.md").read_text("utf-8")
    view = ElementTree.fromstring(guide.split("```xml\n")[1].split("```")[0])
    names = [label.get("value") for label in view.iter("Label")]
    assert names == [*load_scheme().names, "ACTOR", "RECIPIENT", "PLACE", "DATE", regions.ANSWER]
    fields = {area.get("name"): area.get("perRegion") for area in view.iter("TextArea")}
    assert fields == {label_studio.QUESTION: "true", label_studio.UNANSWERABLE: None}
    assert view.find("Text").get("value") == "$text"

"""Every fault of an annotation file is found on its line, and --fix mends no more than it may."""

import copy
import json
import re
from pathlib import Path

import pytest

from hadath.annotations import AnnotationError, Article, read_articles
from hadath.check import Finding, check

TEXT = "قال الوزير نعم للاتفاق. ثم قال نعم مرة أخرى في القاهرة."
WORDS = " ".join(f"كلمة{letter}" for letter in "ابتثجحخدذرزسشصضطظعغفقكلمن")
GOOD = {
    "id": "a1", "title": "عنوان", "date": None, "source": None, "split": "train", "text": TEXT,
    "sentences": [{"start": 0, "end": 23}, {"start": 24, "end": len(TEXT)}],
    "events": [
        {"type": "AGREE", "span": {"start": 11, "text": "نعم"},
         "actor": [{"start": 4, "text": "الوزير"}], "recipient": [], "place": [], "date": []},
    ],
    "questions": [
        {"id": "a1-q1", "question": "من قال نعم؟", "answers": [{"start": 4, "text": "الوزير"}]},
        {"id": "a1-q2", "question": "متى قالها؟", "answers": []},
    ],
}  # fmt: skip
OTHER = {"id": "a2", "text": "نص آخر لا حدث فيه", "split": "dev"}


def bad(**changes):
    """The good record with some fields changed; `events__0__type=…` reaches inside."""
    record = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        inner = record
        for step in steps:
            inner = inner[step]
        inner[last] = value
    return record


def line(record):
    return record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)


def written(folder, *records, name="x.jsonl"):
    path = folder / name
    path.write_text("".join(f"{line(record)}\n" for record in records), encoding="utf-8")
    return path


def test_a_good_file_is_clean(tmp_path):
    assert check([written(tmp_path, OTHER, GOOD)], scheme={"AGREE"}) == []


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (line(GOOD)[:200], "not JSON .*; is the line cut off"),
        ("[" * 9000, "nested too deeply"),
        ('{"id": ' + "1" * 5000 + "}", "not JSON that can be read"),
        ("[1]", "article: expected an object"),
        (bad(text=" "), "text: it is empty"),
        (bad(id=""), "id: it is empty"),
        (bad(split="trian"), "split: no split 'trian'"),
        (bad(topic="x"), "topic: unknown key 'topic'"),
        (bad(sentences__0={"start": 0}), r"sentences\[0\].end: no 'end'"),
        (bad(sentences__1__start=3), r"sentences\[1\]: .* out of order"),
        (bad(events__0__span__start="11"), r"events\[0\].span.start: expected a whole number"),
        (bad(events__0__span__start=True), r"events\[0\].span.start: expected a whole number"),
        (bad(events__0__span__text="نعم "), r"events\[0\].span: .*white space at its edge"),
        (bad(events__0__span__start=-3), r"events\[0\].span: .*it stands at 11, 31: set 'start'"),
        (bad(events__0__actor__0__start=5), r"actor\[0\]: .*it stands at 4 only: .*--fix"),
        (bad(questions__0__answers__0__text="الملك"), r"answers\[0\]: .*does not have these"),
        (bad(questions__1__id="a1-q1"), r"questions\[1\].id: 'a1-q1' is used twice"),
        (bad(questions__1__question="مَنْ قال: نعم"), r"\[1\]: asks .* again, as questions\[0\]"),
        (bad(questions__1__question="متى\u202eقالها؟"), r"\[1\].question: invisible U\+202E RIGHT"),
        (bad(text=TEXT + "\u200f\u200f"), rf"U\+200F RIGHT-TO-LEFT MARK at {len(TEXT)}, 2 in"),
        (bad(text=TEXT + "\u061c"), r"text: invisible U\+061C ARABIC LETTER MARK"),
        (bad(text=TEXT + "\u200e"), r"text: invisible U\+200E"),
        (bad(text=TEXT + "\u2067"), r"text: invisible U\+2067"),
        (bad(text=TEXT + "\ufeff"), r"text: invisible U\+FEFF"),
        (bad(text=TEXT + "\x00"), r"text: invisible U\+0000 NULL"),
        (json.dumps(bad(text=TEXT + "\ud83d")), r"text: invisible U\+D83D LONE SURROGATE"),
        (bad(events__0__actor__0__text="\u200fالوزير"), r"actor\[0\]: invisible U\+200F"),
        (bad(text=TEXT + "\r\n"), rf"carriage return \(U\+000D\) at {len(TEXT)}, 1 in all"),
        (bad(events__0__type="AGREED"), r".type: no type 'AGREED'; did you mean 'AGREE'"),
        (bad(events__0__type="agree"), r"events\[0\].type: no type 'agree'; did you mean 'AGREE'"),
        (bad(events__0__type="Zzz"), r"no type 'Zzz'; the types are AGREE, CONSULT"),
        (bad(events__0__place=[{"start": 47, "text": "القاهرة"}]), r"leaves .* \(0 to 23\)"),
        (bad(events__0__span={"start": 23, "text": " "}), r"events\[0\].span: the quote is empty"),
        (bad(id="a2"), "id: 'a2' stands in line 1 already"),
        (OTHER | {"id": "a3", "split": "test"}, "split: .*100% .*line 1, which is in 'dev'"),
    ],
)  # fmt: skip
def test_each_fault_is_found_on_its_line(record, text, tmp_path):
    path = written(tmp_path, OTHER, "", record)
    findings = check([path], scheme={"AGREE", "CONSULT"})
    assert {(finding.path, finding.line) for finding in findings} == {(str(path), 3)}
    told = [str(finding) for finding in findings]
    assert any(re.search(text, one) for one in told), told
    assert all(
        one.startswith(f"{path}:3: ") and "\n" not in one and one.isprintable() for one in told
    )


def test_all_faults_of_an_article_are_told_at_once(tmp_path):
    record = bad(
        topic=1, id=7, events__0__actor=[4], events__0__span={"start": "x"}, sentences__0="x",
        questions__0__answers={}, questions__1__question="", date=3,
    )  # fmt: skip
    fields = [finding.text.split(":")[0] for finding in check([written(tmp_path, record)])]
    assert sorted(fields) == sorted([
        "topic", "id", "date", "sentences[0]", "events[0].actor[0]", "events[0].span.text",
        "events[0].span.start", "questions[0].answers", "questions[1].question",
    ])  # fmt: skip


def test_a_stand_in_for_a_fault_gives_no_fault_of_its_own():
    with pytest.raises(AnnotationError) as caught:
        Article.from_record(bad(text=None))
    assert [problem.field for problem in caught.value.problems] == ["text"]
    with pytest.raises(AnnotationError) as caught:
        Article.from_record(bad(sentences__0={"start": "0", "end": 23}, events__0__span__start=12))
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["sentences[0].start", "events[0].span"]


# --- across lines and files ---


def test_ids_are_unique_across_files(tmp_path):
    first = written(tmp_path, GOOD, name="first.jsonl")
    second = written(tmp_path, OTHER, GOOD, name="second.jsonl")
    told = [str(finding) for finding in check([first, second])]
    assert told == [
        f"{second}:2: id: 'a1' stands in {first}:1 already; give each article its own",
        f"{second}:2: questions[0].id: 'a1-q1' stands in {first}:1 already; give it its own",
        f"{second}:2: questions[1].id: 'a1-q2' stands in {first}:1 already; give it its own",
    ]


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        (WORDS, True),
        (f"«{WORDS}»؟", True),  # told apart by what folding takes away
        (WORDS.replace("كلمةا", "كلمةأ"), True),
        (f"مقدمة {WORDS} وخاتمة لا تشبهها كلمات أخرى", True),
        (" ".join(WORDS.split()[:17] + list("ابتثجحخد")), True),  # 10 of its 18 phrases
        (" ".join(WORDS.split()[:12] + list("ابتثجحخدذر")), False),  # 5 of its 15
        (" ".join(reversed(WORDS.split())), False),
    ],
)
def test_an_article_in_two_splits_is_a_leak(text, leaks, tmp_path):
    first = written(tmp_path, {"id": "a", "text": WORDS, "split": "train"}, name="train.jsonl")
    second = written(tmp_path, {"id": "b", "text": text, "split": "test"}, name="test.jsonl")
    findings = check([first, second])
    assert [(f.path, f.line) for f in findings] == [(str(second), 1)] * leaks
    if leaks:
        assert f"{first}:1, which is in 'train'" in findings[0].text
    same = written(tmp_path, {"id": "b", "text": text, "split": "train"}, name="same.jsonl")
    assert check([first, same]) == []


def test_where_no_split_is_named_each_file_is_one(tmp_path):
    """What another tool brings in names none."""
    first = written(
        tmp_path, {"id": "a", "text": WORDS}, {"id": "b", "text": WORDS}, name="1.jsonl"
    )
    assert check([first]) == []
    second = written(tmp_path, {"id": "c", "text": WORDS}, name="2.jsonl")
    [finding] = check([first, second])[:1]
    assert (finding.path, finding.line) == (str(second), 1)
    assert f"stand in {first}:1 too; where each file is a split, put both in one" in finding.text


def test_a_file_as_a_whole_may_be_at_fault(tmp_path):
    empty, absent = written(tmp_path, ""), tmp_path / "absent.jsonl"
    assert [str(finding) for finding in check([absent, empty, tmp_path])] == [
        f"{absent}: no such file or directory",
        f"{empty}: no articles; expected one JSON object a line",
        f"{tmp_path}: is a directory",
    ]


@pytest.mark.parametrize(
    "name", ["public/arcd/arcd-test.json", "public/quadclass_ar/quadclass_ar.csv"]
)
def test_a_file_of_another_format_is_one_line_that_says_how_to_bring_it_in(name, tmp_path):
    (finding,) = check([Path(__file__).parents[1] / "data" / name])
    assert finding.line == 0 and "hadath convert FILE" in finding.text
    assert check([written(tmp_path, GOOD, name="good.json")]) == []


def test_a_line_that_is_not_utf_8_is_named_and_the_others_still_read(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(line(OTHER).encode() + b"\n\xe3\xe5\n" + line(bad(split="x")).encode())
    assert [finding.line for finding in check([path])] == [2, 3]


# --- mending ---


def test_fix_mends_what_stands_once_and_leaves_every_other_byte(tmp_path):
    lines = [
        b"\xef\xbb\xbf" + line(OTHER).encode(),
        b'  {"id" : "a3",   "text": "\\u0646\\u0635"}\r',  # a manner of its own
        b"",
        json.dumps(bad(events__0__actor__0__start=9, questions__0__answers__0__start=400)).encode(),
        line(bad(id="a4", questions=[], events__0__span__start=9)).encode(),
        b"{cut",
    ]
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(lines))
    found = check([path], fix=True)
    assert [finding.line for finding in found] == [5, 6]
    assert "it stands at 11, 31" in found[0].text
    after = path.read_bytes().split(b"\n")
    assert after[:3] == lines[:3] and after[4:] == lines[4:]
    assert after[3] == json.dumps(GOOD).encode()  # escaped as it was
    assert check([path], fix=True) == found and path.read_bytes() == b"\n".join(after)


@pytest.mark.parametrize("style", [{}, {"separators": (",", ":")}, {"ensure_ascii": False}])
def test_fix_keeps_the_manner_of_writing(style, tmp_path):
    path = written(tmp_path, json.dumps(bad(events__0__actor__0__start=0), **style))
    assert check([path], fix=True) == []
    assert path.read_text("utf-8") == json.dumps(GOOD, **style) + "\n"
    assert read_articles(path) == [Article.from_record(GOOD)]


def test_nothing_is_written_without_fix_or_need(tmp_path):
    path = written(tmp_path, bad(events__0__actor__0__start=0))
    before = path.stat()
    assert len(check([path])) == 1
    clean = written(tmp_path, GOOD, name="clean.jsonl")
    stamp = clean.stat()
    assert check([clean], fix=True) == []
    assert (path.stat().st_ino, clean.stat().st_ino) == (before.st_ino, stamp.st_ino)


def test_fix_writes_nothing_into_a_file_that_is_not_all_utf_8(tmp_path):
    path = tmp_path / "x.jsonl"
    data = line(bad(events__0__actor__0__start=0)).encode() + b"\n\xe3"
    path.write_bytes(data)
    assert [finding.line for finding in check([path], fix=True)] == [2, 0]
    assert path.read_bytes() == data


def test_a_finding_reads_as_place_and_text():
    assert str(Finding("x.jsonl", 3, "text: it is empty")) == "x.jsonl:3: text: it is empty"

"""Laws of the annotators' files: quotes land where meant, splits are fair, bad lines are named."""

import json
from collections import Counter

import pytest

from hadath.annotations import Article, Event, Question, Span, quotes, read_articles
from hadath.authoring import (
    assign_splits,
    build_data,
    build_round,
    find_quote,
    read_authoring,
    read_standoff,
    write_quadclass,
)
from hadath.datasheet import write_datasheet
from hadath.errors import HadathError
from hadath.text import phrases

RECORD = {
    "id": "t-1",
    "title": "لقاء",
    "date": "2023-02-14",
    "topic": "diplomacy",
    "sentences": [
        {"s": "زار الوزير مصر.", "p": 1,
         "events": [{"type": "CONSULT", "actor": ["الوزير"], "place": ["مصر"]}]},
        {"s": "وقال الوزير إن مصرف مصر قوي.", "p": 1,
         "events": [{"type": "SUPPORT", "actor": ["الوزير"], "recipient": ["مصر"]}]},
        {"s": "ثم غادر الوزير.", "p": 2, "events": []},
    ],
    "questions": [{"q": "من غادر؟", "a": "الوزير", "n": 3}, {"q": "متى غادر؟", "a": None}],
}  # fmt: skip


def written(path, *records):
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def changed(**fields):
    return json.loads(json.dumps(RECORD)) | fields


def test_sentences_join_by_a_space_in_a_paragraph_and_a_newline_between(tmp_path):
    (article,) = read_authoring(written(tmp_path / "a.jsonl", RECORD))
    assert article.text == "زار الوزير مصر. وقال الوزير إن مصرف مصر قوي.\nثم غادر الوزير."
    assert [article.text[start:end] for start, end in article.sentences] == [
        sentence["s"] for sentence in RECORD["sentences"]
    ]


def test_a_role_stands_in_its_own_sentence_at_a_whole_word(tmp_path):
    (article,) = read_authoring(written(tmp_path / "a.jsonl", RECORD))
    support = article.events[1]
    assert support.span.text == RECORD["sentences"][1]["s"]
    assert article.text[: support.recipient[0].start].endswith("مصرف ")
    assert support.actor[0].start > article.sentences[1][0]


def test_an_answer_is_the_occurrence_that_was_marked(tmp_path):
    (article,) = read_authoring(written(tmp_path / "a.jsonl", RECORD))
    first, last = article.questions
    assert article.text[first.answers[0].end :] == "."
    assert first.id == "t-1-q1" and last.answers == ()


@pytest.mark.parametrize(
    ("text", "quote", "start"),
    [("مصرف مصر", "مصر", 5), ("ومصر", "مصر", 1), ("مصرٌ ومصر", "مصر", 0), ("قطر", "مصر", -1)],
)
def test_whole_words_are_preferred_and_a_word_with_a_diacritic_is_not_whole(text, quote, start):
    assert find_quote(text, quote) == start


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (changed(sentences=[{"s": "أ", "p": 1, "events": [{"type": "AID", "actor": ["ب"]}]}]),
         r"sentences\[0\].events\[0\].actor\[0\]: 'ب' is not in the sentence"),
        (changed(sentences=[{"s": " أ", "p": 1}]), r"sentences\[0\].s: .*white space"),
        (changed(sentences=[{"s": "أ", "p": 1, "event": []}]), "did you mean 'events'"),
        (changed(sentences="أ"), "article.sentences: expected a list"),
        (changed(questions=[{"q": "؟", "a": "الوزير", "n": 9}]), r"questions\[0\].a: occurrence 9"),
        (changed(questions=[{"q": "؟", "a": "الوزير", "n": 0}]), r"questions\[0\].a: occurrence 0"),
        (changed(questions=[{"q": "؟"}]), r"questions\[0\]: no 'a'"),
        ([], "expected keys and values"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_number_and_field(tmp_path, record, message):
    path = written(tmp_path / "bad.jsonl", RECORD, record)
    with pytest.raises(HadathError, match=message) as caught:
        read_authoring(path)
    assert str(caught.value).startswith(f"{path}:2: ")


def test_a_standoff_offset_outside_the_text_is_named(tmp_path):
    event = {"sentence": 0, "start": 0, "end": 3, "type": "AID", "actor": [{"start": 0, "end": 99}]}
    record = {"id": "s", "text": "زار الوزير مصر.", "sentences": [{"start": 0, "end": 15}]}
    good = record | {"events": [event | {"actor": [{"start": 4, "end": 10}]}]}
    (article,) = read_standoff(written(tmp_path / "good.jsonl", good))
    assert article.events[0].actor == (Span(4, "الوزير"),)
    path = written(tmp_path / "bad.jsonl", record | {"events": [event]})
    with pytest.raises(HadathError, match=r"bad.jsonl:1: events\[0\].actor\[0\]: \(0, 99\) lies"):
        read_standoff(path)


def invented(number, *types, text=None):
    text = text or f"خبر رقم {number} عن أمر ما."
    return Article(
        f"i-{number}",
        text,
        source="invented",
        sentences=((0, len(text)),),
        events=tuple(Event(name, Span(0, text)) for name in types),
        questions=(Question(f"q-{number}", "من؟"),) if number % 3 == 0 else (),
    )


def test_splits_are_eighty_ten_ten_and_every_rare_type_reaches_each():
    articles = [invented(n, "RARE" if n % 10 == 0 else "COMMON") for n in range(200)]
    split_of = assign_splits(articles, seed=7)
    sizes = Counter(split_of.values())
    assert set(split_of) == {article.id for article in articles}
    assert 16 <= sizes["dev"] <= 24 and 16 <= sizes["test"] <= 24
    rare = Counter(
        split_of[article.id] for article in articles if article.sentence_types()[0] == {"RARE"}
    )
    assert rare["dev"] == rare["test"] == 2


def test_the_same_seed_gives_the_same_splits():
    articles = [invented(n, "A" if n % 4 else "B") for n in range(60)]
    assert assign_splits(articles, seed=1) == assign_splits(articles, seed=1)


def test_articles_that_share_a_phrase_share_a_split():
    shared = "قال المتحدث باسم الحكومة أمس في العاصمة إن المحادثات مستمرة"
    articles = [invented(n, "A") for n in range(40)]
    articles += [invented(n, "A", text=f"{shared} {n}.") for n in range(40, 44)]
    split_of = assign_splits(articles, seed=3)
    assert len({split_of[f"i-{n}"] for n in range(40, 44)}) == 1
    assert phrases(articles[-1].text) & phrases(articles[-2].text)


def test_a_data_folder_is_built_whole_and_its_datasheet_filled(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "authored").mkdir(parents=True)
    (source / "seeds").mkdir()
    records = [changed(id=f"t-{n}") for n in range(12)]
    for number, record in enumerate(records):
        record["sentences"][2]["s"] = f"ثم غادر الوزير رقم {number}."
    written(source / "authored" / "part1.jsonl", *records)
    seed = {"id": "s", "text": "زار مصر.", "sentences": [{"start": 0, "end": 8}]}
    written(source / "seeds" / "annotated.jsonl", seed)
    (source / "seeds" / "s.txt").write_text("زار مصر.", encoding="utf-8")
    with pytest.raises(HadathError, match=r"train.jsonl: no such file"):
        write_datasheet(target)
    (source / "seeds" / "annotated.jsonl").rename(tmp_path / "away")
    with pytest.raises(HadathError, match=r"annotated.jsonl: no such file"):
        build_data(source, target)
    assert not target.exists()  # a data folder is written as a whole, or not at all
    (tmp_path / "away").rename(source / "seeds" / "annotated.jsonl")
    paths = build_data(source, target)
    assert [path.name for path in paths] == [
        "train.jsonl", "dev.jsonl", "test.jsonl", "seeds.jsonl", "s.txt",
    ]  # fmt: skip
    for article in read_records(target):
        assert article.source == "authored part 1"
        for _, span in quotes(article):
            assert article.text[span.start : span.end] == span.text


def read_records(folder):
    for path in sorted((folder / "authored").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Article.from_record(json.loads(line))


def test_two_articles_of_one_id_are_refused(tmp_path):
    (tmp_path / "authored").mkdir()
    written(tmp_path / "authored" / "part1.jsonl", RECORD, RECORD)
    with pytest.raises(HadathError, match="'t-1' stands 2 times"):
        build_data(tmp_path, tmp_path / "out")


def test_quad_classes_become_two_columns_and_nothing_more(tmp_path):
    rows = [{"text": 'قال: "نعم"، ثم مضى', "label": "VerCoop", "en": "…"}]
    source = written(tmp_path / "quad.json", rows)
    write_quadclass(source, tmp_path / "quad.csv")
    written_text = (tmp_path / "quad.csv").read_text(encoding="utf-8")
    assert written_text == 'text,label\n"قال: ""نعم""، ثم مضى",VerCoop\n'
    with pytest.raises(HadathError, match=r"\[0\]: expected an object with text and label"):
        write_quadclass(written(tmp_path / "bad.json", [{"text": "أ"}]), tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("split", "source"),
    [("train", "authored round 7"), ("dev", "authored dev 7"), ("test", "authored test 7")],
)
def test_a_later_round_goes_whole_into_one_split(tmp_path, split, source):
    path = build_round([written(tmp_path / "a.jsonl", RECORD)], tmp_path, 7, split=split)
    assert path == tmp_path / "authored" / f"{split}-7.jsonl"
    (article,) = read_articles(path)
    assert (article.split, article.source) == (split, source)


def test_a_later_round_shares_no_phrase_with_another_split(tmp_path):
    sentence = "افتتح رئيس الوزراء صباح اليوم مشروع سد كبير على نهر النيل قرب أسوان."
    first = changed(sentences=[{"s": sentence, "p": 1}], questions=[])
    again = first | {"id": "t-2"}
    build_round([written(tmp_path / "a.jsonl", first)], tmp_path, 2, split="dev")
    with pytest.raises(HadathError, match=r"'t-2' shares .* with 't-1' of another split"):
        build_round([written(tmp_path / "b.jsonl", again)], tmp_path, 4)
    build_round([written(tmp_path / "b.jsonl", again)], tmp_path, 3, split="dev")
    with pytest.raises(HadathError, match="split: found 'leave-one-out'; a later round"):
        build_round([written(tmp_path / "a.jsonl", first)], tmp_path, 2, split="leave-one-out")

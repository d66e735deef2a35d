"""The command line: results on stdout, messages on stderr; a bad input never silences the good."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from hadath.annotations import read_articles
from hadath.cli import main

ROOT = Path(__file__).parents[1]
TEXT = "زار الوَزيرُ بيروت أمس. التقى كيم بوتين في موسكو، وقال إن القمة ستعقد قريبا."
OTHER = "هاجم مسلحون قرية قرب الحدود. أرسلت الحكومة مساعدات."
QUESTION = "أين كان الوزير؟"


@pytest.fixture
def folder(tmp_path) -> Path:
    """news.txt, more.jsonl (two articles) and inputs that are bad in one way each."""
    (tmp_path / "news.txt").write_text(TEXT, encoding="utf-8")
    lines = [{"id": "first", "text": TEXT}, {"text": OTHER}]
    write_lines(tmp_path / "more.jsonl", *(json.dumps(line, ensure_ascii=False) for line in lines))
    write_lines(tmp_path / "numbers.jsonl", *(json.dumps({"id": n, "text": TEXT}) for n in (0, 1)))
    (tmp_path / "old.txt").write_bytes(TEXT.encode("windows-1256", errors="ignore"))
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_text("Only Latin here.")
    (tmp_path / "binary.txt").write_text("خبر\0عاجل", encoding="utf-8")
    (tmp_path / "turned.txt").write_text("خبر \u202eعاجل\u202c", encoding="utf-8")  # override
    whole = json.dumps({"id": "good", "text": OTHER}, ensure_ascii=False)
    write_lines(tmp_path / "cut.jsonl", whole, whole[: len(whole) // 2], '{"title": "بلا نص"}')
    return tmp_path


def write_lines(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def run(capsys, *words: object) -> tuple[int, str, list[str]]:
    """(exit status, stdout, the lines of stderr)."""
    capsys.readouterr()
    status = main([str(word) for word in words])
    printed = capsys.readouterr()
    return status, printed.out, printed.err.splitlines()


def records(stdout: str) -> list[dict]:
    return [json.loads(line) for line in stdout.splitlines()]


def shell(command: str, **more: str) -> subprocess.CompletedProcess:
    """A real process; HADATH is its python -m hadath."""
    environment = os.environ | {"HADATH": f"{sys.executable} -m hadath"} | more
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


# Answers and events.


def test_each_answer_in_json_is_a_slice_of_its_article(folder, tiny_finder_folder, capsys):
    files = (folder / "news.txt", folder / "more.jsonl")
    status, out, messages = run(
        capsys, "ask", QUESTION, *files, "--model", tiny_finder_folder, "--json", "--top", 3
    )
    assert (status, messages) == (0, [])
    found = records(out)
    assert [one["id"] for one in found] == [str(files[0]), "first", f"{files[1]}:2"]
    for one, text in zip(found, (TEXT, TEXT, OTHER), strict=True):
        assert one["question"] == QUESTION and one["found"] and 0 <= one["answerable"] <= 1
        assert 1 <= len(one["answers"]) <= 3
        for answer in one["answers"]:
            assert text[answer["start"] : answer["end"]] == answer["text"] != ""


def test_each_sentence_in_json_is_a_slice_with_its_types(folder, tiny_classifier_folder, capsys):
    status, out, messages = run(
        capsys, "events", folder / "more.jsonl", "--model", tiny_classifier_folder, "--json"
    )
    assert (status, messages) == (0, [])
    for one, text in zip(records(out), (TEXT, OTHER), strict=True):
        assert len(one["sentences"]) == 2
        for sentence in one["sentences"]:
            assert text[sentence["start"] : sentence["end"]] == sentence["text"]
            assert sentence["scores"].keys() == {"CONSULT", "ACCUSE", "ASSAULT"}
            assert sentence["types"].items() <= sentence["scores"].items()


def test_a_table_has_a_row_an_answer_or_event_and_names_its_article(
    folder, tiny_finder_folder, tiny_classifier_folder, capsys
):
    files = (folder / "news.txt", folder / "more.jsonl")
    texts = {each["id"]: each for each in records(run(
        capsys, "events", *files, "--model", tiny_classifier_folder, "--json")[1])}  # fmt: skip
    status, out, _ = run(capsys, "events", *files, "--model", tiny_classifier_folder, "--csv")
    heads, *rows = csv.reader(io.StringIO(out.removeprefix("\ufeff"), newline=""))
    assert status == 0 and heads[:3] == ["article", "type", "sentence"]
    told = [
        [name, kind, sentence["text"]]
        for name, article in texts.items()
        for sentence in article["sentences"]
        for kind in sentence["types"]
    ]
    assert [row[:3] for row in rows] == told and told
    words = ("ask", QUESTION, *files, "--model", tiny_finder_folder)
    heads, *rows = csv.reader(io.StringIO(run(capsys, *words, "--csv")[1], newline=""))
    answers = [
        [each["id"], QUESTION, "1", each["answers"][0]["text"]]
        for each in records(run(capsys, *words, "--json")[1])
    ]
    assert [row[:4] for row in rows] == answers
    with pytest.raises(SystemExit):
        run(capsys, *words, "--csv", "--json")


def test_results_read_well_without_json_too(
    folder, tiny_finder_folder, tiny_classifier_folder, capsys
):
    news = folder / "news.txt"
    _, out, _ = run(capsys, "ask", QUESTION, news, "--model", tiny_finder_folder, "--top", 2)
    name, *answers = out.splitlines()
    assert name == str(news) and 1 <= len(answers) <= 2
    for line in answers:
        start, end = map(int, line.rsplit("[", 1)[1].rstrip("]").split(":"))
        assert f"%  {TEXT[start:end]}  [" in line
    _, out, _ = run(capsys, "events", news, "--model", tiny_classifier_folder)
    name, *sentences = out.splitlines()
    assert name == str(news) and len(sentences) == 2
    assert all(line.startswith("  [") and line.endswith(".") for line in sentences)


def test_where_the_article_does_not_say_it_says_so(folder, tiny_finder_folder, tmp_path, capsys):
    model = tmp_path / "shy"
    model.mkdir()
    for path in tiny_finder_folder.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    settings = json.loads((model / "hadath.json").read_text("utf-8"))
    (model / "hadath.json").write_text(json.dumps(settings | {"no_answer_threshold": 1.0}))
    words = ("ask", QUESTION, folder / "news.txt", "--model", model)
    status, out, _ = run(capsys, *words)
    assert status == 0 and "the article does not say (answerable: " in out
    assert records(run(capsys, *words, "--json")[1])[0]["answers"] == []
    _, row = csv.reader(io.StringIO(run(capsys, *words, "--csv")[1], newline=""))
    assert row[1:] == [QUESTION, "", "", "", "", ""]


# Bad inputs.


BAD = {
    "old.txt": "old.txt:1: byte 0x",
    "empty.txt": "empty.txt: it is empty",
    "latin.txt": "latin.txt: no Arabic letter in it",
    "binary.txt": "binary.txt: U+0000 at character 3",
    "turned.txt": "turned.txt: U+202E at character 4",
    "none.txt": "none.txt: no such file",
    "": ": is a directory",
}


@pytest.mark.parametrize(("bad", "message"), BAD.items(), ids=lambda value: value[:9] or "folder")
@pytest.mark.parametrize("command", ["ask", "events"])
def test_a_bad_file_is_one_line_and_the_good_ones_are_read(
    command, bad, message, folder, tiny_finder_folder, tiny_classifier_folder, capsys
):
    model = {"ask": tiny_finder_folder, "events": tiny_classifier_folder}[command]
    words = [command, QUESTION] if command == "ask" else [command]
    files = (folder / "news.txt", folder / bad, folder / "more.jsonl")
    status, out, messages = run(capsys, *words, *files, "--model", model, "--json")
    assert status == 2
    assert len(records(out)) == 3
    (line,) = messages
    assert line.startswith("hadath: ") and message in line


def test_a_bad_line_is_named_by_its_number_and_the_good_ones_are_read(
    folder, tiny_finder_folder, capsys
):
    cut = folder / "cut.jsonl"
    status, out, messages = run(
        capsys, "ask", QUESTION, cut, folder / "news.txt", "--model", tiny_finder_folder, "--json"
    )
    assert status == 2
    assert [one["id"] for one in records(out)] == ["good", str(folder / "news.txt")]
    assert messages[0].startswith(f"hadath: {cut}:2: column") and "cut off" in messages[0]
    assert messages[1].startswith(f'hadath: {cut}:3: no "text"')
    assert len(messages) == 2


def test_an_id_may_be_a_number(folder, tiny_finder_folder, capsys):
    words = ("ask", QUESTION, folder / "numbers.jsonl", "--model", tiny_finder_folder, "--json")
    assert [one["id"] for one in records(run(capsys, *words)[1])] == ["0", "1"]


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("A.CSV", ";"), ("a.tsv", "\t")])
def test_a_table_is_read_row_by_row(name, mark, folder, tiny_classifier_folder, capsys):
    table = folder / name
    quoted = f'"{TEXT}\nسطر {mark} ""آخر"""'
    rows = [("id", "link", "Text"), ("one", "x", quoted), ("two", OTHER), ("", "y", OTHER)]
    write_lines(table, *(mark.join(row) for row in rows))
    status, out, messages = run(
        capsys, "events", table, "--model", tiny_classifier_folder, "--json"
    )
    found = records(out)
    # A row that is cut wrongly is told with its line in the file, and the others are read.
    assert (status, [one["id"] for one in found]) == (2, ["one", f"{table}:5"])
    assert messages == [
        f"hadath: {table}:4: row 3 has 2 cells, the header 3; put a text that holds the delimiter "
        f"in quotation marks"
    ]
    assert found[0]["sentences"][-1]["end"] == len(f'{TEXT}\nسطر {mark} "آخر"')


def test_a_table_without_texts_is_one_line_each(folder, tiny_finder_folder, capsys):
    for name, content, message in (
        ("a.csv", f"id,body\none,{TEXT}", "a.csv:1: no column 'text' among id, body"),
        ("b.csv", "id,text", "b.csv: no rows below the header"),
        ("c.csv", 'text\n"خبر" عاجل', "c.csv:2: "),
        ("d.csv", "", "d.csv:1: no column 'text' among none"),
    ):
        write_lines(folder / name, content)
        words = ("ask", QUESTION, folder / name, folder / "news.txt")
        status, out, messages = run(capsys, *words, "--model", tiny_finder_folder, "--json")
        assert (status, len(records(out)), len(messages)) == (2, 1, 1)
        assert message in messages[0]


def test_lone_surrogates_and_endless_texts_are_one_line_each(folder, tiny_finder_folder, capsys):
    odd = folder / "odd.jsonl"
    long = json.dumps({"id": "long", "text": "ب" * 1_000_001})
    write_lines(odd, '{"id": "half", "text": "خبر\\ud800"}', long)
    status, out, messages = run(capsys, "ask", QUESTION, odd, "--model", tiny_finder_folder)
    assert (status, out) == (2, "")
    assert messages[0].startswith("hadath: half: a lone surrogate at character 3")
    assert messages[1].startswith("hadath: long: 1,000,001 characters")


def test_what_keeps_all_from_being_read_is_one_line(
    folder, tiny_finder_folder, tiny_classifier_folder, capsys
):
    news = folder / "news.txt"
    for words, message in (
        (("ask", QUESTION, news, "--model", folder / "none"), "none: no such folder"),
        (("ask", QUESTION, news, "--model", tiny_classifier_folder), "a model for events"),
        (("events", news, "--model", tiny_finder_folder), "a model for answers"),
        (("ask", QUESTION, news, "--model", tiny_finder_folder, "--top", 0), "top: 0"),
        (("ask", " ", news, "--model", tiny_finder_folder), "question 1: it is empty"),
    ):
        status, out, messages = run(capsys, *words)
        assert (status, out, len(messages)) == (2, "", 1)
        assert messages[0].startswith("hadath: ") and message in messages[0]


def test_words_that_are_no_command_end_with_status_2(capsys):
    for words in ([], ["answer"], ["ask"], ["ask", QUESTION, "news.txt", "--top", "many"]):
        with pytest.raises(SystemExit) as error:
            main(words)
        assert error.value.code == 2
    assert "usage: hadath" in capsys.readouterr().err


# Annotation files.


def test_check_ends_with_0_where_all_is_clean_and_1_where_something_is_found(tmp_path, capsys):
    clean = ROOT / "data/authored/dev.jsonl"
    status, out, messages = run(capsys, "check", clean)
    assert (status, out, messages) == (0, "", ["hadath: 1 files: clean"])
    bad = tmp_path / "bad.jsonl"
    record = json.loads(clean.read_text("utf-8").split("\n")[0])
    record["events"][0]["type"] = "CONSULTT"
    write_lines(bad, json.dumps(record, ensure_ascii=False))
    status, out, messages = run(capsys, "check", bad)
    assert (status, messages) == (1, [])
    assert out.startswith(f"{bad}:1: ") and "CONSULTT" in out
    assert run(capsys, "check", bad, "--scheme", "any")[0] == 0
    status, out, messages = run(capsys, "check", bad, "--scheme", tmp_path / "none.yaml")
    assert (status, out, len(messages)) == (2, "", 1)


def test_check_mends_a_lying_offset_where_there_is_one_mend(tmp_path, capsys):
    path = tmp_path / "moved.jsonl"
    answer = {"start": 0, "text": "بيروت"}
    question = {"id": "q", "question": "أين؟", "answers": [answer]}
    record = {"id": "a", "text": OTHER + " بيروت", "questions": [question]}
    write_lines(path, json.dumps(record, ensure_ascii=False))
    assert run(capsys, "check", path)[0] == 1
    assert run(capsys, "check", path, "--fix")[0] == 0
    (article,) = read_articles(path)
    assert article.questions[0].answers[0].start == len(OTHER) + 1


def test_an_annotator_agrees_with_himself(capsys):
    seeds = ROOT / "data/seeds/seeds.jsonl"
    status, out, messages = run(capsys, "agree", seeds, seeds, "--json")
    assert (status, messages) == (0, [])
    kappas = [kind["kappa"] for kind in json.loads(out)["types"]]
    assert kappas and set(kappas) <= {1.0, None}
    status, out, _ = run(capsys, "agree", seeds, seeds)
    assert status == 0 and "1.00" in out
    status, out, messages = run(capsys, "agree", seeds, "none.jsonl")
    assert (status, out) == (2, "") and "none.jsonl" in messages[0] and len(messages) == 1


def test_annotations_are_converted_there_and_back(tmp_path, capsys):
    dev, squad, back = ROOT / "data/authored/dev.jsonl", tmp_path / "dev.json", tmp_path / "b.jsonl"
    status, out, messages = run(capsys, "convert", dev, squad, "--from", "hadath", "--to", "squad")
    assert (status, out) == (0, "")
    assert messages[-1] == f"hadath: {squad}: {len(read_articles(dev))} articles"
    assert any(message.startswith("hadath: left out: ") for message in messages)
    assert run(capsys, "convert", squad, back, "--from", "squad", "--to", "hadath")[0] == 0
    for one, other in zip(read_articles(dev), read_articles(back), strict=True):
        assert one.text == other.text
        assert [q.answers for q in one.questions] == [q.answers for q in other.questions]
    status, _, messages = run(capsys, "convert", dev, back, "--from", "hadath", "--to", "squat")
    assert status == 2 and messages == ["hadath: no format 'squat'; did you mean 'squad'?"]


def test_an_exported_model_loads_with_transformers_alone(tiny_finder_folder, tmp_path, capsys):
    target = tmp_path / "plain"
    status, out, messages = run(
        capsys, "export", "answers", target, "--model", tiny_finder_folder
    )  # fmt: skip
    assert (status, out) == (0, "")
    assert messages == [f"hadath: {target}: loads with transformers alone"]
    network = AutoModelForQuestionAnswering.from_pretrained(target)
    inputs = AutoTokenizer.from_pretrained(target)(QUESTION, TEXT, return_tensors="pt")
    assert network(**inputs).start_logits.shape == inputs["input_ids"].shape
    (tmp_path / "thesis.txt").write_text("years of work")
    before = (target / "model.safetensors").read_bytes()
    for there in (tmp_path, target):  # a model too is never written over: it may be the source
        status, _, messages = run(capsys, "export", "answers", there, "--model", tiny_finder_folder)
        assert status == 2 and "is there already" in messages[0]
    assert (target / "model.safetensors").read_bytes() == before


# As a process of its own.


def test_help_is_quick_and_names_every_command():
    done = shell("$HADATH --help")
    assert done.returncode == 0 and done.stderr == ""
    for command in ("ask", "events", "check", "agree", "convert", "export"):
        assert command in done.stdout
    done = shell(f"{sys.executable} -X importtime -m hadath --help")
    assert not {"torch", "transformers", "numpy"} & {
        line.split("|")[-1].strip() for line in done.stderr.splitlines()
    }


def test_an_article_from_standard_input_and_a_reader_that_leaves(folder, tiny_finder_folder):
    model = {"MODEL": str(tiny_finder_folder), "NEWS": str(folder / "news.txt")}
    # Enough lines that the pipe is closed while more are to come.
    many = folder / "many.jsonl"
    write_lines(many, *[json.dumps({"text": OTHER}, ensure_ascii=False)] * 40)
    command = f'$HADATH ask "{QUESTION}" - "{many}" --model "$MODEL" --json < "$NEWS" | head -n 1'
    done = shell(command, **model)
    assert done.stderr == ""
    assert done.returncode == 0
    (found,) = records(done.stdout)
    assert found["id"] == "-"
    for answer in found["answers"]:
        assert TEXT[answer["start"] : answer["end"]] == answer["text"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_cannot_be_written_is_told_and_a_reader_that_left_is_not(tmp_path):
    bad = tmp_path / "bad.jsonl"
    write_lines(bad, '{"id": 1}')
    # Python holds its output back until it exits, unless told otherwise.
    done = shell(f'unset PYTHONUNBUFFERED; $HADATH check "{bad}" > /dev/full')
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "hadath: not all was written: no space left on device\n"
    gone = "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); sys.argv[0] = 'hadath'"
    code = f"{gone}; from hadath.cli import main; sys.exit(main(sys.argv[1:]))"
    done = shell(f'unset PYTHONUNBUFFERED; {sys.executable} -c "{code}" check "{bad}"')
    assert (done.returncode, done.stderr) == (0, "")


def test_standard_input_that_is_not_utf_8_is_one_line(tiny_finder_folder, monkeypatch, capsys):
    class Input:
        class buffer:
            @staticmethod
            def read() -> bytes:
                return TEXT.encode("windows-1256", errors="ignore")

    monkeypatch.setattr("sys.stdin", Input)
    status, out, messages = run(capsys, "ask", QUESTION, "-", "--model", tiny_finder_folder)
    assert (status, out, len(messages)) == (2, "", 1)
    assert "of standard input is not UTF-8" in messages[0]

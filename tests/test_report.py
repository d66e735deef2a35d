"""A sheet survives the disk, refuses nonsense, and no rendering of it says anything else."""

import copy
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml

from hadath.annotations import Article, Question
from hadath.errors import HadathError
from hadath.report import (
    CardAbout,
    answer_sheet,
    card_disagreements,
    card_figures,
    describe_run,
    event_sheet,
    figures_section,
    markdown_report,
    model_card,
    read_sheet,
    sheet_figures,
    sheets_of_card,
    terminal_table,
    write_sheet,
)
from hadath.scores import AnswerResult, EventResult, score_answers
from train.cards import write_card

CARDS = Path(__file__).parent.parent / "model_cards"
QUADS = {"AID": "MC", "CONSULT": "VC"}
WRONG = "في | <b>لندن</b>"
CARD = CardAbout(
    name="hadath-answers",
    summary="Answers questions with an article's own words.",
    load='from hadath import AnswerFinder\n\nfinder = AnswerFinder.load("models/answers")',
    training="Synthetic articles, invented for this purpose.",
    comparison="| model | F1 |\n| --- | --- |\n| other | 50 |",
    weaknesses="- Long articles.",
    plots={("Invented articles", "test"): "answers-test", ("others", "test"): "x"},
)


def answers(right=True):
    return [
        AnswerResult(
            f"a{number % 4}", str(number), ("باريس",) if number % 3 else (),
            "باريس" if right else WRONG, "باريس" if right else WRONG * (number % 2),
            0.1 + number / 20, 0.05 * number, 700 * (number % 4) + 300,
        )
        for number in range(12)
    ]  # fmt: skip


def events(said=frozenset({"AID"})):
    return [
        EventResult(
            f"a{number % 4}", 9 * number, 9 * number + 9,
            frozenset({"AID"} if number % 2 else {"CONSULT", "AID"}), said,
            {"AID": 0.9, "CONSULT": number / 12}, 300,
        )
        for number in range(12)
    ]  # fmt: skip


@pytest.fixture
def about(tmp_path):
    data = tmp_path / "test.jsonl"
    data.write_text("{}\n{}\n", encoding="utf-8")
    run = describe_run(
        "hadath", "Invented articles", split="test", command="python -m train score", files=[data]
    )
    return dataclasses.replace(run, seeds=(1, 2), seconds=12.34)


@pytest.fixture
def answers_sheet(about):
    asked = [Question(str(number), f"أين {number}؟") for number in range(12)]
    articles = [
        Article(f"a{each}", "نص.", questions=tuple(asked[each::4])) for each in range(4)
    ]  # fmt: skip
    return answer_sheet(answers(), {"overlap": answers(False)}, about=about, articles=articles)


@pytest.fixture
def events_sheet(about):
    articles = [Article(f"a{each}", "كتب المراسل نصا طويلا هنا. " * 6) for each in range(4)]
    baselines = {"never": events(frozenset())}
    return event_sheet(events(), baselines, about=about, quad_of=QUADS, articles=articles)


@pytest.fixture(params=["answers_sheet", "events_sheet"])
def sheet(request):
    return request.getfixturevalue(request.param)


def test_a_sheet_read_back_is_the_sheet_written(sheet, tmp_path):
    assert read_sheet(write_sheet(sheet, tmp_path / "out")) == sheet


def test_a_sheet_holds_the_figures_of_scores(answers_sheet):
    figures = score_answers(answers()).figures
    found = answers_sheet["systems"][0]["figures"]
    assert found.keys() == figures.keys()
    for name, figure in figures.items():
        assert found[name]["value"] == round(figure.value, 4)
        assert (found[name]["low"], found[name]["high"]) == (
            round(figure.low, 4),
            round(figure.high, 4),
        )


def test_a_sheet_tells_data_seeds_command_and_machine(sheet):
    digest = hashlib.sha256(b"{}\n{}\n").hexdigest()
    # A file outside the current folder is told by its name alone.
    assert sheet["data"] == [{"path": "test.jsonl", "sha256": digest, "lines": 2}]
    run = sheet["run"]
    assert run["seeds"] == [1, 2]
    assert run["seconds"] == 12.3
    assert run["hardware"].endswith("cores")
    assert {"python", "numpy"} <= run["versions"].keys()


def test_the_surest_errors_quote_question_and_article(answers_sheet, events_sheet):
    assert answers_sheet["worst"][0]["text"] == "أين 9؟"
    assert answers_sheet["worst"][0]["gold"] == []
    sure = [each["confidence"] for each in events_sheet["worst"]]
    assert sure == sorted(sure, reverse=True)
    assert events_sheet["worst"][0]["text"].startswith("كتب")


def test_write_sheet_draws_every_plot_the_sheet_has_data_for(events_sheet, tmp_path):
    write_sheet(events_sheet, tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    plots = {"confusion.png", "reliability.png", "types.png", "length.png"}
    assert written - {"test.jsonl"} == {"sheet.json", "report.md"} | plots
    for name in plots:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_labels_in_arabic_are_drawn_by_number(about, tmp_path):
    """A glyph that the font has not would warn, and warnings fail tests."""
    results = [
        dataclasses.replace(each, gold=frozenset({"مساعدة"}), predicted=frozenset({"لقاء"}))
        for each in events()
    ]
    write_sheet(
        event_sheet(results, {}, about=dataclasses.replace(about, dataset="أخبار")), tmp_path
    )


def test_every_figure_of_every_system_stands_in_every_rendering(sheet):
    for text in (terminal_table(sheet), markdown_report(sheet), figures_section(sheet)):
        for system in sheet["systems"]:
            for figure in system["figures"].values():
                low, high = 100 * figure["low"], 100 * figure["high"]
                assert f"{100 * figure['value']:.1f} [{low:.1f}–{high:.1f}]" in text


def test_the_terminal_tables_columns_line_up(answers_sheet):
    lines = terminal_table(answers_sheet).splitlines()[3:]
    place = lines[0].index("overlap")
    assert all(line[place - 1] == " " and line[place] != " " for line in lines)


def test_quotes_in_markdown_are_neither_markup_nor_columns(about):
    sheet = answer_sheet(answers(False), {}, about=about)
    text = markdown_report(sheet)
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


# --- bad sheets ------------------------------------------------------------------------------


def broken(sheet, *keys, value):
    sheet = copy.deepcopy(sheet)
    inside = sheet
    for key in keys[:-1]:
        inside = inside[key]
    inside[keys[-1]] = value
    return sheet


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("task",), "summaries", "task: found 'summaries', expected one of answers, events"),
        (("task",), ["answers"], "task: found"),
        (("schema",), 99, "schema: found 99"),
        (("counts", "articles"), -1, "counts.articles: found -1"),
        (("data", 0, "sha256"), "abc", r"data\[0\].sha256: found 'abc'"),
        (("run", "seeds"), "1", "run.seeds: found '1', expected a list"),
        (("systems",), [], "systems: found"),
        (("systems", 0, "name"), "other", r"systems\[0\].name: found 'other'"),
        (("systems", 0, "figures", "ece", "low"), 2.0, "ece.low: found 2.0"),
        (("systems", 0, "figures", "ece", "low"), "x", "ece.low: found 'x', expected a share"),
        (("systems", 0, "figures", "ece", "value"), float("nan"), "ece.value: found nan"),
        (("systems", 0, "figures", "ece"), {"value": 0, "low": 1, "high": 0}, "low <= high"),
        (("systems", 0, "figures", "bleu"), {"value": 0, "low": 0, "high": 0}, "found 'bleu'"),
        (("extra",), 1, "extra: found 1, expected only the keys"),
        (("bins",), None, "bins: found None"),
    ],
)
def test_a_field_that_is_wrong_is_named(answers_sheet, tmp_path, keys, value, message):
    path = tmp_path / "sheet.json"
    path.write_text(json.dumps(broken(answers_sheet, *keys, value=value)), encoding="utf-8")
    with pytest.raises(HadathError, match=message) as error:
        read_sheet(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": 1}', "[" * 100_000])
def test_a_file_that_is_no_sheet_is_one_clear_line(tmp_path, text):
    path = tmp_path / "sheet.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HadathError, match=r"sheet\.json"):
        read_sheet(path)


def test_every_key_of_a_sheet_is_needed(sheet, tmp_path):
    path = tmp_path / "sheet.json"
    for key in sheet:
        path.write_text(
            json.dumps({name: each for name, each in sheet.items() if name != key}),
            encoding="utf-8",
        )
        with pytest.raises(HadathError, match=rf"{key}: found None"):
            read_sheet(path)


def test_a_baseline_on_other_data_is_refused(about):
    with pytest.raises(HadathError, match="baseline 'overlap': scored on"):
        answer_sheet(answers(), {"overlap": answers()[:-1]}, about=about)


def test_a_folder_that_cannot_be_written_is_one_clear_line(sheet, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HadathError, match="not written"):
        write_sheet(sheet, tmp_path / "file" / "sheet")


# --- the model card --------------------------------------------------------------------------


def test_a_cards_figures_are_its_sheets(sheet):
    other = sheet | {"split": "leave-one-out"}
    card = model_card([sheet, other], about=CARD)
    assert card_figures(card) == sheet_figures([sheet, other])
    assert len(card_figures(card)) == 2 * len(sheet["systems"][0]["figures"])


def test_a_card_is_a_pure_function_of_its_sheets(sheet, tmp_path):
    again = read_sheet(write_sheet(sheet, tmp_path / "out"))
    assert model_card([again], about=CARD) == model_card([sheet], about=CARD)


def test_a_card_has_hugging_face_metadata_and_says_what_it_must(answers_sheet):
    card = model_card([answers_sheet], about=CARD)
    _, metadata, body = card.split("---\n", 2)
    fields = yaml.safe_load(metadata)
    assert fields["language"] == "ar"
    assert fields["license"] == "apache-2.0"
    assert fields["base_model"] == "intfloat/multilingual-e5-small"
    assert fields["pipeline_tag"] == "question-answering"
    assert fields["model-index"][0]["name"] == "hadath-answers"
    for needed in (
        CARD.load, CARD.training, CARD.comparison, CARD.weaknesses, "decisions about persons",
        "check facts", "`python -m train score`", "Seeds: 1, 2", answers_sheet["data"][0]["sha256"],
        "(MIT)", "answers-test/reliability.png", "Surest errors", figures_section(answers_sheet),
    ):  # fmt: skip
        assert needed in body


def test_a_card_says_where_a_baseline_is_ahead(about):
    sheet = answer_sheet(answers(False), {"overlap": answers()}, about=about)
    assert "the baseline overlap is ahead in Exact match" in model_card([sheet], about=CARD)


def test_sheets_that_do_not_belong_on_one_card_are_refused(answers_sheet, events_sheet):
    with pytest.raises(HadathError, match="different tasks"):
        model_card([answers_sheet, events_sheet], about=CARD)
    with pytest.raises(HadathError, match="same dataset and split"):
        model_card([answers_sheet, answers_sheet], about=CARD)
    with pytest.raises(HadathError, match="at least one"):
        model_card([], about=CARD)


@pytest.mark.parametrize(
    "text", ["", "# no metadata", "---\nlanguage: ar\n---\n", "---\n- 1\n---\n"]
)
def test_a_card_without_figures_is_one_clear_line(text):
    with pytest.raises(HadathError, match="model card"):
        card_figures(text)


def put(folder, name, sheets, card=None):
    for end, sheet in sheets.items():
        (folder / f"{name}{end}.json").write_text(json.dumps(sheet), encoding="utf-8")
    text = card or model_card(list(sheets.values()), about=CARD)
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder / f"{name}.md"


def test_a_card_finds_its_own_sheets_and_agrees_with_them(answers_sheet, tmp_path):
    other = answers_sheet | {"split": "seeds"}
    card = put(tmp_path, "answers", {"": answers_sheet, "-seeds": other})
    long = put(tmp_path, "answers-arabert", {"": answers_sheet})
    assert [path.name for path in sheets_of_card(card)] == ["answers-seeds.json", "answers.json"]
    assert [path.name for path in sheets_of_card(long)] == ["answers-arabert.json"]
    assert card_disagreements(card) == card_disagreements(long) == []


def test_a_card_that_cannot_be_written_leaves_the_old_one_its_sheets(tiny_finder_folder, tmp_path):
    old = tmp_path / "mine-seeds-all.json"
    for path in (tmp_path / "mine.md", old):
        path.write_text("{}", encoding="utf-8")
    with pytest.raises(HadathError, match=r"sheet\.json"):
        write_card(str(tiny_finder_folder), [str(tmp_path / "no")], str(tmp_path / "mine.md"))
    assert old.exists()


def test_a_sheet_leaves_no_plot_of_another_that_stood_there(answers_sheet, events_sheet, tmp_path):
    mine = tmp_path / "mine.png"
    mine.write_bytes(b"")
    for sheet in (events_sheet, answers_sheet):
        write_sheet(sheet, tmp_path)
    report = (tmp_path / "report.md").read_text("utf-8")
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "mine.png", *re.findall(r"\w+\.png", report)
    }  # fmt: skip


def test_a_card_that_says_more_than_its_sheet_is_caught(answers_sheet, tmp_path):
    better = broken(answers_sheet, "systems", 0, "figures", "f1", "value", value=0.9999)
    card = put(tmp_path, "a", {"": answers_sheet}, card=model_card([better], about=CARD))
    found = "\n".join(card_disagreements(card))
    assert "Invented articles / test / f1: the card says" in found
    assert "are not those of its sheet" in found
    (tmp_path / "a.json").unlink()
    assert "no score sheet beside it" in card_disagreements(card)[0]


def test_no_card_that_ships_lists_what_it_is_scored_on_as_training():
    for card in CARDS.glob("*.md"):
        rows = [row for row in card.read_text("utf-8").splitlines() if "` | training |" in row]
        assert len(rows) >= 10
        assert not [row for row in rows if "test" in row or "seeds" in row or "/dev" in row]


def test_the_cards_we_ship_agree_with_their_sheets():
    cards = [path for path in sorted(CARDS.glob("*.md")) if path.name != "README.md"]
    assert {"answers", "events"} <= {path.stem for path in cards}
    assert [line for path in cards for line in card_disagreements(path)] == []

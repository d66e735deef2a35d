"""Settings: what is written is what is used, and what does not fit is told in one line."""

from pathlib import Path

import pytest

from hadath.config import AnswersConfig, EventsConfig, load_config
from hadath.errors import HadathError

ROOT = Path(__file__).parents[1]
LEAST = "base: models/answers\noutput: runs/a\ntrain: [a.jsonl]\ndev: [b.jsonl]\n"


def written(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_config_loads_and_every_key_has_a_comment(path):
    kind = EventsConfig if path.name.startswith("events") else AnswersConfig
    load_config(kind, path)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", " ")):
            assert "#" in line, line


def test_yaml_reads_3e5_as_text_but_a_number_field_takes_it(tmp_path):
    config = load_config(AnswersConfig, written(tmp_path, LEAST + "learning_rate: 3e-5\n"))
    assert config.learning_rate == 3e-5


def test_words_on_the_command_line_win_over_the_file(tmp_path):
    path = written(tmp_path, LEAST + "epochs: 5\nheld_out: [c.jsonl]\n")
    words = [
        "epochs=2",
        "held_out=",
        "train=x.jsonl,y.json",
        "layers=null",
        "arabert_cleaning=no",
        "compact=true",
    ]
    config = load_config(AnswersConfig, path, words)
    assert config.epochs == 2 and config.train == ("x.jsonl", "y.json")
    assert config.held_out == ()
    assert config.layers is None and config.arabert_cleaning == "no" and config.compact


def test_an_unquoted_no_is_taken_for_the_word_where_only_words_fit(tmp_path):
    config = load_config(AnswersConfig, written(tmp_path, LEAST + "arabert_cleaning: no\n"))
    assert config.arabert_cleaning == "no"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("learning_rat: 1", "no setting 'learning_rat'; did you mean 'learning_rate'?"),
        ("epochs: many", "epochs: found 'many'; expected a number"),
        ("epochs: .nan", "epochs: found nan; expected a number"),
        ("batch_size: 2.5", "batch_size: found 2.5; expected a whole number"),
        ("batch_size: true", "batch_size: found True; expected a whole number"),
        ("batch_size: 0", "batch_size: 0 is out of range"),
        ("compact: 1", "compact: found 1; expected true or false"),
        ("precision: bf8", "precision: found 'bf8'; expected one of auto, fp32, bf16, fp16"),
        ("dev: 3", "dev: found 3; expected a list of file names"),
        ("stride: 200", "stride: 200 tokens shared"),
        ("seed: [", "not YAML"),
        ("learning_rate: 1" + 400 * "0", "learning_rate: found 1000"),
        ("epochs: 3\nepochs: 30", "not YAML (the key 'epochs' stands twice)"),
        ("output: ~nobodyatall/x", "output: ~nobodyatall/x: no such home folder"),
        ("frozen_layers: -1", "frozen_layers: -1 is out of range"),
        ("moved_questions: 2", "moved_questions: 2.0 is out of range; expected 0 to 1"),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_field(tmp_path, extra, expected):
    rest = [line for line in LEAST.splitlines(keepends=True) if line[:4] != extra[:4]]
    path = written(tmp_path, "".join(rest) + extra + "\n")
    with pytest.raises(HadathError) as error:
        load_config(AnswersConfig, path)
    assert expected in str(error.value) and str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("epochs", "expected key=value"),
        ("epoch=2", "did you mean 'epochs'?"),
        ("epochs=x", "epochs=x"),
    ],
)
def test_a_bad_word_is_told_by_itself(tmp_path, word, expected):
    with pytest.raises(HadathError, match=expected.replace("?", r"\?")):
        load_config(AnswersConfig, written(tmp_path, LEAST), [word])


def test_a_missing_setting_without_default_is_named(tmp_path):
    with pytest.raises(HadathError, match="no 'output'; it has no default"):
        load_config(AnswersConfig, written(tmp_path, LEAST.replace("output: runs/a\n", "")))


def test_a_loss_for_several_labels_is_refused_for_one(tmp_path):
    path = written(tmp_path, LEAST + "mode: single-label\n")
    with pytest.raises(HadathError, match="loss=asymmetric: loss: asymmetric weighs"):
        load_config(EventsConfig, path, ["loss=asymmetric"])
    assert load_config(EventsConfig, path, ["loss=balanced"]).loss == "balanced"

"""The mean of models: between them weight by weight, saved whole, and of one kind only."""

import dataclasses
import json

import pytest
import torch

from hadath.models import load_model, save_model
from train.__main__ import main as train
from train.record import commands_in, data_in, held_out_in, judged_in, seconds_in, seeds_in


def shifted(folder, output, by, seed=3):
    """A copy of the model whose weights are all `by` larger, with a record of its training."""
    model = load_model(folder, task="answers")
    with torch.no_grad():
        for weight in model.network.parameters():
            weight += by
    record = {
        "command": f"python -m train answers x.yaml seed={seed}",
        "config": {"seed": seed, "dev": [f"dev-{seed}.jsonl"], "held_out": [f"held-{seed}.jsonl"]},
        "data": {f"{seed}.jsonl": "0" * 64}, "seconds": 60.0,
        "refit": {"command": "python -m train refit"},
    }  # fmt: skip
    save_model(model, output, extra_files={"training.json": json.dumps(record)})
    return str(output)


@pytest.fixture
def pair(tiny_finder_folder, tmp_path):
    return [str(tiny_finder_folder), shifted(tiny_finder_folder, tmp_path / "up", 0.5)]


@pytest.mark.parametrize(("words", "up"), [((), 0.25), (("--shares", "0.8", "0.2"), 0.1)])
def test_every_weight_is_the_mean_of_the_models(pair, tmp_path, words, up):
    output = tmp_path / "mean"
    assert train(["average", "answers", *pair, *words, "--output", str(output)]) == 0
    one, mean = (load_model(each, task="answers") for each in (pair[0], output))
    for name, weight in one.network.named_parameters():
        torch.testing.assert_close(mean.network.get_parameter(name), weight + up)
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert record["config"]["seed"] == 3 and record["average"]["models"] == pair
    assert "refit" not in record  # its numbers were another model's
    assert sum(record["average"]["shares"]) == pytest.approx(1)


def test_a_mean_remembers_the_training_of_all_that_went_into_it(pair, tmp_path):
    more = [shifted(pair[0], tmp_path / f"seed-{seed}", 0.1, seed) for seed in (5, 4)]
    inner, outer = str(tmp_path / "inner"), tmp_path / "outer"
    assert train(["average", "answers", pair[1], more[0], "--output", inner]) == 0
    assert train(["average", "answers", inner, more[1], "--output", str(outer)]) == 0
    record = json.loads((outer / "training.json").read_text("utf-8"))
    assert seeds_in(record) == (3, 4, 5)
    assert sorted(data_in(record)) == [(f"{seed}.jsonl", "0" * 64) for seed in (3, 4, 5)]
    assert judged_in(record) == {f"dev-{seed}.jsonl" for seed in (3, 4, 5)}
    assert held_out_in(record) == {f"held-{seed}.jsonl" for seed in (3, 4, 5)}
    assert seconds_in(record) == 180
    told = [line.split()[3:] for line in commands_in(record)]
    trained = [["answers", "x.yaml", f"seed={seed}"] for seed in (3, 5, 4)]
    assert [each for each in told if "x.yaml" in each] == trained
    assert commands_in(record)[-1] == record["average"]["command"]


def test_what_has_no_mean_is_one_clear_line(pair, tiny_classifier_folder, tmp_path, capsys):
    def refused(message, task, *words):
        output = tmp_path / "no"
        assert train(["average", task, *map(str, words), "--output", str(output)]) == 2
        told = capsys.readouterr().err.strip()
        assert message in told and "\n" not in told and not output.exists()

    refused("name at least two", "answers", pair[0])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    words = ["average", "answers", *map(str, pair), "--output", str(tmp_path / "other")]
    assert train(words) == 2 and "no model's folder" in capsys.readouterr().err
    for shares in ((0.5,), (0.5, 0.6), (1.5, -0.5), ("nan", 0.5)):
        refused("2 numbers above 0", "answers", *pair, "--shares", *shares)
    model = load_model(tiny_classifier_folder, task="events")
    labels = tuple(reversed(model.settings.labels))
    settings = dataclasses.replace(model.settings, labels=labels, thresholds={})
    names = dict(enumerate(labels))
    model.network.config.id2label = names
    model.network.config.label2id = {name: number for number, name in names.items()}
    save_model(dataclasses.replace(model, settings=settings), tmp_path / "turned")
    refused("differ in their labels", "events", tiny_classifier_folder, tmp_path / "turned")
    paired = dataclasses.replace(
        load_model(tiny_classifier_folder, task="events").settings, context="previous"
    )
    save_model(
        dataclasses.replace(load_model(tiny_classifier_folder, task="events"), settings=paired),
        tmp_path / "paired",
    )
    refused("differ in their context", "events", tiny_classifier_folder, tmp_path / "paired")
    (tmp_path / "up" / "training.json").write_text("{", "utf-8")
    refused("not JSON", "answers", *pair)

"""The estimate before a run: it counts as the run itself counts, and keeps nothing."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import constants

from hadath.config import AnswersConfig, EventsConfig, load_config
from hadath.models import load_base, load_model
from train.__main__ import main as train
from train.dry_run import _duration, describe, dry_run

ARABERT = "aubmindlab/bert-base-arabertv02"
COMMON = {
    "batch_size": 8, "seed": 7, "device": "cpu", "precision": "fp32", "patience": 9,
}  # fmt: skip
ANSWERS = COMMON | {"window": 96, "stride": 32, "role_questions": 0.2, "moved_questions": 0.2}
EVENTS = COMMON | {"window": 48}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One measured step, on one thread."""
    monkeypatch.setattr("train.dry_run.STEPS", 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def no_hub(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def configs(tmp_path, tiny_base, little_data) -> dict[str, Path]:
    """A config file for each task, on the tiny base and the little data."""
    common = {"base": str(tiny_base), "output": str(tmp_path / "model")}
    common |= {name: [str(little_data / f"{name}.jsonl")] for name in ("train", "dev")}
    paths = {}
    for task, settings in (("answers", ANSWERS), ("events", EVENTS)):
        paths[task] = tmp_path / f"{task}.yaml"
        paths[task].write_text(yaml.safe_dump(common | settings), encoding="utf-8")
    return paths


def loaded(configs: dict[str, Path], task: str, *words: str):
    kind = AnswersConfig if task == "answers" else EventsConfig
    return load_config(kind, configs[task], words)


def refused(words: list, capsys, *expected: str) -> None:
    capsys.readouterr()
    assert train([*map(str, words), "--dry-run"]) == 2
    found = capsys.readouterr()
    assert found.out == "" and found.err.count("\n") == 1 and found.err.startswith("train: ")
    for part in expected:
        assert part in found.err


@pytest.mark.parametrize("task", ["answers", "events"])
def test_weights_steps_memory_and_time_are_told_and_nothing_is_kept(task, configs, capsys):
    before = sorted(configs[task].parent.iterdir())
    assert train([task, str(configs[task]), "--dry-run"]) == 0
    told = capsys.readouterr().out
    names = [line.split()[0] for line in told.splitlines()]
    assert names == ["base", "weights", "data", "memory", "speed", "here", "one"]
    assert re.search(r"^weights +\d+\.\d million, \d+\.\d trained$", told, re.MULTILINE)
    assert re.search(r"^data +\d+ windows, \d+ steps of \d+ tokens$", told, re.MULTILINE)
    assert re.search(r"^memory +\d+\.\d GB", told, re.MULTILINE)
    assert re.search(r"^here +about \d+ (seconds|minutes)", told, re.MULTILINE)
    assert sorted(configs[task].parent.iterdir()) == before


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("answers", ("epochs=1", "gradient_accumulation=3", "layers=1")),
        ("answers", ("epochs=3", "stop_after=1")),
        ("answers", ("epochs=3", "stop_after=0")),
        ("events", ("epochs=1.3", "batch_size=4", "gradient_accumulation=2", "plain_alefs=0.5")),
    ],
)
def test_its_steps_are_those_of_the_run(task, words, configs, tmp_path, capsys):
    estimate = dry_run(loaded(configs, task, *words))
    assert train([task, str(configs[task]), *words]) == 0
    log = json.loads((tmp_path / "model" / "training.json").read_text("utf-8"))["log"]
    assert estimate.steps == log[-1]["step"]
    unit = {"answers": "windows", "events": "sentences"}[task]
    assert f"{estimate.rows} {unit}" in capsys.readouterr().err


def test_what_is_frozen_is_not_counted_as_trained(configs, tiny_base):
    whole = dry_run(loaded(configs, "events"))
    frozen = dry_run(loaded(configs, "events", "frozen_layers=1"))
    network, _ = load_base(tiny_base, "events", ("A",))
    below = sum(
        each.numel() for name, each in network.named_parameters()
        if "embeddings" in name or "layer.0." in name
    )  # fmt: skip
    assert whole.trained == whole.weights == frozen.weights == frozen.trained + below
    assert 2 * whole.operations_a_token / 6 < frozen.operations_a_token < whole.operations_a_token


def test_a_pooling_layer_is_counted_where_the_run_adds_one(configs, tmp_path):
    words = ("mean_pooling=true", "epochs=1")
    assert dry_run(loaded(configs, "events")).weights < dry_run(
        loaded(configs, "events", *words)
    ).weights  # fmt: skip
    assert train(["events", str(configs["events"]), *words]) == 0
    model = load_model(tmp_path / "model", task="events")
    weights = sum(each.numel() for each in model.network.parameters())
    assert weights == dry_run(loaded(configs, "events", *words)).weights
    assert weights == dry_run(loaded(configs, "events", *words, f"base={model.name}")).weights


def test_hours_grow_with_the_steps(configs):
    one = dry_run(loaded(configs, "events", "epochs=2"))
    twice = replace(one, steps=2 * one.steps)
    assert twice.hours_here == 2 * one.hours_here > 0
    assert twice.hours_on_gpu == 2 * one.hours_on_gpu > 0
    assert [_duration(hours) for hours in (0.001, 0.5, 12.34)] == [
        "4 seconds", "30 minutes", "12.3 hours"
    ]  # fmt: skip
    silent = replace(one, gigabytes=None)  # as on Windows
    assert "memory    not told by this system\n" in describe(loaded(configs, "events"), silent)


def test_araberts_architecture_stands_in_where_the_hub_is_out_of_reach(configs, no_hub):
    words = (f"base={ARABERT}", "layers=1", "batch_size=1", "window=64", "stride=8")
    config = loaded(configs, "answers", *words)
    estimate = dry_run(config)
    embeddings = (64_000 + 512 + 2) * 768 + 2 * 768
    layer = 4 * (768 * 768 + 768) + 2 * 768 * 3072 + 3072 + 768 + 4 * 768
    assert estimate.stand_in
    assert estimate.weights == embeddings + layer + 2 * 768 + 2
    assert f"{ARABERT} (not to be had here: its architecture" in describe(config, estimate)


def test_a_base_of_unknown_architecture_is_refused_in_one_line(configs, no_hub, capsys):
    words = ["answers", configs["answers"]]
    refused([*words, "base=no/such-base"], capsys, "no/such-base: ", "not in the cache")
    refused([*words, f"base={ARABERT}", "layers=13"], capsys, "layers: found 13", "1 to 12")


def test_what_the_run_would_refuse_is_refused(configs, tmp_path, capsys):
    answers, events = (["answers", configs["answers"]], ["events", configs["events"]])
    table = tmp_path / "table.csv"
    table.write_text("text,label\nخبر عاجل,AID\n", encoding="utf-8")
    refused([*answers, "window=1024"], capsys, "window: 1024 tokens, but ", "512 at most")
    refused([*answers, "layers=3"], capsys, "layers: found 3;")
    refused([*answers, "frozen_layers=2"], capsys, "frozen_layers: found 2; of 2 layers")
    refused([*answers, f"train={table}"], capsys, f"{table}: no question in these files")
    refused([*answers, "batch_size=0"], capsys, "batch_size: 0 is out of range")
    refused([*events, "mode=single-label"], capsys, "mode single-label needs exactly one")
    refused([*events, "precision=fp16"], capsys, "fp16 trains on a GPU only")

"""A public benchmark's protocol: splits that only the seed decides, and a record that adds up."""

import csv
import json
import random
import statistics
from pathlib import Path

import pytest
import torch
import yaml

from hadath.annotations import Article, read_articles
from hadath.scores import EventResult
from train.__main__ import main as train
from train.benchmark import _figures, benchmark_table, random_split

WORDS = {
    "VerCoop": ("التقى", "الوزير", "نظيره", "وبحثا", "التعاون"),
    "MatConf": ("هاجم", "مسلحون", "القرية", "وقتلوا", "مدنيين"),
}
SEEDS = (3, 11)


def labelled(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    return path


def rows(count: int = 60) -> list[tuple[str, str]]:
    draw = random.Random(1)
    made = []
    for number in range(count):
        label = sorted(WORDS)[number % 2]
        made.append((f"{' '.join(draw.choices(WORDS[label], k=4))} {number}", label))
    return made


@pytest.fixture(scope="module")
def config(tmp_path_factory, tiny_base) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    data = str(labelled(folder / "all.csv", rows()))
    settings = {
        "base": str(tiny_base), "output": str(folder / "out"), "train": [data], "dev": [data],
        "epochs": 1, "batch_size": 8, "learning_rate": 3e-3, "window": 32, "device": "cpu",
        "precision": "fp32", "mode": "single-label", "labels": "data",
    }  # fmt: skip
    path = folder / "quadclass.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def output(config) -> Path:
    """What one run of the command wrote."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    words = ["benchmark", "quadclass", str(config), "--seeds", *map(str, SEEDS)]
    try:
        assert train(words) == 0
    finally:
        torch.set_num_threads(threads)
    return config.with_name("out")


def refused(config: Path, capsys, *expected: str, words: tuple = (), seeds: tuple = SEEDS) -> None:
    capsys.readouterr()
    command = ["benchmark", "quadclass", config, *words, "--seeds", *seeds]
    assert train([str(word) for word in command]) == 2
    found = capsys.readouterr()
    assert found.err.startswith("train: ") and found.err.count("\n") == 1 and found.out == ""
    for part in expected:
        assert part in found.err


# The split.


@pytest.mark.parametrize("count", [4, 7, 100, 5979])
def test_a_split_is_disjoint_and_covers_all_in_its_shares(count):
    articles = [Article(f"a{number}", f"خبر {number}") for number in range(count)]
    parts = random_split(articles, seed=4)
    assert list(parts) == ["train", "dev", "test"]
    ids = [article.id for part in parts.values() for article in part]
    assert sorted(ids) == sorted(article.id for article in articles)
    for name, share in (("train", 0.70), ("dev", 0.15), ("test", 0.15)):
        assert abs(len(parts[name]) - share * count) <= 1


def test_the_seed_alone_decides_the_split():
    articles = [Article(f"a{number}", f"خبر {number}") for number in range(60)]
    random.seed(1)
    one = random_split(articles, seed=1)
    random.seed(2)
    assert random_split(articles, seed=1) == one != random_split(articles, seed=2)
    assert [article.id for article in articles] == [f"a{number}" for number in range(60)]


# The command.


def test_mean_and_spread_are_those_of_its_runs(output):
    record = json.loads((output / "benchmark.json").read_text("utf-8"))
    runs = record["runs"]
    assert [run["seed"] for run in runs] == list(SEEDS)
    for name in ("macro_f1", "accuracy", "svm_macro_f1", "svm_accuracy"):
        values = [run[name] for run in runs]
        assert all(0 <= value <= 1 for value in values)
        assert record[name]["mean"] == pytest.approx(statistics.mean(values), abs=5e-5)
        assert record[name]["sd"] == pytest.approx(statistics.stdev(values), abs=5e-5)
    for run in runs:
        assert set(run["labels"]) == set(WORDS)
        assert run["macro_f1"] == pytest.approx(statistics.mean(run["labels"].values()))
    assert record["svm_accuracy"]["mean"] > 0.6  # these words tell the labels
    assert record["sentences"] == 60
    assert record["seconds"] == pytest.approx(sum(run["seconds"] for run in runs), abs=0.11)


def test_the_table_is_the_records(output):
    record = json.loads((output / "benchmark.json").read_text("utf-8"))
    table = (output / "benchmark.md").read_text("utf-8")
    assert table == benchmark_table(record) + "\n"
    lines = table.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 3", "| 11", "| mean ± sd"]
    assert len({line.count("|") for line in lines}) == 1
    assert f"**{100 * record['macro_f1']['mean']:.1f}** ± " in lines[-1]


def test_the_record_names_data_base_and_command(output, tiny_base):
    record = json.loads((output / "benchmark.json").read_text("utf-8"))
    ((path, digest),) = record["data"].items()
    assert path.endswith("all.csv") and len(digest) == 64
    assert record["base"] == str(tiny_base) and record["command"].startswith("python -m train")


def test_no_sentence_is_tested_by_a_model_that_learnt_or_chose_on_it(output):
    for seed in SEEDS:
        parts = {
            name: read_articles(output / f"seed-{seed}-{name}.jsonl")
            for name in ("train", "dev", "test")
        }
        texts = [article.text for part in parts.values() for article in part]
        assert len(set(texts)) == len(texts) == 60
        model = json.loads((output / f"seed-{seed}" / "training.json").read_text("utf-8"))
        assert {Path(path).name for path in model["data"]} == {
            f"seed-{seed}-train.jsonl", f"seed-{seed}-dev.jsonl"
        }  # fmt: skip
        assert model["config"]["seed"] == seed


# Refusals, all of them before any training.


def test_seeds_that_make_no_spread_are_refused(config, capsys):
    refused(config, capsys, "seeds: found [1]; name at least two, each once", seeds=(1,))
    refused(config, capsys, "seeds: found [1, 1]", seeds=(1, 1))
    refused(config, capsys, "seed: 9999999999 is out of range", seeds=(1, 9999999999))


def test_a_set_that_the_protocol_does_not_fit_is_refused(config, tmp_path, capsys):
    def against(name: str, table: list[tuple[str, str]], *expected: str) -> None:
        path = labelled(tmp_path / f"{name}.csv", table)
        words = (f"train={path}", f"output={tmp_path / 'out'}")
        refused(config, capsys, f"{path}: ", *expected, words=words)

    good = rows(12)
    against("few", good[:3], "3 articles, too few")
    against("none", [*good, ("نص بلا وسم", "")], "a sentence of 0 types", "exactly one")
    against("two", [*good, ("نص", "VerCoop;MatConf")], "a sentence of 2 types")
    against("twice", [*good, (f"{good[0][0]} ", good[0][1])], "have the same text")
    absent = tmp_path / "absent.csv"
    refused(config, capsys, f"{absent}: no such file", words=(f"train={absent}",))
    assert not (tmp_path / "out").exists()


def test_a_label_that_is_said_or_right_but_not_both_costs_no_benchmark():
    results = [
        EventResult(f"a{n}", 0, 3, frozenset({gold}), frozenset({said}), {gold: 0.5, said: 0.5}, 3)
        for n, (gold, said) in enumerate([("A", "A"), ("B", "A"), ("A", "C")])
    ]
    figures = _figures(results)
    assert figures["accuracy"] == pytest.approx(1 / 3) and figures["f1 B"] == 0

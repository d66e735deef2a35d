"""An ablation: every variant with every seed, each run once, and a table that adds up."""

import json
import shutil
import statistics
from pathlib import Path

import pytest
import torch
import yaml

from hadath.annotations import write_articles
from train.__main__ import main as train
from train.ablation import ablation_table

VARIANTS = {"as it is": [], "a higher rate": ["learning_rate=5e-3"]}


@pytest.fixture(scope="module")
def plan(tmp_path_factory, tiny_base, dev_articles) -> Path:
    """A plan of two variants and two seeds on a handful of sentences."""
    folder = tmp_path_factory.mktemp("ablation")
    files = {}
    for name, part in (("train", dev_articles[:2]), ("dev", dev_articles[2:4])):
        write_articles(folder / f"{name}.jsonl", part)
        files[name] = [str(folder / f"{name}.jsonl")]
    settings = {
        "base": str(tiny_base), "output": str(folder / "never"), "epochs": 1, "batch_size": 8,
        "learning_rate": 1e-3, "window": 32, "device": "cpu", "precision": "fp32",
    }  # fmt: skip
    (folder / "events.yaml").write_text(yaml.safe_dump(settings | files), encoding="utf-8")
    return written(folder / "plan.yaml")


def written(path: Path, **changes: object) -> Path:
    fields = {
        "task": "events", "config": str(path.with_name("events.yaml")),
        "output": str(path.with_name("out")), "seeds": [1, 4], "variants": VARIANTS,
    }  # fmt: skip
    kept = {key: value for key, value in (fields | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")
    return path


def ablate(path: Path) -> int:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return train(["ablate", str(path)])
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def output(plan) -> Path:
    assert ablate(plan) == 0
    return plan.with_name("out")


def test_every_variant_is_trained_with_every_seed(output):
    record = json.loads((output / "ablation.json").read_text("utf-8"))
    assert [each["name"] for each in record["variants"]] == list(VARIANTS)
    for place, variant in enumerate(record["variants"], start=1):
        for seed, figures in zip(record["seeds"], variant["dev"], strict=True):
            run = json.loads(
                (output / f"variant-{place}-seed-{seed}" / "training.json").read_text("utf-8")
            )
            assert run["config"]["seed"] == seed
            assert run["config"]["learning_rate"] == (1e-3, 5e-3)[place - 1]
            judged = [row for row in run["log"] if "eval_goal" in row]
            assert figures["macro_f1"] == judged[-1]["eval_macro_f1"]
    assert (output / "ablation.md").read_text("utf-8") == ablation_table(record) + "\n"


def test_the_table_is_mean_spread_and_paired_gain():
    runs = {"one": [0.50, 0.60, 0.70], "two": [0.53, 0.62, 0.77]}
    record = {
        "seeds": [1, 2, 3],
        "variants": [
            {"name": name, "dev": [{"f1": value} for value in values]}
            for name, values in runs.items()
        ],
    }
    head, _, one, two = ablation_table(record).splitlines()
    assert head == "| variant, 3 seeds | f1 | gain, f1 |"
    assert one == "| one | 60.0 ± 10.0 | – |"
    gains = [0.03, 0.02, 0.07]
    mean, deviation = 100 * statistics.mean(gains), 100 * statistics.stdev(gains)
    assert two == f"| two | 64.0 ± 12.1 | +{mean:.1f} ± {deviation:.1f} |"


def test_what_is_trained_already_is_not_trained_again(output, plan):
    """A run that was stopped goes on; a folder of another run is never taken for this one."""
    kept = output / "variant-1-seed-1" / "training.json"
    before = kept.stat().st_mtime_ns
    shutil.rmtree(output / "variant-2-seed-4")
    assert ablate(plan) == 0
    assert kept.stat().st_mtime_ns == before
    assert (output / "variant-2-seed-4" / "training.json").is_file()


def test_a_folder_of_another_run_is_one_clear_line(output, plan, capsys):
    other = written(plan.with_name("other.yaml"), variants=VARIANTS | {"as it is": ["epochs=2"]})
    capsys.readouterr()
    assert train(["ablate", str(other)]) == 2
    told = capsys.readouterr().err
    assert "variant-1-seed-1" in told and "other settings" in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "both"}, "task: found 'both'; expected answers or events"),
        ({"config": None}, "config: found None; expected a text"),
        ({"seeds": [1]}, "seeds: found [1]; name two whole numbers or more"),
        ({"seeds": [1, "2"]}, "seeds: found [1, '2']"),
        ({"variants": {"one": []}}, "variants: found 1; name a reference and another"),
        ({"variants": {"one": [], "two": "epochs=2"}}, "variants: two: found 'epochs=2'"),
        ({"variants": {"one": [], "two": ["epoch=2"]}}, "epoch=2: no setting 'epoch'"),
        ({"outputs": "x"}, "no field 'outputs'; did you mean 'output'?"),
    ],
)
def test_a_plan_that_does_not_fit_is_one_clear_line(plan, capsys, changes, message):
    path = written(plan.with_name("bad.yaml"), **changes)
    capsys.readouterr()
    assert train(["ablate", str(path)]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and told.startswith("train: ")

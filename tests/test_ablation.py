"""An ablation: every variant with every seed, each run once, and a table that adds up."""

import dataclasses
import json
import shutil
import statistics
from pathlib import Path

import pytest
import torch
import yaml

from hadath.annotations import write_articles
from train.__main__ import main as train
from train.ablation import ablation_table, configs_of, dev_figures, read_ablation

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
            assert figures["macro_f1"] == judged[0]["eval_macro_f1"]
            assert run["data"].items() <= record["data"].items()
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
    kept = output / "variant-1-seed-1" / "training.json"
    before = kept.stat().st_mtime_ns
    shutil.rmtree(output / "variant-2-seed-4")
    assert ablate(plan) == 0
    assert kept.stat().st_mtime_ns == before
    assert (output / "variant-2-seed-4" / "training.json").is_file()


def copied(output: Path, folder: Path) -> Path:
    """The same plan over copies of its runs, the first of them missing."""
    shutil.copytree(output, folder / "out")
    shutil.copy(output.with_name("events.yaml"), folder)
    for run in sorted((folder / "out").glob("variant-*")):
        record = json.loads((run / "training.json").read_text("utf-8"))
        record["config"]["output"] = str(run)
        (run / "training.json").write_text(json.dumps(record), "utf-8")
    shutil.rmtree(folder / "out" / "variant-1-seed-1")
    return written(folder / "plan.yaml")


def change(run: Path, **parts: object) -> None:
    record = json.loads((run / "training.json").read_text("utf-8"))
    (run / "training.json").write_text(json.dumps(record | parts), "utf-8")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"config": {"seed": 4}}, "a run with other settings"),
        ({"data": {"train.jsonl": "0" * 64}}, "a run on other data"),
        ({"log": []}, "no epoch was judged"),
    ],
)
def test_another_run_in_the_last_folder_shows_before_the_first_is_trained(
    output, tmp_path, capsys, parts, message
):
    plan = copied(output, tmp_path)
    change(tmp_path / "out" / "variant-2-seed-4", **parts)
    capsys.readouterr()
    assert train(["ablate", str(plan)]) == 2
    told = capsys.readouterr().err
    assert "variant-2-seed-4" in told and message in told and told.count("\n") == 1
    assert not (tmp_path / "out" / "variant-1-seed-1").exists()


def test_the_figures_are_those_of_the_best_epoch(output, tmp_path):
    plan = read_ablation(str(copied(output, tmp_path)))
    config = configs_of(plan)["a higher rate"][0]
    rows = [{"eval_goal": goal, "eval_macro_f1": goal, "step": 1} for goal in (0.2, 0.6, 0.4)]
    change(Path(config.output), log=[{"loss": 1.0}, *rows])
    assert dev_figures(config) == {"macro_f1": 0.6}


def test_the_plans_that_ship_fit_their_recipes():
    root = Path(__file__).parents[1]
    plans = sorted((root / "configs" / "ablations").glob("*.yaml"))
    assert plans
    for path in plans:
        plan = read_ablation(str(path))
        plan = dataclasses.replace(plan, config=str(root / plan.config))
        runs = configs_of(plan)
        assert all(len(configs) == len(plan.seeds) for configs in runs.values())
        files = {file for configs in runs.values() for file in configs[0].train}
        assert all((root / file).is_file() for file in files)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "both"}, "task: found 'both'; expected answers or events"),
        ({"config": None}, "no 'config'; it needs task, config, output, seeds, variants"),
        ({"config": 5}, "config: expected a text, found 5; put it in quotation marks"),
        ({"output": " "}, "output: it is empty; name a file or folder"),
        ({"variants": [1]}, "variants: expected keys and values, found [1]"),
        ({"seeds": [1]}, "seeds: found [1]; name two whole numbers or more"),
        ({"seeds": [1, "2"]}, "seeds: found [1, '2']"),
        ({"seeds": [1, 2, 1]}, "each once"),
        ({"seeds": [[1, 2]]}, "seeds: found [[1, 2]]"),
        ({"seeds": [1, -2]}, "variants: as it is: "),
        ({"variants": {"one": []}}, "variants: found ['one']; name a reference and another"),
        ({"variants": {"one": [], False: []}}, "found ['one', False]"),
        ({"variants": {"one": [], "two": "epochs=2"}}, "variants: two: found 'epochs=2'"),
        ({"variants": {"one": [], "two": ["epoch=2"]}}, "two: epoch=2: no setting 'epoch'"),
        ({"variants": {"one": [], "two": ["train=a", "b"]}}, "two: found 'b'; expected key=value"),
        ({"variants": {"one": [], "two": ["dev=a"]}}, "two: 'dev' is the plan's"),
        ({"variants": {"one": [], "two": ["train=no.jsonl"]}}, "no.jsonl"),
        ({"outputs": "x"}, "no key 'outputs'; did you mean 'output'?"),
    ],
)
def test_a_plan_that_does_not_fit_is_one_clear_line(plan, capsys, changes, message):
    path = written(plan.with_name("bad.yaml"), **{"output": str(plan.with_name("never"))} | changes)
    capsys.readouterr()
    assert train(["ablate", str(path)]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and told.startswith("train: ")
    assert not plan.with_name("never").exists()

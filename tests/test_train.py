"""Fine-tuning: what a kill, a second process or a full disk may not change, and its errors."""

import csv
import dataclasses
import hashlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hub_server import Repo, arabert_files, serving
from safetensors.torch import load_file
from torch.utils.data import BatchSampler
from transformers import AutoTokenizer, TrainerCallback, TrainingArguments
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging as transformers_logging

from hadath import (
    AnswerFinder,
    Article,
    Event,
    EventClassifier,
    HadathError,
    Question,
    Span,
    calibrate,
)
from hadath.annotations import read_articles, write_articles
from hadath.cli import main as hadath
from hadath.config import AnswersConfig, EventsConfig, load_config
from hadath.features import WindowSize
from hadath.models import load_base, load_model
from hadath.ontology import load_scheme
from hadath.predict import _autocast
from hadath.report import card_disagreements
from hadath.scores import score_answers, score_events
from train import answers, leave_one_out
from train.__main__ import main as train
from train.answers import drawn_role_questions
from train.data import training_articles
from train.events import loss_of, train_events
from train.examples import Collator, answer_rows
from train.judge import answer_results, asked_of, event_results, fit_answers, fit_events
from train.loop import (
    LengthSampler,
    _layer_of,
    chosen_precision,
    freeze,
    parameter_groups,
    training_arguments,
)
from train.losses import asymmetric_loss, balanced_weights, label_loss, span_loss
from train.score import seeds_of, split_name

ROOT = Path(__file__).parents[1]

LITTLE = {
    "batch_size": 4, "patience": 9, "seed": 7, "device": "cpu", "precision": "fp32",
}  # fmt: skip
# With dropout, so that a resumed run also proves where the random numbers stand.
ANSWERS = LITTLE | {
    "epochs": 5, "learning_rate": 3e-3, "window": 64, "stride": 16, "longest_answer": 12,
    "role_questions": 0,
}  # fmt: skip
# Without dropout: two processes draw other random numbers than one.
EVENTS = LITTLE | {"epochs": 3, "learning_rate": 3e-3, "window": 48, "hidden_dropout": 0.0}

# Articles that a tiny network understands within seconds: its score moves from epoch to epoch.
PEOPLE = ("الوزير", "الرئيس", "السفير", "المدير", "الأمير")
PLACES = ("بيروت", "القاهرة", "الرباط", "عمان", "تونس", "الكويت", "الدوحة")
SECOND = (
    ("هاجم", "ASSAULT", "هاجم مسلحون قرية قرب الحدود."),
    ("أرسلت", "AID", "أرسلت الحكومة مساعدات إلى المتضررين."),
    ("", "", "كان الطقس معتدلا ذلك اليوم."),
)


def little_articles(name: str, count: int) -> list[Article]:
    """Articles of two sentences: who visited which town, and something else or nothing."""
    draw = random.Random(name)
    made = []
    for number in range(count):
        person, place = draw.choice(PEOPLE), draw.choice(PLACES)
        first = f"زار {person} مدينة {place} أمس برفقة {number} من أعضاء {name}."
        word, kind, second = SECOND[number % 3]
        text = f"{first} {second}"
        events = [Event("CONSULT", Span(0, "زار"))]
        if kind:
            events.append(Event(kind, Span(len(first) + 1, word)))
        asked = (
            (f"أين كان {person}؟", (Span(text.index(place), place),)),
            ("من زار المدينة؟", (Span(text.index(person), person),)),
            ("كم دفع من المال؟", ()),
        )
        made.append(
            Article(
                f"{name}-{number}",
                text,
                sentences=((0, len(first)), (len(first) + 1, len(text))),
                events=tuple(events),
                questions=tuple(Question(f"q{n}", *one) for n, one in enumerate(asked)),
            )
        )
    return made


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Sums in one order, as in the subprocesses; and transformers' progress bars as they were."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    transformers_logging.enable_progress_bar()


@pytest.fixture(scope="module")
def little(tmp_path_factory) -> Path:
    """train.jsonl, dev.jsonl and held.jsonl of articles that a tiny network understands."""
    folder = tmp_path_factory.mktemp("little")
    for name, count in (("train", 40), ("dev", 12), ("held", 3)):
        write_articles(folder / f"{name}.jsonl", little_articles(name, count))
    return folder


@pytest.fixture(scope="module")
def configs(tmp_path_factory, tiny_base, little) -> dict[str, str]:
    """A config file for each task, on the tiny base and the little articles, but for `output`."""
    folder = tmp_path_factory.mktemp("configs")
    files = {name: [str(little / f"{name}.jsonl")] for name in ("train", "dev")}
    paths = {}
    for task, settings in (("answers", ANSWERS), ("events", EVENTS)):
        path = folder / f"{task}.yaml"
        common = {"base": str(tiny_base), "output": str(folder / "never")}
        path.write_text(yaml.safe_dump(common | files | settings), encoding="utf-8")
        paths[task] = str(path)
    return paths


@pytest.fixture(scope="module")
def finder_folder(tmp_path_factory, configs) -> Path:
    """An answer finder fine-tuned without a break."""
    return trained("answers", configs, tmp_path_factory.mktemp("runs") / "answers")


@pytest.fixture(scope="module")
def classifier_folder(tmp_path_factory, configs) -> Path:
    """An event classifier fine-tuned by one process."""
    return trained("events", configs, tmp_path_factory.mktemp("runs") / "events")


def trained(task: str, configs: dict[str, str], output: Path, *words: str) -> Path:
    assert train([task, configs[task], f"output={output}", *words]) == 0
    return output


def refused(words: list[str], capsys, *expected: str) -> str:
    """The one line that `python -m train` says, and no traceback."""
    capsys.readouterr()
    assert train(words) == 2
    last = capsys.readouterr().err.rstrip("\n").split("\n")[-1]
    assert last.startswith("train: ")
    for part in expected:
        assert part in last
    return last


def command(*words: object) -> list[str]:
    return [sys.executable, *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"} | more


def record(folder: Path) -> dict:
    return json.loads((folder / "training.json").read_text("utf-8"))


def dev_scores(folder: Path) -> list[dict]:
    return [row for row in record(folder)["log"] if "eval_goal" in row]


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in record(folder)["log"] if "loss" in row]


def largest_difference(one: Path, other: Path) -> float:
    """Between two models' weights."""
    first, second = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def articles(*facts: tuple[str, str, str, str | None]) -> list[Article]:
    """(id, text, question, answer or None) each as an article."""
    made = []
    for name, text, question, answer in facts:
        answers = () if answer is None else (Span(text.index(answer), answer),)
        made.append(Article(name, text, questions=(Question("q1", question, answers),)))
    return made


# A break changes nothing.


@pytest.fixture(scope="module")
def killed(tmp_path_factory, configs) -> tuple[Path, Path]:
    """(output, checkpoints) of a run that `kill -9` ended, as a rule in its second epoch."""
    output = tmp_path_factory.mktemp("runs") / "killed"
    checkpoints = output.with_name("killed.checkpoints")
    run = subprocess.Popen(
        command("-m", "train", "answers", configs["answers"], f"output={output}"),
        cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("checkpoint-*/whole")) and time.monotonic() < deadline:
        if run.poll() is not None:
            break
        time.sleep(0.005)
    time.sleep(0.05)
    run.kill()
    errors = run.communicate()[1]
    assert run.returncode == -signal.SIGKILL, errors
    assert not output.exists()
    return output, checkpoints


def test_a_run_killed_and_resumed_ends_as_one_without_a_break(
    killed, finder_folder, configs, capsys
):
    output, checkpoints = killed
    whole = max(
        checkpoints.glob("checkpoint-*/whole"), key=lambda path: path.stat().st_mtime
    ).parent
    begun = json.loads((whole / "trainer_state.json").read_text("utf-8"))["epoch"]
    assert 1 <= begun < ANSWERS["epochs"]
    # What a kill while a checkpoint is being written leaves: half of it, and no mark.
    half = checkpoints / "checkpoint-100000"
    shutil.copytree(whole, half, ignore=shutil.ignore_patterns("whole", "optimizer.pt"))
    weights = half / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])

    trained("answers", configs, output, "--resume")
    assert "epoch 1 of" not in capsys.readouterr().err
    assert not checkpoints.exists()
    assert largest_difference(output, finder_folder) == 0
    for name in ("hadath.json", "config.json", "tokenizer.json"):
        assert (output / name).read_bytes() == (finder_folder / name).read_bytes()
    assert dev_scores(output) == dev_scores(finder_folder)
    assert losses(output) == losses(finder_folder)
    # And the epochs after the break counted: the best one lies there.
    goals = [row["eval_goal"] for row in dev_scores(output)]
    assert len(goals) == ANSWERS["epochs"] and max(goals) > max(goals[: int(begun)])


def test_with_nothing_to_resume_one_line_says_so(configs, tmp_path, capsys):
    output = tmp_path / "new"
    words = ["answers", configs["answers"], f"output={output}", "--resume"]
    refused(words, capsys, "nothing to resume; start the run without --resume")


def test_a_record_tells_what_the_run_began_with(configs, little, tmp_path, monkeypatch):
    """Hours later a file may be another, and the revision too."""
    file = tmp_path / "train.jsonl"
    shutil.copy(little / "train.jsonl", file)
    began = hashlib.sha256(file.read_bytes()).hexdigest()
    real = answers.fit

    def meanwhile(*given, **named):
        log = real(*given, **named)
        file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", encoding="utf-8")
        monkeypatch.setattr("train.record.git_revision", lambda: "later")
        return log

    monkeypatch.setattr(answers, "fit", meanwhile)
    told = record(trained("answers", configs, tmp_path / "model", f"train={file}", "epochs=1"))
    assert told["data"][str(file)] == began and told["git"] != "later"


def test_the_seed_alone_decides_the_run(configs, finder_folder, tmp_path):
    torch.manual_seed(12345)  # whatever was drawn before
    words = ("epochs=1",)
    one = trained("answers", configs, tmp_path / "one", *words)
    again = trained("answers", configs, tmp_path / "again", *words)
    other = trained("answers", configs, tmp_path / "other", *words, "seed=8")
    assert largest_difference(one, again) == 0 < largest_difference(one, other)


# Two processes are one.


@pytest.mark.parametrize(
    "launcher",
    [
        ("torch.distributed.run", "--standalone", "--nproc-per-node", 2),
        ("accelerate.commands.launch", "--cpu", "--num_processes", 2),
    ],
    ids=lambda words: words[0].split(".")[0],
)
def test_two_processes_train_as_one_does(launcher, classifier_folder, configs, tmp_path):
    output = tmp_path / "two"
    done = subprocess.run(
        command(
            "-m", *launcher, "-m", "train", "events", configs["events"], f"output={output}",
        ),
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 1 of 3") == 1  # one process speaks
    assert losses(output) == pytest.approx(losses(classifier_folder), rel=1e-4)
    two, one = dev_scores(output), dev_scores(classifier_folder)
    assert len(two) == len(one) == 3
    for name in ("eval_macro_f1", "eval_micro_f1", "eval_mean_average_precision"):
        assert [row[name] for row in two] == pytest.approx([row[name] for row in one], abs=0.03)
    assert largest_difference(output, classifier_folder) < 1e-3


def test_a_batch_that_cannot_be_shared_out_is_refused(configs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "3")
    words = ["events", configs["events"], f"output={tmp_path / 'model'}"]
    refused(words, capsys, "batch_size: 4 is not divisible by 3 processes; change one")


# AraBERT, from the hub to an answer.


def test_arabert_is_fetched_fine_tuned_saved_and_asked(configs, tmp_path, capsys):
    text = "قال الوَزيـــر إنَّ كيم التقى بوتين في بيروت ٢٠٢٤؟؟؟؟"
    write_articles(
        tmp_path / "train.jsonl",
        articles(
            ("one", "زار الوزير بيروت امس", "ماذا زار الوزير؟", "بيروت"),
            ("two", "التقى كيم بوتين في الشرق", "من التقى كيم؟", "بوتين"),
            ("three", "قال الوزير ان الحكومة في بيروت", "من زار بيروت؟", None),
        ),
    )
    write_articles(
        tmp_path / "dev.jsonl", articles(("four", "زار كيم الشرق امس", "اين كيم؟", "الشرق"))
    )
    output = tmp_path / "arabert"
    words = (
        "base=aubmindlab/bert-base-arabertv02", f"train={tmp_path / 'train.jsonl'}",
        f"dev={tmp_path / 'dev.jsonl'}", f"output={output}", "batch_size=2", "epochs=1", "layers=1",
        "role_questions=0",
    )  # fmt: skip
    clean = {key: value for key, value in environment().items() if not key.startswith("HF_")}
    with serving({"aubmindlab/bert-base-arabertv02": Repo(arabert_files())}) as endpoint:
        done = subprocess.run(
            command("-m", "train", "answers", configs["answers"], *words),
            cwd=ROOT, env=clean | {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home")},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    assert record(output)["log"][-1]["step"] == 2

    tokenizer = AutoTokenizer.from_pretrained(output)
    assert tokenizer.tokenize(text)[:2] == ["قال", "الوزير"]
    (tmp_path / "article.txt").write_text(text, encoding="utf-8")
    settings = json.loads((output / "hadath.json").read_text("utf-8"))
    assert settings["base"] == "aubmindlab/bert-base-arabertv02"
    # Two steps teach little; at this threshold it answers all the same.
    (output / "hadath.json").write_text(json.dumps(settings | {"no_answer_threshold": 0.0}))
    capsys.readouterr()
    model = ["--model", str(output), "--json", "--top", "3"]
    assert hadath(["ask", "من التقى كيم؟", str(tmp_path / "article.txt"), *model]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert answers
    for answer in answers:
        assert text[answer["start"] : answer["end"]] == answer["text"]


# Event types: the scheme's, or a label set of one's own.


OWN = {
    "رياضة": ["فاز الفريق بكأس الدوري", "سجل اللاعب هدفين في المباراة", "تعادل الفريقان أمس"],
    "اقتصاد": ["ارتفعت أسعار النفط اليوم", "خفض البنك سعر الفائدة", "تراجعت الأسهم في البورصة"],
}


def write_table(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    return path


def test_a_label_set_of_ones_own_is_learnt_from_a_table(configs, tmp_path):
    rows = [(text, label) for label, texts in OWN.items() for text in texts]
    train_file = write_table(tmp_path / "train.csv", rows)
    dev_file = write_table(tmp_path / "dev.csv", [(f"{text} أيضا", label) for text, label in rows])
    words = (f"train={train_file}", f"dev={dev_file}", "labels=data", "mode=single-label")
    output = trained("events", configs, tmp_path / "own", *words, "epochs=8", "learning_rate=0.01")
    classifier = EventClassifier.load(str(output))
    assert classifier.labels == ("اقتصاد", "رياضة")
    assert classifier.model.settings.scheme == ""
    right = 0
    for text, label in rows:
        (sentence,) = classifier(text)
        assert len(sentence.types) == 1
        assert sum(sentence.scores.values()) == pytest.approx(1, abs=1e-5)
        right += label in sentence.types
    assert right >= 5


def test_a_type_that_the_scheme_lacks_is_told_with_its_near_miss(configs, tmp_path, capsys):
    for label, mend in (("CONSULTT", "did you mean 'CONSULT'?"), ("ق", "set labels: data")):
        path = write_table(tmp_path / "train.csv", [("فاز الفريق بكأس الدوري", label)])
        words = ["events", configs["events"], f"train={path}", f"output={tmp_path / 'model'}"]
        refused(words, capsys, str(path), f"no type {label!r} in the label set; {mend}")


def test_one_label_a_sentence_means_neither_none_nor_two(configs, tmp_path, capsys):
    for label, count in (("", 0), ("رياضة;اقتصاد", 2)):
        rows = [("فاز الفريق بكأس الدوري", "رياضة"), ("ارتفعت أسعار النفط", label)]
        path = write_table(tmp_path / "train.csv", rows)
        dev = write_table(tmp_path / "dev.csv", [("خسر الفريق", "رياضة")])
        words = [
            "events",
            configs["events"],
            f"train={path}",
            f"dev={dev}",
            "labels=data",
            "mode=single-label",
            f"output={tmp_path}/model",
        ]
        found = f"article 'train/train-3' has a sentence of {count} types"
        refused(words, capsys, str(path), found, "use multi-label")


# The data: never the same article on both sides.


def config(tmp_path: Path, kind: type = AnswersConfig, **settings: object):
    files = {"train": (str(tmp_path / "train.jsonl"),), "dev": (str(tmp_path / "dev.jsonl"),)}
    return kind(**{"base": "any", "output": str(tmp_path / "model")} | files | settings)


SHARED = "أعلن وزير الخارجية أمس أن بلاده ستستضيف القمة المقبلة في العاصمة"


@pytest.fixture
def two_sides(tmp_path) -> Path:
    write_articles(
        tmp_path / "train.jsonl",
        articles(
            ("copied", f"عاجل: {SHARED}.", "ماذا أعلن؟", "القمة"),
            ("seven", " ".join(SHARED.split()[:7]) + " شيئا آخر", "من أعلن؟", "وزير الخارجية"),
            ("other", "زار الوزير بيروت", "ماذا زار؟", "بيروت"),
        ),
    )
    write_articles(tmp_path / "dev.jsonl", articles(("dev", "نص آخر تماما", "ماذا؟", None)))
    write_articles(
        tmp_path / "held.jsonl", articles(("held", f"{SHARED} غدا.", "أين القمة؟", "العاصمة"))
    )
    return tmp_path


def test_articles_that_share_eight_words_in_a_row_with_held_out_ones_are_dropped(two_sides, capsys):
    kept, _ = training_articles(config(two_sides, held_out=(str(two_sides / "held.jsonl"),)))
    assert [article.id for article in kept] == ["seven", "other"]
    assert (
        capsys.readouterr().err == "1 training articles share text with held-out files: dropped\n"
    )
    kept, _ = training_articles(config(two_sides))
    assert len(kept) == 3 and capsys.readouterr().err == ""
    # Too short to have a phrase of eight words, yet the same.
    write_articles(
        two_sides / "held.jsonl", articles(("held", "زارَ الوزيرُ بيروت.", "ماذا زار؟", "بيروت"))
    )
    kept, _ = training_articles(config(two_sides, held_out=(str(two_sides / "held.jsonl"),)))
    assert [article.id for article in kept] == ["copied", "seven"]


def test_what_is_held_out_chooses_no_epoch_either(two_sides):
    with pytest.raises(HadathError, match="held_out and dev: article 'dev' is in both"):
        training_articles(config(two_sides, held_out=(str(two_sides / "dev.jsonl"),)))


@pytest.mark.parametrize(
    "facts", [("other", "نص جديد", "ماذا؟", None), ("new", " زار الوزير بيروت\n", "ماذا؟", None)]
)
def test_an_article_in_both_train_and_dev_is_refused_by_id_and_by_text(two_sides, facts):
    write_articles(two_sides / "dev.jsonl", articles(facts))
    with pytest.raises(HadathError, match=rf"train and dev: article '{facts[0]}' is in both"):
        training_articles(config(two_sides))


def test_files_that_cannot_be_trained_on_are_named(two_sides, configs, capsys):
    def words(**settings: object) -> list[str]:
        kept = {"output": two_sides / "model"} | settings
        return ["answers", configs["answers"], *(f"{key}={value}" for key, value in kept.items())]

    not_utf8, empty = two_sides / "old.jsonl", two_sides / "empty.jsonl"
    not_utf8.write_bytes('{"id": "a", "text": "خبر"}'.encode("windows-1256"))
    empty.write_text("")
    refused(words(train=not_utf8), capsys, f"{not_utf8}:1: byte", "is not UTF-8")
    refused(words(train=empty), capsys, f"{empty}: no articles in it")
    refused(words(train=two_sides / "none.jsonl"), capsys, "none.jsonl: no such file")
    refused(words(dev=two_sides / "none.jsonl"), capsys, "none.jsonl: no such file")
    refused(words(train=two_sides), capsys, "no reader for a name without a suffix")
    refused(words(train=two_sides / "a.xml"), capsys, "no reader for .xml; use .jsonl")
    twice = two_sides / "train.jsonl"
    refused(words(train=f"{twice},{twice}"), capsys, "came from", "name each file once")
    no_questions = write_table(two_sides / "table.csv", [("خبر عاجل", "AID")])
    refused(words(train=no_questions), capsys, f"{no_questions}: no question in these files")
    refused(words(dev=no_questions), capsys, f"{no_questions}: no question in these files")
    no_dev, no_train = two_sides / "no_dev.yaml", two_sides / "no_train.yaml"
    settings = yaml.safe_load(Path(configs["answers"]).read_text("utf-8"))
    no_dev.write_text(yaml.safe_dump(settings | {"dev": []}))
    no_train.write_text(yaml.safe_dump(settings | {"train": []}))
    refused(["answers", str(no_dev)], capsys, f"{no_dev}: dev: no files")
    refused(["answers", str(no_train)], capsys, "train: no files; name at least one")
    refused(["answers", str(no_train), "train"], capsys, "'train': expected key=value")
    assert not (two_sides / "model").exists()


def test_what_the_finder_could_not_read_is_refused_before_the_training(two_sides, configs, capsys):
    words = [f"output={two_sides / 'model'}", f"train={two_sides / 'train.jsonl'}"]
    for text, question, message in (
        ("نص آخر", "؟؟", "bad.jsonl: article 'bad': question 'q': no letter or digit in it"),
        ("…", None, "bad.jsonl: article 'bad': no letter or digit in it"),
        ("خبر \ud83d", None, "bad.jsonl: article 'bad': a lone surrogate at character 4"),
    ):
        asked = [{"id": "q", "question": question, "answers": []}] if question else []
        record = {"id": "bad", "text": text, "questions": asked}
        (two_sides / "bad.jsonl").write_text(json.dumps(record), encoding="utf-8")
        for side in ("train", "dev"):
            word = f"{side}={two_sides / 'bad.jsonl'}"
            refused(["answers", configs["answers"], *words, word], capsys, message)


def test_event_data_without_events_is_refused(two_sides, configs, capsys):
    words = ["events", configs["events"], f"output={two_sides / 'model'}"]
    eventless = f"{two_sides / 'train.jsonl'}"
    refused([*words, f"train={eventless}", "labels=data"], capsys, "no event in these files")
    refused(
        [*words, f"dev={two_sides / 'dev.jsonl'}"],
        capsys,
        "dev.jsonl: no event in these files to judge by",
    )


# Where a run cannot go on, what was there before stays.


def test_a_disk_that_fills_up_while_training_leaves_the_old_model_whole(
    configs, finder_folder, tmp_path, capsys
):
    resource = pytest.importorskip("resource")
    output = tmp_path / "model"
    shutil.copytree(finder_folder, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    words = ["answers", configs["answers"], f"output={output}", "epochs=1", "seed=9"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Not even the weights fit; then they do, but not the optimizer's state.
    for most in (50_000, len(before["model.safetensors"]) + 5_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
        try:
            refused(words, capsys, "model.checkpoints: a checkpoint was not written", "--resume")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert {path.name: path.read_bytes() for path in output.iterdir()} == before
        refused([*words, "--resume"], capsys, "nothing to resume")


def test_a_disk_that_fills_up_while_saving_costs_no_training(
    configs, finder_folder, tmp_path, capsys, monkeypatch
):
    output = tmp_path / "model"
    words = ["answers", configs["answers"], f"output={output}"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hadath.models.write_bytes", full)
    refused(words, capsys, f"{output}: not saved", "no space left on device")
    monkeypatch.undo()
    assert train([*words, "--resume"]) == 0
    assert "epoch 1" not in capsys.readouterr().err
    assert largest_difference(output, finder_folder) == 0
    assert (output / "hadath.json").read_bytes() == (finder_folder / "hadath.json").read_bytes()


def test_a_run_is_resumed_with_what_it_began_with_or_not_at_all(configs, little, tmp_path, capsys):
    output = tmp_path / "model"
    words = ["events", configs["events"], f"output={output}", "epochs=1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.finish.run_record", _killed)
        with pytest.raises(KeyboardInterrupt):
            train(words)
    other = ("learning_rate=1e-3", "learning_rate: 0.003 then, 0.001 now")
    for word, message in (other, (f"train={little / 'held.jsonl'}", "data: files changed")):
        refused([*words, word, "--resume"], capsys, message)
    # A stray folder is no checkpoint, and a setting of an older version is told, not a traceback.
    checkpoints = output.with_name("model.checkpoints")
    (checkpoints / "checkpoint-old").mkdir()
    run = checkpoints / "run.json"
    began = run.read_text("utf-8")
    run.write_text(json.dumps(json.loads(began) | {"gone": 1}), encoding="utf-8")
    refused([*words, "--resume"], capsys, "gone: 1 then, None now")
    run.write_text(began, encoding="utf-8")
    # Nor does the same command without --resume remove what hours have made.
    refused(words, capsys, "model.checkpoints: checkpoint-", "--resume", "remove the folder")
    assert train([*words, "--resume"]) == 0


@pytest.mark.parametrize("words", [("epochs=4", "stop_after=1"), ("epochs=9", "patience=1")])
def test_a_run_that_was_over_trains_no_further_when_resumed(words, configs, tmp_path, monkeypatch):
    """Killed after its last epoch, while its numbers were being fitted."""
    whole = trained("events", configs, tmp_path / "whole", *words)
    output = tmp_path / "model"
    with monkeypatch.context() as patch:
        patch.setattr("train.finish.run_record", _killed)
        with pytest.raises(KeyboardInterrupt):
            train(["events", configs["events"], f"output={output}", *words])
    with monkeypatch.context() as patch:
        patch.setattr("train.loop.JudgedTrainer", _killed)  # nothing is trained
        trained("events", configs, output, *words, "--resume")
    assert largest_difference(output, whole) == 0
    assert dev_scores(output) == dev_scores(whole)


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_compact_model_takes_the_old_ones_place_only_once_its_numbers_are_fitted(
    configs, finder_folder, tmp_path, capsys, monkeypatch
):
    output = tmp_path / "model"
    shutil.copytree(finder_folder, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise HadathError("no space left on device")

    monkeypatch.setattr("train.finish.run_record", full)
    words = ["answers", configs["answers"], f"output={output}", "epochs=1", "compact=true"]
    refused(words, capsys, "no space left on device")
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    monkeypatch.undo()
    assert train([*words, "--resume"]) == 0
    assert "quantization_config" in json.loads((output / "config.json").read_text("utf-8"))
    assert AnswerFinder.load(str(output)).model.settings.temperature > 0
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_output_that_is_no_models_folder_is_refused_before_the_training(
    configs, tmp_path, capsys
):
    (tmp_path / "thesis.txt").write_text("years of work")
    words = ["answers", configs["answers"]]
    for output, reason in (
        (tmp_path, "has files but no hadath.json"),
        (tmp_path / "thesis.txt", "a file; name a folder"),
        (tmp_path / "thesis.txt" / "model", "not made (not a directory); choose another output"),
    ):
        refused([*words, f"output={output}"], capsys, reason)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_window_wider_than_the_encoder_reads_is_refused(configs, tmp_path, capsys):
    words = ["answers", configs["answers"], f"output={tmp_path / 'model'}", "window=1024"]
    refused(words, capsys, "window: 1024 tokens, but ", " reads 512 at most; lower it")
    assert not list(tmp_path.iterdir())


def test_what_tensorboard_is_told_outlives_the_checkpoints(configs, tmp_path, monkeypatch):
    class Board(TrainerCallback):
        logging_dir = "among the checkpoints"

        def on_train_begin(self, *_: object, **__: object) -> None:
            Path(self.logging_dir).mkdir()

    monkeypatch.setattr("train.loop.TensorBoardCallback", Board)
    monkeypatch.setattr("train.loop._has_tensorboard", lambda: True)
    trained("events", configs, tmp_path / "model", "epochs=1")
    assert {path.name for path in tmp_path.iterdir()} == {"model", "model.tensorboard"}


def test_a_layers_depth_is_read_whatever_the_encoder_calls_its_layers():
    names = ("bert.embeddings.word", "bert.encoder.layer.0.x", "model.layers.3.attn", "head.weight")
    assert [_layer_of(name, 4) for name in names] == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, "fp32"),
        ({"avx2": True}, "fp32"),
        ({"avx512_bf16": True}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
    ],
)
def test_bf16_is_taken_where_the_processor_has_instructions_for_it(monkeypatch, able, precision):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: able)
    monkeypatch.setattr("torch.ops.mkldnn._is_mkldnn_bf16_supported", lambda: True)
    assert chosen_precision("auto", on_gpu=False) == precision
    assert _autocast(torch.device("cpu")).__class__.__name__ == (
        "autocast" if precision == "bf16" else "nullcontext"
    )


def test_what_this_machine_cannot_do_is_told(tmp_path, monkeypatch):
    with pytest.raises(HadathError, match="precision: fp16 trains on a GPU only"):
        training_arguments(config(tmp_path, precision="fp16", device="cpu"))
    assert chosen_precision("fp16", on_gpu=True) == "fp16"
    assert chosen_precision("auto", on_gpu=False) in ("bf16", "fp32")
    if not torch.cuda.is_available():
        with pytest.raises(HadathError, match="device: 'cuda', but no GPU is usable here"):
            training_arguments(config(tmp_path, device="cuda"))
    monkeypatch.setattr(TrainingArguments, "n_gpu", 4)
    with pytest.raises(HadathError, match=r"4 GPUs for one process; .*nproc-per-node 4"):
        training_arguments(config(tmp_path, device="cpu"))


# One path: what the log says is what the served model scores.


def test_the_dev_score_in_the_log_is_the_loaded_finders(finder_folder, little):
    dev = read_articles(little / "dev.jsonl")
    figures = score_answers(
        answer_results(AnswerFinder.load(str(finder_folder)), dev), draws=1
    ).figures
    best = max(dev_scores(finder_folder), key=lambda row: row["eval_goal"])
    for name in ("f1", "exact_match", "decision_accuracy"):
        assert figures[name].value == best[f"eval_{name}"]


def test_the_dev_score_in_the_log_is_the_loaded_classifiers(classifier_folder, little):
    dev = read_articles(little / "dev.jsonl")
    results = event_results(EventClassifier.load(str(classifier_folder)), dev)
    figures = score_events(results, draws=1).figures
    best = max(dev_scores(classifier_folder), key=lambda row: row["eval_goal"])
    for name in ("macro_f1", "micro_f1", "mean_average_precision"):
        assert figures[name].value == best[f"eval_{name}"]


def test_a_model_is_kept_with_all_that_repeats_its_run(finder_folder, little, tiny_base):
    kept = record(finder_folder)
    assert AnswersConfig(**kept["config"]).base == str(tiny_base)
    assert kept["config"]["seed"] == 7 and kept["config"]["weight_decay"] == 0.01
    assert set(kept["data"]) == {str(little / name) for name in ("train.jsonl", "dev.jsonl")}
    assert all(len(digest) == 64 for digest in kept["data"].values())
    assert {"python", "torch", "transformers"} <= kept["versions"].keys()
    assert kept["command"].startswith("python -m train") and kept["machine"]
    assert len(dev_scores(finder_folder)) == ANSWERS["epochs"] and losses(finder_folder)
    assert (finder_folder / "loss.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert not finder_folder.with_name("answers.checkpoints").exists()


# The parts of a training step.


def test_the_span_loss_is_the_mass_of_all_gold_spans():
    generator = torch.Generator().manual_seed(3)
    start, end = torch.randn((2, 3, 9), generator=generator)
    article = torch.tensor([[3, 6], [2, 8], [4, 4]])
    gold = torch.tensor([[[3, 4], [5, 6]], [[0, 0], [-1, -1]], [[4, 4], [-1, -1]]])
    expected = []
    for row, (first, last) in enumerate(article.tolist()):
        places = [0, *range(first, last + 1)]
        weight = {
            (a, b): math.exp(start[row, a] + end[row, b]) for a in places for b in places
        }  # fmt: skip
        right = sum(weight[tuple(pair)] for pair in gold[row].tolist() if pair[0] >= 0)
        expected.append(-math.log(right / sum(weight.values())))
    assert float(span_loss(start, end, gold, article)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_no_token_outside_the_article_moves_the_span_loss():
    start, end = torch.zeros((2, 1, 6), requires_grad=True)
    gold, article = torch.tensor([[[3, 3]]]), torch.tensor([[2, 4]])
    (gradient,) = torch.autograd.grad(span_loss(start, end, gold, article), start)
    assert gradient[0, [1, 5]].tolist() == [0, 0]
    assert gradient[0, 3] < 0 < gradient[0, 0]


def test_the_label_loss_sums_over_labels_or_chooses_one():
    labels = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    silent = torch.zeros(2, 3)
    both = [label_loss(silent, labels, multi_label=kind) for kind in (True, False)]
    assert [float(loss) for loss in both] == pytest.approx([3 * math.log(2), math.log(3)])
    sure = labels * 40 - 20
    for kind in (True, False):
        assert float(label_loss(sure, labels, multi_label=kind)) < 1e-6
        assert float(label_loss(-sure, labels, multi_label=kind)) > 10


def test_an_absent_label_costs_the_less_the_surer_it_is_denied():
    labels = torch.tensor([[1.0, 0.0]])

    def asymmetric(present, absent):
        return float(asymmetric_loss(torch.logit(torch.tensor([[present, absent]])), labels))

    # Under the margin it costs nothing; a label that is there costs what cross-entropy makes it.
    assert asymmetric(0.3, 0.049) == pytest.approx(-math.log(0.3))
    assert asymmetric(0.3, 0.55) == pytest.approx(-math.log(0.3) - 0.5**4 * math.log(0.5))
    spread = torch.linspace(-30, 30, 61)[:, None].requires_grad_()
    asymmetric_loss(spread, torch.zeros(61, 1)).backward()
    assert (spread.grad >= 0).all() and torch.isfinite(spread.grad).all()


def test_balanced_weights_favour_the_rare_and_keep_their_mean():
    weights = balanced_weights([2000, 200, 20, 0])
    assert float(weights.mean()) == pytest.approx(1)
    assert weights.tolist() == sorted(weights.tolist())
    # So many examples that all weigh alike; labels of one frequency do too, and change nothing.
    assert balanced_weights([10**6, 10**5]).tolist() == pytest.approx([1, 1])
    alike = balanced_weights([7, 7, 7])
    labels, logits = torch.eye(3), torch.randn(3, 3)
    for kind in (True, False):
        plain = label_loss(logits, labels, multi_label=kind)
        assert torch.allclose(label_loss(logits, labels, multi_label=kind, weights=alike), plain)
    # Several types: only where a label is there does its weight count.
    absent, heavy = torch.zeros(3, 3), torch.tensor([1.0, 2.0, 9.0])
    plain = label_loss(logits, absent, multi_label=True)
    assert torch.allclose(label_loss(logits, absent, multi_label=True, weights=heavy), plain)
    present = label_loss(logits, labels, multi_label=True, weights=heavy)
    assert present > label_loss(logits, labels, multi_label=True)


@pytest.mark.parametrize("loss", ["cross-entropy", "balanced", "asymmetric"])
def test_the_loss_that_the_settings_name_is_the_one_trained_with(tmp_path, loss):
    words = [f"loss={loss}", "base=x", f"output={tmp_path}/o"]
    config = load_config(EventsConfig, ROOT / "configs" / "events-small.yaml", words)
    rows = [{"labels": [1.0, 0.0]}, {"labels": [1.0, 0.0]}, {"labels": [0.0, 1.0]}]
    labels = torch.tensor([row["labels"] for row in rows])
    logits = torch.tensor([[0.5, -1.0], [2.0, 0.0], [0.0, 0.1]])
    expected = {
        "cross-entropy": label_loss(logits, labels, multi_label=True),
        "balanced": label_loss(logits, labels, multi_label=True, weights=balanced_weights([2, 1])),
        "asymmetric": asymmetric_loss(logits, labels),
    }
    found = loss_of(config, rows)(SequenceClassifierOutput(logits=logits), {"labels": labels})
    assert torch.equal(found, expected[loss])
    assert len({float(value) for value in expected.values()}) == 3


def test_what_windows_cost_is_counted(tiny_base):
    _, tokenizer = load_base(tiny_base, "answers")
    words = " ".join(f"الوزير قال كلمة رقم {number}" for number in range(60))
    whole = Span(0, words)  # longer than any window
    short = Span(words.index("كلمة"), "كلمة رقم 0")
    article = Article(
        "a", words, questions=(Question("q1", "ماذا؟", (whole,)), Question("q2", "ما؟", (short,)))
    )
    built = answer_rows(
        tokenizer, asked_of([article]), WindowSize(64, 16), empty_windows=1.0, seed=1
    )
    assert (built.cost.spans, built.cost.lost, built.questions) == (2, 1, 2)
    assert "2 gold answers: 1 in no window whole" in str(built.cost)
    answered = [row for row in built.rows if row["gold"] != [(0, 0)]]
    assert answered and all(
        row["article"][0] <= first <= last <= row["article"][1]
        for row in answered
        for first, last in row["gold"]
    )
    fewer = answer_rows(
        tokenizer, asked_of([article]), WindowSize(64, 16), empty_windows=0.0, seed=1
    )
    assert len(fewer.rows) == len(answered)  # only windows that hold an answer


def test_a_batch_is_padded_to_its_longest_row(tiny_base):
    _, tokenizer = load_base(tiny_base, "answers")
    rows = [
        {"input_ids": [0] * n, "token_type_ids": [0] * n, "gold": gold, "article": (2, 4)}
        for n, gold in ((5, [(2, 3), (4, 4)]), (11, [(0, 0)]))
    ]
    batch = Collator(tokenizer)(rows)
    assert batch["input_ids"].shape == (2, 16)
    assert batch["attention_mask"].sum(dim=1).tolist() == [5, 11]
    assert batch["gold"].tolist() == [[[2, 3], [4, 4]], [[0, 0], [-1, -1]]]


def test_role_questions_are_drawn_by_the_seed_in_their_share(little_data, tmp_path):
    train_articles = read_articles(little_data / "train.jsonl")
    drawn = [
        drawn_role_questions(train_articles, config(tmp_path, role_questions=0.5, seed=seed))
        for seed in (1, 1, 2)
    ]
    assert len(drawn[0]) == round(0.5 * len(asked_of(train_articles)))
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn_role_questions(train_articles, config(tmp_path, role_questions=0)) == []


def test_each_epoch_has_an_order_of_its_own_that_seed_and_epoch_decide():
    lengths = [(number * 37) % 101 for number in range(230)]

    def order(epoch: int, seed: int = 3) -> list[int]:
        sampler = LengthSampler(lengths, 8, seed)
        sampler.set_epoch(epoch)
        assert len(sampler) == len(lengths)
        return list(sampler)

    for epoch in range(3):
        assert sorted(order(epoch)) == list(range(len(lengths)))
        assert order(epoch) == order(epoch) != order(epoch, seed=4)
    assert order(0) != order(1) != order(2)
    spread = [
        np.ptp([lengths[row] for row in batch]) for batch in BatchSampler(order(1), 8, False)
    ]  # fmt: skip
    assert np.mean(spread) < 30  # of 101: rows of like length lie together


@pytest.mark.parametrize(("task", "labels"), [("answers", ()), ("events", ("AID", "ASSAULT"))])
def test_every_parameter_is_trained_once_and_slower_the_deeper_it_lies(
    tiny_base, tmp_path, task, labels
):
    network, _ = load_base(tiny_base, task, labels)
    groups = parameter_groups(
        network, config(tmp_path, learning_rate=1.0, layerwise_decay=0.5, weight_decay=0.1)
    )
    ids = [id(parameter) for group in groups for parameter in group["params"]]
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert sorted(ids) == sorted(names)
    rate = {names[id(p)]: group["lr"] for group in groups for p in group["params"]}
    expected = {"embeddings": 0.125, "layer.0.": 0.25, "layer.1.": 0.5}
    for name, found in rate.items():
        assert found == next((value for part, value in expected.items() if part in name), 1.0)
    for group in groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.1 if parameter.ndim > 1 else 0.0)


# Frozen layers.


def in_frozen(name: str, layers: int) -> bool:
    """Whether a weight of the tiny base lies in the embeddings or in its lowest `layers`."""
    return ".embeddings." in name or any(f".layer.{n}." in name for n in range(layers))


@pytest.mark.parametrize("layers", [0, 1])
def test_frozen_layers_get_no_gradient_and_no_optimizer(tiny_base, tmp_path, layers):
    network, tokenizer = load_base(tiny_base, "events", ("AID", "ASSAULT"))
    freeze(network, layers)
    logits = network(**tokenizer(["زار الوزير بيروت"], return_tensors="pt")).logits
    label_loss(logits, torch.tensor([[1.0, 0.0]]), multi_label=True).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == in_frozen(name, layers), name
    groups = parameter_groups(network, config(tmp_path))
    trained_ids = {id(parameter) for group in groups for parameter in group["params"]}
    assert trained_ids == {
        id(parameter) for name, parameter in network.named_parameters()
        if not in_frozen(name, layers)
    }  # fmt: skip


def test_frozen_layers_leave_a_run_as_they_came_and_the_others_learn(configs, tiny_base, tmp_path):
    output = trained("events", configs, tmp_path / "model", "frozen_layers=1", "epochs=1")
    before = load_file(tiny_base / "model.safetensors")
    after = load_file(output / "model.safetensors")
    seen = {True: 0, False: 0}
    for name, weight in before.items():
        frozen = in_frozen(f"bert.{name}", 1)
        if weight.ndim > 1:
            assert torch.equal(after[f"bert.{name}"], weight) == frozen, name
            seen[frozen] += 1
    assert all(seen.values())
    # What was saved is whole: nothing of it stays frozen for whoever fine-tunes it again.
    network, _ = load_base(output, "events", tuple(EventClassifier.load(str(output)).labels))
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_with_no_layers_named_everything_learns(tiny_base):
    network, _ = load_base(tiny_base, "answers")
    freeze(network, None)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_too_many_frozen_layers_are_refused_before_an_older_runs_checkpoints_go(configs, tmp_path):
    older = tmp_path / "model.checkpoints" / "checkpoint-3"
    older.mkdir(parents=True)
    (older / "whole").touch()
    for words in (("frozen_layers=2",), ("layers=1", "frozen_layers=1")):
        asked = load_config(
            EventsConfig, configs["events"], [f"output={tmp_path / 'model'}", *words]
        )
        with pytest.raises(HadathError, match=r"^frozen_layers: found .*one at least must learn"):
            train_events(asked)  # the command itself refuses the checkpoints first
    assert (older / "whole").exists()


def test_a_run_may_stop_before_its_schedule_ends(configs, tmp_path):
    output = trained("events", configs, tmp_path / "model", "epochs=4", "stop_after=1")
    log = json.loads((output / "training.json").read_text("utf-8"))["log"]
    rates = [row["learning_rate"] for row in log if "learning_rate" in row]
    epochs = [row["epoch"] for row in log if "eval_goal" in row]
    assert epochs == [1.0]
    assert not rates or rates[-1] > 0  # not annealed: the schedule was for four


def test_the_tokenizer_that_a_run_saves_folds_marks_where_it_was_told_to(configs, tmp_path):
    output = trained("answers", configs, tmp_path / "model", "epochs=1", "fold_marks=true")
    tokenizer = load_model(output, task="answers").tokenizer
    assert tokenizer("مُوسكــو ٢٠٢٣")["input_ids"] == tokenizer("موسكو 2023")["input_ids"]


def test_a_pooling_layer_is_added_once(configs, tmp_path):
    first = trained("events", configs, tmp_path / "first", "epochs=1", "mean_pooling=true")
    depth = load_model(first, task="events").network.config.num_hidden_layers
    words = (f"base={first}", "epochs=1", "mean_pooling=true")
    again = trained("events", configs, tmp_path / "again", *words)
    assert depth == 3 == load_model(again, task="events").network.config.num_hidden_layers


# Scores, from the command line.


@pytest.mark.parametrize("task", ["answers", "events"])
def test_a_model_is_scored_beside_its_baselines(
    task, finder_folder, classifier_folder, little, tmp_path, capsys
):
    model = {"answers": finder_folder, "events": classifier_folder}[task]
    files = {name: str(little / f"{name}.jsonl") for name in ("train", "dev", "held")}
    capsys.readouterr()
    words = ["score", task, str(model), files["held"], "--output", str(tmp_path / "score")]
    assert train([*words, "--train", files["train"], "--dev", files["dev"]]) == 0
    printed = capsys.readouterr().out
    # A model of the hub is not the embedded one: its seed is its own record's, or unknown.
    loaded = load_model(model, task=task)
    assert seeds_of(dataclasses.replace(loaded, name=str(tmp_path / "elsewhere"))) == ()
    sheet = json.loads((tmp_path / "score" / "sheet.json").read_text("utf-8"))
    assert sheet["run"]["seeds"] == [7]
    assert {"answers": "Word overlap", "events": "TF-IDF"}[task] in printed
    assert (tmp_path / "score" / "report.md").read_text("utf-8").startswith("#")
    pictures = list((tmp_path / "score").rglob("*.png"))
    assert pictures
    card = tmp_path / "card" / "mine.md"
    assert train(["card", str(model), str(tmp_path / "score"), "--output", str(card)]) == 0
    assert card_disagreements(card) == []
    told = card.read_text("utf-8")
    assert f"{'AnswerFinder' if task == 'answers' else 'EventClassifier'}.load(" in told
    assert f"`{files['train']}` | training |" in told
    assert f"`{files['dev']}` | choosing and fitting numbers |" in told
    refused([*words, "--train", files["held"]], capsys, "is in both")


@pytest.mark.parametrize("task", ["answers", "events"])
def test_each_article_is_read_by_a_model_that_has_not_seen_it(
    task, configs, finder_folder, classifier_folder, little, tmp_path, capsys
):
    base = {"answers": finder_folder, "events": classifier_folder}[task]
    held, output = str(little / "held.jsonl"), tmp_path / "out"
    words = ["leave-one-out", task, configs[task], held, f"base={base}", f"output={output}"]
    assert train([*words, "epochs=1"]) == 0
    names = [article.id for article in read_articles(held)]
    for name in names:
        others = read_articles(tmp_path / f"out-without-{name}.jsonl")
        assert [article.id for article in others] == [other for other in names if other != name]
        assert (
            str(tmp_path / f"out-without-{name}.jsonl")
            in record(tmp_path / f"out-without-{name}")["data"]
        )
    sheet = json.loads((output / "sheet.json").read_text("utf-8"))
    assert sheet["split"] == "leave one article out"
    assert "Before the other articles" in capsys.readouterr().out


@pytest.mark.parametrize("task", ["answers", "events"])
def test_refitted_folds_keep_the_weights(
    task, configs, finder_folder, classifier_folder, little, tmp_path, monkeypatch
):
    base = {"answers": finder_folder, "events": classifier_folder}[task]
    held, output = str(little / "held.jsonl"), tmp_path / "out"
    words = ["leave-one-out", task, configs[task], held, f"base={base}", f"output={output}"]
    used = []
    kind = {"answers": "AnswerFinder", "events": "EventClassifier"}[task]
    real = getattr(leave_one_out, kind)

    class Recorded(real):
        def __init__(self, model, **more):
            used.append(model)
            super().__init__(model, **more)

    monkeypatch.setattr(leave_one_out, kind, Recorded)
    assert train([*words, "--refit"]) == 0
    before, *folds = used
    assert len(folds) == len(read_articles(held)) > 1
    assert all(model.network is before.network for model in folds)
    fit = {"answers": fit_answers, "events": fit_events}[task]
    for number, model in enumerate(folds):
        others = [each for i, each in enumerate(read_articles(held)) if i != number]
        seen = [read_articles(little / "train.jsonl"), others]
        sets = seen if task == "answers" else [[*seen[0], *others]]
        assert model.settings == fit(before, *sets).model.settings


def test_the_scheme_gives_the_labels_in_its_order(classifier_folder, tmp_path):
    labels = EventClassifier.load(str(classifier_folder)).labels
    assert labels == tuple(kind.name for kind in load_scheme("plover").types)
    assert dataclasses.asdict(config(tmp_path, EventsConfig))["labels"] == "scheme"


def test_a_sheet_names_the_split_and_a_later_round_by_its_file():
    dev = [Article("a", "نص", split="dev")]
    files = "data/authored/dev.jsonl", "data/authored/dev-2.jsonl"
    assert split_name(files[:1], dev) == "dev"
    assert split_name(files[1:], dev) == "dev-2"
    assert split_name(files, dev) == "dev, dev-2"
    assert split_name(["mine/spring.jsonl"], [Article("a", "نص")]) == "spring"
    assert split_name(files, [*dev, Article("b", "نص", split="test")]) == "dev, test"


def test_each_dev_file_weighs_the_same_in_a_refit(
    finder_folder, little_data, tmp_path, monkeypatch
):
    dev, held = (read_articles(little_data / f"{name}.jsonl") for name in ("dev", "held"))
    copies = [
        dataclasses.replace(each, id=f"{each.id}-{number}") for number in range(3) for each in held
    ]
    write_articles(tmp_path / "long.jsonl", copies)

    def numbers(name, *files):
        words = [str(file) for file in (finder_folder, *files, "--output", tmp_path / name)]
        assert train(["refit", "answers", *words]) == 0
        settings = load_model(tmp_path / name, task="answers").settings
        return settings.temperature, settings.no_answer_threshold

    once = numbers("once", little_data / "dev.jsonl", little_data / "held.jsonl")
    assert numbers("thrice", little_data / "dev.jsonl", tmp_path / "long.jsonl") == once
    model = load_model(str(finder_folder), task="answers")
    seen = []
    for name in ("answers_confidence", "no_answer_threshold"):
        real = getattr(calibrate, name)
        recorded = partial(lambda real, *each: seen.append(each[-1]) or real(*each), real)
        monkeypatch.setattr(calibrate, name, recorded)
    fit_answers(model, dev, copies)
    first = len(asked_of(dev))
    assert len(seen) == 2
    assert all(sum(each[:first]) == pytest.approx(sum(each[first:])) for each in seen)


def test_a_refitted_model_remembers_its_training_and_the_refit(
    finder_folder, little_data, tmp_path, capsys
):
    source, dev = tmp_path / "source", str(little_data / "dev.jsonl")
    shutil.copytree(finder_folder, source)
    words = ["refit", "answers", str(source), dev, "--output", str(tmp_path / "again")]
    assert train(words) == 0
    told = record(tmp_path / "again")
    assert {key: told[key] for key in record(source)} == record(source)
    assert list(told["refit"]["data"]) == [dev]
    assert (tmp_path / "again" / "loss.png").read_bytes() == (source / "loss.png").read_bytes()
    (source / "training.json").write_text("{", "utf-8")
    refused(words, capsys, "training.json:1: column 2: not JSON")


def test_refit_refuses_files_with_nothing_to_fit_to(
    finder_folder, classifier_folder, little_data, tmp_path, capsys
):
    dev = read_articles(little_data / "dev.jsonl")
    bare, foreign = tmp_path / "bare.jsonl", tmp_path / "foreign.jsonl"
    write_articles(bare, [dataclasses.replace(each, events=(), questions=()) for each in dev])
    start, end = dev[0].sentences[0]
    event = Event("STRIKE", Span(start, dev[0].text[start:end]))
    write_articles(foreign, [dataclasses.replace(dev[0], events=(event,))])

    def words(task, folder, file, *more):
        return ["refit", task, str(folder), str(file), *more, "--output", str(tmp_path / "no")]

    refused(words("answers", finder_folder, bare), capsys, f"{bare}: no question in these files")
    refused(words("events", classifier_folder, bare), capsys, f"{bare}: no event in these files")
    refused(words("events", classifier_folder, foreign), capsys, "STRIKE", "does not tell")
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("task", ["answers", "events"])
def test_compact_refits_are_fitted_to_what_will_be_loaded(
    task, finder_folder, classifier_folder, little_data, tmp_path, capsys
):
    source = {"answers": finder_folder, "events": classifier_folder}[task]
    dev, output = str(little_data / "dev.jsonl"), str(tmp_path / "small")
    assert train(["refit", task, str(source), dev, "--output", output, "--compact"]) == 0
    fitted = {"answers": "no-answer threshold", "events": "types' threshold"}[task]
    assert f"{fitted} 0." in capsys.readouterr().err.partition("→")[2]
    model = load_model(output, task=task)
    fit = {"answers": fit_answers, "events": fit_events}[task]
    assert fit(model, read_articles(dev)).model.settings == model.settings

"""An encoder adapted to texts by their hidden words: still a base, and it has learned something."""

import json
from pathlib import Path

import pytest
import torch
from hub_server import arabert_files
from torch.nn import functional
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertModel

from hadath.models import load_base
from train.__main__ import main as train
from train.masked import IGNORED, Adaptation, adapt, hidden_word_loss, packed


@pytest.fixture(scope="module")
def masked_base(tmp_path_factory, tiny_base) -> Path:
    """The tiny base with a token for a hidden word."""
    folder = tmp_path_factory.mktemp("masked") / "base"
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    tokenizer.save_pretrained(folder)
    config = BertConfig.from_pretrained(tiny_base, vocab_size=len(tokenizer))
    torch.manual_seed(3)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def texts(little_data) -> list[str]:
    return [str(little_data / "train.jsonl"), str(little_data / "held.jsonl")]


@pytest.fixture(scope="module")
def adapted(masked_base, texts, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapted") / "encoder"
    words = ["adapt", str(masked_base), *texts, "--output", str(folder), "--window", "64"]
    assert train([*words, "--learning-rate", "3e-3", "--frozen-layers", "1"]) == 0
    return folder


def states(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModel.from_pretrained(folder, add_pooling_layer=False).state_dict()


def test_what_is_saved_is_a_base_for_both_tasks(adapted, masked_base):
    for task, labels in (("answers", ()), ("events", ("CONSULT", "ACCUSE"))):
        network, tokenizer = load_base(adapted, task, labels)
        text = "زار الوزير بيروت."
        assert tokenizer(text).input_ids == load_base(masked_base, task, labels)[1](text).input_ids
        found = network.base_model.state_dict()
        assert all(torch.equal(found[name], value) for name, value in states(adapted).items())


def test_an_adapted_arabert_is_still_read_through_its_cleaning(tmp_path):
    base, text = tmp_path / "bert-base-arabertv02", tmp_path / "few.txt"
    base.mkdir()
    for name, content in arabert_files().items():
        (base / name).write_bytes(content)
    text.write_text("التقى كيم بوتين في بيروت وقال ان الوزير زار الحكومة", encoding="utf-8")
    adapt(str(base), [str(text)], str(tmp_path / "new"), Adaptation())
    _, reading = load_base(tmp_path / "new", "answers")
    assert reading.tokenize("قال الــوزير؟؟؟؟") == load_base(base, "answers")[1].tokenize(
        "قال الــوزير؟؟؟؟"
    )
    assert reading.tokenize("قال الــوزير") == reading.tokenize("قال الوزير")


def test_a_batch_without_a_hidden_word_has_a_loss_of_zero(masked_base):
    network = AutoModelForMaskedLM.from_pretrained(masked_base).eval()
    ids = torch.tensor([[0, 5, 6, 2]])
    for labels, wanted in (
        (torch.full((1, 4), IGNORED), torch.tensor(0.0)),
        # The words that are hidden count, the others don't.
        (
            torch.tensor([[IGNORED, 5, 6, IGNORED]]),
            functional.cross_entropy(network(ids).logits[0, 1:3], ids[0, 1:3]),
        ),
    ):
        loss, _ = hidden_word_loss(network, {"input_ids": ids, "labels": labels})
        loss.backward()
        assert torch.allclose(loss, wanted)
        assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_frozen_layers_stay_and_the_others_move(adapted, masked_base):
    before, after = states(masked_base), states(adapted)
    assert before.keys() == after.keys()
    for name, value in before.items():
        still = "embeddings" in name or ".layer.0." in name
        assert torch.equal(value, after[name]) == still, name


def test_more_passes_guess_more_hidden_words(masked_base, texts, tmp_path):
    few, many = (
        adapt(
            str(masked_base),
            texts,
            str(tmp_path / f"{epochs}"),
            Adaptation(epochs=epochs, learning_rate=3e-3, window=64),
        )
        for epochs in (1, 12)
    )
    assert many < few - 0.3  # nats, the mean over all steps


def test_the_record_tells_how_it_was_made(adapted, texts):
    record = json.loads((adapted / "training.json").read_text(encoding="utf-8"))
    assert set(record["data"]) == set(texts)
    assert record["adaptation"]["frozen_layers"] == 1
    assert record["command"].startswith("python -m train")


def test_rows_hold_every_token_in_order(masked_base):
    tokenizer = AutoTokenizer.from_pretrained(masked_base)
    paragraphs = ["زار الوزير مدينة بيروت أمس والتقى الرئيس.", "هاجم مسلحون قرية قرب الحدود."] * 9
    rows = [row["input_ids"] for row in packed(tokenizer, paragraphs, 32)]
    assert all(row[0] == tokenizer.cls_token_id and len(row) <= 32 for row in rows)
    told = [number for row in rows for number in row[1:]]
    whole = [
        number
        for text in paragraphs
        for number in (*tokenizer(text, add_special_tokens=False).input_ids, tokenizer.sep_token_id)
    ]
    assert told == whole[: len(told)]
    assert len(whole) - len(told) <= 8


def test_bad_input_is_one_clear_line(masked_base, tiny_base, adapted, texts, tmp_path, capsys):
    short = tmp_path / "short.txt"
    short.write_text("كلمة", encoding="utf-8")
    new = str(tmp_path / "new")
    for words, said in (
        ([str(masked_base), *texts, "--output", str(adapted)], "is there already"),
        ([str(masked_base), str(short), "--output", new], "too few to learn from"),
        ([str(tiny_base), *texts, "--output", new], "no token for a hidden word"),
        ([str(masked_base), *texts, "--output", new, "--epochs", "0"], "epochs: found 0"),
        ([str(masked_base), *texts, "--output", new, "--epochs", "nan"], "epochs: found nan"),
        ([str(masked_base), *texts, "--output", new, "--seed", "-1"], "seed: found -1"),
        ([str(masked_base), *texts, "--output", new, "--frozen-layers", "9"], "frozen_layers"),
        ([str(masked_base), *texts, "--output", new, "--window", "9999"], "window"),
        ([str(tmp_path / "absent"), *texts, "--output", new], "absent"),
    ):
        assert train(["adapt", *words]) == 2
        told = capsys.readouterr().err.splitlines()
        assert told[-1].startswith("train: ") and said in told[-1]
        assert not Path(new).exists()

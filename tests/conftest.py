"""Fixtures that several test files share: the repo's articles, and a tiny encoder to train."""

import json
import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # one of two processes on two cores; torch reads it once
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hadath.annotations import Article, read_articles

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def dev_articles() -> list[Article]:
    return read_articles(ROOT / "data/authored/dev.jsonl")


@pytest.fixture(scope="session")
def seed_articles() -> list[Article]:
    return read_articles(ROOT / "data/seeds/seeds.jsonl")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory, dev_articles) -> Path:
    """A two-layer encoder of random weights with a Unigram tokenizer, as the embedded models'."""
    folder = tmp_path_factory.mktemp("tiny-base")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=1500, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator([article.text for article in dev_articles], trainer)
    ids = {name: tokenizer.token_to_id(name) for name in special}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", eos_token="</s>",
        sep_token="</s>", pad_token="<pad>", unk_token="<unk>",
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, pad_token_id=ids["<pad>"],
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def little_data(tmp_path_factory, dev_articles) -> Path:
    """train.jsonl, dev.jsonl and held.jsonl of a few articles each, for trainings of seconds."""
    folder = tmp_path_factory.mktemp("little-data")
    parts = {"train": dev_articles[:6], "dev": dev_articles[6:9], "held": dev_articles[9:12]}
    for name, articles in parts.items():
        lines = [json.dumps(article.record(), ensure_ascii=False) for article in articles]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_finder_folder(tmp_path_factory, tiny_base) -> Path:
    """An untrained answer finder: its answers are nonsense, but they must obey every law."""
    from hadath.models import Model, ModelSettings, load_base, save_model

    torch.manual_seed(1)
    network, tokenizer = load_base(tiny_base, "answers")
    settings = ModelSettings(
        task="answers",
        base="tiny",
        window=96,
        stride=32,
        longest_answer=12,
        no_answer_threshold=0.0,
    )
    folder = tmp_path_factory.mktemp("models") / "answers"
    save_model(Model(network, tokenizer, settings, str(folder)), folder)
    return folder


@pytest.fixture(scope="session")
def tiny_classifier_folder(tmp_path_factory, tiny_base) -> Path:
    """An untrained event classifier of three labels."""
    from hadath.models import Model, ModelSettings, load_base, save_model

    torch.manual_seed(2)
    labels = ("CONSULT", "ACCUSE", "ASSAULT")
    network, tokenizer = load_base(tiny_base, "events", labels)
    settings = ModelSettings(task="events", base="tiny", labels=labels, window=64, stride=0)
    folder = tmp_path_factory.mktemp("models") / "events"
    save_model(Model(network, tokenizer, settings, str(folder)), folder)
    return folder

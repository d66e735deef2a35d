"""The pooling layer: it starts as the mean of all tokens, and stock classes load what it makes."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification, DistilBertConfig
from transformers import DistilBertForSequenceClassification as OtherNetwork

from hadath.errors import HadathError
from hadath.models import load_base
from train.pooling import add_pooling_layer

TEXTS = ["زار الرئيس موسكو والتقى نظيره", "نعم"]


@pytest.fixture
def network_and_batch(tiny_base):
    network, tokenizer = load_base(tiny_base, "events", ("AID", "CONSULT"))
    return network.eval(), tokenizer(TEXTS, return_tensors="pt", padding=True)


def test_every_token_becomes_the_norm_of_itself_and_the_mean_of_those_not_padded(
    network_and_batch,
):
    network, batch = network_and_batch
    with torch.no_grad():
        before = network.base_model(**batch).last_hidden_state
        add_pooling_layer(network)
        after = network.base_model(**batch).last_hidden_state
    real = batch["attention_mask"][..., None]
    mean = (before * real).sum(dim=1, keepdim=True) / real.sum(dim=1, keepdim=True)
    eps = network.config.layer_norm_eps
    expected = torch.nn.functional.layer_norm(before + mean, before.shape[-1:], eps=eps)
    assert torch.allclose((after - expected) * real, torch.zeros_like(after), atol=1e-4)


def test_the_layer_is_in_the_config_and_a_stock_class_loads_it(network_and_batch, tmp_path):
    network, batch = network_and_batch
    add_pooling_layer(network)
    network.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert again.config.num_hidden_layers == 3
    with torch.no_grad():
        assert torch.equal(again(**batch).logits, network(**batch).logits)


def test_all_of_it_can_be_learnt(network_and_batch):
    network, batch = network_and_batch
    add_pooling_layer(network)
    network(**batch).logits.sum().backward()
    layer = network.base_model.encoder.layer[-1]
    for part in (layer.attention.self.query, layer.attention.self.value, layer.output.dense):
        assert part.weight.grad.abs().sum() > 0


def test_an_encoder_of_other_layers_is_refused():
    tiny = DistilBertConfig(vocab_size=10, dim=8, n_layers=1, n_heads=2, hidden_dim=8)
    with pytest.raises(HadathError, match="not built of BERT's layers"):
        add_pooling_layer(OtherNetwork(tiny))

"""A head that starts from a probe: right before the first step where labels can be told apart."""

import random

import numpy as np
import pytest
import torch

from hadath.annotations import Article, Event, Span
from hadath.models import load_base
from train.events import start_from_priors
from train.examples import Collator, event_rows
from train.losses import label_loss
from train.probe import first_states, start_from_probe

LABELS = ("AID", "ASSAULT", "CONSULT")
# Each label has its words, so that even an untrained encoder's states differ.
WORDS = {
    "AID": ["مساعدات", "إغاثة", "تبرعات"],
    "ASSAULT": ["هاجم", "قصف", "مسلحون"],
    "CONSULT": ["زار", "التقى", "محادثات"],
}


def sentences(count: int, *, labels: tuple[str, ...] = LABELS) -> list[Article]:
    """Articles of one sentence that repeats a word of its label's."""
    draw = random.Random(5)
    made = []
    for number in range(count):
        label = labels[number % len(labels)]
        words = draw.choices(WORDS[label], k=6)
        text = " ".join(words)
        made.append(
            Article(
                f"a{number}", text, sentences=((0, len(text)),),
                events=(Event(label, Span(0, words[0])),),
            )
        )  # fmt: skip
    return made


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """What is so small is slower on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def fresh(tiny_base):
    """(network with a new head, tokenizer)."""
    torch.manual_seed(3)
    network, tokenizer = load_base(tiny_base, "events", LABELS)
    return network, tokenizer


def rows_of(tokenizer, count: int = 90, **options) -> list[dict]:
    return event_rows(tokenizer, sentences(count, **options), LABELS, tokens=32, context="none")


def logits_of(network, tokenizer, rows) -> torch.Tensor:
    batch = Collator(tokenizer)(rows)
    batch.pop("labels")
    with torch.inference_mode():
        return network.eval()(**batch).logits


@pytest.mark.parametrize("multi_label", [True, False])
def test_separable_sentences_are_classified_right_before_any_step(fresh, multi_label):
    network, tokenizer = fresh
    rows = rows_of(tokenizer)
    labels = torch.tensor([row["labels"] for row in rows])
    assert start_from_probe(network, rows, Collator(tokenizer), multi_label=multi_label)
    found = logits_of(network, tokenizer, rows)
    assert (found.argmax(dim=1) == labels.argmax(dim=1)).float().mean() > 0.95
    # And better than a head that knows how frequent each label is, but not the sentence.
    assert label_loss(found, labels, multi_label=multi_label) < 0.8 * label_loss(
        torch.logit(labels.mean(dim=0)).expand_as(labels), labels, multi_label=multi_label
    )


def test_the_encoder_itself_and_the_random_numbers_are_left_alone(fresh):
    network, tokenizer = fresh
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    network.train()
    torch.manual_seed(11)
    state = torch.get_rng_state()
    assert start_from_probe(network, rows_of(tokenizer), Collator(tokenizer), multi_label=True)
    assert torch.equal(torch.get_rng_state(), state) and network.training
    changed = {
        name for name, weight in network.state_dict().items()
        if not torch.equal(weight, before[name])
    }  # fmt: skip
    assert changed == {
        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"
    }  # fmt: skip


def test_the_probe_starts_the_same_each_time(fresh):
    network, tokenizer = fresh
    found = []
    for _ in range(2):
        with torch.no_grad():
            network.classifier.bias.zero_()
        assert start_from_probe(network, rows_of(tokenizer), Collator(tokenizer), multi_label=True)
        found.append({name: weight.clone() for name, weight in network.state_dict().items()})
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_the_pooler_centres_and_whitens_the_first_state(fresh):
    network, tokenizer = fresh
    rows = rows_of(tokenizer)
    assert start_from_probe(network, rows, Collator(tokenizer), multi_label=True)
    states = first_states(network, rows, Collator(tokenizer))
    dense = network.bert.pooler.dense
    with torch.no_grad():
        whitened = dense(torch.from_numpy(states)).numpy()
    assert np.abs(whitened.mean(axis=0)).max() < 1e-3
    spread = np.cov(whitened.T)
    assert np.abs(spread - np.diag(np.diag(spread))).max() < 1e-3
    assert np.diag(spread).max() <= 0.26  # SPREAD squared, and no component more


def test_a_states_row_does_not_depend_on_its_batch(fresh):
    network, tokenizer = fresh
    rows = rows_of(tokenizer, 12) + event_rows(
        tokenizer, [Article("long", "زار الوزير بيروت " * 8)], LABELS, tokens=32, context="none"
    )
    together = first_states(network, rows, Collator(tokenizer))
    for number in (0, 5, len(rows) - 1):
        alone = first_states(network, rows[number : number + 1], Collator(tokenizer))
        assert np.allclose(alone[0], together[number], atol=0.05)  # bf16 where the CPU has it


def untouched(network, rows, tokenizer) -> bool:
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    assert not start_from_probe(network, rows, Collator(tokenizer), multi_label=True)
    return all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_a_fine_tuned_head_is_left_as_it_is(fresh):
    network, tokenizer = fresh
    with torch.no_grad():
        network.classifier.bias[0] = 0.01
    assert untouched(network, rows_of(tokenizer), tokenizer)


def test_too_few_rows_fall_back_on_the_priors(fresh):
    network, tokenizer = fresh
    few = rows_of(tokenizer, network.config.hidden_size)
    assert untouched(network, few, tokenizer)
    assert untouched(network, [], tokenizer)
    start_from_priors(network, few, multi_label=True)
    assert network.classifier.bias.detach().sigmoid().tolist() == pytest.approx([1 / 3] * 3, 0.1)


def test_a_head_of_another_kind_is_left_as_it_is(fresh):
    network, tokenizer = fresh
    rows = rows_of(tokenizer)
    head = network.classifier
    for other in (torch.nn.Sequential(head), torch.nn.Linear(32, 3, bias=False)):
        network.classifier = other
        assert untouched(network, rows, tokenizer)
    network.classifier, network.bert.pooler = head, None
    assert untouched(network, rows, tokenizer)


@pytest.mark.parametrize("multi_label", [True, False])
def test_a_label_that_never_occurs_starts_unlikely(fresh, multi_label):
    network, tokenizer = fresh
    rows = rows_of(tokenizer, labels=LABELS[:2])
    assert start_from_probe(network, rows, Collator(tokenizer), multi_label=multi_label)
    assert network.classifier.bias[2].sigmoid() < 0.05
    assert not network.classifier.weight[2].any()
    assert (logits_of(network, tokenizer, rows).argmax(dim=1) < 2).all()

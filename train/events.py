"""The event classifier's recipe: load, fit choosing the epoch on dev, save with its dev numbers.

It does not know the test split.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

import torch
from transformers import PreTrainedTokenizerFast, set_seed
from transformers.modeling_outputs import SequenceClassifierOutput

from hadath.annotations import Article
from hadath.config import EventsConfig
from hadath.errors import HadathError, did_you_mean
from hadath.models import Model, ModelSettings, load_base
from hadath.ontology import load_scheme
from hadath.scores import score_events
from train.augment import articles_in_plain_alefs
from train.data import training_articles
from train.examples import Collator, Row, event_rows
from train.finish import base_settings, finish
from train.judge import fit_events
from train.loop import Recipe, fit
from train.losses import Gold, asymmetric_loss, balanced_weights, label_loss
from train.pooling import add_pooling_layer
from train.probe import head_is_new, smoothed_shares, start_from_probe
from train.record import beginning


def train_events(config: EventsConfig, *, resume: bool = False) -> Model:
    """Fine-tune, fit temperature and thresholds on dev, save into `config.output`."""
    train, sets = training_articles(config)
    began = beginning(config.files)
    dev = list(chain.from_iterable(sets))
    labels = label_set(config, train, dev)
    multi_label = config.mode == "multi-label"
    if not multi_label:
        refuse_other_counts(config.train, train)
        refuse_other_counts(config.dev, dev)
    set_seed(config.seed)  # of a new head; the Trainer sets it again for the rest
    network, tokenizer = load_base(
        config.base,
        "events",
        labels,
        multi_label=multi_label,
        **base_settings(config),
    )
    if config.mean_pooling and head_is_new(network):
        add_pooling_layer(network)
    settings = ModelSettings(
        task="events",
        base=config.base,
        labels=labels,
        multi_label=multi_label,
        window=config.window,
        stride=0,
        context=config.context,
        scheme=config.scheme if config.labels == "scheme" else "",
    )
    model = Model(network=network, tokenizer=tokenizer, settings=settings, name=config.output)
    rows = rows_of(train, tokenizer, labels, config)
    counts = Counter(event.type for article in train for event in article.events)
    sys.stderr.write(
        f"{len(rows)} sentences of {len(train)} articles; "
        + ", ".join(f"{label} {counts[label]}" for label in labels) + "\n"
    )  # fmt: skip
    if not start_from_probe(network, rows, Collator(tokenizer), multi_label=multi_label):
        start_from_priors(network, rows, multi_label=multi_label)
    goal = "macro_f1"
    recipe = Recipe(model, rows, loss_of(config, rows), partial(_judge, dev=dev), goal)
    log = fit(recipe, config, resume=resume)
    fitted = partial(fit_events, articles=dev)
    return finish(model, config, log, fit=fitted, goal=goal, began=began)


def rows_of(
    train: Sequence[Article],
    tokenizer: PreTrainedTokenizerFast,
    labels: Sequence[str],
    config: EventsConfig,
) -> list[Row]:
    """One row a sentence; `plain_alefs` of the articles are read with bare alefs."""
    read = articles_in_plain_alefs(train, config.plain_alefs, config.seed)
    return event_rows(tokenizer, read, labels, tokens=config.window, context=config.context)


def loss_of(
    config: EventsConfig, rows: Sequence[Row]
) -> Callable[[SequenceClassifierOutput, Gold], torch.Tensor]:
    """The loss that the settings name; the weights of a balanced one are those of these rows."""
    of_logits: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = asymmetric_loss
    if config.loss != "asymmetric":
        weights = None
        if config.loss == "balanced":
            columns = zip(*(row["labels"] for row in rows), strict=True)
            weights = balanced_weights([int(sum(column)) for column in columns])
        multi_label = config.mode == "multi-label"
        of_logits = partial(label_loss, multi_label=multi_label, weights=weights)
    return lambda outputs, gold: of_logits(outputs.logits, gold["labels"])


def label_set(
    config: EventsConfig, train: Sequence[Article], dev: Sequence[Article]
) -> tuple[str, ...]:
    """The scheme's types, or the training data's. Raises HadathError where the data has others."""
    found = Counter(event.type for article in train for event in article.events)
    if config.labels == "scheme":
        labels = tuple(kind.name for kind in load_scheme(config.scheme).types)
    else:
        labels = tuple(sorted(found))
    if not labels:
        raise HadathError(f"{', '.join(config.train)}: no event in these files to learn from")
    for files, articles in ((config.train, train), (config.dev, dev)):
        for kind in sorted({event.type for article in articles for event in article.events}):
            if kind not in labels:
                mend = did_you_mean(kind, labels, "set labels: data to learn your own")
                raise HadathError(f"{', '.join(files)}: no type {kind!r} in the label set; {mend}")
    if not any(article.events for article in dev):
        raise HadathError(f"{', '.join(config.dev)}: no event in these files to judge by")
    return labels


def refuse_other_counts(
    files: Sequence[str],
    articles: Sequence[Article],
    *,
    mend: str = "mode single-label needs exactly one in each, use multi-label",
) -> None:
    """Raise HadathError, ending in `mend`, where a sentence has no type or several."""
    for article in articles:
        for types in article.sentence_types():
            if len(types) != 1:
                raise HadathError(
                    f"{', '.join(files)}: article {article.id!r} has a sentence of {len(types)} "
                    f"types; {mend}"
                )


def start_from_priors(network: torch.nn.Module, rows: Sequence[Row], *, multi_label: bool) -> None:
    """Let a new head begin at each label's log-odds in the data (Lin et al. 2017), not at one half.

    A head that was fine-tuned before has a bias that is not zero, and keeps it.
    """
    if not rows:
        return
    targets = torch.tensor([row["labels"] for row in rows])
    heads = [
        module for module in network.modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == targets.shape[1]
    ]  # fmt: skip
    if not heads or heads[-1].bias is None or heads[-1].bias.any():
        return
    shares = smoothed_shares(targets)
    with torch.no_grad():
        heads[-1].bias.copy_(torch.logit(shares) if multi_label else shares.log())


def _judge(model: Model, dev: Sequence[Article]) -> dict[str, float]:
    figures = score_events(fit_events(model, dev).results, draws=1).figures
    shown = ("micro_f1", "macro_f1", "mean_average_precision", "accuracy")
    return {name: figures[name].value for name in shown if name in figures}

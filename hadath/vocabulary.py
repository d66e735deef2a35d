"""Cuts and merges the pieces of a Unigram tokenizer, and the network's embeddings with them.

It does not know why a piece goes or which letters are one: trim.py and folding.py say so.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from hadath.errors import HadathError
from hadath.files import read_json

# Ids that a network's config may name.
_IDS = ("pad", "bos", "eos", "sep", "cls", "decoder_start")


def unigram_record(path: Path, source: str) -> dict[str, Any]:
    """tokenizer.json as it is. Raises HadathError where it is not a Unigram tokenizer's."""
    if not path.is_file():
        raise HadathError(f"{source}: no tokenizer.json; only fast Unigram tokenizers are cut")
    record = read_json(path)
    model = record.get("model") if isinstance(record, dict) else None
    kind = model.get("type") if isinstance(model, dict) else None
    if not isinstance(record, dict) or kind != "Unigram":
        raise HadathError(
            f"{path}: a tokenizer of type {kind!r}; only Unigram ones are cut (XLM-R, e5, mDeBERTa)"
        )
    return record


def pieces(record: dict[str, Any]) -> int:
    """The pieces of the tokenizer's model; tokens added to it have the ids that follow."""
    return len(record["model"]["vocab"])


def embeddings(network: PreTrainedModel, rows: int, name: str) -> torch.nn.Embedding:
    """The word embeddings. Raises HadathError where the tokenizer's last id has no row there."""
    table = network.get_input_embeddings()
    if not isinstance(table, torch.nn.Embedding) or table.num_embeddings < rows:
        raise HadathError(
            f"{name}: its embeddings are no table of {rows} rows, as its tokenizer asks for; "
            f"take weights and tokenizer from the same save"
        )
    return table


def cut_embeddings(
    network: PreTrainedModel, table: torch.nn.Embedding, kept: Sequence[int]
) -> None:
    """Keep the rows of the network's word embeddings named in `kept`, in that order."""
    place = {old: new for new, old in enumerate(kept)}
    table.weight = torch.nn.Parameter(table.weight.detach()[torch.tensor(kept)])
    table.num_embeddings = len(kept)
    if table.padding_idx is not None:
        table.padding_idx = place.get(table.padding_idx)
    for key in (f"{word}_token_id" for word in _IDS):
        found = getattr(network.config, key, None)
        if found is not None:
            setattr(network.config, key, place.get(found))
    network.config.vocab_size = len(kept)
    network.tie_weights()  # other modules may have shared the table


def cut_tokenizer(record: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """tokenizer.json with the kept pieces alone and every id that it names moved to its new one."""
    place = {old: new for new, old in enumerate(kept)}
    model = record["model"]
    vocabulary = [model["vocab"][old] for old in kept if old < pieces(record)]
    special = {token["content"]: place[token["id"]] for token in record["added_tokens"]}
    return record | {
        "added_tokens": [token | {"id": place[token["id"]]} for token in record["added_tokens"]],
        "model": model | {"vocab": vocabulary, "unk_id": place.get(model["unk_id"])},
        "post_processor": _renumbered(record.get("post_processor"), special),
    }


def merge_pieces(
    network: PreTrainedModel,
    record: dict[str, Any],
    fold: Callable[[str], str],
    name: str,
    *,
    foreign: Callable[[str], bool] = lambda piece: False,
) -> dict[str, Any]:
    """Spell the pieces as `fold` does, make one of those that then read alike; give the tokenizer.

    Where pieces merge, the one is as probable as they were together, and its embedding is their
    mean, weighted by their probabilities: so a folded text is cut, and read, nearly as the text
    was. `foreign` pieces, whose probabilities come from another language's texts, count only where
    no other reads like them. Special and added tokens stay. Changes `network`.
    """
    special = {token["id"] for token in record["added_tokens"]} | {record["model"]["unk_id"]}
    vocabulary = record["model"]["vocab"]
    alike: dict[str | int, list[int]] = defaultdict(list)
    for number, (piece, _) in enumerate(vocabulary):
        alike[number if number in special else fold(piece)].append(number)
    last = max([len(vocabulary) - 1, *special - {None}])
    table = embeddings(network, last + 1, name)
    rows = table.weight.detach().clone()
    merged = list(vocabulary)
    for spelling, group in alike.items():
        if isinstance(spelling, int):
            continue
        first = group[0]
        group = [each for each in group if not foreign(vocabulary[each][0])] or group
        scores = [vocabulary[number][1] for number in group]
        best = max(scores)
        shares = torch.tensor([math.exp(score - best) for score in scores])
        merged[first] = [spelling, best + math.log(shares.sum())]
        rows[first] = (shares / shares.sum()) @ table.weight.detach()[group]
    table.weight = torch.nn.Parameter(rows)
    kept = sorted({*(group[0] for group in alike.values()), *range(len(vocabulary), last + 1)})
    cut_embeddings(network, table, kept)
    folded = record | {"model": record["model"] | {"vocab": merged}}
    return cut_tokenizer(folded, kept)


def _renumbered(processor: Any, special: dict[str, int]) -> Any:  # noqa: ANN401 - any JSON value
    """The post-processor with the ids of its special tokens replaced, however it nests them."""
    if isinstance(processor, dict):
        if set(processor) == {"id", "ids", "tokens"}:
            return processor | {"ids": [special[token] for token in processor["tokens"]]}
        return {key: _renumbered(value, special) for key, value in processor.items()}
    if isinstance(processor, list):
        first, second = processor if len(processor) == 2 else (None, None)
        if isinstance(first, str) and first in special and isinstance(second, int):
            return [first, special[first]]  # RobertaProcessing: ["</s>", 2]
        return [_renumbered(value, special) for value in processor]
    return processor

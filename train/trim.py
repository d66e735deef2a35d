"""Cuts a multilingual encoder's vocabulary to the pieces that a language's texts need.

Most of a small multilingual encoder's weights are embeddings of pieces that one language never
uses; after Abdaoui and others (2020), "Load what you need". It does not train anything.
"""

import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from hadath.errors import HadathError
from hadath.files import write_text
from hadath.hub import find_folder, quiet_libraries, told_in_one_line
from hadath.models import absent_folder, taking_the_place_of
from hadath.vocabulary import (
    cut_embeddings,
    cut_tokenizer,
    embeddings,
    pieces,
    unigram_record,
)
from train.data import read_paragraphs

AT_ONCE = 256  # paragraphs tokenised in one call
RARE = 0.001  # a script's share of the characters under which its letters are not kept as such
CHECKED = 8  # paragraphs that both encoders read before the smaller one is kept
CHECKED_TOKENS = 64  # of each of them

Reading = tuple[list[list[str]], torch.Tensor]


def trim(source: str, texts: Sequence[str], output: str, *, least: int = 1) -> None:
    """Write `source` with its vocabulary cut to `texts` into the new folder `output`.

    Kept: special tokens, pieces that occur at least `least` times in the texts, and every piece of
    one character in a script of theirs, so that no word of the language becomes unknown. Any text
    made of kept pieces has the same tokens and hidden states as before. Raises HadathError where
    the tokenizer is not a Unigram one (XLM-R, e5, mDeBERTa) or `output` is there already.
    """
    if least < 1:
        raise HadathError(f"least: found {least}; name 1 or more, 1 keeps all that occur")
    target = absent_folder(output)
    paragraphs = read_paragraphs(texts)
    folder = find_folder(source, task="answers")
    record = unigram_record(folder / "tokenizer.json", source)
    tokenizer, network, absent = _encoder(folder, source)
    counts = piece_counts(tokenizer, paragraphs)
    padding = network.config.pad_token_id
    kept = kept_pieces(record, counts, paragraphs, least=least, padding=padding)
    table = embeddings(network, max(kept) + 1, source)
    sample = list(islice(_whole(tokenizer, paragraphs, frozenset(kept)), CHECKED))
    if not sample:
        sys.stderr.write(
            f"least {least}: no paragraph keeps all its pieces; the encoders are not compared\n"
        )
    before = _reading(network, tokenizer, sample, source)
    cut_embeddings(network, table, kept)
    with taking_the_place_of(target.resolve()) as beside, quiet_libraries():
        # Weights that the source lacks are new and random; whoever loads the folder makes his own.
        state = {name: each for name, each in network.state_dict().items() if name not in absent}
        network.save_pretrained(beside, state_dict=state)
        tokenizer.save_pretrained(beside)  # its settings; the file with the pieces comes next
        write_text(beside / "tokenizer.json", json.dumps(cut_tokenizer(record, kept)))
        smaller, encoder, _ = _encoder(beside, output)
        _refuse_difference(before, _reading(encoder, smaller, sample, output))
    weights = sum(each.numel() for name, each in state.items())
    sys.stderr.write(
        f"{output}: {len(kept):,} of {pieces(record):,} pieces, {weights / 1e6:.1f} million "
        f"weights\n"
    )


def piece_counts(tokenizer: Any, paragraphs: Sequence[str]) -> Counter[int]:  # noqa: ANN401 - whichever AutoTokenizer gives
    """How often each token id occurs in the paragraphs."""
    counts: Counter[int] = Counter()
    for first in range(0, len(paragraphs), AT_ONCE):
        for ids in tokenizer(list(paragraphs[first : first + AT_ONCE]), verbose=False)["input_ids"]:
            counts.update(ids)
    return counts


def kept_pieces(
    record: dict[str, Any],
    counts: Counter[int],
    paragraphs: Sequence[str],
    *,
    least: int,
    padding: int | None = None,
) -> list[int]:
    """Old ids of the tokens that stay, in their old order (so that special tokens keep theirs)."""
    special = {token["id"] for token in record["added_tokens"]}
    special |= {number for number in (record["model"]["unk_id"], padding) if number is not None}
    letters = Counter(_script(character) for text in paragraphs for character in text)
    del letters[""]
    scripts = {name for name, count in letters.items() if count >= RARE * letters.total()}
    kept = set(special)
    for number, (piece, _) in enumerate(record["model"]["vocab"]):
        bare = piece.removeprefix("\u2581")
        single = not bare or (len(bare) == 1 and _script(bare) in scripts)
        # Where they are there, a character that has no piece is spelt out in its bytes.
        byte = piece.startswith("<0x") and record["model"].get("byte_fallback")
        if counts[number] >= least or single or byte:
            kept.add(number)
    return sorted(kept)


def _encoder(
    folder: Path, name: str
) -> tuple[PreTrainedTokenizerFast, PreTrainedModel, frozenset[str]]:
    """(tokenizer, network, the weights that the folder lacks) in the folder's own precision."""
    with _as_encoder(name), quiet_libraries():
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if getattr(config, "quantization_config", None) is not None:
            raise HadathError(
                f"{name}: its weights are packed; write them out first, for instance "
                f"hadath export events FOLDER --model {name}"
            )
        network, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype="auto",
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    return tokenizer, network.eval(), frozenset(report["missing_keys"])


def _whole(
    tokenizer: PreTrainedTokenizerFast, paragraphs: Sequence[str], kept: frozenset[int]
) -> Iterator[str]:
    """The paragraphs all of whose tokens stay."""
    for text in paragraphs:
        if kept.issuperset(tokenizer(text, verbose=False)["input_ids"]):
            yield text


def _reading(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], name: str
) -> Reading:
    """(tokens of each text, (text, token, hidden) its last states)."""
    if not texts:
        return [], torch.zeros(0)
    with _as_encoder(name), torch.inference_mode():
        batch = tokenizer(
            list(texts),
            truncation=True,
            max_length=CHECKED_TOKENS,
            padding=True,
            return_tensors="pt",
        )
        states = network(**batch).last_hidden_state.float()
    return [tokenizer.convert_ids_to_tokens(ids) for ids in batch["input_ids"].tolist()], states


def _refuse_difference(before: Reading, after: Reading) -> None:
    """Raise HadathError where the smaller encoder reads a text in another way."""
    (tokens, states), (found, others) = before, after
    if tokens != found or not torch.allclose(states, others, atol=1e-3):
        what = "hidden states" if tokens == found else "tokens"
        raise HadathError(
            f"cut, it reads texts with other {what}: an architecture that trim does not know; "
            f"choose another base"
        )


def _as_encoder(name: str) -> AbstractContextManager[None]:
    return told_in_one_line(name, "name another base", what="can't be loaded as an encoder")


def _script(character: str) -> str:
    """ARABIC, LATIN …: the first word of a letter's or digit's Unicode name, "" for white space."""
    if character.isspace():
        return ""
    if unicodedata.category(character)[0] in "PSZ":
        return "MARKS"
    return unicodedata.name(character, "NAMELESS").split()[0]

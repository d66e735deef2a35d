"""Tokenizers that read what Arabic news writes in several ways as one: marks, digits, letters.

What is folded here can't move an answer or a type. It does not know AraBERT's own cleaning, which
such a network was pre-trained with (cleaning.py), nor which model a run chose (models.py).
"""

import json

from tokenizers import Regex, Tokenizer
from tokenizers.normalizers import Normalizer, Replace, Sequence
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from hadath.cleaning import as_stock, ascii_digits, refuse_slow
from hadath.errors import HadathError
from hadath.vocabulary import merge_pieces

_MARKS = "[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"
_QUOTATION = "[«»“”„‟]"
# What a web page or a word processor leaves in a text that is copied: direction and joining marks,
# soft hyphens, control characters. A Unigram tokenizer reads each as a word it doesn't know, and
# the word behind it as a part of one.
_INVISIBLE = (
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u200c-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff]"
)
_BLANKS = " *[\t\x1f\u200b][ \t\x1f\u200b]*"
_LINE_BREAKS = " ?(?:[\n\r\v\f\x1c-\x1e\x85\u2028\u2029] ?)+"
_LINE_HEAD = "\n(?! )"  # a Unigram tokenizer cuts the word there as if it went on another
# The letters that scores hold for one too (text.py, `fold`); the last of them are no Arabic ones.
_LETTERS = (("[أإآٱ]", "ا"), ("[ىی]", "ي"), ("[ةہھ]", "ه"), ("ک", "ك"), ("[ؤئ]", "ء"))
_FOREIGN = "یہھک"  # Persian, Urdu: their pieces are as probable as those languages make them


def with_folded_marks(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """A tokenizer that is blind to what carries no meaning in news; it saves and loads as before.

    Diacritics, Quranic marks, tatweel and invisible characters vanish, Arabic-Indic and Persian
    digits read as 0-9, all double quotation marks as one, tabs and runs of blanks as a space, blank
    lines and all kinds of line breaks as one, and the word behind it as any other; offsets still
    point into the raw text. So a model's answer can't depend on them. What a tokenizer folds
    already it folds once. Raises HadathError where it is not a fast tokenizer.
    """
    refuse_slow(tokenizer)
    folding: list[Normalizer] = []
    if not _has(tokenizer, _QUOTATION):
        folding += [Replace(Regex(_MARKS), ""), *ascii_digits(), Replace(Regex(_QUOTATION), '"')]
    if not _has(tokenizer, _INVISIBLE):
        folding += [
            Replace(Regex(f"(?<= ){_INVISIBLE}+ "), ""),  # else two blanks are left
            Replace(Regex(_INVISIBLE), ""),
            Replace(Regex(_BLANKS), " "),
            Replace(Regex(_LINE_BREAKS), "\n"),
        ]
    if not _has(tokenizer, _LINE_HEAD):
        folding.append(Replace(Regex(_LINE_HEAD), "\n "))
    if not folding:
        return tokenizer
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    return as_stock(tokenizer, _folding(backend, folding))


def with_folded_letters(
    tokenizer: PreTrainedTokenizerFast, network: PreTrainedModel, name: str
) -> PreTrainedTokenizerFast:
    """A tokenizer that reads the letters of `_LETTERS` as one; `network` learns its new pieces.

    Many readers leave hamzas and dots out, Egypt's newspapers write فى, and Persian keyboards ی.
    Pieces are spelt so as well, and those that then read alike become one (`merge_pieces`), in the
    network's embeddings too: a text is cut and read nearly as before. What is lost: كتابه (his
    book) reads as كتابة (writing). One that folds letters already comes back as it is. Raises
    HadathError where it is not a Unigram tokenizer (XLM-R, e5, mDeBERTa).
    """
    refuse_slow(tokenizer)
    if _has(tokenizer, _LETTERS[0][0]):
        return tokenizer
    record = json.loads(tokenizer.backend_tokenizer.to_str())
    kind = record["model"]["type"]
    if kind != "Unigram":
        raise HadathError(
            f"fold_letters: {name} has a {kind} tokenizer; letters are folded in Unigram ones only "
            f"(XLM-R, e5, mDeBERTa): set it to false, and plain_alefs to 0.15"
        )
    folding: list[Normalizer] = [Replace(Regex(each), letter) for each, letter in _LETTERS]
    merged = merge_pieces(
        network,
        record,
        Sequence(folding).normalize_str,
        name,
        foreign=lambda piece: any(letter in piece for letter in _FOREIGN),
    )
    backend = Tokenizer.from_str(json.dumps(merged, ensure_ascii=False))
    return as_stock(tokenizer, _folding(backend, folding))


def _has(tokenizer: PreTrainedTokenizerFast, pattern: str) -> bool:
    """Whether its normalizer replaces by that pattern already."""
    stock = tokenizer.backend_tokenizer.normalizer
    written = json.dumps(pattern, ensure_ascii=False)[1:-1]  # as the normalizer's own JSON has it
    return stock is not None and written in stock.__getstate__().decode("utf-8")


def _folding(backend: Tokenizer, folding: list[Normalizer]) -> Tokenizer:
    stock = backend.normalizer
    backend.normalizer = Sequence(folding if stock is None else [stock, *folding])
    return backend

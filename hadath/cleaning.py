"""AraBERT's v0.2 cleaning, inside the tokenizer, so that token offsets point into the raw text.

It does not know sentences or scores (text.py), nor which model a run chose (models.py).
docs/cleaning.md lists where it parts from AraBERT's own preprocessor, and why.
"""

import json
import re
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.normalizers import NFC, NFKD, Normalizer, Replace, Sequence
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from hadath.errors import HadathError

URL_TOKEN, MAIL_TOKEN, MENTION_TOKEN = "[رابط]", "[بريد]", "[مستخدم]"

# Private-use characters that hold a place between pieces; the first piece clears the text of them.
_REST = "\ue000"  # all of a web address but its first character
_ELLIPSIS = "\ue001"  # an ellipsis, which NFKD would take apart

_ENTITIES = (
    (" ", "nbsp;?", "#160;", "#xa0;"),
    ("'", "apos;", "#0?39;", "#x27;"),
    ('"', "quot;?", "#34;", "#x22;"),
    ("«", "laquo;?", "#171;", "#xab;"),
    ("»", "raquo;?", "#187;", "#xbb;"),
    ("“", "ldquo;", "#8220;", "#x201c;"),
    ("”", "rdquo;", "#8221;", "#x201d;"),
    ("‘", "lsquo;", "#8216;", "#x2018;"),
    ("’", "rsquo;", "#8217;", "#x2019;"),
    ("…", "hellip;", "#8230;", "#x2026;"),
    ("–", "ndash;", "#8211;", "#x2013;"),
    ("—", "mdash;", "#8212;", "#x2014;"),
    ("", "shy;?", "zwj;", "lrm;", "rlm;", "#820[567];", "#x200[def];", "#173;", "#xad;"),
    ("<", "lt;?", "#0?60;", "#x3c;"),
    (">", "gt;?", "#0?62;", "#x3e;"),
    ("&", "amp;?", "#0?38;", "#x26;"),  # last: &amp;lt; is unescaped once
)

# Soft hyphen, Arabic letter mark, joiner, bidi controls, word joiner, variation selectors, byte
# order mark; presentation forms of lone diacritics, which NFKD would turn into a space and a mark.
_INVISIBLE = (
    "[\u00ad\u061c\u200d-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
    "\ufc5e-\ufc63\ufe70-\ufe7f]"
)  # fmt: skip
# Superscripts, fractions, circled and squared forms: NFKD would glue them to what they follow.
_RAISED = (
    "[\u00aa\u00b2\u00b3\u00b9\u00ba\u00bc-\u00be\u02b0-\u02ff\u1d2c-\u1d6a\u2070-\u209f\u2120\u2122"
    "\u2150-\u218f\u2460-\u24ff\u3200-\u33ff\U0001f100-\U0001f2ff]"
)  # fmt: skip
_TASHKEEL = "[\u0300-\u036f\u0640\u064b-\u0652\u20d0-\u20ff]"  # Latin accents, tatweel, diacritics
# What NFC could not join to a letter: madda, hamza, superscript alef, Quranic marks but U+06DA.
_ARABIC_MARKS = (
    "[\u0610-\u061a\u0653-\u065f\u0670\u0674\u06d6-\u06d9\u06db\u06dc\u06df-\u06e8\u06ea-\u06ed]"
)

_LOCAL = "-a-zA-Z0-9@:%._+~#="
_WEB = (  # AraBERT's expressions in its order; \K keeps the first character, where the token starts
    rf"(?:h\Kttps?://.[{_LOCAL}]|[{_LOCAL}]\K)[{_LOCAL}]{{1,255}}\.[a-z]{{2,6}}\b"
    r"[-a-zA-Z0-9@:%_+.~#?&/=]*",
    r"h\Kttps?://[a-zA-Z0-9_\-./~?=%&]+",
    r"w\Kww[a-zA-Z0-9_\-?=%&/.~]+",
    r"(?<![a-zA-Z])[a-zA-Z]\K[a-zA-Z]*\.com",
    r"h\Kttp\S*",
    r"w\Kww\S*",
    r":\K//",
)
_MAIL = (r"(?<![\w-])[\w-]\K[\w-]*@(?:[\w-]+\.)+[\w-]+", r"(?<!\S)\S\K\S*@\S+")
_MENTION = (r"@\K\w+",)
_TAG = r"<(?:/?[a-zA-Z]|!)[^<>]*>"

# Letters that AraBERT's vocabulary lacks -> the letter that Arabic news writes in their place.
_LETTERS = (
    ("[\u0671\u0672\u0673]", "ا"),  # alef wasla, alef with wavy hamza
    ("[پ]", "ب"),
    ("[چ]", "ج"),
    ("[ژ]", "ز"),
    ("[ڤڥ]", "ف"),
    ("[ڨ]", "ق"),
    ("[کگڭګ]", "ك"),
    ("[یێېے]", "ي"),
    ("[ەہھۀۂ]", "ه"),
    ("[ۆۇۈۋ]", "و"),
    ("[ڕړ]", "ر"),
    ("[ڵ]", "ل"),
)
_ARABIC = "[\u0621-\u063a\u0641-\u064a]"
# Kept: letters and marks of any script, currency signs, ASCII digits, AraBERT's own punctuation.
_KEPT = r"\p{L}\p{M}\p{Sc}0-9\s\[\]!\"#$%'()*+,.:;\-<=·>?@\\^_`{|}~—٪٫٬’،؟“؛”»«–…‘"
_DIGITS = [f"[{chr(0x660 + value)}{chr(0x6F0 + value)}]" for value in range(10)]
# Kept, but parted neither by a space nor by a BertPreTokenizer: a pause mark, a virama, currency.
_ALONE = "[\u06da\u0b4d\\p{Sc}]"


def arabert_normalizer() -> Normalizer:
    """The cleaning that AraBERT v0.2 and AraELECTRA were pre-trained with, in built-in pieces.

    A tokenizer keeps it in its tokenizer.json. The order is that of AraBERT's `_preprocess_v2`;
    a BertPreTokenizer must follow, which parts the punctuation.
    """
    return Sequence([*_unescape(), *_compose(), *_addresses(), *_characters()])


def needs_arabert_cleaning(name: str) -> bool:
    """Whether the model of that name or folder was trained on text cleaned by AraBERT v0.2.

    True: AraBERT v0.2 (base, large, twitter), AraELECTRA, and ConfliBERT-Arabic where its name says
    that it continues AraBERT. False: any other name. Raises HadathError for AraBERT's other models:
    those of v1 and v2 need the Farasa segmenter (Java), v0.1 other rules.
    """
    plain = name.strip().partition("@")[0]  # a hub's NAME@refs/pr/1 is still that model
    parts = re.split(r"[/\\]", plain.rstrip("/\\").lower())
    model = parts[-1]
    if "conflibert" in model:
        return "arabert" in model
    if "arabertv02" in model or "araelectra" in model:
        return True
    if re.search(r"arabertv(?:2|1|01)(?![0-9])", model) or model == "bert-base-arabert":
        size = "large" if "large" in model else "base"
        raise HadathError(
            f"{name}: AraBERT v0.1, v1 and v2 read text cleaned or segmented (Farasa) otherwise; "
            f"use aubmindlab/bert-{size}-arabertv02, which needs no segmenter and answers better"
        )
    return False


def with_arabert_cleaning(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerFast:
    """The same tokenizer, cleaning what it reads; it saves and loads again with `AutoTokenizer`.

    One that cleans already comes back as it is, however it was trained. Raises HadathError where it
    is not a fast WordPiece tokenizer.
    """
    refuse_slow(tokenizer)
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    stock = backend["normalizer"]
    if f'"{URL_TOKEN[1:]} "' in json.dumps(stock, ensure_ascii=False):
        return tokenizer
    if backend["model"]["type"] != "WordPiece":
        raise HadathError(
            f"a {backend['model']['type']} tokenizer; AraBERT's cleaning fits a WordPiece one"
        )
    cleaning = json.loads(arabert_normalizer().__getstate__())
    pieces = cleaning["normalizers"] if stock is None else [*cleaning["normalizers"], stock]
    backend["normalizer"] = {"type": "Sequence", "normalizers": pieces}
    backend["added_tokens"] = _added_tokens(backend)
    return as_stock(tokenizer, Tokenizer.from_str(json.dumps(backend, ensure_ascii=False)))


def refuse_slow(tokenizer: object) -> None:
    """Raise HadathError where it is no fast tokenizer: others have no normalizer to change."""
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise HadathError(
            f"{type(tokenizer).__name__}: not a fast tokenizer; give the folder a tokenizer.json"
        )


def as_stock(tokenizer: PreTrainedTokenizerFast, backend: Tokenizer) -> PreTrainedTokenizerFast:
    """A tokenizer with that backend and the other's settings, of the class that keeps a normalizer.

    BertTokenizer and XLMRobertaTokenizer build their own normalizer whenever they are loaded.
    """
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_input_names=list(tokenizer.model_input_names),
        model_max_length=tokenizer.model_max_length,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        **tokenizer.special_tokens_map,
    )


def ascii_digits() -> list[Normalizer]:
    """Arabic-Indic and Persian digits become 0-9."""
    return [Replace(Regex(both), str(value)) for value, both in enumerate(_DIGITS)]


def _unescape() -> list[Normalizer]:
    pieces: list[Normalizer] = [Replace(Regex(f"[{_REST}{_ELLIPSIS}]"), " ")]
    for character, *names in _ENTITIES:
        pieces.append(Replace(Regex(f"&(?:{'|'.join(names)})"), character))
    return pieces


def _compose() -> list[Normalizer]:
    """One code point for a letter, whatever its form; marks go without parting the word."""
    return [
        Replace(Regex(_INVISIBLE), ""),
        Replace(Regex(_RAISED), " "),
        Replace("…", _ELLIPSIS),
        NFKD(),
        Replace(Regex(_TASHKEEL), ""),
        NFC(),
        Replace(Regex(_ARABIC_MARKS), ""),
        Replace(_ELLIPSIS, "…"),
    ]


def _addresses() -> list[Normalizer]:
    """Addresses become AraBERT's tokens, mark-up a space."""
    pieces: list[Normalizer] = []
    for patterns, token in ((_WEB, URL_TOKEN), (_MAIL, MAIL_TOKEN), (_MENTION, MENTION_TOKEN)):
        for pattern in patterns:
            # What a piece inserts is aligned with the last character it replaces. So an address's
            # first one becomes "[", the others the rest: the token covers it from end to end.
            pieces.append(Replace(Regex(pattern), _REST))
            pieces.append(Replace(Regex(rf"\S(?={_REST})"), " ["))
            pieces.append(Replace(_REST, f"{token[1:]} "))
    pieces.append(Replace(Regex(_TAG), " "))
    return pieces


def _characters() -> list[Normalizer]:
    """Digits, neighboring alphabets, repetitions, rejected characters, spaces between kinds."""
    arabic, latin = _ARABIC, "[a-zA-Z]"
    return [
        *ascii_digits(),
        *(Replace(Regex(pattern), letter) for pattern, letter in _LETTERS),
        Replace(Regex(r"(\D)\1\K\1+"), ""),
        Replace("/", "-"),
        Replace(Regex(f"[^{_KEPT}]"), " "),
        # Not at the head of the text: an empty match there makes the next piece panic.
        Replace(Regex(rf"(?!\A)(?={_ALONE})|(?<={_ALONE})"), " "),
        Replace(Regex(rf"(?:{arabic}[0-9]+|[0-9]{arabic}+)\K(?={latin})"), " "),
        Replace(Regex(rf"(?<={latin})(?=[0-9]+{arabic}|{arabic}+[0-9])"), " "),
        Replace(Regex(rf"(?<=[0-9])(?={arabic})|(?<={arabic})(?=[0-9])"), " "),
    ]


def _added_tokens(backend: dict[str, Any]) -> list[dict[str, Any]]:
    """The tokenizer's added tokens; those of addresses are sought in the cleaned text."""
    vocabulary = backend["model"]["vocab"]
    tokens = {token["content"]: token for token in backend["added_tokens"]}
    for content in (URL_TOKEN, MAIL_TOKEN, MENTION_TOKEN):
        if content in tokens:
            tokens[content] = tokens[content] | {"normalized": True}
        elif content in vocabulary:
            token = {"id": vocabulary[content], "content": content, "normalized": True}
            flags = {"single_word": False, "lstrip": False, "rstrip": False, "special": True}
            tokens[content] = token | flags
    return sorted(tokens.values(), key=lambda token: token["id"])

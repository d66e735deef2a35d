"""Tokenizers that read past marks and spellings: the same tokens whatever the vowels or hamzas."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    BertTokenizer,
    XLMRobertaTokenizer,
)

from hadath.errors import HadathError
from hadath.folding import with_folded_letters, with_folded_marks
from hadath.models import load_base
from hadath.text import fold, widen

SPELLINGS = (
    ("أعلن الوزير فى القاهرة إلغاء الاتفاقية", "اعلن الوزير في القاهره الغاء الاتفاقيه"),
    ("مسؤولون إيرانيون على آخر الجبهة", "مسئولون ايرانيون علي اخر الجبهه"),
    ("کانت القوات الأوکرانیة", "كانت القوات الاوكرانيه"),
)
PAIRS = (
    ('قال الرئيسُ "فولكوف" إنّ ٢٠٢٣ كان عامـــاً', "قال الرئيس «فولكوف» إن 2023 كان عاما"),
    ("عُدّت الخُطوةُ تمهيدًا", "عدت الخطوة تمهيدا"),
    ("۱۲ قتيلاً و٣٤ جريحاً", "12 قتيلا و34 جريحا"),
    ("مـــوســـكـــو", "موسكو"),
    ("“الخبر”", '"الخبر"'),
)
COPIED = (  # as it comes from a page or a word processor
    ("\ufeffقال\u200f الوزير\u200e:\u00ad نعم\u202c", "قال الوزير: نعم"),
    ("قال\tالوزير \u200b  أمس\x07", "قال الوزير أمس"),
    ("قال الوزير. \r\n \r\n\tثم غادر.", "قال الوزير.\nثم غادر."),
    ("قال الوزير.\u2029ثم غادر.", "قال الوزير.\nثم غادر."),
)


@pytest.fixture(scope="module")
def folding(tiny_base):
    return with_folded_marks(AutoTokenizer.from_pretrained(tiny_base))


@pytest.mark.parametrize(("marked", "plain"), [*PAIRS, *COPIED])
def test_marks_digits_quotation_marks_and_what_is_not_seen_leave_the_tokens_as_they_are(
    folding, marked, plain
):
    assert folding(marked)["input_ids"] == folding(plain)["input_ids"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", " \n\n ", "\n\t"])
def test_the_word_behind_a_line_break_is_cut_as_any_other(folding, line_break):
    first, word = "قال الوزير.", "الرئيس"
    alone = folding(word, add_special_tokens=False)["input_ids"]
    behind = folding(f"{first}{line_break}{word}", add_special_tokens=False)["input_ids"]
    assert behind[-len(alone) :] == alone
    assert behind != folding(f"{first} {word}", add_special_tokens=False)["input_ids"]


def test_a_hamza_is_a_letter_and_stays(folding):
    assert folding("أن")["input_ids"] != folding("ان")["input_ids"]


@pytest.mark.parametrize(("marked", "plain"), PAIRS)
def test_tokens_together_still_cover_the_raw_words(folding, marked, plain):
    encoded = folding(marked, return_offsets_mapping=True, add_special_tokens=False)
    first, last = encoded["offset_mapping"][0], encoded["offset_mapping"][-1]
    start, end = widen(marked, first[0], last[1])
    assert marked[start:end].strip() == marked.strip()


@settings(max_examples=60, deadline=None)
@given(st.text("ابتثجحأإآؤئىة ًٌَُِّْـ٠١٢۳0123«»“”\"'. \n\r\t\u200b\u200f\ufeff", max_size=40))
def test_offsets_are_slices_of_whatever_was_given(folding, text):
    encoded = folding(text, return_offsets_mapping=True)
    for start, end in encoded["offset_mapping"]:
        assert 0 <= start <= end <= len(text)


def test_it_saves_and_loads_and_folds_once(folding, tmp_path):
    folding.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    marked, plain = PAIRS[0]
    assert again(marked)["input_ids"] == again(plain)["input_ids"] == folding(plain)["input_ids"]
    before = again.backend_tokenizer.to_str()
    assert with_folded_marks(again).backend_tokenizer.to_str() == before


def test_what_is_no_fast_tokenizer_is_refused():
    with pytest.raises(HadathError, match="not a fast tokenizer"):
        with_folded_marks(object())


def test_a_wordpiece_tokenizer_folds_too(tmp_path):
    (tmp_path / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "موسكو", "2023"]), encoding="utf-8"
    )
    tokenizer = with_folded_marks(BertTokenizer.from_pretrained(tmp_path))
    assert tokenizer("مُوسكــو ٢٠٢٣")["input_ids"] == tokenizer("موسكو 2023")["input_ids"]


# --- letters ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spelling(tiny_base):
    """(network, tokenizer) that read letters as one, and both as they were."""
    folded = load_base(tiny_base, "answers", fold_marks=True, fold_letters=True)
    return folded, load_base(tiny_base, "answers", fold_marks=True)


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_spellings_have_the_same_tokens_of_the_raw_words(spelling, one, other):
    (_, tokenizer), _ = spelling
    encoded = tokenizer(one, return_offsets_mapping=True, add_special_tokens=False)
    assert encoded["input_ids"] == tokenizer(other, add_special_tokens=False)["input_ids"]
    assert encoded["offset_mapping"][0][0] == 0
    assert encoded["offset_mapping"][-1][1] == len(one)


def test_letters_are_one_where_scores_hold_them_for_one(spelling):
    (_, tokenizer), (_, stock) = spelling
    letters = "ءأإآٱاؤئىیيةههھکكبتو"
    ids = {letter: tokenizer(f"ب{letter}ب")["input_ids"] for letter in letters}
    for one in letters:
        for other in letters:
            assert (ids[one] == ids[other]) == (fold(one) == fold(other)), (one, other)
    assert stock("بأب")["input_ids"] != stock("باب")["input_ids"]


@settings(max_examples=60, deadline=None)
@given(text=st.text("ابتثجحخأإآٱؤئءىيةهک ًّـ٠3\n.", max_size=40))
def test_a_text_reads_as_its_plain_spelling_does(spelling, text):
    (_, tokenizer), _ = spelling
    plain = text.translate(str.maketrans("أإآٱىةکؤئ", "اااايهكءء"))
    assert tokenizer(text)["input_ids"] == tokenizer(plain)["input_ids"]


def test_a_merged_piece_is_the_mean_of_what_it_was_by_probability(spelling):
    (network, tokenizer), (before, stock) = spelling
    pieces = dict(json.loads(tokenizer.backend_tokenizer.to_str())["model"]["vocab"])
    old = json.loads(stock.backend_tokenizer.to_str())["model"]["vocab"]
    plain = str.maketrans("أإآٱىةؤئ", "اااايهءء")
    alike = {}
    for number, (piece, score) in enumerate(old):
        alike.setdefault(piece.translate(plain), []).append((number, score))
    assert len(pieces) == len(alike) == len(tokenizer) == network.config.vocab_size < len(old)
    assert any(len(group) > 1 for group in alike.values())
    table, was = (each.get_input_embeddings().weight for each in (network, before))
    for piece, group in alike.items():
        shares = [math.exp(score) for _, score in group]
        mean = sum(share * was[number] for share, (number, _) in zip(shares, group, strict=True))
        found = table[tokenizer.convert_tokens_to_ids(piece)]
        assert torch.allclose(found, mean / sum(shares), atol=1e-5), piece
        if piece not in stock.all_special_tokens:
            assert math.isclose(pieces[piece], math.log(sum(shares)), abs_tol=1e-6)


def test_what_has_no_such_letter_is_read_as_before(spelling):
    (network, tokenizer), (before, stock) = spelling
    text = "شن جنود حرب ضد مجموع"
    one, other = (each(text, return_tensors="pt") for each in (tokenizer, stock))
    assert tokenizer.convert_ids_to_tokens(one["input_ids"][0]) == stock.convert_ids_to_tokens(
        other["input_ids"][0]
    )
    with torch.inference_mode():
        states = [
            each.eval().base_model(**batch).last_hidden_state
            for each, batch in ((network, one), (before, other))
        ]
    assert torch.allclose(*states, atol=1e-5)


def test_letters_are_folded_once_and_a_saved_model_still_folds(spelling, tmp_path):
    (network, tokenizer), _ = spelling
    tokenizer.save_pretrained(tmp_path)
    network.save_pretrained(tmp_path)
    again = load_base(tmp_path, "answers", fold_marks=True, fold_letters=True)
    assert again[1].backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()
    assert torch.equal(*(each.get_input_embeddings().weight for each in (again[0], network)))
    one, other = SPELLINGS[0]
    assert again[1](one)["input_ids"] == again[1](other)["input_ids"]


def test_a_multilingual_tokenizer_of_its_own_class_folds_when_loaded_again(tmp_path):
    """XLMRobertaTokenizer, multilingual E5's too, makes its own normalizer when it is loaded."""
    letters = [(letter, -9.0) for letter in "▁اأنكکيیةه"]
    words = [("▁أن", -4.0), ("▁ان", -5.0), ("▁كان", -6.0), ("▁کان", -2.0), ("ی", -1.0)]
    special = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    vocabulary = [*special, *dict([*letters, *words]).items(), ("<mask>", 0.0)]
    old = {piece: number for number, (piece, _) in enumerate(vocabulary)}
    config = BertConfig(
        vocab_size=len(vocabulary) + 3, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, pad_token_id=1,
    )  # fmt: skip
    network = BertForQuestionAnswering(config)
    was = network.get_input_embeddings().weight.detach().clone()
    stock = XLMRobertaTokenizer(vocab=vocabulary)
    folded = with_folded_letters(with_folded_marks(stock), network, "stock")
    folded.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for tokenizer in (folded, again):
        assert tokenizer("أَن کـان")["input_ids"] == tokenizer("ان كان")["input_ids"]
        assert tokenizer.convert_ids_to_tokens(tokenizer("أن كان")["input_ids"]) == [
            "<s>", "▁ان", "▁كان", "</s>"
        ]  # fmt: skip
    table = network.get_input_embeddings().weight
    assert len(table) == len(again) == network.config.vocab_size
    # A mean for two Arabic spellings, the Arabic one alone beside a Persian one, <mask> as it was.
    share = 1 / (1 + math.exp(-1))
    mean = share * was[old["▁أن"]] + (1 - share) * was[old["▁ان"]]
    for piece, row in (
        ("▁ان", mean),
        ("▁كان", was[old["▁كان"]]),
        ("ي", was[old["ي"]]),
        (again.mask_token, was[old["<mask>"]]),
    ):
        assert torch.allclose(table[again.convert_tokens_to_ids(piece)], row, atol=1e-6), piece


def test_letters_of_a_wordpiece_vocabulary_are_not_folded(spelling, tmp_path):
    (network, _), _ = spelling
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]", encoding="utf-8")
    tokenizer = BertTokenizer.from_pretrained(tmp_path)
    with pytest.raises(HadathError, match="fold_letters: araber has a WordPiece"):
        with_folded_letters(tokenizer, network, "araber")
    with pytest.raises(HadathError, match="not a fast tokenizer"):
        with_folded_letters(object(), network, "nothing")

"""Tokenizers that read past marks: the same tokens whatever the script of digits or the vowels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertTokenizer

from hadath.cleaning import with_folded_marks
from hadath.errors import HadathError
from hadath.text import widen

PAIRS = (
    ('قال الرئيسُ "فولكوف" إنّ ٢٠٢٣ كان عامـــاً', "قال الرئيس «فولكوف» إن 2023 كان عاما"),
    ("عُدّت الخُطوةُ تمهيدًا", "عدت الخطوة تمهيدا"),
    ("۱۲ قتيلاً و٣٤ جريحاً", "12 قتيلا و34 جريحا"),
    ("مـــوســـكـــو", "موسكو"),
    ("“الخبر”", '"الخبر"'),
)


@pytest.fixture(scope="module")
def folding(tiny_base):
    return with_folded_marks(AutoTokenizer.from_pretrained(tiny_base))


@pytest.mark.parametrize(("marked", "plain"), PAIRS)
def test_marks_digits_and_quotation_marks_leave_the_tokens_as_they_are(folding, marked, plain):
    assert folding(marked)["input_ids"] == folding(plain)["input_ids"]


def test_a_hamza_is_a_letter_and_stays(folding):
    assert folding("أن")["input_ids"] != folding("ان")["input_ids"]


@pytest.mark.parametrize(("marked", "plain"), PAIRS)
def test_tokens_together_still_cover_the_raw_words(folding, marked, plain):
    encoded = folding(marked, return_offsets_mapping=True, add_special_tokens=False)
    first, last = encoded["offset_mapping"][0], encoded["offset_mapping"][-1]
    start, end = widen(marked, first[0], last[1])
    assert marked[start:end].strip() == marked.strip()


@settings(max_examples=60, deadline=None)
@given(st.text("ابتثجحأإآؤئىة ًٌَُِّْـ٠١٢۳0123«»“”\"'. \n", max_size=40))
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

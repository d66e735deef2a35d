"""Laws of folding for scores and of widening a slice over what belongs to its last letter."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.text import fold, widen

FATHA, TANWIN, SHADDA, TATWEEL = "\u064e", "\u064b", "\u0651", "\u0640"

SAME = (
    ("مُحَمَّدٌ", "محمد"),
    ("محـــمد", "محمد"),
    ("أحمد", "احمد"),
    ("إيران", "ايران"),
    ("آسيا", "اسيا"),
    ("ا\u0653سيا", "آسيا"),  # alef and a madda of its own
    ("\u0671لله", "الله"),  # alef wasla
    ("هدى", "هدي"),
    ("علی", "علي"),  # Persian ya
    ("کیف", "كيف"),  # Persian kaf and ya
    ("القاهرة", "القاهره"),
    ("مسؤول", "مسئول"),
    ("شؤون", "شئون"),
    ("عام ٢٠٢٤", "عام 2024"),
    ("۲۰۲۴", "2024"),
    ("\uff12\uff10", "20"),  # full-width digits
    ("\ufdf2", "الله"),  # one-character ligature
    ("\ufefb", "لا"),  # lam-alef
    ("«كيم»،", "كيم"),
    ("“كيم”؛", " كيم "),
    ("هل؟ نعم!", "هل نعم"),
    ("نوفمبر/تشرين الثاني", "نوفمبر تشرين الثاني"),
    ("كيم\u200f جونغ\u00a0أون", "كيم جونغ اون"),  # bidi mark, no-break space
    ("NATO", "nato"),
    ("هٰذا", "هذا"),
    ("كت\ufe76ب", "كتب"),  # a lone diacritic's presentation form, as PDF files hold it
    ("مد\ufc60ة", "مدة"),  # and one of two
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_word_fold_alike(one, other):
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(("one", "other"), [("كيم", "كم"), ("عام", "علم"), ("3", "5"), ("ء", "ا")])
def test_different_words_stay_different(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["", " \n", "،؟؛«»“”!.", FATHA, "\u200f", "\ud800"])
def test_what_has_no_letter_folds_to_nothing(text):
    assert fold(text) == ""


MIXED = st.text(alphabet="أإآٱاىيیةهؤئءکك\u0653\u0654\u064eـ ﷲﻻ٣۳3،؟«aÉß\u0130\u200f", max_size=30)


@settings(max_examples=200, deadline=None)
@given(MIXED | st.text(max_size=30))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_only_letters_and_digits_and_single_spaces_are_left(text):
    folded = fold(text)
    assert "  " not in folded and folded == folded.strip()
    assert all(
        unicodedata.category(character)[0] in "LN" for character in folded if character != " "
    )


@pytest.mark.parametrize(
    ("text", "slice_", "whole"),
    [
        (f"عالٍ{SHADDA} جديد", "عال", f"عالٍ{SHADDA}"),
        (f"قال شكرا{TANWIN}.", "شكرا", f"شكرا{TANWIN}"),
        (f"ب{TATWEEL}تعزيز", "ب", f"ب{TATWEEL}"),
        (f"مه{TATWEEL}{FATHA}م", "مه", f"مه{TATWEEL}{FATHA}"),
        ("قال كيم", "قال", "قال"),
        ("👩\u200d👧 وصلت", "👩", "👩\u200d👧"),  # a family, joined
        ("👍🏽 نعم", "👍", "👍🏽"),  # with a skin tone
        ("☎\ufe0f اتصل", "☎", "☎\ufe0f"),  # with a variation selector
        ("\ud83d\ude00", "\ud83d", "\ud83d\ude00"),  # a surrogate pair left in two halves
    ],
)
def test_a_slice_is_widened_over_what_belongs_to_its_last_character(text, slice_, whole):
    start = text.index(slice_)
    first, last = widen(text, start, start + len(slice_))
    assert (first, text[first:last]) == (start, whole)


def test_a_start_within_a_cluster_moves_to_its_head():
    text = f"قا{FATHA}ل"
    assert widen(text, 2, 4) == (1, 4)


MARKED = st.text(alphabet=f"ابت {FATHA}{SHADDA}{TATWEEL}\u200d\ufe0f👩", max_size=20)


@settings(max_examples=200, deadline=None)
@given(MARKED | st.text(max_size=20), st.integers(-3, 25), st.integers(-3, 25))
def test_widening_never_shrinks_and_never_passes_the_ends(text, start, end):
    first, last = widen(text, start, end)
    assert 0 <= first <= last <= len(text)
    if 0 <= start < end <= len(text):
        assert first <= start and end <= last
        if first == start and "\u200d" not in text[first:last]:
            assert fold(text[start:end]) == fold(text[first:last])
    assert widen(text, first, last) == (first, last)

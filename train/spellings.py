"""Counts how the words of texts are spelt, so that others can be read so (hadath/spelling.py).

It does not know who reads the list.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hadath.files import write_text
from hadath.spelling import (
    BARE_ALEF,
    BARE_TA,
    DOTS,
    NO_DOTS,
    NO_HABIT,
    PROCLITICS,
    Spellings,
    as_one,
    bare_words,
    habits_of,
    slips,
)
from train.data import read_files

LEAST = 2  # occurrences that a spelling or a class of them needs
# Of the usual spelling's occurrences, what another one needs to be a word of its own and no slip.
# Careful texts still leave hamzas out here and there, but hardly dots: وزيره is his minister.
SHARES = {BARE_ALEF: 0.1, NO_DOTS: 0.05, DOTS: 0.05, BARE_TA: 0.005, NO_HABIT: 0.0}
_NAMES = frozenset(["علي"])  # rarer than that beside على, and no slip

Classes = Mapping[str, Counter[str]]


def write_spellings(files: Sequence[str], output: str) -> None:
    """Write how the annotated articles' texts and questions are spelt, a class a line."""
    texts = [
        text
        for article in read_files(files)
        for text in (article.text, *(question.question for question in article.questions))
    ]
    head = f"# How {len(texts):,} texts spell, the usual spelling first (python -m train spellings)"
    write_text(Path(output), "\n".join([head, *map(" ".join, spellings(texts))]) + "\n")


def spellings(texts: Iterable[str]) -> list[list[str]]:
    """Classes of spellings, the usual one first, in order; without words that nobody confuses.

    Texts with careless habits of their own don't count. A word that would be taken apart wrongly
    (كانت is no ك with أنت) makes a class of its own, so that it is known.
    """
    counted = [Counter(bare_words(text)) for text in texts]
    usual = {key: _ordered(words)[0] for key, words in _classes(counted).items()}
    careful = (
        words
        for words in counted
        if not habits_of(words, {word: usual[as_one(word)] for word in words})
    )
    classes = dict(sorted(_classes(careful).items()))
    listed = {
        key: kept
        for key, words in classes.items()
        if words.total() >= LEAST and _is_confused(key, kept := _kept(words))
    }
    known = Spellings(listed.values())
    for key, words in classes.items():
        word = _ordered(words)[0]
        if key not in listed and word.startswith(PROCLITICS) and known.usual(word) != word:
            listed[key] = [word]
    return [listed[key] for key in sorted(listed)]


def _classes(counted: Iterable[Counter[str]]) -> Classes:
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for words in counted:
        for word, number in words.items():
            classes[as_one(word)][word] += number
    return classes


def _ordered(words: Counter[str]) -> list[str]:
    return sorted(words, key=lambda word: (-words[word], word))


def _kept(words: Counter[str]) -> list[str]:
    """The usual spelling, then those that are too frequent to be slips."""
    usual, *others = _ordered(words)
    return [usual, *(word for word in others if word in _NAMES or _is_word(word, usual, words))]


def _is_word(word: str, usual: str, words: Counter[str]) -> bool:
    share = max(SHARES[habit] for habit in slips(word, usual))
    return words[word] >= max(LEAST, share * words[usual])


def _is_confused(key: str, words: Sequence[str]) -> bool:
    """Whether a habit would spell one of the words otherwise: `ى` for a last `ي` too."""
    spelt = (habit for word in words for habit in slips(key, word))
    return key.endswith("ي") or any(habit != NO_HABIT for habit in spelt)

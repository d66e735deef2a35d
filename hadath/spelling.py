"""Careless spelling read as newspapers spell: hamzas, dots and final letters put back.

A text that writes `ايران`, `فى` or `مدرسه` is read as if it had `إيران`, `في` and `مدرسة`, letter
for letter, so that every offset stays true. Only what a model reads is spelt so, never what a
person is shown. It does not know tokens (features.py) nor how words were counted
(train/spellings.py).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

from hadath.errors import HadathError
from hadath.files import numbered_lines

# All that is joined into words, so that none is cut: Persian letters too, ligatures, hamzas that
# stand apart (NFD). A word that has one of these is not in the list, and left.
_LETTERS = (
    "\u0621-\u063a\u0641-\u064a\u0653-\u0655\u0671-\u06d3\u06d5\ufb50-\ufdff\ufe70-\ufefc\u200c"
)
_MARKS = (
    "\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
_WORD = re.compile(f"[{_LETTERS}][{_LETTERS}{_MARKS}]*")
_MARK = re.compile(f"[{_MARKS}]")
_ONE = str.maketrans("أإآٱىةؤئ", "اااايهءء")
BARE_ALEF, NO_DOTS, DOTS, BARE_TA, NO_HABIT = "bare alef", "ى for ي", "ي for ى", "ه for ة", "none"
# How careless spellings differ from the usual one: each is a habit, which a text has or has not.
_HABITS = {
    ("ا", "أ"): BARE_ALEF, ("ا", "إ"): BARE_ALEF, ("ا", "آ"): BARE_ALEF,
    ("ى", "ي"): NO_DOTS, ("ي", "ى"): DOTS, ("ه", "ة"): BARE_TA,
}  # fmt: skip
_LAST = {"ي": NO_DOTS, "ى": DOTS, "ة": BARE_TA}
_SHOWN = 0.3  # share of a text's chances that it must take for a habit to be one
# و ف, then ب ك ل: joined to nearly any word, so that no list holds all that they make.
PROCLITICS = ("و", "ف", "ب", "ك", "ل", "وب", "وك", "ول", "فب", "فك", "فل")
_LEAST = 4  # letters that must be left of a word without them: باقر is no ب


class Spellings:
    """How the words of a language's press are spelt.

    `classes`: words that differ only in letters that typists confuse, the usual one first. A word
    that stands there is left as it is, since another may be meant.
    """

    def __init__(self, classes: Iterable[Iterable[str]]) -> None:
        self._known: set[str] = set()
        self._usual: dict[str, str] = {}
        for words in map(list, classes):
            self._known.update(words)
            self._usual[as_one(words[0])] = words[0]

    def respell(self, text: str) -> str:
        """The text, as long as it was, without its careless habits; one without any as it is."""
        return self._respelt(text, {})

    def respell_pairs(
        self, questions: Sequence[str], articles: Sequence[str]
    ) -> tuple[list[str], list[str]]:
        """Questions and articles respelt; what the list lacks of a question, as its article has it.

        An article that stands there often is respelt once.
        """
        read: dict[str, tuple[str, dict[str, str]]] = {}
        for article in articles:
            if article not in read:
                other = self.respell(article)
                read[article] = (other, _spellings_of(other))
        return (
            [
                self._respelt(question, read[article][1])
                for question, article in zip(questions, articles, strict=True)
            ],
            [read[article][0] for article in articles],
        )

    def usual(self, word: str, like: Mapping[str, str] | None = None) -> str:
        """The spelling of one word without marks; itself where it is known, or nothing is.

        `like`: spellings by `as_one` that go before the usual ones.
        """
        like = like or {}
        found = self._find(word, like)
        if found is not None:
            return found
        for clitics in PROCLITICS:
            rest = word.removeprefix(clitics)
            if rest != word and len(rest) >= _LEAST:
                found = self._find(rest, like)
                if found is not None:
                    return clitics + found
        return word

    def _find(self, word: str, like: Mapping[str, str]) -> str | None:
        if word in self._known:
            return word
        key = as_one(word)
        return like.get(key) or self._usual.get(key)

    def _respelt(self, text: str, like: Mapping[str, str]) -> str:
        written = Counter(bare_words(text))
        usual = {word: self.usual(word, like) for word in written}
        habits = habits_of(written, usual)
        changed = {
            word: other
            for word, other in usual.items()
            if other != word and habits.issuperset(slips(word, other))
        }
        if not changed:
            return text
        return _WORD.sub(lambda found: _with_letters(found[0], changed), text)


def as_one(word: str) -> str:
    """The word in letters that stand for all those they are confused with; as many as it had."""
    return word.translate(_ONE)


def bare_words(text: str) -> list[str]:
    """The Arabic words of the text in order, without marks and tatweel."""
    return [_MARK.sub("", word) for word in _WORD.findall(text)]


def habits_of(written: Mapping[str, int], usual: Mapping[str, str]) -> frozenset[str]:
    """The careless habits of a text. `written`: how often it has a word; `usual`: its spelling."""
    chances: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for word, number in written.items():
        for habit in _chances(usual[word]):
            chances[habit] += number
        for habit in slips(word, usual[word]):
            taken[habit] += number
    return frozenset(habit for habit in chances if taken[habit] > _SHOWN * chances[habit])


def slips(word: str, other: str) -> list[str]:
    """The habit behind each letter in which a word differs from its other spelling."""
    pairs = zip(word, other, strict=True)
    return [_HABITS.get(pair, NO_HABIT) for pair in pairs if pair[0] != pair[1]]


def _chances(usual: str) -> Iterator[str]:
    """The habits that the usual spelling of a word gives room to."""
    yield from (BARE_ALEF for letter in usual if letter in "أإآ")
    if usual[-1] in _LAST:
        yield _LAST[usual[-1]]


def _with_letters(written: str, changed: Mapping[str, str]) -> str:
    """The word in the letters of its other spelling, its marks where they were."""
    bare = _MARK.sub("", written)
    letters = iter(changed.get(bare, bare))
    return "".join(c if _MARK.match(c) else next(letters) for c in written)


def _spellings_of(text: str) -> dict[str, str]:
    """Each word of the text by `as_one`, spelt as its first occurrence is."""
    found: dict[str, str] = {}
    for word in bare_words(text):
        found.setdefault(as_one(word), word)
    return found


def read_spellings(path: str | Path) -> Spellings:
    """The spellings of a file, a class a line, the usual one first, `#` before a comment.

    Raises HadathError naming file:line where words of a line are not spellings of one another.
    """
    classes: list[list[str]] = []
    homes: dict[str, int] = {}
    for number, line in numbered_lines(path):
        words = line.partition("#")[0].split()
        for word in words:
            if not _WORD.fullmatch(word) or _MARK.search(word):
                raise HadathError(
                    f"{path}:{number}: found {word!r}; write Arabic words without marks"
                )
            if as_one(word) != as_one(words[0]):
                raise HadathError(
                    f"{path}:{number}: {word!r} is no spelling of {words[0]!r}; give it a line"
                )
        if words:
            first = homes.setdefault(as_one(words[0]), number)
            if first != number:
                raise HadathError(
                    f"{path}:{number}: {words[0]!r} is spelt on line {first} already; join them"
                )
            classes.append(words)
    return Spellings(classes)


@lru_cache(maxsize=1)
def embedded_spellings() -> Spellings:
    """Those of the shipped models' training texts, carried with the library."""
    return read_spellings(Path(str(resources.files("hadath") / "spellings.txt")))

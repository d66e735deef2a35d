"""Questions that nobody wrote: a sentence with a gap, asked of the rest of its article.

The gap takes a phrase that recurs in the article, as in the recurring span selection of Ram and
others (2021); the sentence around it is the question, as in Dhingra and others (2018). It reads no
event or question, and does not know how a model learns from its own (answers.py).
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hadath.annotations import Article, Question, Span, write_articles
from hadath.errors import HadathError
from hadath.text import fold
from train.data import read_files

GAP = "ماذا"
LONGEST = 5  # words of a gap
AROUND = 15  # words kept on each side of it: a question is no paragraph
FEWEST = 5  # words beside the gap, under which nobody could tell what is asked for

_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u200c\u200d"
# Marks and joiners are no \w, yet stand in words; 3.5 and 1,200 are one word each.
_WORD = re.compile(rf"(?:\d+(?:[.,\u066b\u066c]\d+)+|[\w{_MARKS}])+")
_SPACE = re.compile("[\\s\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")  # bidi marks show no gap
# A gap neither begins nor ends with these, bare or after و and ف.
_FUNCTION_WORDS = frozenset(
    map(
        fold,
        """من الى على عن في مع بين بعد قبل خلال منذ حتى عند لدى نحو حول ضد دون تحت فوق امام وراء
        ان إن أنه أنها إنه إنها انهم لأن لان كان كانت كانوا يكون تكون ليس ليست لم لن لا ما قد
        لقد هل هو هي هم هذا هذه ذلك تلك هؤلاء الذي التي الذين اللذين اللتين كل بعض أي او أو أم
        ثم بل لكن كما كذلك أيضا إذا اذا لو حيث حين عندما بينما كي لكي قال قالت وقال أضاف أضافت
        يقول تقول عليه عليها فيه فيها منه منها له لها لهم به بها بهم إليه إليها عنه عنها بأن
        بان غير سوى أكثر أقل جدا فقط هنا هناك الآن اليوم أمس تم يتم جرى ذات نفسه نفسها عبر ضمن
        وفق بشأن بسبب""".split(),
    )
)


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    folded: str
    sentence: int
    joined: bool  # nothing but white space stands between it and the word before it


@dataclass(frozen=True, slots=True)
class _Place:
    """A run of words: its sentence and its first and last word in the article."""

    sentence: int
    first: int
    last: int


def write_cloze(paths: Sequence[str], output: str, *, most: int, seed: int) -> None:
    """Write the cloze articles of all files as JSON Lines.

    Raises HadathError where a file can't be read, or no question is made.
    """
    if most < 1:
        raise HadathError(f"most: found {most}; name 1 question an article or more")
    articles = read_files(paths)
    made = [cloze for article in articles for cloze in cloze_articles(article, most, seed)]
    if not made:
        raise HadathError(
            f"{', '.join(paths)}: no phrase recurs in sentences of {FEWEST} words more; "
            f"name longer articles"
        )
    write_articles(output, made)
    sys.stderr.write(f"{output}: {len(made)} questions from {len(articles)} articles\n")


def cloze_articles(article: Article, most: int, seed: int) -> list[Article]:
    """Up to `most` copies of the article, each without one sentence, and asked for its gap.

    The longest recurring phrases come first. The answers are all other places of the phrase, with
    whatever marks they have there. The same article, number and seed give the same copies.
    """
    dice = random.Random(f"cloze {seed} {article.id}")
    bounds = article.bounds()
    words = _words(article.text, bounds)
    lengths = Counter(word.sentence for word in words)
    # A sentence that has a word for the gap already would be asked for two things.
    asked = {word.sentence for word in words if word.folded == GAP}
    recurring = list(_recurring(words))
    dice.shuffle(recurring)
    recurring.sort(key=lambda places: places[0].first - places[0].last)  # stable: longest first
    made: list[Article] = []
    for places in recurring:
        if len(made) == most:
            break
        times = Counter(place.sentence for place in places)
        free = [
            place
            for place in places
            if place.sentence not in asked
            and times[place.sentence] == 1
            and lengths[place.sentence] - (place.last - place.first + 1) >= FEWEST
        ]
        if free:
            gap = dice.choice(free)
            asked.add(gap.sentence)
            others = [place for place in places if place.sentence != gap.sentence]
            number = len(made) + 1
            made.append(_asked(article, words, bounds[gap.sentence], gap, others, number=number))
    return made


def _words(text: str, bounds: Sequence[tuple[int, int]]) -> list[_Word]:
    words: list[_Word] = []
    for sentence, (start, end) in enumerate(bounds):
        before = None
        for match in _WORD.finditer(text, start, end):
            folded = fold(match[0])
            if folded:
                joined = (
                    before is not None and _SPACE.fullmatch(text, before, match.start()) is not None
                )
                words.append(_Word(match.start(), match.end(), folded, sentence, joined))
                before = match.end()
    return words


def _recurring(words: Sequence[_Word]) -> Iterator[list[_Place]]:
    """All places of each phrase that stands in two sentences and in no longer such phrase."""
    taken: set[int] = set()  # words that are part of a longer phrase
    for length in range(LONGEST, 0, -1):
        found: dict[tuple[str, ...], list[_Place]] = {}
        for first in range(len(words) - length + 1):
            run = words[first : first + length]
            if all(word.joined for word in run[1:]) and _may_be_asked(run):
                place = _Place(run[0].sentence, first, first + length - 1)
                found.setdefault(tuple(word.folded for word in run), []).append(place)
        here: set[int] = set()
        for places in found.values():
            inside = [taken.issuperset(range(place.first, place.last + 1)) for place in places]
            if len({place.sentence for place in places}) > 1 and not all(inside):
                here.update(*(range(place.first, place.last + 1) for place in places))
                yield places
        taken |= here


def _may_be_asked(run: Sequence[_Word]) -> bool:
    ends = (run[0].folded, run[-1].folded)
    bare = {each.removeprefix(letter) for each in ends for letter in ("", "و", "ف")}
    if bare & _FUNCTION_WORDS:
        return False
    return len(run) > 1 or len(run[0].folded) > 3 or run[0].folded.isdigit()


def _asked(
    article: Article,
    words: Sequence[_Word],
    bounds: tuple[int, int],
    gap: _Place,
    others: Sequence[_Place],
    *,
    number: int,
) -> Article:
    """The article without the sentence between `bounds`, which is asked with a gap."""
    text, (start, end) = article.text, bounds
    inside = [at for at, word in enumerate(words) if word.sentence == gap.sentence]
    first = words[max(inside[0], gap.first - AROUND)].start
    last = words[min(inside[-1], gap.last + AROUND)].end
    left, right = text[first : words[gap.first].start], text[words[gap.last].end : last]
    question = " ".join(f"{left}{GAP}{right}؟".split())
    rest = text[:start].rstrip(" ") + text[end:]
    shift = len(rest) - len(text)
    answers = []
    for place in others:
        at, until = words[place.first].start, words[place.last].end
        answers.append(Span(at + shift if at >= end else at, text[at:until]))
    name = f"{article.id}-cloze-{number}"
    return Article(
        id=name,
        text=rest,
        title=article.title,
        date=article.date,
        source=article.source,
        split=article.split,
        questions=(Question(name, question, tuple(answers)),),
    )

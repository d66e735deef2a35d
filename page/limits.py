"""What a request to the page may be: its length, its characters, its number of answers.

It does not know what becomes of the request.
"""

import unicodedata

from hadath.text import REFUSED, has_arabic_letter
from page.words import RequestError

LONGEST_ARTICLE = 50_000  # characters
LONGEST_QUESTION = 500  # characters
MOST_ANSWERS = 10


def check_article(article: object) -> str:
    """The article, if it can be read. Raises RequestError saying what to mend."""
    return _checked(article, "article", LONGEST_ARTICLE)


def check_question(question: object) -> str:
    """The question without the white space around it, if it can be asked. Raises RequestError."""
    return _checked(question, "question", LONGEST_QUESTION).strip()


def check_top(top: object) -> int:
    """The number of answers, if it is one. Raises RequestError."""
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MOST_ANSWERS:
        raise RequestError("top_range", limit=MOST_ANSWERS)
    return top


def _checked(text: object, what: str, longest: int) -> str:
    if not isinstance(text, str):
        raise RequestError(f"{what}_not_text")
    if len(text) > longest:
        raise RequestError(f"{what}_long", limit=f"{longest:,}", count=f"{len(text):,}")
    for place, character in enumerate(text, 1):
        if character in REFUSED or "\ud800" <= character <= "\udfff":  # half a surrogate pair
            code = f"U+{ord(character):04X}"
            raise RequestError(f"{what}_character", character=code, place=place)
    if not any(_is_seen(character) for character in text):
        raise RequestError(f"{what}_empty")
    if not has_arabic_letter(text):
        raise RequestError(f"{what}_not_arabic")
    return text


def _is_seen(character: str) -> bool:
    """False for white space and for what is invisible by itself (a direction mark, a joiner)."""
    return not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")

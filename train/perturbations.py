"""Changes of an Arabic text that leave what it says as it was: marks, letter forms, digits, names.

Each is a function of the text alone, the same every time; none knows a model (behaviour.py).
"""

import random
import re

_MARKS = "\u064b-\u0652\u0670"  # the diacritics of a school book, and the dagger alef
_DIACRITIC = re.compile(f"[{_MARKS}]")
_SHORT_VOWELS = "\u064e\u064f\u0650\u0652"  # fatha, damma, kasra, sukun
# A letter that bears a vowel of its own, and bears none yet; alefs and the tatweel do not.
_BARE = re.compile(f"[ب-غف-هويئؤء](?![{_MARKS}])")
_JOINED = re.compile("([بتثجحخسشصضطظعغفقكلمنهيئ])(?=[آ-غف-ي])")  # joined to what follows it
_VOWELLED, _STRETCHED = 0.3, 0.15  # shares of the letters that could be

_ALEFS = str.maketrans("أإآٱ", "اااا")
_FINAL = re.compile(f"[يىة](?![\\w{_MARKS}])")
_OTHER_FINAL = {"ي": "ى", "ى": "ي", "ة": "ه"}
_WESTERN, _EASTERN = "0123456789", "٠١٢٣٤٥٦٧٨٩"
_OTHER_DIGITS = str.maketrans(_WESTERN + _EASTERN, _EASTERN + _WESTERN)
_QUOTE = re.compile('["“”„«»]')
QUOTES = ('""', "«»", "“”")
_DIRECTED = re.compile("([.،؛:!؟)»”]|[0-9٠-٩]+)(?=\\s|$)")  # what a mark of direction is put behind
_BLANKS = ("\u00a0", "  ", " \u200b", "\t")
_OFTEN, _SELDOM = 0.4, 0.1


def with_diacritics(text: str) -> str:
    """Short vowels sprinkled over the letters, the same ones for the same text."""
    dice = random.Random(text)
    return _BARE.sub(
        lambda letter: (
            letter[0] + dice.choice(_SHORT_VOWELS) if dice.random() < _VOWELLED else letter[0]
        ),
        text,
    )


def without_diacritics(text: str) -> str:
    """The text with no diacritic left."""
    return _DIACRITIC.sub("", text)


def with_tatweel(text: str) -> str:
    """Some of the joins between letters stretched, the same ones for the same text."""
    dice = random.Random(text)
    return _JOINED.sub(
        lambda letter: f"{letter[0]}\u0640" if dice.random() < _STRETCHED else letter[0], text
    )


def with_plain_alefs(text: str) -> str:
    """`أ إ آ ٱ` written `ا`, as much of the press does."""
    return text.translate(_ALEFS)


def with_other_final_letters(text: str) -> str:
    """`في` as `فى`, `على` as `علي`, `مدرسة` as `مدرسه`: as Egypt's press and the hurried write."""
    return _FINAL.sub(lambda letter: _OTHER_FINAL[letter[0]], text)


def with_other_digits(text: str) -> str:
    """0-9 as ٠-٩ and the other way round; twice gives the text back."""
    return text.translate(_OTHER_DIGITS)


def as_copied(text: str) -> str:
    """The text with marks of direction, odd blanks and two signs a line break, as pages have it."""
    dice = random.Random(text)
    directed = _DIRECTED.sub(
        lambda found: f"{found[0]}\u200f" if dice.random() < _OFTEN else found[0], text
    )
    return "".join(
        dice.choice(_BLANKS) if letter == " " and dice.random() < _SELDOM else letter
        for letter in directed
    ).replace("\n", "\r\n")


def with_other_quotes(text: str) -> str:
    """Quotations in the marks after those the text begins with in QUOTES; no character moves."""
    first = _QUOTE.search(text)
    kind = next((kind for kind in QUOTES if first and first[0] in kind), QUOTES[-1])
    return "\n".join(
        _requoted(line, *QUOTES[(QUOTES.index(kind) + 1) % len(QUOTES)])
        for line in text.split("\n")
    )


def _requoted(line: str, opening: str, closing: str) -> str:
    is_open = False

    def other(mark: re.Match[str]) -> str:
        nonlocal is_open
        # Careless texts open with ” too, so only « “ „ and » are taken at their word.
        is_open = mark[0] in "«“„" or (mark[0] != "»" and not is_open)
        return opening if is_open else closing

    return _QUOTE.sub(other, line)


# --- countries -------------------------------------------------------------------------------

# Two of a pair have the same gender, both the article or neither, and the same last letter where
# that is an alef. Left out: what is a city too (تونس، الكويت), a word (مالي، عمان), a nisba
# (السعودية، سورية), or has a second word (كوريا، غينيا).
COUNTRIES: tuple[tuple[str, str], ...] = (
    ("مصر", "إيران"), ("باكستان", "أفغانستان"),
    ("تركيا", "ألمانيا"), ("روسيا", "إيطاليا"), ("سوريا", "ليبيا"), ("فرنسا", "بولندا"),
    ("إسبانيا", "أوكرانيا"), ("بريطانيا", "إندونيسيا"), ("كينيا", "ماليزيا"),
    ("هولندا", "كندا"), ("رواندا", "أوغندا"), ("إثيوبيا", "تنزانيا"), ("نيجيريا", "موريتانيا"),
    ("بلجيكا", "أستراليا"), ("رومانيا", "بلغاريا"), ("صربيا", "كرواتيا"),
    ("منغوليا", "كولومبيا"), ("أرمينيا", "ألبانيا"),
    ("الصين", "الهند"), ("اليابان", "الأرجنتين"), ("السويد", "النرويج"),
    ("الدنمارك", "اليونان"), ("البرازيل", "الفلبين"),
    ("العراق", "اليمن"), ("الأردن", "السودان"), ("المغرب", "الصومال"),
)  # fmt: skip
_OTHER = {
    one: other for first, second in COUNTRIES for one, other in ((first, second), (second, first))
}
_OF_A_WORD = rf"[\w{_MARKS}]"


def _bare(name: str) -> str:
    return name.removeprefix("ال")


_PLAIN = "|".join(name for name in _OTHER if name == _bare(name))
_DEFINED = "|".join(_bare(name) for name in _OTHER if name != _bare(name))
_COUNTRY = re.compile(
    rf"(?<!{_OF_A_WORD})(?:"
    rf"(?P<plain_clitics>[وف]?[بلك]?)(?P<plain>{_PLAIN})|"
    rf"(?P<clitics>[وف]?(?:[بك]?ال|لل))(?P<defined>{_DEFINED})"
    rf")(?!{_OF_A_WORD})"
)
# Words that make the name part of a longer one, or no name: جنوب السودان، بحر الصين، هو مصر على …
_NOT_AFTER = frozenset(
    "جنوب بحر نهر وادي خليج هضبة بلاد كردستان بنك مصرف نادي صحيفة كأس صلاة أذان "
    "هو وهو أنه إنه وأنه بأنه".split()
)
_NOT_BEFORE = frozenset(
    "العربي العربية الجديدة القديمة العظمى الشمالية الجنوبية الديمقراطية الاتحادية الفيدرالية "
    "اليوم للطيران تايمز إير 24".split()
)
_LAST_WORD = re.compile(rf"({_OF_A_WORD}+)\s+\Z")
_NEXT_WORD = re.compile(rf"\s+({_OF_A_WORD}+)")


def with_other_countries(text: str) -> str:
    """Every country of COUNTRIES named as a word of its own becomes its other; twice: the text."""
    return _COUNTRY.sub(_other_country, text)


def _other_country(found: re.Match[str]) -> str:
    clitics = found["plain_clitics"] or found["clitics"] or ""
    before = _LAST_WORD.search(found.string, max(found.start() - 40, 0), found.start())
    after = _NEXT_WORD.match(found.string, found.end())
    last, following = (word[1] if word else "" for word in (before, after))
    # جنديا روسيا is a Russian soldier: after an accusative in -an the name may be a nisba.
    nisba = not clitics and _DIACRITIC.sub("", last).endswith("ا")
    longer = last in _NOT_AFTER or last[1:] in _NOT_AFTER or following in _NOT_BEFORE  # وبحر الصين
    if nisba or longer:
        return found[0]
    if found["plain"]:
        return clitics + _OTHER[found["plain"]]
    return clitics + _bare(_OTHER[f"ال{found['defined']}"])

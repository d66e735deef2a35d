"""Turns annotated events into Arabic questions for their roles, from a table of phrasings.

Of Arabic it knows which quotes may fill a slot; what the types mean it does not know (ontology.py).
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from hadath.annotations import ROLES, Article, Event, Question, Span
from hadath.errors import HadathError
from hadath.fields import checked
from hadath.ontology import read_scheme_file

SLOTS = ("actor", "recipient")
ROLES_OF_AN_ABSENT_TYPE = 2


@dataclass(frozen=True, slots=True)
class TypeQuestions:
    """How to ask for each role of one event type.

    `mutual`: an event may have two actors and no recipient. `lone`: it may be done to nobody.
    `cues`: letters that hint at the type.
    """

    type: str
    phrasings: Mapping[str, tuple[str, ...]]
    cues: tuple[str, ...] = ()
    mutual: bool = False
    lone: bool = False

    def hinted_in(self, text: str) -> bool:
        """Whether the text (without diacritics) holds one of the cues."""
        return any(cue in text for cue in self.cues)


@dataclass(frozen=True, slots=True)
class Templates:
    """The phrasings of every type of a scheme."""

    types: tuple[TypeQuestions, ...]

    def find(self, name: str) -> TypeQuestions | None:
        """The phrasings of a type; None where there are none."""
        return next((item for item in self.types if item.type == name), None)


def load_templates(name_or_path: str | Path = "plover") -> Templates:
    """The phrasings that ship with a scheme, by the scheme's name, or any YAML file of that form.

    Raises HadathError naming file:field.
    """
    path, value = read_scheme_file(name_or_path, "_questions")
    if not isinstance(value, dict) or not value:
        raise HadathError(f"{path}: expected event types, each with its roles' phrasings")
    return Templates(tuple(_type_questions(name, item, path) for name, item in value.items()))


def role_questions(
    article: Article,
    templates: Templates,
    *,
    seed: int,
    phrasings: int = 1,
    no_answers: float = 1 / 3,
) -> list[Question]:
    """Questions for the roles of the article's events, then questions that it does not answer.

    Each pair of type and role is asked for in up to `phrasings` ways. Its answers are all quotes of
    that role in all events of that type; where two events differ, no question names one of them.
    `no_answers`: questions without an answer for each one with; fewer where no more are safe.
    The same article, templates and seed give the same questions.
    """
    chance = random.Random(f"{seed} {article.id}")
    answered = [
        (text, answers)
        for kind in templates.types
        for role in ROLES
        for text, answers in _answered(article, kind, role, chance)[:phrasings]
    ]
    unanswered = _unanswered(article, templates, chance)[: round(len(answered) * no_answers)]
    pairs = chain(answered, ((text, ()) for text in unanswered))
    return [
        Question(f"{article.id}-r{number}", text, answers)
        for number, (text, answers) in enumerate(pairs, 1)
    ]


def fits_slot(quote: str) -> bool:
    """Whether a quote reads well after a preposition, taken out of its sentence.

    It does not where it brings a conjunction or preposition along, shows a case other than the
    genitive, or holds a pronoun. Where its letters cannot tell, the answer is no.
    """
    plain = _plain(quote)
    words = re.sub("[«»]", "", plain).split()
    if not words or len(words) > 7 or not re.fullmatch(r"[\w\s«»-]+", plain):
        return False
    head = words[0]
    if head[0] in "وبلفك" and head not in _WHOLE_WORDS:
        return False
    if _shows_nominative(head) or (head.endswith(("ا", "و")) and not _is_name(head)):
        return False
    return not any(
        _has_pronoun(word) or (_shows_nominative(word) and (word[0] == "و" or word[-2:] == "ون"))
        for word in words
    )


def _answered(
    article: Article, kind: TypeQuestions, role: str, chance: random.Random
) -> list[tuple[str, tuple[Span, ...]]]:
    """Every way to ask for a role of one type, shuffled, each with all of its answers."""
    events = [event for event in article.events if event.type == kind.type]
    found = {span for event in events for span in event.role(role)}
    answers = tuple(sorted(found, key=lambda span: (span.start, span.text)))
    if not answers or not _all_told(kind, role, events):
        return []
    told = {_plain(span.text) for span in answers}
    fillers = {
        slot: sorted(
            quote
            for quote in _fillers(events, slot, role)
            if not any(answer in _plain(quote) for answer in told)
        )
        for slot in SLOTS
    }
    ways = [way for phrasing in kind.phrasings[role] for way in _fill(phrasing, fillers)]
    chance.shuffle(ways)
    return [(text, answers) for text in ways]


def _all_told(kind: TypeQuestions, role: str, events: Sequence[Event]) -> bool:
    """Whether the quotes are all right answers: a two-sided meeting's parties are all actors."""
    return not (kind.mutual and role == "recipient") or all(event.recipient for event in events)


def _fillers(events: Sequence[Event], slot: str, role: str) -> set[str]:
    """The quotes by which a question may name its event without narrowing its answers."""
    if slot == role:
        return set()
    quotes = set()
    for event in events:
        named = event.role(slot)
        if event.role(role) and len(named) == 1 and fits_slot(named[0].text):
            name = _plain(named[0].text)
            rivals = (other for other in events if other.role(role))
            if all(name in {_plain(span.text) for span in rival.role(slot)} for rival in rivals):
                quotes.add(named[0].text)
    return quotes


def _fill(phrasing: str, fillers: Mapping[str, Sequence[str]]) -> Iterator[str]:
    slot = _slot_of(phrasing)
    if slot is None:
        yield phrasing
    else:
        for quote in fillers[slot]:
            yield phrasing.replace(f"{{{slot}}}", quote)


def _unanswered(article: Article, templates: Templates, chance: random.Random) -> list[str]:
    """Questions that the article does not answer, by turns on types that it reports and others."""
    present, absent = [], []
    parties = _parties(article)
    text = _plain(article.text)
    for kind in templates.types:
        events = [event for event in article.events if event.type == kind.type]
        for role in ROLES if events else ():
            if _surely_untold(article, kind, role, events):
                present.append(chance.choice(_slotless(kind.phrasings[role])))
        if not events and not kind.hinted_in(text):
            for role in chance.sample(ROLES, ROLES_OF_AN_ABSENT_TYPE):
                ways = kind.phrasings[role]
                way = chance.choice(ways if parties["actor"] else _slotless(ways))
                absent.append(chance.choice(list(_fill(way, parties))))
    chance.shuffle(present)
    chance.shuffle(absent)
    turns = chain.from_iterable(zip_longest(present, absent))
    return [question for question in turns if question is not None]


def _parties(article: Article) -> dict[str, list[str]]:
    """Actors and recipients of the article to fill either slot, so that a question looks real."""
    found = {span.text for event in article.events for slot in SLOTS for span in event.role(slot)}
    named = sorted(quote for quote in found if fits_slot(quote) and not re.search(r"\d", quote))
    return {slot: named for slot in SLOTS}


def _surely_untold(
    article: Article, kind: TypeQuestions, role: str, events: Sequence[Event]
) -> bool:
    """Whether the article does not say the role of these events, not even in other sentences.

    Never so of an actor: where none is quoted there is a pronoun, and its name stands elsewhere.
    """
    if role == "actor" or any(event.role(role) for event in events):
        return False
    sentences = {article.sentence_of(event) for event in events}
    if role == "recipient":
        near = (event for event in article.events if article.sentence_of(event) in sentences)
        return kind.lone and not any(event.recipient for event in near)
    if any(event.role(role) for event in article.events) or None in sentences:
        return False
    if role == "place":
        return not _DATELINE.search(article.text[:60])
    bounds = (article.sentences[index] for index in sentences if index is not None)
    return not any(_TIME.search(_plain(article.text[start:end])) for start, end in bounds)


def _type_questions(name: object, value: object, path: str) -> TypeQuestions:
    if not isinstance(name, str):
        raise HadathError(f"{path}: type {name!r} is no text; put it in quotation marks")
    place = f"{path}: {name}"
    kinds = dict.fromkeys((*ROLES, "cues"), list) | dict.fromkeys(("mutual", "lone"), bool)
    fields = checked(value, place, kinds, ROLES)
    phrasings = {role: tuple(_phrasings(fields[role], f"{place}.{role}", role)) for role in ROLES}
    cues = fields.get("cues", [])
    if not all(isinstance(cue, str) and cue for cue in cues):
        raise HadathError(f"{place}.cues: expected texts; put each in quotation marks")
    return TypeQuestions(
        name,
        phrasings,
        tuple(_plain(cue) for cue in cues),
        fields.get("mutual", False),
        fields.get("lone", False),
    )


def _phrasings(values: Sequence[object], place: str, role: str) -> Iterator[str]:
    for number, value in enumerate(values):
        if not isinstance(value, str) or not value.endswith("؟"):
            raise HadathError(f"{place}[{number}]: {value!r} is no question; end it with ؟")
        slots = re.findall(r"{(.*?)}", value)
        if len(slots) > 1 or any(slot not in SLOTS or slot == role for slot in slots):
            raise HadathError(
                f"{place}[{number}]: slots {', '.join(slots)}; one of {', '.join(SLOTS)} "
                f"may stand, but not the role asked for"
            )
        yield value
    if all("{" in str(value) for value in values):
        raise HadathError(f"{place}: every phrasing has a slot; give one without")


def _slot_of(phrasing: str) -> str | None:
    found = re.search(r"{(\w+)}", phrasing)
    return found[1] if found else None


def _slotless(phrasings: Sequence[str]) -> list[str]:
    return [phrasing for phrasing in phrasings if not _slot_of(phrasing)]


def _plain(text: str) -> str:
    """Without diacritics and tatweel."""
    return re.sub("[\u064b-\u0652\u0670\u0640]", "", text)


def _shows_nominative(word: str) -> bool:
    return len(word) > 3 and word.endswith(("ون", "ان")) and not _is_name(word)


def _has_pronoun(word: str) -> bool:
    return len(word) > 3 and word.endswith(("ه", "ها", "هم", "هما", "هن")) and not _is_name(word)


def _is_name(word: str) -> bool:
    return word in _WHOLE_WORDS or word.removeprefix("و") in _WHOLE_WORDS


_DATELINE = re.compile(r"\s[-–—]\s")
_TIME = re.compile(
    "اليوم|أمس|غدا|يوم |يومين|صباح|مساء|ليل|فجر|ظهر|عصر|أسبوع|شهر|عام |العام |سنة|"
    "الاثنين|الإثنين|الثلاثاء|الأربعاء|الخميس|الجمعة|السبت|الأحد|"
    "قبل|بعد|منذ|خلال|مطلع|نهاية|منتصف|الآن|[0-9٠-٩]{4}"
)

# Words whose first letter or whose ending only looks like a clitic or a case.
_WHOLE_WORDS = frozenset(
    """
    وزير وزيرة وزراء وزيري وزيرتي وزارة وزارتي وكالة وكيل وكلاء وفد وفدي وفود وحدات وحدة والي
    والدة والد وجهاء ولاية واشنطن وارسو واغادوغو ورشة وسائل وسطاء ولي بعثة بلدية برلمان بكين
    بيروت باريس بغداد برلين بروكسل بريطانيا بوتين بيونغ بيونغيانغ باكستان بنك برنامج بطريرك
    بابا بلجيكا بلغاريا بولندا بنغلاديش بوليفيا بيرو بوروندي بوركينا بنين باكو بانكوك باماكو
    بوغوتا بودابست براغ برن بيلاروسيا بريشتينا بلغراد بائع باحث باحثي بحار بحارة بحرية بعض
    بوينس بيشكيك بلدة باراغواي لبنان ليبيا لندن لجنة لجان لاتفيا ليتوانيا لشبونة ليما لاباز
    لاجئي لواء لافروف فرنسا فريق فرق فرقة فرع فصيل فصائل فنزويلا فنلندا فيتنام فيينا فدرالية
    فتى فاليتا فرقاطة فلسطين فنان فناني فئة كوريا كيم كندا كينيا كينشاسا كولومبيا كوبا
    كوستاريكا كييف كابل كابول كتيبة كتائب كيغالي كراكاس كرواتيا كازاخستان كمبوديا كاتب كبير
    كبار كبرى كل كلية كنيسة كيتو كوبنهاغن كانبيرا كوت كوسوفو كوشنر كولبي كوزلوف كيليتش روسيا
    سوريا تركيا أوكرانيا إسبانيا إيطاليا ألمانيا أستراليا النمسا هولندا السويد النرويج صربيا
    أرمينيا جورجيا إثيوبيا إريتريا تنزانيا أوغندا رواندا نيجيريا زامبيا ملاوي ناميبيا مالطا
    رومانيا ألبانيا مقدونيا سلوفينيا سلوفاكيا ماليزيا إندونيسيا منغوليا اليابان الصين تايلاند
    أميركا أمريكا نيكاراغوا غواتيمالا جنوب موريتانيا غينيا ليبيريا فوكلاند موزمبيق أنغولا غانا
    كوشا جبل أثينا فينا جاكرتا مانيلا أنقرة برازيليا هافانا مقديشو نيروبي توغو موسكو طوكيو
    المكسيك الكونغو ساو سان سانتياغو مونوسكو ناتو الناتو المونوسكو إيران طهران أفغانستان
    أوزبكستان طاجيكستان قرغيزستان تركمانستان أذربيجان السودان اليونان الفاتيكان طالبان أردوغان
    البرلمان عمان يريفان سكان ميانمار تايوان الأردن اللجان أعوان فرسان سلطان السلطان القبطان
    جيران إخوان الإخوان الديوان رهبان البنتاغون ماكرون التلفزيون القانون جونسون لاتسيو الليكود
    ميزون العدوان نيسان عبدالله الله اتجاه مياه المياه وجوه فقه سها طه
    """.split()
)

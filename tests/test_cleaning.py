"""AraBERT's cleaning in the tokenizer: the ids of AraBERT's own, and offsets into raw text."""

import copy
import csv
import json
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import NormalizedString, Tokenizer, models, processors, trainers
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import AutoTokenizer, BertTokenizer, PreTrainedTokenizerFast

from hadath.annotations import read_articles
from hadath.cleaning import (
    arabert_normalizer,
    needs_arabert_cleaning,
    with_arabert_cleaning,
)
from hadath.errors import HadathError
from hadath.folding import with_folded_marks
from hadath.text import fold

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its regular expressions are not raw strings
    from arabert.preprocess import ArabertPreprocessor

ROOT = Path(__file__).parents[1]
ADDRESSES = ["[رابط]", "[بريد]", "[مستخدم]"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ADDRESSES]
REFERENCE = ArabertPreprocessor("bert-base-arabertv02").preprocess

TRICKY = (
    "",
    " \n\t ",
    "https://www.un.org/ar/news?id=3&lang=ar#top",
    "انظر http://x.com/abc، ثم www.aljazeera.net.",
    "(www.bbc.com/arabic)",
    "الموقعexample.comالرسمي",
    "example.com",
    "راسلنا: press.office@example.com.sa اليوم",
    "البريد user@localhost هنا",
    "اسم@نطاق.شركة",
    "@aljazeera و@كيم_جونغ قالا",
    "https://يوتيوب.com/xx.html",
    "http://",
    "www",
    "://",
    "وقال [رابط] ثم [بريد] و[مستخدم]",
    "[ رابط ]",
    "سطر<br />سطر<br/>سطر<br>",
    "<p class='x'>فقرة</p>",
    "<a href=\"http://x.com\">رابط</a>",
    "<!-- تعليق --> نص",
    "كيم&nbsp;جونغ&nbsp;أون",
    "&quot;انتهاك&quot; &amp; &#39;قلق&#39;",
    "&laquo;كيم&raquo; &ldquo;بوتين&rdquo; &hellip;",
    "بوتين&ndash;كيم &mdash; &lsquo;ا&rsquo;",
    "&amp;lt;نص",
    "&lt;b&gt;عريض&lt;/b&gt;",
    "AT&T وR&D",
    "مُحَمَّدٌ رَسُولٌ عالٍ",
    "محـــــمد الـعربيـة بـ\"تعزيز\"",
    "عام ١٩٩٥ و٢٠٢٤/٠٦/١٩",
    "٣٫٥٪ و١٬٢٥٠",
    "3.5% و1,250.75",
    "كوفيد19 والعام2020م و10أيام",
    "F16 وسو35 وT-72 وإس400",
    "ا1ب2ج3",
    "2024/06/19",
    "تشرين الثاني/نوفمبر",
    "ههههههه!!!! ....... ؟؟؟",
    "00000 1111 ٠٠٠٠",
    "\n\n\n\nسطر\n\n\n",
    "سطر\r\nسطر\rسطر",
    "راااااائع جدااا",
    "قال 😀😀 مرحبا 🇰🇵 ☎\ufe0f",
    "👩\u200d👧 عائلة",
    "«قلق» “انتهاك” ‘ا’ \"ب\" 'ج' `د`",
    "(كيم) [كيم] {كيم}",
    "أ. د. أحمد؛ ق.م.",
    "انتظر… ثم مضى..",
    "موسكو - بيونغ يانغ – سيول — طوكيو",
    "a+b=c ^_^ ~*~ #وسم $50 50$ \\",
    "بوتين\u200c وكيم",  # non-joiner at a word's end
    "می\u200cخواهد".replace("ی", "ي"),  # non-joiner within a word
    "\u200fكيم\u200e \u202bجونغ\u202c أون\ufeff",  # bidi marks at words' edges
    "\u064e\u0651 \u064b",  # lone marks
    "\u064e",
    "قال\u00a0كيم\u2003جونغ\u2028أون",
    "نص\x00مع\x07تحكم",
    "™ © ® ° ± ×",
    "م² و½ و①",
    "العظيم\u06da وقال",  # Quranic pause
    "·نقطة· |عمود|",
    "NATO وUN و iPhone",
    "أإآؤئءىة",
    "10:30 5-3 +970 #1",
    "كيم‚ „قال‟ ‹نعم›",
    "\ue000 \ue001 نص\ue000نص",  # private use
    "U.S.army",
    "http",
    "المصدر: الجزيرة + وكالات",
    "قال:\"نعم\"،ثم مضى.",
    "*** --- === ___",
    "يوم12/5والساعة10:00",
    "٪ ٫ ٬ ،؛؟",
)  # fmt: skip


def documents(folder="*"):
    return [
        article
        for path in sorted((ROOT / "data").glob(f"{folder}/**/*.jsonl"))
        for article in read_articles(path)
    ]


def texts_of(articles):
    return [
        text
        for article in articles
        for text in (article.text, *(question.question for question in article.questions))
    ]


def public_texts():
    """Contexts and questions of the public sets in SQuAD's format, sentences of QuadClass."""
    with (ROOT / "data/public/quadclass_ar/quadclass_ar.csv").open(encoding="utf-8-sig") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    for path in sorted((ROOT / "data" / "public").glob("*/*.json")):
        for document in json.loads(path.read_text("utf-8"))["data"]:
            for paragraph in document["paragraphs"]:
                texts += [paragraph["context"], *(item["question"] for item in paragraph["qas"])]
    return texts


def backend(model):
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(strip_accents=False, lowercase=False)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A folder with a tokenizer of AraBERT's kind, loaded as AraBERT's is."""
    tokenizer = backend(models.WordPiece(unk_token="[UNK]"))
    texts = [REFERENCE(text) for text in texts_of(documents("authored") + documents("seeds"))]
    trainer = trainers.WordPieceTrainer(
        vocab_size=6000, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    folder = tmp_path_factory.mktemp("arabert")
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word, _ in vocabulary), "utf-8")
    settings_ = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": False,
        "model_max_length": 512,
        "never_split": ADDRESSES,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings_), "utf-8")
    (folder / "config.json").write_text('{"model_type": "bert"}', "utf-8")
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def ours(stock):
    return with_arabert_cleaning(stock)


@pytest.fixture(scope="module", params=["bert", "electra"])
def reloaded(request, ours, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    ours.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": request.param}), "utf-8")
    return AutoTokenizer.from_pretrained(folder)


# Characters of which none stands in the table of documented differences.
PLAIN = {chr(code) for code in range(128)} - set("<>")
PLAIN |= {chr(code) for code in range(0x621, 0x653)} | set("٠١٢٣٤٥٦٧٨٩٪٫٬،؟؛…«»“”‘’–—·×ʻ\u200c")


def reference_ids(stock, texts):
    return stock([REFERENCE(text) for text in texts]).input_ids


def test_stock_tokenizer_is_of_araberts_kind(stock):
    assert isinstance(stock, BertTokenizer)
    assert stock.tokenize("[رابط] ثم [بريد]")[0] == "[رابط]"


def test_ids_of_every_article_and_question_equal_the_reference(stock, ours):
    texts = texts_of(documents("seeds") + documents("authored"))
    assert len(texts) > 1900
    different = [
        text
        for text, mine, theirs in zip(
            texts, ours(texts).input_ids, reference_ids(stock, texts), strict=True
        )
        if mine != theirs
    ]
    of_the_table = [text for text in texts if not set(text) <= PLAIN]
    assert different == of_the_table and len(of_the_table) < 0.002 * len(texts)


def test_ids_of_public_texts_without_a_character_of_the_table_equal_the_reference(stock, ours):
    texts = public_texts()[::4]
    tried = [text for text in texts if set(text) <= PLAIN]
    assert len(tried) > 0.9 * len(texts)
    assert ours(tried).input_ids == reference_ids(stock, tried)


@pytest.mark.parametrize("text", TRICKY, ids=range(len(TRICKY)))
def test_ids_of_tricky_strings_equal_the_reference(stock, ours, text):
    assert ours.tokenize(text) == stock.tokenize(REFERENCE(text))


def table():
    """(raw, AraBERT's tokens, ours) of every row of the documented differences."""
    lines = (ROOT / "docs" / "cleaning.md").read_text("utf-8").splitlines()
    rows = [line.split("|")[1:4] for line in lines if line.startswith("| `")]
    return [[json.loads(f'"{cell.strip().strip("`").strip()}"') for cell in row] for row in rows]


@pytest.mark.parametrize(("raw", "theirs", "mine"), table(), ids=range(len(table())))
def test_every_documented_difference_is_as_documented(raw, theirs, mine):
    words = dict.fromkeys([*SPECIAL, *theirs.split(), *mine.split()])
    plain = backend(models.WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    plain.add_special_tokens(SPECIAL)
    stock = PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]")
    assert stock.tokenize(REFERENCE(raw)) == theirs.split()
    assert with_arabert_cleaning(stock).tokenize(raw) == mine.split()
    assert theirs != mine


def test_a_reloaded_folder_gives_the_same_ids_and_offsets(ours, reloaded):
    texts = [*TRICKY, *texts_of(documents("seeds"))]
    mine = ours(texts, return_offsets_mapping=True)
    again = reloaded(texts, return_offsets_mapping=True)
    assert mine.input_ids == again.input_ids
    assert mine["offset_mapping"] == again["offset_mapping"]
    assert list(again) == ["input_ids", "token_type_ids", "attention_mask", "offset_mapping"]


def test_cleaning_twice_changes_nothing(ours, reloaded):
    assert with_arabert_cleaning(ours) is ours
    assert with_arabert_cleaning(reloaded) is reloaded


def test_special_tokens_and_limits_are_kept(stock, ours):
    assert ours.special_tokens_map == stock.special_tokens_map
    assert ours.model_max_length == stock.model_max_length == 512
    assert ours.get_vocab() == stock.get_vocab()
    assert [len(ours.tokenize(token)) for token in SPECIAL] == [1] * len(SPECIAL)


@pytest.mark.parametrize(
    ("text", "token", "address"),
    [
        ("انظر http://x.com/abc هنا", "[رابط]", "http://x.com/abc"),
        ("انظر www.aljazeera.net/أخبار.", "[رابط]", "www.aljazeera.net/"),
        ("البريد user@localhost هنا", "[بريد]", "user@localhost"),
        ("قال @aljazeera أمس", "[مستخدم]", "@aljazeera"),
    ],
)
def test_an_address_is_one_token_that_covers_it_whole(ours, text, token, address):
    encoded = ours(text, return_offsets_mapping=True, add_special_tokens=False)
    start, end = encoded["offset_mapping"][ours.tokenize(text).index(token)]
    assert text[start:end] == address


def test_every_token_reads_as_its_slice_of_the_raw_article(ours):
    for article in documents("seeds"):
        encoded = ours(article.text, return_offsets_mapping=True, add_special_tokens=False)
        tokens = ours.convert_ids_to_tokens(encoded.input_ids)
        for token, (start, end) in zip(tokens, encoded["offset_mapping"], strict=True):
            if token != "[UNK]":
                assert fold(article.text[start:end]) == fold(token.removeprefix("##"))


MIXED = st.lists(
    st.sampled_from(
        ["كيم", "قال", " ", "\u064e", "ـ", "ﷺ", "ﻻ", "é", "<b>", "&nbsp;",
         "http://x.com/a", "@كيم", "a@b.c", "\u200f", "👩\u200d👧", "٣",
         "19", "…", "...", "ااا", "\n", "€", "پ", "Я", "[رابط]",
         "\ue000", "ا\u0653"]
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(MIXED)
def test_offsets_of_any_text_are_slices_in_reading_order(ours, text):
    encoded = ours(text, return_offsets_mapping=True, add_special_tokens=False)
    offsets = encoded["offset_mapping"]
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert offsets == sorted(offsets)


@pytest.mark.parametrize(
    "unit",
    ["كلمة ", "ا", "a", "aa.bb", "@", "x@", "<a", "http://", "www.", "&", "ا1", ":", "\u064e"],
)
def test_no_text_takes_quadratic_time(unit):
    text = NormalizedString(unit * (100_000 // len(unit)))
    before = time.perf_counter()
    arabert_normalizer().normalize(text)
    assert time.perf_counter() - before < 3


@pytest.mark.parametrize(
    "name",
    [
        "aubmindlab/bert-base-arabertv02",
        "aubmindlab/bert-large-arabertv02",
        "aubmindlab/bert-base-arabertv02-twitter",
        "aubmindlab/araelectra-base-discriminator",
        "aubmindlab/araelectra-base-discriminator@refs/pr/1",
        "wissamantoun/araelectra-base-artydiqa",
        "eventdata-utd/ConfliBERT-Arabic-Arabertv2",
        "/srv/models/bert-base-arabertv02/",
        "C:\\models\\bert-base-arabertv02",
    ],
)
def test_models_pretrained_on_cleaned_text_need_the_cleaning(name):
    assert needs_arabert_cleaning(name)


@pytest.mark.parametrize(
    "name",
    [
        "intfloat/multilingual-e5-small",
        "CAMeL-Lab/bert-base-arabic-camelbert-msa",
        "google-bert/bert-base-multilingual-cased",
        "eventdata-utd/ConfliBERT-Arabic-mBERT",
        "models/answers",
        "",
    ],
)
def test_other_models_get_no_cleaning(name):
    assert not needs_arabert_cleaning(name)


@pytest.mark.parametrize(
    "name",
    [
        "aubmindlab/bert-base-arabertv2",
        "aubmindlab/bert-large-arabertv2",
        "aubmindlab/bert-base-arabert",
        "aubmindlab/bert-base-arabertv01",
    ],
)
def test_models_of_other_rules_are_refused_with_the_one_to_take(name):
    size = "large" if "large" in name else "base"
    with pytest.raises(HadathError, match=rf"{name}.*use aubmindlab/bert-{size}-arabertv02"):
        needs_arabert_cleaning(name)


def test_a_tokenizer_of_another_kind_is_refused():
    unigram = Tokenizer(models.Unigram([("a", 0.0)]))
    with pytest.raises(HadathError, match=r"Unigram tokenizer.*WordPiece"):
        with_arabert_cleaning(PreTrainedTokenizerFast(tokenizer_object=unigram))
    with pytest.raises(HadathError, match="not a fast tokenizer"):
        with_arabert_cleaning(object())


def test_marks_fold_on_top_of_araberts_cleaning_and_only_once(stock):
    both = with_folded_marks(with_arabert_cleaning(copy.deepcopy(stock)))
    assert both.tokenize("قال «نعم» ٢٠٢٣") == both.tokenize('قال "نعم" 2023')
    before = both.backend_tokenizer.normalizer.__getstate__()
    assert with_folded_marks(both).backend_tokenizer.normalizer.__getstate__() == before

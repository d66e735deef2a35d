"""Texts in, predictions out: AnswerFinder and EventClassifier, the one path for all who predict.

Training, scoring, the page and you take it. It does not know where predictions go (scores.py,
serve.py) nor how a model was trained.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hadath import decode, features
from hadath.annotations import Article
from hadath.errors import HadathError
from hadath.features import Window, WindowSize
from hadath.models import Model, load_model
from hadath.rereading import passages
from hadath.spelling import embedded_spellings
from hadath.text import lone_surrogate, sentences

LONGEST_ARTICLE = 1_000_000  # characters: about 2,000 windows, minutes on a laptop
_CANDIDATES = 20  # spans kept per window: enough that the softmax over them hardly moves
_BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")  # of x86, then of ARM
_LONGEST_TITLE = 500  # characters: no headline is longer, and each sentence is read beside it
_BATCH_TOKENS = 4096  # tokens of one forward pass; more gains nothing on a CPU


@dataclass(frozen=True, slots=True)
class Answer:
    """A quote of the article, `article[start:end] == text`; `confidence`: that it is right."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the finder makes of one question: its answers, and whether it believes there is one.

    `answers`: best first, kept even where `found` is False. `answerable`: probability that the
    article answers at all. `found`: `answerable` reaches the model's own threshold.
    """

    answers: tuple[Answer, ...]
    answerable: float
    found: bool


@dataclass(frozen=True, slots=True)
class SentenceEvents:
    """One sentence, `article[start:end]`, and its event types.

    `types`: those over their threshold, with their probability; `scores`: all of them.
    """

    start: int
    end: int
    types: dict[str, float]
    scores: dict[str, float]


class AnswerFinder:
    """Answers questions with the article's own words, or says that it does not say."""

    def __init__(self, model: Model, *, device: str | None = None) -> None:
        self.model = model
        self._device = _place(model, device)
        self._size = WindowSize(model.settings.window, model.settings.stride)

    @classmethod
    def load(cls, source: str | None = None, *, device: str | None = None) -> "AnswerFinder":
        """The embedded model, or that of a folder or a hub name. Raises HadathError in one line."""
        return cls(load_model(source, task="answers"), device=device)

    def ask(self, question: str, article: str | Article, top: int = 1) -> list[Answer]:
        """The `top` best answers, best first; [] where the article does not say."""
        return self.ask_many([(question, article)], top)[0]

    def ask_many(
        self, pairs: Sequence[tuple[str, str | Article]], top: int = 1
    ) -> list[list[Answer]]:
        """`ask` for many (question, article) pairs at once, in their order."""
        return [
            list(reading.answers) if reading.found else [] for reading in self.read_many(pairs, top)
        ]

    def read_many(self, pairs: Sequence[tuple[str, str | Article]], top: int = 1) -> list[Reading]:
        """Answers with their answerability, also below the threshold (scores need both)."""
        if top < 1:
            raise HadathError(f"top: {top}; ask for at least one answer")
        return self.readings(pairs, self.candidates(pairs), top)

    def readings(
        self,
        pairs: Sequence[tuple[str, str | Article]],
        candidates: Sequence[Sequence[decode.Candidate]],
        top: int = 1,
    ) -> list[Reading]:
        """The readings that each pair's candidates make under this model's settings."""
        settings = self.model.settings
        readings = []
        for (_, article), spans in zip(pairs, candidates, strict=True):
            text = article.text if isinstance(article, Article) else article
            ranking = decode.rank(
                spans,
                temperature=settings.temperature,
                top=top,
                floor=settings.confidence_floor,
            )
            readings.append(
                Reading(
                    answers=tuple(
                        Answer(text[span.start : span.end], span.start, span.end, span.probability)
                        for span in ranking.spans
                    ),
                    answerable=ranking.answerable,
                    found=bool(ranking.spans)
                    and ranking.answerable >= settings.no_answer_threshold,
                )
            )
        return readings

    def candidates(
        self, pairs: Sequence[tuple[str, str | Article]]
    ) -> list[list[decode.Candidate]]:
        """Each pair's candidate answers over all its windows, before any calibration.

        Their places are of the raw text. Where the model reads twice, the best ones' second reading
        is in their log-odds.
        """
        texts = [_article_text(article, number) for number, (_, article) in enumerate(pairs, 1)]
        questions = [
            _question_text(question, number) for number, (question, _) in enumerate(pairs, 1)
        ]
        features.refuse_long_questions(self.model.tokenizer, questions, self._size)
        found: list[list[decode.Candidate]] = []
        for lot in _lots([len(text) for text in texts]):
            asked, read = questions[lot], texts[lot]
            if self.model.settings.respell:
                # Letter for letter, so what is found stands at the same place of the raw text.
                asked, read = embedded_spellings().respell_pairs(asked, read)
            found += self._read_again(asked, read, self._candidates_of(asked, read))
        return found

    def _candidates_of(
        self, questions: Sequence[str], texts: Sequence[str]
    ) -> list[list[decode.Candidate]]:
        windows = features.answer_windows(
            self.model.tokenizer, list(zip(questions, texts, strict=True)), self._size
        )
        found: list[list[decode.Candidate]] = [[] for _ in texts]
        longest = self.model.settings.longest_answer
        for index, logits in _run(self.model, windows, self._device):
            window = windows[index]
            article = texts[window.owner]
            spans = decode.best_spans(
                logits[0], logits[1], (window.first, window.last), longest=longest, top=_CANDIDATES
            )
            for first, last, log_odds in spans:
                start, end = features.slice_of(article, window, first, last)
                if start < end:
                    found[window.owner].append(decode.Candidate(start, end, log_odds, index))
        return found

    def _read_again(
        self,
        questions: Sequence[str],
        texts: Sequence[str],
        found: list[list[decode.Candidate]],
    ) -> list[list[decode.Candidate]]:
        """Each pair's candidates, the best of them read once more by themselves."""
        settings = self.model.settings
        if not settings.rereads:
            return found
        places = [decode.distinct_places(spans, settings.rereads) for spans in found]
        second: list[dict[tuple[int, int], float]] = [{} for _ in texts]
        numbered = [(owner, place) for owner, best in enumerate(places) for place in best]
        again = passages(
            self.model.tokenizer, list(zip(questions, texts, places, strict=True)), self._size
        )
        for index, logits in _run(self.model, [each.window for each in again], self._device):
            one = again[index]
            owner, place = numbered[one.window.owner]
            second[owner][place] = decode.span_log_odds(logits, one.first, one.last)
        return [
            decode.read_again(*each, settings.reread_share)
            for each in zip(found, places, second, strict=True)
        ]


class EventClassifier:
    """Tells which types of event each sentence of an article reports."""

    def __init__(self, model: Model, *, device: str | None = None) -> None:
        self.model = model
        self._device = _place(model, device)

    @classmethod
    def load(cls, source: str | None = None, *, device: str | None = None) -> "EventClassifier":
        """The embedded model, or that of a folder or a hub name. Raises HadathError in one line."""
        return cls(load_model(source, task="events"), device=device)

    @property
    def labels(self) -> tuple[str, ...]:
        """The types that the model can tell, in the order of its outputs."""
        return self.model.settings.labels

    def __call__(self, article: str | Article) -> list[SentenceEvents]:
        """One SentenceEvents for each sentence, in reading order."""
        return self.classify_many([article])[0]

    def classify_many(self, articles: Sequence[str | Article]) -> list[list[SentenceEvents]]:
        """As a call, for many articles. An Article with sentences of its own is read by those."""
        return self.read_logits(articles, self.logits(articles))

    def read_logits(
        self, articles: Sequence[str | Article], logits: np.ndarray
    ) -> list[list[SentenceEvents]]:
        """The sentences' events that (sentence, label) logits make under this model's settings."""
        settings = self.model.settings
        places = [article_sentences(article, number) for number, article in enumerate(articles, 1)]
        probabilities = decode.event_probabilities(
            logits, temperature=settings.temperature, multi_label=settings.multi_label
        )
        thresholds = np.array([settings.thresholds.get(label, 0.5) for label in self.labels])
        chosen = decode.chosen_labels(probabilities, thresholds, multi_label=settings.multi_label)
        rows = iter(zip(probabilities, chosen, strict=True))
        return [
            [self._sentence(place, *next(rows)) for place in sentences_of_one]
            for sentences_of_one in places
        ]

    def logits(self, articles: Sequence[str | Article]) -> np.ndarray:
        """(sentence, label) logits of all sentences of all articles, in order."""
        settings = self.model.settings
        texts: list[tuple[str, str]] = []
        for number, article in enumerate(articles, 1):
            texts += sentences_with_context(
                article, article_sentences(article, number), context=settings.context
            )
        logits = np.full((len(texts), len(self.labels)), -np.inf)
        for lot in _lots([len(sentence) for sentence, _ in texts]):
            windows = features.sentence_windows(
                self.model.tokenizer,
                texts[lot],
                settings.window,
                has_context=settings.context != "none",
                whole=True,
            )
            for index, row in _run(self.model, windows, self._device):
                sentence = lot.start + windows[index].owner
                logits[sentence] = np.maximum(logits[sentence], row)
        return logits

    def _sentence(
        self, place: tuple[int, int], probabilities: np.ndarray, chosen: np.ndarray
    ) -> SentenceEvents:
        scores = {label: float(p) for label, p in zip(self.labels, probabilities, strict=True)}
        types = {
            label: scores[label] for label, is_on in zip(self.labels, chosen, strict=True) if is_on
        }
        return SentenceEvents(
            *place, dict(sorted(types.items(), key=lambda item: -item[1])), scores
        )  # fmt: skip


def article_sentences(article: str | Article, number: int = 1) -> list[tuple[int, int]]:
    """(start, end) of the article's sentences: its own where it has them, else the splitter's.

    Raises HadathError, naming the article by its number, where its text can't be read.
    """
    text = _article_text(article, number)
    if isinstance(article, Article) and article.sentences:
        return list(article.sentences)
    return sentences(text)


def sentences_with_context(
    article: str | Article, places: Sequence[tuple[int, int]], *, context: str
) -> list[tuple[str, str]]:
    """(sentence, what is read beside it) as the event model reads them; "" is no context.

    `context`: "none", "previous" (the sentence before) or "title": the article's, or its first
    sentence where it has none, as a pasted text; beside itself it does not stand.
    """
    text = article.text if isinstance(article, Article) else article
    quoted = [text[start:end] for start, end in places]
    if context == "previous":
        return list(zip(quoted, ["", *quoted[:-1]], strict=False))
    title = _title(article) or next(iter(quoted), "") if context == "title" else ""
    return [(quote, "" if quote == title else title[:_LONGEST_TITLE]) for quote in quoted]


def _title(article: str | Article) -> str:
    """The article's own title; "" where it has none, or one that can't be read."""
    title = (article.title or "").strip() if isinstance(article, Article) else ""
    return title if lone_surrogate(title) is None else ""


def _article_text(article: str | Article, number: int) -> str:
    text = article.text if isinstance(article, Article) else article
    return check_text(text, f"article {number}", "paste or name an Arabic text")


def _question_text(question: str, number: int) -> str:
    return check_text(question, f"question {number}", "write a question")


def check_text(text: object, place: str, mend: str) -> str:
    """`text`, where it can be read at all. Raises HadathError saying what is wrong with it."""
    if not isinstance(text, str):
        raise HadathError(f"{place}: expected a text, found {type(text).__name__}; {mend}")
    if len(text) > LONGEST_ARTICLE:
        raise HadathError(
            f"{place}: {len(text):,} characters, at most {LONGEST_ARTICLE:,} are read; split it"
        )
    lone = lone_surrogate(text)
    if lone is not None:
        raise HadathError(f"{place}: a lone surrogate at character {lone}; save the text as UTF-8")
    # A tatweel counts as a letter for Unicode, but stretches one only.
    if not any(unicodedata.category(c)[0] in "LN" for c in text if c != "\u0640"):
        found = "it is empty" if not text.strip() else "no letter or digit in it"
        raise HadathError(f"{place}: {found}; {mend}")
    return text


def _lots(lengths: Sequence[int]) -> Iterator[slice]:
    """Neighbouring texts of these lengths, as many at once as one longest article has characters.

    Tokens take a hundred times the memory of their characters, so not all texts become tokens at
    once.
    """
    start = size = 0
    for place, length in enumerate(lengths):
        if size and size + length > LONGEST_ARTICLE:
            yield slice(start, place)
            start, size = place, 0
        size += length
    if start < len(lengths):
        yield slice(start, len(lengths))


def _place(model: Model, device: str | None) -> torch.device:
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        model.network.to(chosen)
    except (RuntimeError, AssertionError) as error:
        raise HadathError(
            f"device {chosen!r}: not usable here; use 'cpu' or leave it out"
        ) from error
    model.network.eval()
    return torch.device(chosen)


def computes_bf16() -> bool:
    """Whether PyTorch multiplies in bf16 here, and the processor has instructions for it.

    Without them it does so too, in several times the time of fp32.
    """
    # New in PyTorch 2.11; without it, fp32.
    able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    has_instructions = any(able.get(name) for name in _BF16_INSTRUCTIONS)
    return has_instructions and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _autocast(device: torch.device) -> AbstractContextManager[object]:
    """bf16 where the processor computes it, fp32 elsewhere: half the time, the same answers."""
    if device.type == "cuda":
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return torch.autocast("cuda", dtype=half)
    if computes_bf16():
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return nullcontext()


def _run(
    model: Model, windows: Sequence[Window], device: torch.device
) -> Iterator[tuple[int, np.ndarray]]:
    """(window's index, its logits) for all windows, batched by length.

    Logits: (2, token) start and end for answers, (label,) for events.
    """
    order = sorted(range(len(windows)), key=lambda index: len(windows[index]))
    model.network.eval()
    while order:
        width = len(windows[order[-1]])
        count = max(1, _BATCH_TOKENS // width)
        batch, order = order[-count:], order[:-count]
        inputs = _padded([windows[index] for index in batch], model, width)
        with torch.inference_mode(), _autocast(device):
            outputs = model.network(**{name: value.to(device) for name, value in inputs.items()})
        if "start_logits" in outputs:
            logits = torch.stack([outputs.start_logits, outputs.end_logits], dim=1)
        else:
            logits = outputs.logits
        yield from zip(batch, logits.float().cpu().numpy(), strict=True)


def _padded(windows: Sequence[Window], model: Model, width: int) -> dict[str, torch.Tensor]:
    pad = model.tokenizer.pad_token_id
    ids = torch.full((len(windows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(windows), width), dtype=torch.long)
    types = torch.zeros((len(windows), width), dtype=torch.long)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window.ids)
        types[row, : len(window)] = torch.tensor(window.types)
        mask[row, : len(window)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    return {
        name: value for name, value in inputs.items() if name in model.tokenizer.model_input_names
    }

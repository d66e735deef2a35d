"""Answers and events as plain records (the API, JSON) and as CSV that Excel opens as Arabic.

It does not know HTML, nor how the results were found.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # predict.py brings torch
    from hadath.predict import Reading, SentenceEvents

ANSWER_COLUMNS = ("question", "rank", "answer", "start", "end", "confidence")
EVENT_COLUMNS = ("type", "sentence", "start", "end", "probability")

Row = tuple[str | int, ...]

_BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the local code page


def answers_record(question: str, reading: "Reading") -> dict[str, Any]:
    """The reading as JSON values; no answers where the article does not say."""
    return {
        "question": question,
        "found": reading.found,
        "answerable": reading.answerable,
        "answers": [
            {
                "text": answer.text,
                "start": answer.start,
                "end": answer.end,
                "confidence": answer.confidence,
            }
            for answer in (reading.answers if reading.found else ())
        ],
    }


def events_record(article: str, sentences: Sequence["SentenceEvents"]) -> dict[str, Any]:
    """Every sentence with its types and all scores, as JSON values."""
    return {
        "sentences": [
            {
                "start": sentence.start,
                "end": sentence.end,
                "text": article[sentence.start : sentence.end],
                "types": sentence.types,
                "scores": sentence.scores,
            }
            for sentence in sentences
        ]
    }


def answer_rows(question: str, reading: "Reading") -> Iterator[Row]:
    """ANSWER_COLUMNS of each answer; none where the article does not say."""
    for rank, answer in enumerate(reading.answers if reading.found else (), 1):
        yield question, rank, answer.text, answer.start, answer.end, f"{answer.confidence:.4f}"


def event_rows(article: str, sentences: Sequence["SentenceEvents"]) -> Iterator[Row]:
    """EVENT_COLUMNS of each event; a sentence without one has no row."""
    for sentence in sentences:
        text = article[sentence.start : sentence.end]
        for name, probability in sentence.types.items():
            yield name, text, sentence.start, sentence.end, f"{probability:.4f}"


def csv_head(columns: Sequence[str]) -> str:
    """The first line of a CSV file."""
    return _BYTE_ORDER_MARK + csv_lines([tuple(columns)])


def csv_lines(rows: Iterable[Row]) -> str:
    """Further lines of it."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([_harmless(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _harmless(cell: str | int) -> str | int:
    """A text that a spreadsheet would run as a formula gets the apostrophe that says it is text."""
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else cell

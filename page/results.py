"""Answers and events as plain records (the API, JSON) and as CSV that Excel opens as Arabic.

It does not know HTML, nor how the results were found.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # predict.py brings torch
    from hadath.predict import Reading, SentenceEvents

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


def answers_csv(question: str, reading: "Reading") -> str:
    """One row an answer."""
    answers = reading.answers if reading.found else ()
    return _csv(
        ("question", "rank", "answer", "start", "end", "confidence"),
        (
            (question, rank, answer.text, answer.start, answer.end, f"{answer.confidence:.4f}")
            for rank, answer in enumerate(answers, 1)
        ),
    )


def events_csv(article: str, sentences: Sequence["SentenceEvents"]) -> str:
    """One row an event; a sentence without one has no row."""
    return _csv(
        ("type", "sentence", "start", "end", "probability"),
        (
            (
                name,
                article[sentence.start : sentence.end],
                sentence.start,
                sentence.end,
                f"{probability:.4f}",
            )
            for sentence in sentences
            for name, probability in sentence.types.items()
        ),
    )


def _csv(heads: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(heads)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return _BYTE_ORDER_MARK + stream.getvalue()


def _harmless(cell: str | int) -> str | int:
    """A text that a spreadsheet would run as a formula gets the apostrophe that says it is text."""
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else cell

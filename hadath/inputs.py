"""Articles named on a command line: text files, `-` for standard input, and files of many articles.

Those are JSON Lines with a `text`, and CSV or TSV with a column `text`; both may give an `id`.

It does not know what they are read for; a bad one is handed on as its error, so that the others
still count.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hadath.annotations import parse_json_line
from hadath.errors import HadathError
from hadath.files import numbered_lines, read_text
from hadath.formats.records import id_of
from hadath.formats.table import table_rows


@dataclass(frozen=True, slots=True)
class Input:
    """An article to read: the name to show beside its results, and its raw text."""

    name: str
    text: str


def read_inputs(names: Iterable[str]) -> Iterator[Input | HadathError]:
    """Every article of every file, in order; in a bad one's place the error that says why."""
    for name in names:
        try:
            ending = Path(name).suffix.lower()
            if ending == ".jsonl":
                yield from _lines(name)
            elif ending in (".csv", ".tsv"):
                yield from _rows(name)
            else:
                yield Input(name, _standard_input() if name == "-" else read_text(name))
        except HadathError as error:
            yield error


def _standard_input() -> str:
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HadathError(
            f"-: byte {error.start} of standard input is not UTF-8; convert it"
        ) from error


def _lines(name: str) -> Iterator[Input | HadathError]:
    for number, line in numbered_lines(name):
        place = f"{name}:{number}"
        try:
            record = parse_json_line(line)
        except HadathError as error:
            yield HadathError(f"{place}: {error}")
            continue
        if isinstance(record, dict) and isinstance(record.get("text"), str):
            yield Input(id_of(record.get("id"), place), record["text"])
        else:
            yield HadathError(
                f'{place}: no "text"; expected an object like {{"id": "…", "text": "…"}}'
            )


def _rows(name: str) -> Iterator[Input | HadathError]:
    for row in table_rows(name):
        if isinstance(row, HadathError):
            yield row
        else:
            yield Input(row.cells.get("id", "").strip() or row.place, row.cells["text"])

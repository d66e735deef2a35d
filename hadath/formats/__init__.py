"""Other tools' annotation formats by name, and the way from one to another.

It does not know how any of them is laid out: one module each does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hadath.annotations import Article, read_articles, write_articles
from hadath.errors import HadathError, did_you_mean
from hadath.formats import doccano, label_studio, squad, table
from hadath.formats.repairs import Import, Repair

__all__ = ["FORMATS", "Conversion", "Format", "Import", "Repair", "convert", "format_named"]


@dataclass(frozen=True, slots=True)
class Format:
    """How one tool's files are read and written; `write` tells what the format could not hold."""

    read: Callable[..., Import]
    write: Callable[[str | Path, Sequence[Article]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was converted, what was mended on the way in, what the target could not hold."""

    articles: int
    repairs: tuple[Repair, ...]
    left_out: tuple[str, ...]


def _read_hadath(path: str | Path) -> Import:
    return Import(tuple(read_articles(path)))


def _write_hadath(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    write_articles(path, articles)
    return ()


FORMATS = {
    "hadath": Format(_read_hadath, _write_hadath),
    "squad": Format(squad.read, squad.write),
    "label-studio": Format(label_studio.read, label_studio.write),
    "doccano": Format(doccano.read, doccano.write),
    "csv": Format(table.read_csv, table.write_csv),
    "tsv": Format(table.read_tsv, table.write_tsv),
    "text": Format(table.read_texts, table.write_texts),
    "lines": Format(table.read_lines, table.write_lines),
}


def format_named(name: str) -> Format:
    """The format of that name. Raises HadathError with the nearest name."""
    if name not in FORMATS:
        formats = f"the formats are {', '.join(FORMATS)}"
        mend = did_you_mean(name.lower().replace("_", "-"), FORMATS, formats)
        raise HadathError(f"no format {name!r}; {mend}")
    return FORMATS[name]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    source_format: str,
    target_format: str,
    annotator: str | None = None,
) -> Conversion:
    """Read `source`, write `target`. `annotator` chooses among several in a Label Studio export."""
    reader, writer = format_named(source_format).read, format_named(target_format).write
    if annotator is not None and source_format != "label-studio":
        raise HadathError(f"format {source_format!r} names no annotators; leave the annotator out")
    found = reader(source) if annotator is None else reader(source, annotator=annotator)
    return Conversion(len(found.articles), found.repairs, writer(target, found.articles))

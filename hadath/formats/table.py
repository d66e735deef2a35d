"""Reads and writes texts with labels as CSV or TSV, and plain text files without any.

It knows nothing of spans: a row is one text, its labels are the text's event types.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from hadath.annotations import ROLES, Article, Event
from hadath.errors import HadathError
from hadath.files import file_names, numbered_lines, read_text, write_text
from hadath.formats.records import DETAILS, build, left_out
from hadath.formats.repairs import Import, Repair, trim
from hadath.text import sentence_at

COLUMNS = ("text", "label", "id", *DETAILS)
DELIMITERS = {"csv": ",;\t", "tsv": "\t"}


def read_csv(path: str | Path) -> Import:
    """Every row as an article of one sentence; the delimiter is the header's own (`,`, `;` or tab).

    Columns `text` and `label` are needed; `id`, `split`, `title`, `date` and `source` may be there.
    A label cell holds several types between `;` or `|`, or nothing: no event. Errors name the
    file and line.
    """
    return _read(path, DELIMITERS["csv"])


def read_tsv(path: str | Path) -> Import:
    """As `read_csv`, cells between tabs."""
    return _read(path, DELIMITERS["tsv"])


def write_csv(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """One row a sentence (a whole article where it has none), cells between commas."""
    return _write(path, articles, ",")


def write_tsv(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """As `write_csv`, cells between tabs."""
    return _write(path, articles, "\t")


def read_texts(path: str | Path) -> Import:
    """One article a file: the file itself, or every `*.txt` of a folder, in the order of names."""
    path = Path(path)
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise HadathError(f"{path}: no .txt files in it")
    return Import(tuple(build(str(file), id=file.stem, text=read_text(file)) for file in files))


def write_texts(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """One file an article: `PATH` itself where it ends in .txt, else `PATH/ID.txt`."""
    path = Path(path)
    if path.suffix == ".txt":
        if len(articles) != 1:
            raise HadathError(
                f"{path}: {len(articles)} articles for one file; name a folder instead"
            )
        files = {path: articles[0]}
    else:
        names = file_names([article.id for article in articles], path)
        files = {
            path / f"{name}.txt": article for name, article in zip(names, articles, strict=True)
        }
    for file, article in files.items():
        write_text(file, article.text)
    return _text_only(articles)


def read_lines(path: str | Path) -> Import:
    """One article a line; blank lines are skipped. Ids are the file's name and the line."""
    name = Path(path).stem
    articles = tuple(
        build(f"{path}:{number}", id=f"{name}-{number}", text=line)
        for number, line in numbered_lines(path)
    )
    if not articles:
        raise HadathError(f"{path}: no lines in it; expected one text a line")
    return Import(articles)


def write_lines(path: str | Path, articles: Sequence[Article]) -> tuple[str, ...]:
    """One text a line. Raises HadathError where a text has lines of its own."""
    for article in articles:
        if "\n" in article.text:
            raise HadathError(
                f"{path}: article {article.id!r} has several lines; write one file an article"
            )
    write_text(path, "".join(f"{article.text}\n" for article in articles))
    return _text_only(articles)


def _text_only(articles: Sequence[Article]) -> tuple[str, ...]:
    return left_out(articles, "plain text", (*DETAILS, "sentences", "events", "questions"))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its `file:line`, its number (the header's is 1) and its known cells."""

    place: str
    number: int
    cells: dict[str, str]


def table_rows(path: str | Path) -> Iterator[Row | HadathError]:
    """The rows of a CSV or TSV file (by its name's ending) that has a column `text`.

    A row that does not fit the header stands there as its error, so that the others still count.
    Raises HadathError where there is no such column, no row, or a quotation mark left open.
    """
    delimiters = DELIMITERS["tsv" if Path(path).suffix.lower() == ".tsv" else "csv"]
    return _table(path, delimiters, ("text",))[1]


def _table(
    path: str | Path, delimiters: str, needed: Sequence[str]
) -> tuple[list[str], Iterator[Row | HadathError]]:
    text = read_text(path)
    rows = _rows(path, text, _delimiter(text, delimiters))
    _, _, header = next(rows, (0, 0, []))
    columns = _columns(path, header, needed)

    def rest() -> Iterator[Row | HadathError]:
        empty = True
        for number, line, cells in rows:
            empty = False
            place = f"{path}:{line}"
            if len(cells) == len(header):
                yield Row(place, number, {name: cells[at] for name, at in columns.items()})
            else:
                yield HadathError(
                    f"{place}: row {number} has {len(cells)} cells, the header {len(header)}; "
                    f"put a text that holds the delimiter in quotation marks"
                )
        if empty:
            raise HadathError(f"{path}: no rows below the header")

    return header, rest()


def _read(path: str | Path, delimiters: str) -> Import:
    header, rows = _table(path, delimiters, ("text", "label"))
    unknown = [name for name in header if name.strip() and name.strip().lower() not in COLUMNS]
    repairs = tuple(Repair(f"{path}:1", f"column {name!r}", "left out") for name in unknown)
    articles: dict[str, Article] = {}
    for row in rows:
        if isinstance(row, HadathError):
            raise row
        article = _article(row.place, f"{Path(path).stem}-{row.number}", row.cells)
        if article.id in articles:
            raise HadathError(
                f"{row.place}: row {row.number}: id {article.id!r} is used twice; give it its own"
            )
        articles[article.id] = article
    return Import(tuple(articles.values()), repairs)


def _delimiter(text: str, delimiters: str) -> str:
    """The delimiter under which the header has the most columns that we know."""
    header = text.split("\n", 1)[0].lower().replace('"', "")
    return max(
        delimiters, key=lambda mark: len({cell.strip() for cell in header.split(mark)} & {*COLUMNS})
    )


def _rows(path: str | Path, text: str, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """(row, line, cells) of each row that is not blank; a quoted cell may run over lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    longest = csv.field_size_limit(max(len(text), csv.field_size_limit()))
    line = 1
    try:
        for row, cells in enumerate(reader, 1):
            if cells:
                yield row, line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise HadathError(
            f"{path}:{line}: {error}; quote a cell with quotation marks whole, each mark doubled"
        ) from error
    finally:
        csv.field_size_limit(longest)


def _columns(path: str | Path, header: Sequence[str], needed: Sequence[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    for column in needed:
        if column not in names:
            near = get_close_matches(column, names, n=1)
            hint = (
                f"did you mean {near[0]!r}? Rename it" if near else "the header names the columns"
            )
            raise HadathError(
                f"{path}:1: no column {column!r} among {', '.join(names) or 'none'}; {hint}"
            )
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise HadathError(f"{path}:1: column {twice[0]!r} stands twice; remove one")
    return {name: names.index(name) for name in COLUMNS if name in names}


def _article(place: str, name: str, cells: dict[str, str]) -> Article:
    text = cells["text"]
    labels = (label.strip() for label in re.split(r"[;|]", cells["label"]))
    words = trim(text, 0, len(text))
    return build(
        place,
        id=cells.get("id", "").strip() or name,
        text=text,
        sentences=((0, len(text)),) if text else (),
        events=tuple(Event(label, words) for label in dict.fromkeys(labels) if label),
        **{key: cells[key].strip() or None for key in DETAILS if key in cells},
    )


def _write(path: str | Path, articles: Sequence[Article], delimiter: str) -> tuple[str, ...]:
    used = [key for key in DETAILS if any(getattr(article, key) for article in articles)]
    stream = io.StringIO(newline="")
    # Python 3.11 leaves a lone "\r" without quotes, and no reader takes that.
    if any("\r" in article.text for article in articles):
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["text", "label", "id", *used])
    for article in articles:
        kept = [getattr(article, key) or "" for key in used]
        bounds = article.sentences or ((0, len(article.text)),)
        places = [sentence_at(bounds, event.span.start) for event in article.events]
        for index, (start, end) in enumerate(bounds):
            inside = [e.type for e, at in zip(article.events, places, strict=True) if at == index]
            labels = list(dict.fromkeys(inside))
            if any(re.search(r"[;|]", label) for label in labels):
                raise HadathError(
                    f"{path}: article {article.id!r}: a type holds ';' or '|'; rename it"
                )
            name = article.id if len(bounds) == 1 else f"{article.id}#{index + 1}"
            writer.writerow([article.text[start:end], ";".join(labels), name, *kept])
    write_text(path, stream.getvalue())
    roles = sum(any(e.role(role) for e in article.events for role in ROLES) for article in articles)
    told = (f"roles of {roles} articles: a table cannot hold them",) if roles else ()
    return (*told, *left_out(articles, "a table", ("questions",)))

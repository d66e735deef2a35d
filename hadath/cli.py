"""The command line: hadath ask | events | check | agree | convert | export | build-data.

It does not know how any of it is done. Results go to stdout, messages to stderr. Exit status: 0
done; 1 `check` found something, be it a missing file; 2 an input does not fit (the rest was read).
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from hadath import results
from hadath.errors import HadathError, system_reason
from hadath.highlight import percent
from hadath.inputs import Input, read_inputs
from hadath.text import REFUSED, has_arabic_letter

# Articles read at once: enough to fill batches, few enough to show results as they come.
_TOGETHER = 32


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = _parser().parse_args(words)
    try:
        status = options.run(options)
        sys.stdout.flush()  # here, where a failure can still be told
        return status
    except HadathError as error:
        _say(error)
        return 2
    except OSError as error:
        # Point stdout elsewhere, lest exiting fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0  # the reader (head, less) has seen enough
        _say(f"not all was written: {system_reason(error)}")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hadath", description="Reads Arabic news: its events, and answers in its own words."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    ask = commands.add_parser("ask", help="answer a question from articles")
    ask.add_argument("question")
    ask.add_argument("--top", type=int, default=1, help="answers shown an article (default 1)")
    ask.set_defaults(run=_ask)
    events = commands.add_parser("events", help="tell the events of articles")
    events.set_defaults(run=_events)
    for command in (ask, events):
        command.add_argument(
            "files", nargs="+", metavar="FILE", help="text, JSON Lines, CSV, TSV, or - for stdin"
        )
        command.add_argument("--model", help="a folder or a hub name; default: the embedded model")
        form = command.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="one JSON object a line")
        form.add_argument("--csv", action="store_true", help="a table for a spreadsheet")

    check = commands.add_parser("check", help="lint annotation files")
    check.add_argument("files", nargs="+", metavar="FILE")
    check.add_argument("--fix", action="store_true", help="mend quotes that occur exactly once")
    check.add_argument("--scheme", default="plover", help="event types allowed; 'any' allows all")
    check.set_defaults(run=_check)

    agree = commands.add_parser("agree", help="agreement of two annotators")
    agree.add_argument("first")
    agree.add_argument(
        "second", help="the other annotator's file (JSON Lines, or a second pass in JSON)"
    )
    agree.add_argument("--json", action="store_true")
    agree.set_defaults(run=_agree)

    convert = commands.add_parser("convert", help="from one annotation format to another")
    convert.add_argument("source")
    convert.add_argument("target")
    convert.add_argument("--from", dest="source_format", required=True, metavar="FORMAT")
    convert.add_argument("--to", dest="target_format", required=True, metavar="FORMAT")
    convert.add_argument("--annotator", help="whose work to take from a Label Studio export")
    convert.set_defaults(run=_convert)

    export = commands.add_parser("export", help="a model as a plain transformers folder")
    export.add_argument("task", choices=("answers", "events"))
    export.add_argument("target", help="new folder it is written to")
    export.add_argument("--model", help="a folder or a hub name; default: the embedded model")
    export.set_defaults(run=_export)

    build = commands.add_parser("build-data", help="authoring files and seeds into data/")
    build.add_argument("source", help="folder with authored/ and seeds/")
    build.add_argument("target", help="for instance data")
    build.set_defaults(run=_build_data)
    return parser


def _ask(options: argparse.Namespace) -> int:
    from hadath.predict import AnswerFinder

    inputs = _Inputs(options.files)
    finder = AnswerFinder.load(options.model)
    if options.csv:
        _write(results.csv_head(("article", *results.ANSWER_COLUMNS)))
    for batch in inputs.batches():
        readings = finder.read_many([(options.question, item.text) for item in batch], options.top)
        for item, reading in zip(batch, readings, strict=True):
            if options.csv:
                silent = (options.question, *[""] * (len(results.ANSWER_COLUMNS) - 1))
                rows = list(results.answer_rows(options.question, reading)) or [silent]
                _write(results.csv_lines((item.name, *row) for row in rows))
                continue
            if options.json:
                _line({"id": item.name} | results.answers_record(options.question, reading))
                continue
            print(item.name)
            answers = reading.answers if reading.found else ()
            for answer in answers:
                sure, place = percent(answer.confidence), f"[{answer.start}:{answer.end}]"
                print(f"  {sure:>4}  {answer.text}  {place}")
            if not answers:
                print(f"  the article does not say (answerable: {percent(reading.answerable)})")
    return inputs.status


def _events(options: argparse.Namespace) -> int:
    from hadath.predict import EventClassifier

    inputs = _Inputs(options.files)
    classifier = EventClassifier.load(options.model)
    if options.csv:
        _write(results.csv_head(("article", *results.EVENT_COLUMNS)))
    for batch in inputs.batches():
        classified = classifier.classify_many([item.text for item in batch])
        for item, sentences in zip(batch, classified, strict=True):
            if options.csv:
                events = results.event_rows(item.text, sentences)
                _write(results.csv_lines((item.name, *row) for row in events))
                continue
            if options.json:
                _line({"id": item.name} | results.events_record(item.text, sentences))
                continue
            print(item.name)
            for sentence in sentences:
                types = [f"{name} {percent(p)}" for name, p in sentence.types.items()]
                told = ", ".join(types) or "–"
                print(f"  [{told}]  {item.text[sentence.start : sentence.end]}")
    return inputs.status


def _check(options: argparse.Namespace) -> int:
    from hadath.check import check
    from hadath.ontology import load_scheme

    types = None
    if options.scheme != "any":
        types = {kind.name for kind in load_scheme(options.scheme).types}
    findings = check(options.files, fix=options.fix, scheme=types)
    for finding in findings:
        print(finding)
    if not findings:
        _say(f"{len(options.files)} files: clean")
    return 1 if findings else 0


def _agree(options: argparse.Namespace) -> int:
    from hadath.agreement import agree_files

    agreement = agree_files(options.first, options.second)
    if options.json:
        _line(agreement.record())
    else:
        print(agreement.table())
    return 0


def _convert(options: argparse.Namespace) -> int:
    from hadath.formats import convert

    done = convert(
        options.source,
        options.target,
        source_format=options.source_format,
        target_format=options.target_format,
        annotator=options.annotator,
    )
    for repair in done.repairs:
        _say(f"mended: {repair}")
    for left_out in done.left_out:
        _say(f"left out: {left_out}")
    _say(f"{options.target}: {done.articles} articles")
    return 0


def _export(options: argparse.Namespace) -> int:
    from hadath.models import export

    export(options.model, options.target, task=options.task)
    _say(f"{options.target}: loads with transformers alone")
    return 0


def _build_data(options: argparse.Namespace) -> int:
    from hadath.authoring import build_data

    build_data(options.source, options.target)
    return 0


class _Inputs:
    """Articles in batches; errors are said as they come and remembered in `status`."""

    def __init__(self, files: Sequence[str]) -> None:
        self._found = read_inputs(files)
        self.status = 0

    def batches(self) -> Iterator[list[Input]]:
        good = self._good(self._found)
        while batch := list(islice(good, _TOGETHER)):
            yield batch

    def _good(self, found: Iterable[Input | HadathError]) -> Iterator[Input]:
        from hadath.predict import check_text

        for item in found:
            try:
                if isinstance(item, HadathError):
                    raise item
                check_text(item.text, item.name, "name a file with an article in it")
                if refused := re.search(f"[{''.join(REFUSED)}]", item.text):
                    raise HadathError(
                        f"{item.name}: U+{ord(refused[0]):04X} at character {refused.start()} "
                        f"makes the text read otherwise than it is written; remove it"
                    )
                if not has_arabic_letter(item.text):
                    raise HadathError(f"{item.name}: no Arabic letter in it; only Arabic is read")
            except HadathError as error:
                _say(error)
                self.status = 2
            else:
                yield item


def _write(text: str) -> None:
    print(text, end="", flush=True)


def _line(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), flush=True)


def _say(message: object) -> None:
    print(f"hadath: {message}", file=sys.stderr)

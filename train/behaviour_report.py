"""Runs the behaviour suite on a model and tells what came out: JSON, Markdown, the card's section.

It does not know what is checked (behaviour.py).
"""

import datetime
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hadath.annotations import read_articles
from hadath.errors import HadathError, shortened
from hadath.files import read_json, write_text
from hadath.predict import AnswerFinder, EventClassifier
from hadath.provenance import git_revision, hardware_line, library_versions
from hadath.report import arabic_quote, markdown_table
from train.behaviour import CASES, Result, check_answers, check_events
from train.data import data_hash, read_files
from train.pairs import read_negations, read_word_orders
from train.record import command

SCHEMA = 1
DATA = ("data/authored/dev.jsonl",)
WORD_ORDER = "data/behaviour/word_order.jsonl"
WORD_ORDER_ARTICLES = ("data/authored/dev.jsonl", "data/seeds/seeds.jsonl")
NEGATION = "data/behaviour/negation.jsonl"

Report = dict[str, Any]


def run_behaviour(
    task: str, model: str | None, data: Sequence[str], output: str, *, most: int = CASES
) -> Report:
    """Run all checks: a table on stdout; behaviour.json and behaviour.md in `output`."""
    if most < 1:
        raise HadathError(f"--cases: {most}; ask for at least one")
    articles = read_files(data)
    began = time.monotonic()
    if task == "answers":
        files: tuple[str, ...] = (*data, WORD_ORDER, *WORD_ORDER_ARTICLES)
        lent = [article for path in WORD_ORDER_ARTICLES for article in read_articles(path)]
        word_orders = read_word_orders(WORD_ORDER, lent)
        finder = AnswerFinder.load(model)
        name = finder.model.name
        results = check_answers(finder, articles, word_orders, most=most)
    else:
        files = (*data, NEGATION)
        negations = read_negations(NEGATION)
        classifier = EventClassifier.load(model)
        name = classifier.model.name
        results = check_events(classifier, articles, negations, most=most)
    seconds = time.monotonic() - began
    report = behaviour_report(task, name, results, files=files, most=most, seconds=seconds)
    write_text(Path(output) / "behaviour.md", behaviour_markdown(report))
    write_text(Path(output) / "behaviour.json", report_text(report))
    sys.stdout.write(behaviour_section(report) + "\n")
    return report


def behaviour_report(
    task: str,
    model: str,
    results: Sequence[Result],
    *,
    files: Sequence[str],
    most: int,
    seconds: float,
) -> Report:
    """The results with all that is needed to repeat them, as plain JSON values."""
    return {
        "schema": SCHEMA,
        "task": task,
        "model": model,
        "command": command(),
        "date": datetime.date.today().isoformat(),
        "data": data_hash(list(dict.fromkeys(files))),
        "most_cases": most,
        "versions": library_versions(),
        "git": git_revision(),
        "machine": hardware_line(),
        "seconds": round(seconds, 1),
        "checks": [asdict(result) | {"rate": result.rate} for result in results],
    }


def report_text(report: Report) -> str:
    """The report as JSON, as `read_behaviour` reads it."""
    return json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def behaviour_section(report: Report) -> str:
    """Every check and its failure rate as a Markdown table, then on what it was measured."""
    rows = [
        [
            check["name"],
            check["must_hold"],
            str(check["cases"]),
            str(check["failures"]),
            "–" if check["rate"] is None else f"{100 * check['rate']:.1f}",
        ]
        for check in report["checks"]
    ]
    table = markdown_table(
        ["Check", "What must hold", "Cases", "Failures", "Percent failing"], rows
    )
    files = ", ".join(f"`{path}`" for path in report["data"])
    return (
        f"{table}\n\n"
        "Checks of behaviour after CheckList (Ribeiro and others 2020): a failure is a change of "
        "what is said, right or wrong; lower is better. The hand-written pairs were never trained "
        "on; articles of a dev split also chose the model's epoch and thresholds. "
        f"At most {report['most_cases']} cases a check, spread evenly over {files}.\n\n"
        f"`{report['command']}`, {report['date']}, {report['seconds']:.0f} seconds on "
        f"{report['machine']}, revision {report['git'] or 'unknown'}."
    )


def behaviour_markdown(report: Report) -> str:
    """The section, then of each check its surest failures."""
    parts = [f"# Behaviour: {report['model']}", behaviour_section(report)]
    for check in report["checks"]:
        if check["examples"]:
            lines = "\n".join(_example_line(example) for example in check["examples"])
            parts.append(f"## {check['name']}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def read_behaviour(path: str | Path) -> Report:
    """A report from its JSON file. Raises HadathError naming the file and what is wrong."""
    report: Any = read_json(path)
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        _refuse(path, "schema", report.get("schema") if isinstance(report, dict) else report)
    for key, kind in _KINDS.items():
        if not isinstance(report.get(key), kind):
            _refuse(path, key, report.get(key))
    if report["task"] not in ("answers", "events"):
        _refuse(path, "task", report["task"])
    for number, check in enumerate(report["checks"]):
        if not _is_check(check):
            _refuse(path, f"checks[{number}]", check)
    return report


_KINDS: dict[str, type | tuple[type, ...]] = {
    "task": str, "model": str, "command": str, "date": str, "data": dict, "most_cases": int,
    "machine": str, "git": (str, type(None)), "seconds": (int, float), "checks": list,
}  # fmt: skip


def _is_check(check: object) -> bool:
    """Whether it has all that is shown, and its rate is that of its counts."""
    if not isinstance(check, dict):
        return False
    name, must_hold = check.get("name"), check.get("must_hold")
    cases, failures = check.get("cases"), check.get("failures")
    if not (isinstance(name, str) and isinstance(must_hold, str)):
        return False
    if not (isinstance(cases, int) and isinstance(failures, int) and 0 <= failures <= cases):
        return False
    result = Result(name, must_hold, cases, failures)
    return check.get("rate", -1) == result.rate and isinstance(check.get("examples"), list)


def _refuse(path: str | Path, place: str, found: object) -> None:
    raise HadathError(
        f"{path}: {place}: found {shortened(repr(found))}; "
        "run 'python -m train behaviour' to write the report anew"
    )


def _example_line(example: dict[str, Any]) -> str:
    before, after = (" / ".join(map(arabic_quote, example[key])) or "none" for key in _SAID)
    return (
        f"- {example['place']}<br>before: {arabic_quote(example['before'])}<br>said: {before}<br>"
        f"after: {arabic_quote(example['after'])}<br>said: {after}"
    )


_SAID = ("said_before", "said_after")

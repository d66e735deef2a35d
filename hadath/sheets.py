"""The score sheet: figures and all one needs to judge or repeat them, as one plain JSON value.

It does not compute figures (scores.py) nor show them (report.py). Figures are rounded to four
decimals here, once, so that whatever is rendered from a sheet can be compared with it exactly.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hadath.annotations import Article
from hadath.errors import HadathError, shortened
from hadath.files import numbered_lines, read_json
from hadath.provenance import git_revision, hardware_line, library_versions
from hadath.scores import (
    ANSWER_FIGURES,
    DRAWS,
    EVENT_FIGURES,
    SEED,
    AnswerResult,
    AnswerScores,
    EventResult,
    EventScores,
    exact_match,
    score_answers,
    score_events,
    token_f1,
)

SCHEMA = 1
FIGURE_TITLES = {"answers": ANSWER_FIGURES, "events": EVENT_FIGURES}

_DECIMALS = 4
_EXAMPLES = 10
_EXAMPLE_LENGTH = 240  # characters

Sheet = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file that was scored: its path as a reader of the sheet finds it, hash and lines."""

    path: str
    sha256: str
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What was run, on what, how. `describe_run` fills in what the machine knows."""

    system: str
    dataset: str
    split: str
    command: str
    data: tuple[DataFile, ...] = ()
    seeds: tuple[int, ...] = ()
    seconds: float | None = None
    date: str = ""
    hardware: str = ""
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def describe_run(
    system: str, dataset: str, *, split: str, command: str, files: Sequence[str | Path] = ()
) -> About:
    """An About with hashes, date, hardware, git revision and versions filled in.

    Add seeds and seconds with `dataclasses.replace`. Raises HadathError where a file can't be read.
    """
    return About(
        system=system,
        dataset=dataset,
        split=split,
        command=command,
        data=tuple(data_file(path) for path in files),
        date=datetime.date.today().isoformat(),
        hardware=hardware_line(),
        revision=git_revision(),
        versions=library_versions(),
    )


def data_file(path: str | Path) -> DataFile:
    """A file's hash and number of lines; its path seen from the current folder, else its name."""
    lines = sum(1 for _ in numbered_lines(path))
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    full, here = Path(path).resolve(), Path.cwd()
    shown = full.relative_to(here).as_posix() if full.is_relative_to(here) else full.name
    return DataFile(shown, digest, lines)


# --- building --------------------------------------------------------------------------------


def answer_sheet(
    results: Sequence[AnswerResult],
    baselines: Mapping[str, Sequence[AnswerResult]],
    *,
    about: About,
    articles: Sequence[Article] = (),
) -> Sheet:
    """The sheet of a question answering run; `articles` lend the examples their questions."""
    scores = score_answers(results)
    others = {name: score_answers(each) for name, each in baselines.items()}
    texts = {
        (article.id, question.id): question.question
        for article in articles
        for question in article.questions
    }
    sheet = _frame("answers", about, scores, others)
    return _checked(sheet | {"worst": _worst_answers(results, texts)})


def event_sheet(
    results: Sequence[EventResult],
    baselines: Mapping[str, Sequence[EventResult]],
    *,
    about: About,
    quad_of: Mapping[str, str] | None = None,
    articles: Sequence[Article] = (),
) -> Sheet:
    """The sheet of an event typing run; `articles` lend the examples their sentences."""
    scores = score_events(results, quad_of=quad_of)
    others = {name: score_events(each, quad_of=quad_of) for name, each in baselines.items()}
    sheet = _frame("events", about, scores, others)
    sheet["types"] = [_rounded(asdict(each)) for each in scores.types]
    sheet["confusion"] = _rounded(_as_lists(asdict(scores.confusion)))
    texts = {article.id: article.text for article in articles}
    return _checked(sheet | {"worst": _worst_sentences(results, texts)})


def _counts(scores: AnswerScores | EventScores) -> dict[str, int]:
    names = (
        ("articles", "questions", "answerable")
        if isinstance(scores, AnswerScores)
        else ("articles", "sentences", "labels")
    )
    return {name: getattr(scores, name) for name in names}


def _frame(
    task: str,
    about: About,
    ours: AnswerScores | EventScores,
    others: Mapping[str, AnswerScores | EventScores],
) -> Sheet:
    """The sheet but for its types, confusion and examples."""
    for name, scores in others.items():
        if _counts(scores) != _counts(ours):
            raise HadathError(
                f"baseline {name!r}: scored on {_counts(scores)}, the system on {_counts(ours)}; "
                "score both on the same articles"
            )
    systems = [(about.system, ours), *others.items()]
    return {
        "schema": SCHEMA,
        "task": task,
        "system": about.system,
        "dataset": about.dataset,
        "split": about.split,
        "counts": _counts(ours),
        "data": [asdict(each) for each in about.data],
        "run": {
            "command": about.command,
            "seeds": list(about.seeds),
            "seconds": None if about.seconds is None else round(about.seconds, 1),
            "date": about.date,
            "hardware": about.hardware,
            "revision": about.revision,
            "versions": dict(about.versions),
        },
        "bootstrap": {"unit": "article", "level": 0.95, "draws": DRAWS, "seed": SEED},
        "systems": [
            {
                "name": name,
                "figures": {
                    key: _rounded(asdict(figure)) for key, figure in scores.figures.items()
                },
            }
            for name, scores in systems
        ],
        "types": [],
        "confusion": None,
        "bins": [_rounded(asdict(each)) for each in ours.bins],
        "by_length": [_rounded(asdict(each)) for each in ours.by_length],
        "worst": [],
    }


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def _as_lists(value: object) -> object:
    """Tuples as JSON gives them back."""
    if isinstance(value, dict):
        return {key: _as_lists(each) for key, each in value.items()}
    return [_as_lists(each) for each in value] if isinstance(value, tuple | list) else value


def _worst_answers(
    results: Sequence[AnswerResult], texts: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Wrong answers that were given, the surest and furthest off first."""
    wrong = [
        (result.confidence * (1 - token_f1(result.predicted, result.gold)), result)
        for result in results
        if result.predicted and not exact_match(result.predicted, result.gold)
    ]
    wrong.sort(key=lambda each: (-each[0], each[1].article, each[1].question))
    return [
        _example(
            result.article,
            texts.get((result.article, result.question), result.question),
            gold=result.gold,
            predicted=(result.predicted,),
            confidence=result.confidence,
        )
        for _, result in wrong[:_EXAMPLES]
    ]


def _worst_sentences(
    results: Sequence[EventResult], texts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Sentences by their surest error: a wrong type's probability, a missed one's rest to 1."""
    wrong = []
    for result in results:
        sure = [result.scores.get(label, 1.0) for label in result.predicted - result.gold]
        sure += [1 - result.scores.get(label, 0.0) for label in result.gold - result.predicted]
        if sure:
            wrong.append((max(sure), result))
    wrong.sort(key=lambda each: (-each[0], each[1].article, each[1].start))
    return [
        _example(
            result.article,
            texts.get(result.article, "")[result.start : result.end]
            or f"characters {result.start} to {result.end}",
            gold=sorted(result.gold),
            predicted=sorted(result.predicted),
            confidence=sure,
        )
        for sure, result in wrong[:_EXAMPLES]
    ]


def _example(
    article: str,
    text: str,
    *,
    gold: Sequence[str],
    predicted: Sequence[str],
    confidence: float,
) -> dict[str, Any]:
    return {
        "article": article,
        "text": _short(text),
        "gold": [_short(each) for each in gold],
        "predicted": [_short(each) for each in predicted],
        "confidence": round(confidence, _DECIMALS),
    }


def _short(text: str) -> str:
    return shortened(" ".join(text.split()), _EXAMPLE_LENGTH)


# --- reading ---------------------------------------------------------------------------------


def read_sheet(path: str | Path) -> Sheet:
    """A sheet from its JSON file. Raises HadathError naming the file and the wrong field."""
    value = read_json(path)
    try:
        return _checked(value)
    except HadathError as error:
        raise HadathError(f"{path}: {error}") from error


def sheet_text(sheet: Sheet) -> str:
    """The sheet as JSON, as `read_sheet` reads it."""
    return json.dumps(_checked(sheet), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


Check = Callable[[Any, str], None]


def _checked(value: Any) -> Sheet:  # noqa: ANN401 - its shape is told by the check
    """The value if it is a score sheet. Raises HadathError naming the first field that is not."""
    if isinstance(value, dict) and value.get("schema", SCHEMA) != SCHEMA:
        _refuse("schema", value["schema"], f"{SCHEMA}, which this version reads")
    _SHEET(value, "sheet")
    titles = FIGURE_TITLES[value["task"]]
    if not value["systems"]:
        _refuse("systems", [], "at least the system itself")
    if value["systems"][0]["name"] != value["system"]:
        _refuse("systems[0].name", value["systems"][0]["name"], repr(value["system"]))
    for number, system in enumerate(value["systems"]):
        for name in system["figures"]:
            if name not in titles:
                _refuse(f"systems[{number}].figures", name, f"one of {', '.join(titles)}")
    if value["confusion"]:
        labels, counts = value["confusion"]["labels"], value["confusion"]["counts"]
        if {len(labels)} != {len(counts), *map(len, counts)}:
            _refuse("confusion.counts", f"{len(counts)} rows", f"a square of {len(labels)} labels")
    return value


def _refuse(place: str, found: object, expected: str) -> None:
    raise HadathError(
        f"{place}: found {shortened(repr(found))}, expected {expected}; "
        f"score again to write the sheet anew"
    )


def _is(kind: type | tuple[type, ...], expected: str) -> Check:
    def check(value: object, place: str) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            _refuse(place, value, expected)

    return check


def _share(value: Any, place: str) -> None:  # noqa: ANN401 - its shape is told by the check
    _is((int, float), "a share")(value, place)
    if not 0 <= value <= 1:  # NaN is not
        _refuse(place, value, "a share between 0 and 1")


def _count(value: Any, place: str) -> None:  # noqa: ANN401 - its shape is told by the check
    _is(int, "a whole number")(value, place)
    if value < 0:
        _refuse(place, value, "a whole number from 0")


def _task(value: object, place: str) -> None:
    if not isinstance(value, str) or value not in FIGURE_TITLES:
        _refuse(place, value, f"one of {', '.join(FIGURE_TITLES)}")


def _hash(value: object, place: str) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        _refuse(place, value, "64 hexadecimal digits")


def _list(each: Check) -> Check:
    def check(value: Any, place: str) -> None:  # noqa: ANN401 - its shape is told by the check
        _is(list, "a list")(value, place)
        for number, item in enumerate(value):
            each(item, f"{place}[{number}]")

    return check


def _named(each: Check) -> Check:
    """An object with any keys."""

    def check(value: Any, place: str) -> None:  # noqa: ANN401 - its shape is told by the check
        _is(dict, "an object")(value, place)
        for key, item in value.items():
            each(item, f"{place}.{key}")

    return check


def _or_none(each: Check) -> Check:
    def check(value: object, place: str) -> None:
        if value is not None:
            each(value, place)

    return check


def _object(**keys: Check) -> Check:
    """An object with exactly these keys."""

    def check(value: Any, place: str) -> None:  # noqa: ANN401 - its shape is told by the check
        _is(dict, "an object")(value, place)
        inside = "" if place == "sheet" else f"{place}."
        for key in keys.keys() - value.keys():
            _refuse(f"{inside}{key}", None, "this key to be there")
        for key, item in value.items():
            if key not in keys:
                _refuse(f"{inside}{key}", item, f"only the keys {', '.join(keys)}")
            keys[key](item, f"{inside}{key}")

    return check


_bounds = _object(value=_share, low=_share, high=_share)


def _figure(value: Any, place: str) -> None:  # noqa: ANN401 - its shape is told by the check
    _bounds(value, place)
    if value["low"] > value["high"]:
        _refuse(place, (value["low"], value["high"]), "low <= high")


_text, _number = _is(str, "a text"), _is((int, float), "a number")
_SHEET = _object(
    schema=_count,
    task=_task,
    system=_text,
    dataset=_text,
    split=_text,
    counts=_named(_count),
    data=_list(_object(path=_text, sha256=_hash, lines=_count)),
    run=_object(
        command=_text,
        seeds=_list(_is(int, "a whole number")),
        seconds=_or_none(_number),
        date=_text,
        hardware=_text,
        revision=_or_none(_text),
        versions=_named(_text),
    ),
    bootstrap=_object(unit=_text, level=_share, draws=_count, seed=_count),
    systems=_list(_object(name=_text, figures=_named(_figure))),
    types=_list(
        _object(
            type=_text,
            support=_count,
            predicted=_count,
            precision=_or_none(_figure),
            recall=_or_none(_figure),
            f1=_or_none(_figure),
            average_precision=_or_none(_figure),
        )
    ),
    confusion=_or_none(_object(labels=_list(_text), counts=_list(_list(_number)))),
    bins=_list(_object(low=_share, high=_share, count=_count, confidence=_share, right=_share)),
    by_length=_list(
        _object(
            least=_count, below=_or_none(_count), articles=_count, results=_count, f1=_figure
        )
    ),
    worst=_list(
        _object(
            article=_text,
            text=_text,
            gold=_list(_text),
            predicted=_list(_text),
            confidence=_share,
        )
    ),
)  # fmt: skip

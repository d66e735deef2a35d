"""The short table of scores in the README, written from the score sheets beside the model cards.

It measures nothing and judges nothing: the same figures, fewer of them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hadath.baselines import BEFORE
from hadath.errors import HadathError
from hadath.files import put_between
from hadath.report import Sheet, read_sheet, sheets_of_card

START, END = "<!-- scores -->", "<!-- end of scores -->"
_SHOWN = {
    "answers": ("exact_match", "f1", "forced_f1", "decision_accuracy"),
    "events": ("micro_f1", "macro_f1", "exact_set"),
}
_TITLES = {
    "exact_match": "exact match",
    "f1": "F1",
    "forced_f1": "forced F1",
    "decision_accuracy": "answer-or-none accuracy",
    "micro_f1": "micro-F1",
    "macro_f1": "macro-F1",
    "exact_set": "all types of a sentence right",
}


def write_summary(readme: str | Path, cards: str | Path) -> None:
    """Put `summary(cards)` between the README's two marks; HadathError where they are missing."""
    put_between(readme, START, END, summary(cards))


def summary(cards: str | Path) -> str:
    """A Markdown table a task: for each sheet the model's figures and its best baseline's.

    The model as it was before it was adapted to the other articles has a line of its own.
    """
    parts = []
    for task in _SHOWN:
        sheets = [read_sheet(path) for path in sheets_of_card(Path(cards) / f"{task}.md")]
        if not sheets:
            raise HadathError(f"{cards}/{task}.md: no score sheet beside it; score the model first")
        parts.append(_table(task, sheets))
    return "\n\n".join(parts)


def _table(task: str, sheets: list[Sheet]) -> str:
    names = _SHOWN[task]
    lines = [
        f"| {task} | {' | '.join(_TITLES[name] for name in names)} |",
        "|---|" + "---|" * len(names),
    ]
    for sheet in sorted(sheets, key=lambda each: (each["dataset"], each["split"])):
        ours, *others = sheet["systems"]
        place = f"{sheet['dataset']}, {sheet['split']}"
        lines.append(_row(f"**{place}**", ours["figures"], names))
        before = [each for each in others if each["name"] == BEFORE]
        baselines = [each for each in others if each["name"] != BEFORE]
        best = sorted(baselines, key=lambda each: -_value(each["figures"], names[0]))[:1]
        for other in (*before, *best):
            lines.append(_row(f"{place}: {other['name'].lower()}", other["figures"], names))
    return "\n".join(lines)


def _row(name: str, figures: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return f"| {name} | {' | '.join(_percent(figures.get(each)) for each in names)} |"


def _value(figures: Mapping[str, Any], name: str) -> float:
    return float(figures[name]["value"]) if name in figures else 0.0


def _percent(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    low, high = 100 * figure["low"], 100 * figure["high"]
    return f"{100 * figure['value']:.1f} ({low:.0f}–{high:.0f})"

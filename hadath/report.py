"""Renders score sheets: a table for the terminal, Markdown, plots, the model card.

It does not compute figures (scores.py) nor say what a sheet holds (sheets.py). The model card is a
pure function of its sheets, and `card_figures` reads the figures back out of it.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from hadath.errors import HadathError
from hadath.files import read_text, write_bytes, write_text
from hadath.scores import Figure
from hadath.sheets import (
    FIGURE_TITLES,
    About,
    DataFile,
    Sheet,
    answer_sheet,
    describe_run,
    event_sheet,
    read_sheet,
    sheet_text,
)

__all__ = [
    "About", "CardAbout", "DataFile", "Sheet", "answer_sheet", "arabic_quote", "card_disagreements",
    "card_figures", "describe_run", "event_sheet", "figures_section", "markdown_report",
    "markdown_table", "model_card", "read_sheet", "sheet_figures", "sheets_of_card", "slug",
    "terminal_table", "write_sheet",
]  # fmt: skip

FigureKey = tuple[str, str, str]
"""(dataset, split, name of the figure)."""

_TASKS = {
    "answers": ("question-answering", "Extractive question answering"),
    "events": ("text-classification", "Event types of sentences (multi-label)"),
}
_LOWER_IS_BETTER = ("ece", "ece_predicted")
_NOT_A_MERIT = ("ece_by_chance", "ece_predicted_by_chance")
_WEAK = 0.5  # a type's F1 below which the card names it


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAbout:
    """What a model card says that its sheets do not know. Longer texts are Markdown.

    `load`: Python that loads and calls the model. `plots`: a sheet's (dataset, split) -> the folder
    of its plots as seen from the card.
    """

    name: str
    summary: str
    load: str
    training: str
    behaviour: str = ""
    comparison: str = ""
    weaknesses: str = ""
    base_model: str = "intfloat/multilingual-e5-small"
    base_licence: str = "MIT"
    licence: str = "apache-2.0"
    datasets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("arabic", "news")
    plots: Mapping[tuple[str, str], str] = field(default_factory=dict)


def write_sheet(sheet: Sheet, folder: str | Path) -> Path:
    """Write sheet.json, report.md and the plots into `folder`; gives the path of sheet.json.

    Raises HadathError where the sheet is not one or the folder can't be written.
    """
    from hadath.plots import PLOTS, draw  # matplotlib is slow to import, and a table does without

    folder = Path(folder)
    text = sheet_text(sheet)
    plots = draw(sheet)
    write_text(folder / "report.md", markdown_report(sheet, plots=sorted(plots)))
    for name, png in plots.items():
        write_bytes(folder / name, png)
    for name in set(PLOTS) - plots.keys():  # of another sheet that stood here
        (folder / name).unlink(missing_ok=True)
    write_text(folder / "sheet.json", text)
    return folder / "sheet.json"


def terminal_table(sheet: Sheet) -> str:
    """The figures of the system and its baselines side by side, then its types, in monospace."""
    rows = [["", *(system["name"] for system in sheet["systems"])], *_figure_rows(sheet)]
    text = f"{_heading(sheet)}\n{_interval_line(sheet)}\n\n{_aligned(rows)}\n"
    if sheet["types"]:
        text += f"\n{_aligned(_type_rows(sheet))}\n"
    return text


def markdown_report(sheet: Sheet, *, plots: Sequence[str] = ()) -> str:
    """The whole sheet as Markdown; `plots` names the pictures that lie beside it."""
    parts = [
        f"# {sheet['system']}: {_heading(sheet)}",
        figures_section(sheet),
        _run_section(sheet),
        _calibration_section(sheet),
        _length_section(sheet),
        "\n".join(f"![{Path(name).stem}]({name})" for name in plots),
        _examples_section(sheet),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures_section(sheet: Sheet) -> str:
    """The figures of the system and its baselines, and its types, as Markdown tables."""
    names = [_cell(system["name"]) for system in sheet["systems"]]
    parts = [_interval_line(sheet), markdown_table(["", *names], _figure_rows(sheet))]
    if sheet["types"]:
        header, *rows = _type_rows(sheet)
        parts.append(markdown_table(header, rows))
    return "\n\n".join(parts)


# --- the model card --------------------------------------------------------------------------


def model_card(sheets: Sequence[Sheet], *, about: CardAbout) -> str:
    """A Hugging Face model card: metadata with `model-index`, then what a reader must know.

    Raises HadathError where sheets are of different tasks or two are of the same data and split.
    """
    if not sheets:
        raise HadathError(f"{about.name}: a model card needs at least one score sheet")
    if len({sheet["task"] for sheet in sheets}) > 1:
        raise HadathError(f"{about.name}: the sheets are of different tasks; make a card for each")
    places = [(sheet["dataset"], sheet["split"]) for sheet in sheets]
    if len(set(places)) < len(places):
        raise HadathError(f"{about.name}: two sheets are of the same dataset and split; keep one")
    metadata = ModelCardData(
        language="ar",
        license=about.licence,
        library_name="transformers",
        base_model=about.base_model,
        pipeline_tag=_TASKS[sheets[0]["task"]][0],
        tags=list(about.tags),
        datasets=list(about.datasets) or None,
        model_name=about.name,
        eval_results=[result for sheet in sheets for result in _eval_results(sheet)],
    )
    return f"---\n{metadata.to_yaml()}\n---\n\n{_card_body(sheets, about)}\n"


def card_figures(card: str) -> dict[FigureKey, Figure]:
    """The figures that a card's metadata claims. Raises HadathError where there are none."""
    try:
        data = ModelCard(card).data
        results = data.eval_results if isinstance(data, ModelCardData) else None
    except ValueError as error:
        raise HadathError(f"model card: its metadata can't be read ({error})") from error
    if not results:
        raise HadathError("model card: no model-index in its metadata; render it from its sheets")
    found = {}
    for result in results:
        bounds = result.metric_args or {}
        if "low" not in bounds or "high" not in bounds:
            raise HadathError(f"model card: {result.metric_type} has no interval; render it anew")
        key = (result.dataset_name, result.dataset_split or "", result.metric_type)
        found[key] = Figure(result.metric_value, bounds["low"], bounds["high"])
    return found


def sheet_figures(sheets: Sequence[Sheet]) -> dict[FigureKey, Figure]:
    """What `card_figures` must give for a card of these sheets."""
    return {
        (sheet["dataset"], sheet["split"], name): Figure(**figure)
        for sheet in sheets
        for name, figure in sheet["systems"][0]["figures"].items()
    }


def sheets_of_card(path: str | Path) -> list[Path]:
    """The sheets beside NAME.md: NAME.json and NAME-*.json but what a longer card name claims."""
    path = Path(path)
    cards = {each.stem for each in path.parent.glob("*.md")}

    def card_of(sheet: str) -> str | None:
        owners = [card for card in cards if sheet == card or sheet.startswith(f"{card}-")]
        return max(owners, key=len, default=None)

    return sorted(each for each in path.parent.glob("*.json") if card_of(each.stem) == path.stem)


def card_disagreements(path: str | Path) -> list[str]:
    """Where a card and the sheets beside it disagree: one line each; [] where they agree."""
    card = read_text(path)
    sheets = [read_sheet(each) for each in sheets_of_card(path)]
    if not sheets:
        return [f"{path}: no score sheet beside it"]
    claimed, measured = card_figures(card), sheet_figures(sheets)
    found = [
        f"{path}: {' / '.join(key)}: "
        f"the card says {claimed.get(key)}, the sheet {measured.get(key)}"
        for key in sorted(claimed.keys() | measured.keys())
        if claimed.get(key) != measured.get(key)
    ]
    found += [
        f"{path}: the tables of {_heading(sheet)} are not those of its sheet"
        for sheet in sheets
        if figures_section(sheet) not in card
    ]
    return found


def _eval_results(sheet: Sheet) -> list[EvalResult]:
    task, task_name = _TASKS[sheet["task"]]
    titles = FIGURE_TITLES[sheet["task"]]
    return [
        EvalResult(
            task_type=task,
            task_name=task_name,
            dataset_type=slug(sheet["dataset"]),
            dataset_name=sheet["dataset"],
            dataset_split=sheet["split"],
            dataset_args={"sha256": [each["sha256"] for each in sheet["data"]]},
            metric_type=name,
            metric_name=titles[name],
            metric_value=figure["value"],
            metric_args={"low": figure["low"], "high": figure["high"]},
        )
        for name, figure in sheet["systems"][0]["figures"].items()
    ]


def slug(text: str) -> str:
    """The text as a file name: lower case, a hyphen for all but letters and digits."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def _card_body(sheets: Sequence[Sheet], about: CardAbout) -> str:
    parts = [
        f"# {about.name}",
        about.summary.strip(),
        f"## How to load it\n\n```python\n{about.load.strip()}\n```",
        _USE,
        f"## Training data\n\n{about.training.strip()}",
        "## Scores",
    ]
    for sheet in sheets:
        parts += [f"### {_heading(sheet)}", figures_section(sheet), _run_section(sheet)]
    parts.append("## Calibration")
    for sheet in sheets:
        parts += [f"### {_heading(sheet)}", _calibration_section(sheet), _reliability(sheet, about)]
    if about.behaviour.strip():
        parts.append(f"## Behaviour\n\n{about.behaviour.strip()}")
    if about.comparison.strip():
        parts.append(f"## Beside others\n\n{about.comparison.strip()}")
    parts.append(f"## Where it loses\n\n{_losses(sheets)}\n\n{about.weaknesses.strip()}".strip())
    parts += [_examples_section(sheet) for sheet in sheets]
    parts.append(
        f"## Licence and attribution\n\n"
        f"This model: {about.licence}. Fine-tuned from `{about.base_model}` ({about.base_licence})."
    )
    return "\n\n".join(part for part in parts if part)


_USE = """## Intended use

Reading Arabic news for research: finding what an article says, coding events over many articles, \
with a person who looks at the results.

It must not be used

- for decisions about persons: it does not know who is right, guilty or dangerous, only what \
a text says;
- to check facts: it repeats what the article claims, true or not, and gives the probability that \
the article says so, not that it is so;
- for surveillance or targeting, or as the only source of an alarm;
- on text unlike edited Modern Standard Arabic news (dialect, social media, court or medical \
files) without measuring it there first."""


def _reliability(sheet: Sheet, about: CardAbout) -> str:
    folder = about.plots.get((sheet["dataset"], sheet["split"]))
    return f"![Reliability, {sheet['split']}]({folder}/reliability.png)" if folder else ""


def _losses(sheets: Sequence[Sheet]) -> str:
    """What the sheets themselves show to be weak."""
    lines = []
    for sheet in sheets:
        place = _heading(sheet)
        ours, *others = sheet["systems"]
        titles = FIGURE_TITLES[sheet["task"]]
        for other in others:
            better = [
                f"{titles[name]} ({_percent(figure)} against {_percent(ours['figures'][name])})"
                for name, figure in other["figures"].items()
                if name in ours["figures"] and _beats(name, figure, ours["figures"][name])
            ]
            if better:
                lines.append(
                    f"- {place}: the baseline {other['name']} is ahead in {', '.join(better)}."
                )
        weak = [
            f"{each['type']} ({_percent(each['f1'])})"
            for each in sheet["types"]
            if each["support"] and each["f1"] and each["f1"]["value"] < _WEAK
        ]
        if weak:
            lines.append(f"- {place}: types with F1 below {_WEAK:.0%}: {', '.join(weak)}.")
        if len(sheet["by_length"]) > 1:
            worst = min(sheet["by_length"], key=lambda each: each["f1"]["value"])
            lines.append(
                f"- {place}: lowest on articles of {_range(worst)} characters: "
                f"F1 {_percent(worst['f1'])}."
            )
    return "\n".join(lines)


def _beats(name: str, figure: Mapping[str, float], ours: Mapping[str, float]) -> bool:
    if name in _NOT_A_MERIT:
        return False
    ahead = figure["value"] - ours["value"]
    return ahead < 0 if name in _LOWER_IS_BETTER else ahead > 0


# --- sections --------------------------------------------------------------------------------


def _heading(sheet: Sheet) -> str:
    counts = ", ".join(f"{count:,} {name}" for name, count in sheet["counts"].items())
    return f"{sheet['dataset']}, {sheet['split']} ({counts})"


def _interval_line(sheet: Sheet) -> str:
    bootstrap = sheet["bootstrap"]
    return (
        f"Percent, with {bootstrap['level']:.0%} bootstrap intervals by {bootstrap['unit']} "
        f"({bootstrap['draws']:,} draws). Of calibration errors the lower is better."
    )


def _figure_rows(sheet: Sheet) -> list[list[str]]:
    titles = FIGURE_TITLES[sheet["task"]]
    systems = [system["figures"] for system in sheet["systems"]]
    return [
        [title, *(_percent(figures.get(name)) for figures in systems)]
        for name, title in titles.items()
        if any(name in figures for figures in systems)
    ]


def _type_rows(sheet: Sheet) -> list[list[str]]:
    header = ["Type", "Gold", "Predicted", "Precision", "Recall", "F1", "Average precision"]
    return [header] + [
        [
            _cell(each["type"]),
            str(each["support"]),
            str(each["predicted"]),
            *(_percent(each[name]) for name in ("precision", "recall", "f1", "average_precision")),
        ]
        for each in sheet["types"]
    ]


def _run_section(sheet: Sheet) -> str:
    run = sheet["run"]
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    lines = [
        ("Command", f"`{run['command']}`"),
        ("Seeds", ", ".join(map(str, run["seeds"]))),
        ("Date", run["date"]),
        ("Seconds", "" if run["seconds"] is None else f"{run['seconds']:,.1f}"),
        ("Hardware", run["hardware"]),
        ("Revision", run["revision"] or ""),
        ("Versions", versions),
    ]
    lines += [
        ("Data", f"`{each['path']}`, {each['lines']:,} lines, sha256 `{each['sha256']}`")
        for each in sheet["data"]
    ]
    return "\n".join(f"- {name}: {value}" for name, value in lines if value)


def _calibration_section(sheet: Sheet) -> str:
    if not sheet["bins"]:
        return ""
    rows = [
        [
            f"{100 * each['low']:.1f}\u2013{100 * each['high']:.1f}",
            f"{each['count']:,}",
            f"{100 * each['confidence']:.1f}",
            f"{100 * each['right']:.1f}",
        ]
        for each in sheet["bins"]
    ]
    table = markdown_table(["Probability", "Count", "Mean probability", "Share right"], rows)
    return f"How sure it is and how often it is right, in percent:\n\n{table}"


def _length_section(sheet: Sheet) -> str:
    if not sheet["by_length"]:
        return ""
    rows = [
        [_range(each), str(each["articles"]), f"{each['results']:,}", _percent(each["f1"])]
        for each in sheet["by_length"]
    ]
    what = "Questions" if sheet["task"] == "answers" else "Sentences"
    return markdown_table(["Characters of the article", "Articles", what, "F1"], rows)


def _examples_section(sheet: Sheet) -> str:
    if not sheet["worst"]:
        return ""
    none = "the article does not say" if sheet["task"] == "answers" else "none"
    lines = [f"## Surest errors: {sheet['dataset']}, {sheet['split']}", ""]
    for each in sheet["worst"]:
        gold = " / ".join(map(arabic_quote, each["gold"])) or none
        said = " / ".join(map(arabic_quote, each["predicted"])) or "none"
        sure = f"{100 * each['confidence']:.0f} %"
        lines.append(
            f"- {arabic_quote(each['text'])}<br>right: {gold}<br>said: {said} ({sure} sure)"
        )
    return "\n".join(lines)


def _range(bucket: Mapping[str, int | None]) -> str:
    if bucket["below"] is None:
        return f"{bucket['least']:,} and more"
    return f"{bucket['least']:,}\u2013{bucket['below'] - 1:,}"


def _percent(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "\u2013"
    low, high = 100 * figure["low"], 100 * figure["high"]
    return f"{100 * figure['value']:.1f} [{low:.1f}\u2013{high:.1f}]"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; no cell may hold a line break or a bare |."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def arabic_quote(text: str) -> str:
    """A quote from an article: its own direction, and nothing in it read as Markdown or HTML."""
    if text.isascii() and text.isalnum():
        return text
    escaped = html.escape(text, quote=False)
    for sign in "\\`*_[]|~":
        escaped = escaped.replace(sign, f"&#{ord(sign)};")
    return f'<span dir="auto">{escaped}</span>'

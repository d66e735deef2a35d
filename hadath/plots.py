"""Draws a score sheet's plots as PNG files: confusion, reliability, bars by type, F1 by length.

It does not read files or compute figures. Labels that are not Latin are shown by number, since
matplotlib does not join Arabic letters.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_COLOUR, _FAINT = "#1f6f8b", "#b8c4c9"


PLOTS = ("reliability.png", "length.png", "types.png", "confusion.png")


def draw(sheet: Mapping[str, Any]) -> dict[str, bytes]:
    """File name -> PNG of every plot for which the sheet has data."""
    drawn = {}
    if sheet["bins"]:
        drawn["reliability.png"] = _reliability(sheet)
    if sheet["by_length"]:
        drawn["length.png"] = _by_length(sheet)
    if sheet["types"]:
        drawn["types.png"] = _types(sheet)
    if sheet["confusion"]:
        drawn["confusion.png"] = _confusion(sheet)
    return drawn


def _canvas(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    # A Figure of its own, not pyplot: no window system, no state shared between threads.
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # Without the writing library's name and version the same sheet gives the same bytes.
    figure.savefig(stream, format="png", dpi=120, metadata={"Software": None})
    return stream.getvalue()


def _title(sheet: Mapping[str, Any], what: str) -> str:
    return f"{what}\n{latin(sheet['dataset'], 'the data')}, {latin(sheet['split'], 'split')}"


def latin(text: str, instead: str) -> str:
    """The text if a plot can show it, else what to show instead."""
    return text if text.isascii() and text.isprintable() and "$" not in text else instead


def _reliability(sheet: Mapping[str, Any]) -> bytes:
    figure, axes = _canvas(4.6, 4.4, _title(sheet, "Reliability"))
    axes.plot([0, 1], [0, 1], linestyle="--", color=_FAINT, label="as sure as right")
    sure = [each["confidence"] for each in sheet["bins"]]
    right = [each["right"] for each in sheet["bins"]]
    total = sum(each["count"] for each in sheet["bins"])
    sizes = [30 + 400 * each["count"] / total for each in sheet["bins"]]
    axes.plot(sure, right, color=_COLOUR)
    axes.scatter(sure, right, s=sizes, color=_COLOUR, alpha=0.8)
    ece = sheet["systems"][0]["figures"].get("ece")
    if ece:
        axes.text(0.98, 0.03, f"ECE {100 * ece['value']:.1f} %", ha="right")
    axes.set(
        xlabel="mean probability", ylabel="share right", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)
    )
    axes.legend(loc="upper left", frameon=False)
    return _png(figure)


def _by_length(sheet: Mapping[str, Any]) -> bytes:
    figure, axes = _canvas(5.6, 3.6, _title(sheet, "F1 by article length"))
    buckets = sheet["by_length"]
    names = [
        f"{each['least']}\u2013{each['below']}" if each["below"] else f"{each['least']}+"
        for each in buckets
    ]
    labels = [
        f"{name}\n{each['articles']} articles" for name, each in zip(names, buckets, strict=True)
    ]
    values = [each["f1"] for each in buckets]
    axes.bar(labels, [value["value"] for value in values], color=_FAINT, width=0.6)
    _whiskers(axes, range(len(values)), values)
    axes.set(xlabel="characters", ylabel="F1", ylim=(0, 1.02))
    return _png(figure)


def _types(sheet: Mapping[str, Any]) -> bytes:
    known = [each for each in sheet["types"] if each["f1"] is not None]
    rows = sorted(known, key=lambda each: (-each["support"], each["type"]))
    figure, axes = _canvas(max(4.5, 0.55 * len(rows) + 1.5), 4.0, _title(sheet, "F1 by type"))
    names = _names([each["type"] for each in rows])
    places = range(len(rows))
    axes.bar(places, [each["f1"]["value"] for each in rows], color=_FAINT, width=0.7)
    _whiskers(axes, places, [each["f1"] for each in rows])
    axes.set_xticks(
        places,
        [f"{name} ({each['support']})" for name, each in zip(names, rows, strict=True)],
        rotation=60,
        ha="right",
        rotation_mode="anchor",
    )
    axes.set(ylabel="F1", ylim=(0, 1.02))
    return _png(figure)


def _whiskers(axes: Axes, places: Sequence[int], values: Sequence[Mapping[str, float]]) -> None:
    for place, value in zip(places, values, strict=True):
        axes.plot([place, place], [value["low"], value["high"]], color=_COLOUR, linewidth=1.6)
        axes.plot([place], [value["value"]], marker="o", markersize=4, color=_COLOUR)


def _confusion(sheet: Mapping[str, Any]) -> bytes:
    """Colours are shares of a gold type's row, lest "none" drown the rest; counts are written."""
    names = _names(sheet["confusion"]["labels"])
    counts = sheet["confusion"]["counts"]
    shares = [[count / (sum(row) or 1) for count in row] for row in counts]
    side = max(4.5, 0.48 * len(names) + 1.8)
    figure, axes = _canvas(side, side, _title(sheet, "Confusion"))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            if count >= 0.05:
                colour = "white" if shares[row][column] > 0.6 else "black"
                axes.text(
                    column, row, f"{count:.3g}", ha="center", va="center", fontsize=7, color=colour
                )
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="gold")
    return _png(figure)


def _names(labels: Sequence[str]) -> list[str]:
    return [latin(label, f"#{number}") for number, label in enumerate(labels, 1)]

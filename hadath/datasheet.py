"""The figures of a data folder as tables, kept between two marks of its README.md.

It does not know how the data was made (authoring.py), but for the order of the splits.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from hadath.annotations import ROLES, Article, read_articles
from hadath.authoring import SEED, SHARES
from hadath.files import put_between
from hadath.ontology import load_scheme
from hadath.role_questions import Templates, load_templates, role_questions

FIGURES_START, FIGURES_END = "<!-- figures -->", "<!-- end of figures -->"

_FIGURES = (
    "articles", "characters", "sentences", "sentences with an event", "events",
    "actors", "recipients", "places", "dates", "questions", "questions without an answer",
    "role questions generated", "role questions without an answer",
)  # fmt: skip


def write_datasheet(data_folder: str | Path) -> Path:
    """Put the figures of a data folder between the two marks of its README.md; returns its path."""
    path = Path(data_folder) / "README.md"
    put_between(path, FIGURES_START, FIGURES_END, datasheet_figures(data_folder))
    return path


def datasheet_figures(data_folder: str | Path) -> str:
    """Two Markdown tables: what each split holds, and its events per type."""
    folder, templates = Path(data_folder), load_templates()
    later = {
        split: sorted(
            (path.stem for path in (folder / "authored").glob(f"{split}-*.jsonl")),
            key=lambda name: (len(name), name),  # train-10 after train-9
        )
        for split in SHARES
    }
    names = [name for split in SHARES for name in (split, *later[split])]
    splits = {name: read_articles(folder / "authored" / f"{name}.jsonl") for name in names}
    splits["leave-one-out"] = read_articles(folder / "seeds" / "seeds.jsonl")
    counts = {
        name: sum((_figures(article, templates) for article in articles), Counter())
        for name, articles in splits.items()
    }
    types = {
        name: Counter(event.type for article in articles for event in article.events)
        for name, articles in splits.items()
    }
    rows = [(label, [counts[name][label] for name in splits]) for label in _FIGURES]
    type_rows = [(name, [types[split][name] for split in splits]) for name in load_scheme().names]
    return f"{_table('', splits, rows)}\n\n{_table('events', splits, type_rows)}"


def _figures(article: Article, templates: Templates) -> Counter[str]:
    asked = role_questions(article, templates, seed=SEED)
    counts = Counter(
        {
            "articles": 1,
            "characters": len(article.text),
            "sentences": len(article.sentences),
            "events": len(article.events),
            "questions": len(article.questions),
            "questions without an answer": sum(not item.answers for item in article.questions),
            "role questions generated": len(asked),
            "role questions without an answer": sum(not item.answers for item in asked),
        }
    )
    counts["sentences with an event"] = len({article.sentence_of(item) for item in article.events})
    for role in ROLES:
        counts[f"{role}s"] = sum(len(event.role(role)) for event in article.events)
    return counts


def _table(corner: str, heads: Iterable[str], rows: Iterable[tuple[str, Sequence[int]]]) -> str:
    heads = tuple(heads)
    lines = [f"| {' | '.join((corner, *heads))} |", f"|---|{'---:|' * len(heads)}"]
    lines += [f"| {label} | {' | '.join(f'{count:,}' for count in row)} |" for label, row in rows]
    return "\n".join(lines)

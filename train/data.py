"""Reads the files that a config names into articles; knows a format by its file's suffix.

It does not know what is done with the articles.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from hadath.annotations import Article
from hadath.config import TrainingConfig
from hadath.errors import HadathError, system_reason
from hadath.files import read_text
from hadath.formats import FORMATS
from hadath.predict import check_text
from hadath.text import fold, phrases

FORMAT_OF = {".jsonl": "hadath", ".json": "squad", ".csv": "csv", ".tsv": "tsv"}


def read_files(paths: Sequence[str]) -> list[Article]:
    """The articles of all files, in order; see `read_sets`."""
    return list(chain.from_iterable(read_sets(paths)))


def read_sets(paths: Sequence[str]) -> list[list[Article]]:
    """Each file's articles: Hadath JSON Lines, SQuAD JSON, or CSV/TSV (text, label).

    Raises HadathError naming the file, also where an article id comes twice, or a text or question
    is one that the finder and the classifier refuse (after hours of training, were it not told).
    """
    sets: list[list[Article]] = []
    homes: dict[str, str] = {}
    for path in paths:
        sets.append(_read(path))
        for article in sets[-1]:
            _refuse_unreadable(article, path)
            if article.id in homes:
                raise HadathError(
                    f"{path}: article {article.id!r} came from {homes[article.id]} already; "
                    f"name each file once and give each article an id of its own"
                )
            homes[article.id] = path
    return sets


def read_paragraphs(paths: Sequence[str]) -> list[str]:
    """The paragraphs of annotated articles (.jsonl, .json, .csv, .tsv) and plain texts (.txt)."""
    texts: list[str] = []
    for path in paths:
        suffix = Path(path).suffix.lower()
        if suffix in FORMAT_OF:
            texts += [article.text for article in read_files([path])]
        elif suffix == ".txt":
            texts.append(read_text(path))
        else:
            raise HadathError(
                f"{path}: no reader for {suffix or 'a name without a suffix'}; "
                f"use {', '.join(FORMAT_OF)} or .txt"
            )
    found = [line for text in texts for line in text.splitlines() if line.strip()]
    if not found:
        raise HadathError(f"{', '.join(paths)}: no text in these files; name some of the language")
    return found


def training_articles(config: TrainingConfig) -> tuple[list[Article], list[list[Article]]]:
    """Train without the articles that share text with `held_out`, and dev, a list a file.

    One run of eight words in common is enough to be dropped, or the same text if it is shorter. A
    question counts as text: one made from a sentence still tells it.
    Raises HadathError where dev shares an article with train or `held_out`, or there is nothing to
    train on.
    """
    if not config.train:
        raise HadathError("train: no files; name at least one")
    train, dev = read_files(config.train), read_sets(config.dev)
    refuse_leaks(train, list(chain.from_iterable(dev)), "train and dev")
    held_out = read_files(config.held_out)
    refuse_leaks(held_out, list(chain.from_iterable(dev)), "held_out and dev")
    seen = set(chain.from_iterable(phrases(article.text) for article in held_out))
    texts = {fold(article.text) for article in held_out}
    kept = [
        article
        for article in train
        if fold(article.text) not in texts
        and not any(
            seen & phrases(text)
            for text in (article.text, *(question.question for question in article.questions))
        )
    ]
    if len(kept) < len(train):
        dropped = len(train) - len(kept)
        sys.stderr.write(f"{dropped} training articles share text with held-out files: dropped\n")
    return kept, dev


def refuse_leaks(train: Sequence[Article], held_out: Sequence[Article], names: str) -> None:
    """Raise HadathError where an article stands on both sides, by id or by text."""
    texts = {article.text.strip(): article.id for article in train}
    ids = {article.id for article in train}
    for article in held_out:
        if article.id in ids or article.text.strip() in texts:
            raise HadathError(
                f"{names}: article {article.id!r} is in both; a score on seen articles says nothing"
            )


def data_hash(paths: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each file, so that a score can name the very data it was measured on.

    Raises HadathError where a file can't be read.
    """
    found = {}
    for path in paths:
        try:
            found[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError as error:
            raise HadathError(f"{path}: {system_reason(error)}") from error
    return found


def _refuse_unreadable(article: Article, path: str) -> None:
    place = f"{path}: article {article.id!r}"
    check_text(article.text, place, "give it a text, or remove it")
    for question in article.questions:
        check_text(
            question.question, f"{place}: question {question.id!r}", "write it, or remove it"
        )


def _read(path: str) -> list[Article]:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMAT_OF:
        raise HadathError(
            f"{path}: no reader for {suffix or 'a name without a suffix'}; "
            f"use {', '.join(FORMAT_OF)} (hadath convert makes one from other tools' exports)"
        )
    found = FORMATS[FORMAT_OF[suffix]].read(path)
    for repair in found.repairs:
        sys.stderr.write(f"{repair}\n")
    if suffix == ".jsonl":
        return list(found.articles)
    # These formats give no ids of their own, only titles or row numbers, which other files use too.
    stem = Path(path).stem
    return [replace(article, id=f"{stem}/{article.id}") for article in found.articles]

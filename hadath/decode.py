"""Logits into answers and event types: NumPy only, the same code in training, scoring and serving.

It does not know texts or tokens' characters (features.py) nor how the numbers were fitted
(calibrate.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of the article that may answer, and its log-odds against "no answer here"."""

    start: int
    end: int
    log_odds: float


@dataclass(frozen=True, slots=True)
class RankedSpan:
    """An answer's place and the probability that it is the right one."""

    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Best spans first, and the probability that any span answers."""

    spans: tuple[RankedSpan, ...]
    answerable: float


def best_spans(
    start: np.ndarray, end: np.ndarray, article: tuple[int, int], *, longest: int, top: int
) -> list[tuple[int, int, float]]:
    """The `top` best (first, last, log-odds) of one window, best first.

    `start`, `end`: (token,) logits, token 0 standing for "no answer". `article`: first and last
    token of the article. All pairs are scored jointly (not two argmaxes) and none is longer than
    `longest` tokens. Log-odds are against this window's own "no answer", which makes windows
    comparable.
    """
    first, last = article
    width = last - first + 1
    null = float(start[0]) + float(end[0])
    scores = start[first : last + 1, None].astype(np.float64) + end[None, first : last + 1]
    length = np.arange(width)[None, :] - np.arange(width)[:, None]
    scores[(length < 0) | (length >= longest)] = -np.inf
    flat = scores.ravel()
    count = min(top, int(np.isfinite(flat).sum()))
    chosen = np.argpartition(-flat, count - 1)[:count] if count else np.empty(0, dtype=int)
    chosen = chosen[np.argsort(-flat[chosen], kind="stable")]
    return [
        (first + int(index) // width, first + int(index) % width, float(flat[index]) - null)
        for index in chosen
    ]


def rank(candidates: Sequence[Candidate], *, temperature: float, top: int) -> Ranking:
    """One question's answers from the candidates of all its windows.

    A span found in two windows counts once, with its better log-odds. One softmax runs over all
    spans and "no answer" (log-odds 0); a span that overlaps a better one is merged into it and only
    the better is shown.
    """
    best: dict[tuple[int, int], float] = {}
    for candidate in candidates:
        place = (candidate.start, candidate.end)
        best[place] = max(candidate.log_odds, best.get(place, -np.inf))
    if not best:
        return Ranking((), 0.0)
    places = sorted(best, key=lambda place: (-best[place], place))
    scaled = np.array([0.0] + [best[place] / temperature for place in places])
    weights = np.exp(scaled - scaled.max())
    probabilities = weights / weights.sum()
    shown: list[RankedSpan] = []
    for (start, end), probability in zip(places, probabilities[1:], strict=True):
        if len(shown) == top:
            break
        if all(end <= other.start or other.end <= start for other in shown):
            shown.append(RankedSpan(start, end, float(probability)))
    return Ranking(tuple(shown), float(1.0 - probabilities[0]))


def event_probabilities(logits: np.ndarray, *, temperature: float, multi_label: bool) -> np.ndarray:
    """(sentence, label) logits into probabilities: a sigmoid each, or one softmax a sentence."""
    scaled = logits.astype(np.float64) / temperature
    if multi_label:
        return 1.0 / (1.0 + np.exp(-np.clip(scaled, -60, 60)))
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def chosen_labels(
    probabilities: np.ndarray, thresholds: np.ndarray, *, multi_label: bool
) -> np.ndarray:
    """(sentence, label) truth values: over the label's threshold, or the single best label."""
    if multi_label:
        return probabilities >= thresholds
    chosen = np.zeros(probabilities.shape, dtype=bool)
    chosen[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return chosen

"""Logits into answers and event types: NumPy only, the same code in training, scoring and serving.

It does not know texts or tokens' characters (features.py) nor how the numbers were fitted
(calibrate.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of the article that may answer, and its log-odds against "no answer here".

    `window`: number of the window that saw it; "here" is that window.
    """

    start: int
    end: int
    log_odds: float
    window: int = 0


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


def span_log_odds(logits: np.ndarray, first: int, last: int) -> float:
    """Log-odds of the tokens `first` to `last` of one window against its "no answer", token 0.

    `logits`: (2, token), of start and end.
    """
    start, end = logits
    return float(start[first]) + float(end[last]) - float(start[0]) - float(end[0])


def _spans_of_windows(candidates: Sequence[Candidate]) -> list[dict[tuple[int, int], float]]:
    """Of each window, the log-odds of each (start, end); of twins the better."""
    windows: dict[int, dict[tuple[int, int], float]] = {}
    for candidate in candidates:
        spans = windows.setdefault(candidate.window, {})
        place = (candidate.start, candidate.end)
        spans[place] = max(candidate.log_odds, spans.get(place, -np.inf))
    return list(windows.values())


def span_probabilities(
    candidates: Sequence[Candidate], temperatures: np.ndarray
) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """One question's (start, end) places, best first, and how likely they are.

    Gives the places, (temperature, place) the probability of each, and (temperature,) that of any
    answer: that of the window that is surest of one. One softmax a window, as in training: were all
    windows' spans weighed against a single "no answer", a longer article would always seem to
    answer.

    Spans of different windows are compared by their log-odds, and not by their probability within
    a window: there a sure answer that shares its window with likenesses of itself would lose to a
    doubtful one that has none (docs/recipes.md). A span's probability is that of any answer, times
    the span's share of all spans' odds, where those of another window than the best one's count as
    far as that window seems to answer: so an article's length does not take confidence away.
    """
    windows = _spans_of_windows(candidates)
    surest: dict[tuple[int, int], tuple[float, int]] = {}
    for number, spans in enumerate(windows):
        for place, log_odds in spans.items():
            if place not in surest or log_odds > surest[place][0]:
                surest[place] = (log_odds, number)
    places = sorted(surest, key=lambda place: (-surest[place][0], place))
    if not places:
        return [], np.zeros((len(temperatures), 0)), np.zeros(len(temperatures))
    answers = np.stack([_answers(spans, temperatures) for spans in windows], axis=1)
    scaled = np.array([surest[place][0] for place in places]) / temperatures[:, None]
    odds = np.exp(scaled - scaled[:, :1])
    homes = np.array([surest[place][1] for place in places])
    weights = np.where(homes == homes[0], 1.0, answers[:, homes])
    any_answer = answers.max(axis=1)
    shares = odds / (odds * weights).sum(axis=1, keepdims=True)
    return places, any_answer[:, None] * shares, any_answer


def _answers(spans: Mapping[tuple[int, int], float], temperatures: np.ndarray) -> np.ndarray:
    """(temperature,) the probability that a window of those log-odds holds an answer."""
    scaled = np.array([0.0, *spans.values()]) / temperatures[:, None]
    answer: np.ndarray = 1.0 - _softmax(scaled)[:, 0]
    return answer


def rank(
    candidates: Sequence[Candidate], *, temperature: float, top: int, floor: float = 0.0
) -> Ranking:
    """One question's answers from the candidates of all its windows (`span_probabilities`).

    A span found in two windows counts once; one that overlaps a better one is not shown. `floor`:
    how likely the best span is right where the network is sure that it is not (`with_floor`), and
    an answer is there; the other spans' probabilities shrink by as much.
    """
    places, probabilities, answerable = span_probabilities(candidates, np.array([temperature]))
    if not places:
        return Ranking((), 0.0)
    likely = dict(zip(places, ((1 - floor) * probabilities[0]).tolist(), strict=True))
    likely[places[0]] = float(with_floor(probabilities[0, 0], floor))
    shown = tuple(RankedSpan(*place, likely[place]) for place in _apart(places, top))
    return Ranking(shown, float(with_floor(answerable[0], floor)))


def with_floor(probability: np.ndarray, floor: float | np.ndarray) -> np.ndarray:
    """The probability, were the network's word void in a `floor` of all cases, and the best right.

    Networks deny too surely: of the best spans that one gives next to no chance, a tenth is right,
    which no temperature mends without making it shy of what it is rightly sure of.
    """
    mixed: np.ndarray = floor + (1 - floor) * probability
    return mixed


def distinct_places(candidates: Sequence[Candidate], count: int) -> list[tuple[int, int]]:
    """The `count` best (start, end) places, best first, none overlapping a better one."""
    best = sorted(candidates, key=lambda each: (-each.log_odds, each.start, each.end))
    return _apart([(each.start, each.end) for each in best], count)


def read_again(
    candidates: Sequence[Candidate],
    places: Sequence[tuple[int, int]],
    second: Mapping[tuple[int, int], float],
    share: float,
) -> list[Candidate]:
    """The candidates with their log-odds moved by the `share` towards those of a second reading.

    `places`: the best `distinct_places`; `second`: the log-odds of those that could be read again,
    the others stay where they are. A candidate that overlaps one of the places is the same answer
    with other bounds, and moves as far as it does; one that overlaps none moves as the one that
    gains least, so that it passes none of them.
    """
    if not second:
        return list(candidates)
    once: dict[tuple[int, int], float] = {}
    for each in candidates:
        place = (each.start, each.end)
        once[place] = max(each.log_odds, once.get(place, -np.inf))
    moves = {place: share * (second.get(place, once[place]) - once[place]) for place in places}
    least = min(moves.values())

    def moved(each: Candidate) -> Candidate:
        near = (moves[place] for place in places if _overlap(place, (each.start, each.end)))
        return replace(each, log_odds=each.log_odds + next(near, least))

    return [moved(each) for each in candidates]


def _apart(places: Iterable[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The first `count` of the places that overlap none before them."""
    kept: list[tuple[int, int]] = []
    for place in places:
        if len(kept) == count:
            break
        if not any(_overlap(place, other) for other in kept):
            kept.append(place)
    return kept


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def event_probabilities(logits: np.ndarray, *, temperature: float, multi_label: bool) -> np.ndarray:
    """(sentence, label) logits into probabilities: a sigmoid each, or one softmax a sentence."""
    scaled = logits.astype(np.float64) / temperature
    if multi_label:
        return 1.0 / (1.0 + np.exp(-np.clip(scaled, -60, 60)))
    return _softmax(scaled)


def chosen_labels(
    probabilities: np.ndarray, thresholds: np.ndarray, *, multi_label: bool
) -> np.ndarray:
    """(sentence, label) truth values: over the label's threshold, or the single best label."""
    if multi_label:
        return probabilities >= thresholds
    chosen = np.zeros(probabilities.shape, dtype=bool)
    chosen[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return chosen


def _softmax(scaled: np.ndarray) -> np.ndarray:
    """Of each row, the probabilities that sum to 1."""
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    total: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return total

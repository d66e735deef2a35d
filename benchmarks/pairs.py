"""Times two ways of doing the same thing in turn, so that the machine's moods strike both."""

import statistics
import sys
import time
from collections.abc import Callable


def compare(
    name: str, first: Callable[[], object], second: Callable[[], object], runs: int = 5
) -> float:
    """Print and return the median over `runs` of second's seconds over first's, warmed up once."""
    first()
    second()
    ratios = []
    for _ in range(runs):
        ratios.append(_seconds(second) / _seconds(first))
    median = statistics.median(ratios)
    sys.stdout.write(
        f"{name}: {median:.2f} × ({min(ratios):.2f} to {max(ratios):.2f}, {runs} runs)\n"
    )
    return median


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began

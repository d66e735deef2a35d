"""What a training tells while it runs: a bar on a terminal, lines in a log.

It does not know the task, nor how steps are made (loop.py).
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from transformers import (
    ProgressCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

_SILENCE = 120  # seconds without a line after which a log is told that the training goes on


class Progress(ProgressCallback):
    """A progress bar on a terminal, and one line an epoch: loss, dev score, the best so far.

    Where there is no terminal (a log file, a batch system) a line now and then tells that it moves
    and how long it will take; `clock` gives seconds.
    """

    _told: float  # when a line was written last
    _began: tuple[float, int]  # when, and at which step, this process began

    def __init__(self, goal: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._goal = goal
        self._clock = clock
        self._losses: list[float] = []

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: object,
    ) -> None:
        """Keep the loss; tell an epoch's figures, and of the steps after a silence."""
        logs = logs or {}
        if "loss" in logs:
            self._losses.append(float(logs["loss"]))
        if not state.is_world_process_zero:
            return
        if "loss" in logs and self.training_bar is None:
            self._tell_of_steps(state)
        if "eval_goal" not in logs:
            return
        loss = f"{np.mean(self._losses):.4f}" if self._losses else "–"
        self._losses.clear()
        rest = "  ".join(
            f"{name.removeprefix('eval_')} {value:.3f}"
            for name, value in logs.items()
            if name.startswith("eval_") and name != "eval_goal"
        )
        best = max(logs["eval_goal"], state.best_metric or 0.0)
        self._say(
            f"epoch {state.epoch:.0f} of {args.num_train_epochs:g}  loss {loss}  dev: {rest}"
            f"  (best {self._goal} {best:.3f})"
        )

    def _tell_of_steps(self, state: TrainerState) -> None:
        """The step, the loss of the last ones and the time left, at the pace since the start."""
        now = self._clock()
        if now - self._told < _SILENCE:
            return
        self._told = now
        a_step = (now - self._began[0]) / (state.global_step - self._began[1])
        left = a_step * (state.max_steps - state.global_step)
        self._say(
            f"step {state.global_step} of {state.max_steps}  loss {self._losses[-1]:.4f}"
            f"  {a_step:.1f} s a step, {left / 60:.0f} min left"
        )

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        """Start the clock, and the bar where there is a terminal."""
        self.current_step = 0
        self._told = self._clock()
        self._began = (self._told, state.global_step)
        if not args.disable_tqdm:
            super().on_train_begin(args, state, control, **kwargs)

    def on_step_end(self, *given: object, **named: object) -> None:
        """Move the bar, where there is one."""
        if self.training_bar is not None:
            super().on_step_end(*given, **named)

    def on_train_end(self, *given: object, **named: object) -> None:
        """Close the bar, where there is one."""
        if self.training_bar is not None:
            super().on_train_end(*given, **named)

    def _say(self, line: str) -> None:
        if self.training_bar is not None:
            self.training_bar.write(line, file=sys.stderr)
        else:
            sys.stderr.write(line + "\n")

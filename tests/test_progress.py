"""A training whose output is a log file tells that it moves and how long it will take."""

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from train.progress import Progress


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds so far."""
        return self.now


@pytest.fixture
def arguments(tmp_path) -> TrainingArguments:
    return TrainingArguments(output_dir=str(tmp_path), disable_tqdm=True, num_train_epochs=2)


def steps(progress, arguments, clock, *, start, count, seconds, whole=1000):
    """Take `count` steps of so many seconds each, each logged, from step `start` of `whole`."""
    state = TrainerState(global_step=start, max_steps=whole, is_world_process_zero=True)
    progress.on_train_begin(arguments, state, TrainerControl())
    for _ in range(count):
        clock.now += seconds
        state.global_step += 1
        progress.on_step_end(arguments, state, TrainerControl())
        progress.on_log(arguments, state, TrainerControl(), {"loss": 2.5})
    return state


def test_a_log_is_told_every_two_minutes_how_far_it_is_and_what_is_left(arguments, capsys):
    clock = Clock()
    steps(Progress("f1", clock), arguments, clock, start=0, count=100, seconds=6.0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5  # 600 seconds
    assert lines[0] == "step 20 of 1000  loss 2.5000  6.0 s a step, 98 min left"
    assert lines[-1] == "step 100 of 1000  loss 2.5000  6.0 s a step, 90 min left"


def test_a_resumed_run_reckons_with_its_own_steps_only(arguments, capsys):
    clock = Clock()
    steps(Progress("f1", clock), arguments, clock, start=900, count=20, seconds=6.0)
    assert capsys.readouterr().err.splitlines() == [
        "step 920 of 1000  loss 2.5000  6.0 s a step, 8 min left"
    ]


def test_a_quick_epoch_is_told_in_one_line(arguments, capsys):
    clock = Clock()
    progress = Progress("f1", clock)
    state = steps(progress, arguments, clock, start=0, count=100, seconds=0.5)
    state.epoch, state.best_metric = 1.0, 0.25
    progress.on_log(
        arguments, state, TrainerControl(), {"eval_goal": 0.5, "eval_f1": 0.5, "eval_loss": 1.0}
    )
    assert capsys.readouterr().err.splitlines() == [
        "epoch 1 of 2  loss 2.5000  dev: f1 0.500  loss 1.000  (best f1 0.500)"
    ]


def test_only_one_process_of_many_speaks(arguments, capsys):
    clock = Clock()
    progress = Progress("f1", clock)
    state = TrainerState(global_step=0, max_steps=10, is_world_process_zero=False)
    progress.on_train_begin(arguments, state, TrainerControl())
    clock.now += 1000
    state.global_step = 5
    progress.on_log(arguments, state, TrainerControl(), {"loss": 2.5})
    assert capsys.readouterr().err == ""

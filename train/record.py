"""What a run leaves beside its model: resolved settings, versions, git revision, data, log and loss curve."""

import dataclasses
import importlib.metadata
import io
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from hadath.config import TrainingConfig
from train.data import data_hash

PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "numpy", "scikit-learn")


def run_record(config: TrainingConfig, log: Sequence[dict[str, Any]], *, seconds: float) -> dict[str, Any]:
    """All that is needed to repeat the run and to doubt its figures."""
    return {
        "command": command(),
        "config": dataclasses.asdict(config),
        "data": data_hash([*config.train, *config.dev]),
        "versions": versions(),
        "git": git_revision(),
        "machine": machine(),
        "seconds": round(seconds, 1),
        "log": list(log),
    }


def command() -> str:
    """The command line of this run, as one would type it."""
    return shlex.join(["python", "-m", "train", *sys.argv[1:]])


def versions() -> dict[str, str]:
    """Python's and the libraries' versions."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The commit, with `+` where files differ from it; None outside a checkout."""
    try:
        revision = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return revision + ("+" if changed else "")


def machine() -> str:
    """Processor and cores or the GPU, in words."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} × {torch.cuda.get_device_name(0)}"
    return f"{torch.get_num_threads()} CPU threads, {torch.backends.cpu.get_cpu_capability()}"


def loss_curve(log: Sequence[dict[str, Any]], goal: str) -> bytes:
    """A PNG of the training loss by step, with the dev score on an axis of its own."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    losses = [(row["step"], row["loss"]) for row in log if "loss" in row]
    scores = [(row["step"], row["eval_goal"]) for row in log if "eval_goal" in row]
    axes.plot(*zip(*losses, strict=True), color="#888888", label="training loss") if losses else None
    axes.set(xlabel="step", ylabel="training loss")
    twin = axes.twinx()
    twin.plot(*zip(*scores, strict=True), "o-", color="#1b6ca8", label=f"dev {goal}") if scores else None
    twin.set(ylabel=f"dev {goal}", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=2)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()

"""What a run or a score was made with: versions of the libraries, the code's revision, hardware.

It does not know what was run, nor on which data (sheets.py, train/record.py).
"""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("hadath", "torch", "transformers", "tokenizers", "numpy", "scikit-learn")


def library_versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Installed versions, Python's first; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def git_revision() -> str | None:
    """The commit this code is from, "+changes" where files differ; None outside its repository."""
    # Installed below somebody else's repository this package is not one of its own.
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    revision = _git("rev-parse", "HEAD")
    if revision is None:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{revision}+changes" if changed else revision


def hardware_line() -> str:
    """Processor, its cores, and the GPU where torch runs on one."""
    name = platform.processor() or platform.machine()
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
        name = found[1].strip() if found else name
    except OSError:
        pass
    parts = [f"{name}, {os.cpu_count()} cores"]
    torch = sys.modules.get("torch")  # not worth an import: without it nothing ran on a GPU
    if torch is not None and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return "; ".join(parts)


def _git(*words: str) -> str | None:
    try:
        run = subprocess.run(
            ["git", *words],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None

"""Finds a model's folder: on this disk, or fetched from the Hugging Face hub into its cache.

It does not know what is in the folder. Whatever goes wrong is one line, with the offline default
where fetching failed.
"""

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub import errors as hub_errors
from huggingface_hub import utils as hub_utils
from transformers.utils import logging as transformers_logging

from hadath.errors import HadathError, system_reason
from hadath.files import home_path

# No *.bin, *.pkl, *.py: neither pickles nor code of others is fetched, let alone run.
_WANTED = (
    "config.json", "hadath.json", "training.json", "loss.png",
    "model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model",
)  # fmt: skip
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?(@[\w./-]+)?", re.ASCII)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def find_folder(source: str | Path, *, task: str) -> Path:
    """The folder `source`, or the cached copy of the hub's model `name` or `name@revision`.

    `task` only names the offline default in the message. Raises HadathError in one line.
    """
    folder = home_path(source)
    try:
        if folder.is_dir():
            return folder
        is_file = folder.exists()
    except OSError as error:  # a folder above it is closed to us, or a name is too long
        raise HadathError(f"{source}: {system_reason(error)}; {offline_default(task)}") from error
    if is_file:
        raise HadathError(f"{source}: a file; name the model's folder")
    if not _HUB_NAME.fullmatch(str(source)):
        raise HadathError(f"{source}: no such folder; {offline_default(task)}")
    try:
        with quiet_libraries(progress=sys.stderr.isatty()):
            return _fetch(*str(source).split("@"))
    # Disk, network and server raise kinds of their own; the network's depend on the hub's version.
    except Exception as error:
        found = _what_went_wrong(error)
        raise HadathError(f"{source}: {found}; {offline_default(task)}") from error


def offline_default(task: str) -> str:
    """The words that every message about the hub ends with."""
    return f"models/{task}, the offline default, needs no hub"


@contextmanager
def quiet_libraries(*, progress: bool = False) -> Iterator[None]:
    """Keeps progress bars and load reports off the terminal, then restores the user's settings."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    hub_verbosity = hub_utils.logging.get_verbosity()
    hub_bars = not hub_utils.are_progress_bars_disabled()
    transformers_logging.set_verbosity_error()
    hub_utils.logging.set_verbosity_error()
    if bars:
        transformers_logging.disable_progress_bar()
    if hub_bars and not progress:
        hub_utils.disable_progress_bars()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        hub_utils.logging.set_verbosity(hub_verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
        if hub_bars and not progress:
            hub_utils.enable_progress_bars()


@contextmanager
def told_in_one_line(place: str, mend: str, *, what: str = "can't be loaded") -> Iterator[None]:
    """Whatever a library raises inside becomes one HadathError: place, what failed, the mend."""
    try:
        yield
    except HadathError:
        raise
    # transformers, tokenizers and safetensors raise many kinds, tokenizers even bare Exceptions.
    except Exception as error:
        raise HadathError(f"{place}: {what} ({first_line(error)}); {mend}") from error


def first_line(error: BaseException) -> str:
    """The first line of another library's message, which is where it says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__


def _fetch(name: str, revision: str | None = None) -> Path:
    wanted = list(_WANTED)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except Exception:
        # A hub that breaks off is no reason to leave a whole copy in the cache unused.
        try:
            return Path(
                snapshot_download(
                    name, revision=revision, allow_patterns=wanted, local_files_only=True
                )
            )
        except hub_errors.LocalEntryNotFoundError:
            pass
        raise


def _what_went_wrong(error: Exception) -> str:
    hub = constants.ENDPOINT
    # GatedRepoError is a RepositoryNotFoundError, and both are HfHubHTTPErrors: the order matters.
    if isinstance(error, hub_errors.GatedRepoError):
        return "gated; accept its terms on its page, then log in with `hf auth login`"
    if isinstance(error, hub_errors.RepositoryNotFoundError):
        return f"no such folder here, no such model on {hub}; check the name"
    if isinstance(error, hub_errors.RevisionNotFoundError):
        return f"no such revision on {hub}; check what stands after @"
    if isinstance(error, hub_errors.LocalEntryNotFoundError):
        if constants.HF_HUB_OFFLINE:
            return "no such folder here, not in the cache, and HF_HUB_OFFLINE forbids to fetch it"
        return f"no such folder here, not in the cache, and {hub} does not answer; try again later"
    if isinstance(error, hub_errors.HfHubHTTPError):
        return f"{hub} answered {error.response.status_code}; try again later"
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return (
            f"the disk filled up while fetching it ({(error.strerror or '').lower()}); "
            f"make room or let HF_HOME name another disk"
        )
    return f"fetching it broke off ({first_line(error)}); call again, whole files are kept"

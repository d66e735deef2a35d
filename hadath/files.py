"""Reads and writes whole UTF-8 files, keeping every character where it is.

It does not know what is in them; of JSON and YAML only whether they are.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from hadath.errors import HadathError, system_reason


def home_path(name: str | Path) -> Path:
    """The path with its ~ resolved. Raises HadathError where there is no such home."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise HadathError(f"{name}: no such home folder; write the path in full") from error


def read_text(path: str | Path) -> str:
    r"""The file's text, character for character (`\r\n` stays `\r\n`, so offsets hold).

    Raises HadathError where there is no such file or it is not UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise HadathError(f"{path}: {system_reason(error)}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise HadathError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8; "
            f"save the file as UTF-8 (for instance: iconv -f windows-1256 -t utf-8)"
        ) from error


def numbered_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    r"""(line number from 1, line) of every line that is not blank, split at `\n` only.

    `str.splitlines` would also cut at U+2028 and U+0085, which JSON leaves inside a line.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield number, line.removesuffix("\r")


def parse_json(text: str) -> object:
    """The text's one JSON value. A ValueError says that a key stands twice in one object.

    `json` would take the last one, and what the first one held would be lost without a word.
    """
    return json.loads(text, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object; keep one")
    return found


def read_json(path: str | Path) -> object:
    """The file's one JSON value. Raises HadathError naming file:line."""
    text = read_text(path)
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        raise HadathError(
            f"{path}:{error.lineno}: column {error.colno}: not JSON ({error.msg.lower()}); cut off?"
        ) from error
    except RecursionError as error:
        raise HadathError(f"{path}: nested too deeply to be read") from error
    except ValueError as error:  # a number of thousands of digits, a key twice
        raise HadathError(f"{path}: not JSON that can be read ({error})") from error


class _EachKeyOnce(yaml.SafeLoader):
    """Refuses a key that stands twice; YAML forbids it, PyYAML takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> object:
    """The file's one YAML value. Raises HadathError naming file:line."""
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_EachKeyOnce)  # a SafeLoader
    # A ValueError is a date or number that is none, a RecursionError thousands of brackets.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise HadathError(
            f"{path}{line}: not YAML ({problem}); mend the line or quote the text"
        ) from error


def read_mapping(path: str | Path) -> dict[Any, Any]:
    """The keys and values of a YAML file. Raises HadathError naming file:line."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise HadathError(f"{path}: expected 'key: value' lines, found {type(values).__name__}")
    return values


def write_text(path: str | Path, text: str) -> None:
    """Write beside, then rename: whoever reads sees the old file whole or the new file whole."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise HadathError(
            f"{path}: the text has a lone surrogate at {error.start}; remove it"
        ) from error
    write_bytes(path, data)


def file_names(names: Sequence[str], place: str | Path) -> list[str]:
    """Each name, an article's id for instance, as one that leads out of no folder.

    Raises HadathError, beginning with `place`, where two become one or nothing is left.
    """
    safe = [re.sub(r"[^\w.-]", "_", name).lstrip(".") for name in names]
    if len(set(safe)) < len(safe) or "" in safe:
        raise HadathError(f"{place}: two ids give the same file name; rename one of the articles")
    return safe


def put_between(path: str | Path, start: str, end: str, text: str) -> None:
    """Put `text` between the file's two marks. Raises HadathError where they are missing."""
    before, first, rest = read_text(path).partition(start)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise HadathError(f"{path}: no {start} … {end}; put both in, each on a line")
    write_text(path, f"{before}{start}\n{text}\n{end}{after}")


def write_bytes(path: str | Path, data: bytes) -> None:
    """As write_text, for what is no text. A link stays one; a device or a pipe is written to."""
    try:
        target = Path(path).resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
            return
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(handle, "wb") as stream:
                stream.write(data)
            # mkstemp makes the file private; give it the old one's mode, or a plain open()'s.
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
            os.chmod(beside, mode)
            os.replace(beside, target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HadathError(
            f"{path}: not written ({system_reason(error)}); the old file is untouched"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

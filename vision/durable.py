"""Files that outlive a crash: written whole or not at all, or line by line."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from scenarios import InputError


def write_whole(path: Path, data: Any) -> None:
    """Write JSON so that a crash leaves the old file or the new one, never a part of it."""
    draft = path.with_name(f".{path.name}.draft-{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(data, stream, allow_nan=False)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path)


def read_whole(path: Path, form: str) -> dict[str, Any]:
    """Read a file of `write_whole` whose key `form` says what it is. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected {form}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON ({' '.join(str(error).split())}); expected {form}") from None
    found = data.get("form") if isinstance(data, dict) else type(data).__name__
    if found != form:
        raise InputError(f"{path}: form {found!r}; expected {form!r}")
    return dict(data)


def append_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Add lines of JSON, all or none; they are on the disk when this returns.

    Several processes may do so at once. What a crash left of a line before is taken off first.
    """
    if not rows:
        return
    text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
    made = not path.exists()
    with path.open("ab+", buffering=0) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        end = _whole(stream)
        try:
            os.truncate(path, end)
            while text:
                text = text[stream.write(text) :]
            os.fsync(stream.fileno())
        except OSError:
            os.truncate(path, end)
            raise
    if made:
        _sync_folder(path)


def _whole(stream: BinaryIO | FileIO) -> int:
    """How many bytes of a file are whole lines."""
    end = stream.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - 65536)
        stream.seek(start)
        found = (stream.read(end - start) or b"").rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def read_lines(path: Path, start: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Read the lines of `append_lines` from a byte on, and return them with the byte to go on from; none if there is
    no such file. A last line without its end is left out: it is being written, or was cut off by a crash.

    Raises InputError for a line that is not a JSON object.
    """
    if not path.is_file():
        return [], 0
    with path.open("rb") as stream:
        stream.seek(start)
        data = stream.read()
    whole = data.rfind(b"\n") + 1
    rows = []
    for line in data[:whole].splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise InputError(f"{path}: {line[:60]!r}; expected a JSON object")
        rows.append(row)
    return rows, start + whole


class Log(Protocol):
    """Rows that are only ever added to, by several at once."""

    def read(self, start: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The rows from a mark on, and the mark to go on from."""

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows, all or none."""


class Lines:
    """A log as a file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def read(self, start: int = 0) -> tuple[list[dict[str, Any]], int]:
        """See `read_lines`; a mark is a byte."""
        return read_lines(self.path, start)

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """See `append_lines`."""
        append_lines(self.path, rows)


def _sync_folder(path: Path) -> None:
    """Bring a file's name to the disk; its content alone does not survive a power cut."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def sole_owner(path: Path) -> Iterator[None]:
    """Hold a file's lock, which ends with the process, however it ends. Raises InputError if another process has it."""
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{path.parent}: in use by another process; expected a folder of its own") from None
        yield

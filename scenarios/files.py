"""Reading and writing the plain files that describe a store, with errors that name the place."""

from __future__ import annotations

import csv
import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")


class InputError(ValueError):
    """Something a user gave is wrong. The message is one line: file, row or key, what was expected."""


def read_yaml(path: Path, kind: type[T]) -> T:
    """Read a YAML file as the dataclass `kind`. Raises InputError that names file and key."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a YAML description of a {kind.__name__}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    return build(kind, data if data is not None else {}, str(path))


def build(kind: type[T], data: Any, where: str) -> T:
    """Build a (nested) dataclass from plain data. Raises InputError that names the key."""
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected keys of {kind.__name__}, got {data!r}")
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    for key in data:
        if key not in fields:
            raise InputError(f"{where}: unknown key {key!r}; allowed: {', '.join(fields)}")
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], f"{where}: {name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{where}: key {name!r} is missing")
    try:
        return kind(**values)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _convert(next(a for a in args if a is not type(None)), value, where)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{where}: expected a list, got {value!r}")
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
        if len(kinds) != len(value):
            raise InputError(f"{where}: expected {len(kinds)} values, got {len(value)}")
        return tuple(_convert(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value)))
    try:
        if value is None or isinstance(value, (dict, list)):
            raise ValueError
        return hint(value)
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected {hint.__name__}, got {value!r}") from None


def write_yaml(path: Path, value: Any, note: str, defaults: bool = True) -> None:
    """Write a dataclass as YAML under a comment of one or more lines; `read_yaml` reads it back unchanged.

    Without `defaults`, keys that hold their default value are left out.
    """
    text = yaml.safe_dump(_plain(value, defaults), sort_keys=False, default_flow_style=None, width=120)
    comment = "".join(f"# {line}\n" for line in note.splitlines())
    path.write_text(comment + text, encoding="utf-8")


def _plain(value: Any, defaults: bool) -> Any:
    if dataclasses.is_dataclass(value):
        kept = [f for f in dataclasses.fields(value) if defaults or getattr(value, f.name) != _default(f)]
        return {f.name: _plain(getattr(value, f.name), defaults) for f in kept}
    if isinstance(value, tuple):
        return [_plain(item, defaults) for item in value]
    return value


def _default(field: dataclasses.Field) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def read_csv(path: Path, kind: type[T]) -> list[T]:
    """Read a CSV whose columns are the fields of dataclass `kind`, one object a row.

    Columns with a default may be missing. Raises InputError that names file, row and column; row 1
    is the header, as spreadsheets count.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a CSV with a {kind.__name__} a row")
    rows = []
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        try:
            for line in reader:
                where = f"{path}, row {reader.line_num}"
                if None in line or None in line.values():
                    raise InputError(f"{where}: expected {len(reader.fieldnames or ())} columns")
                given = {k.strip(): v.strip() for k, v in line.items() if v.strip() != ""}
                rows.append(build(kind, given, where))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}, row {reader.line_num}: not readable as CSV: {error}") from None
    if not rows:
        raise InputError(f"{path}: no rows; expected a header and at least one {kind.__name__}")
    return rows


def write_csv(path: Path, rows: typing.Iterable[Any], optional: typing.Collection[str] = ()) -> None:
    """Write dataclasses as CSV, a column for each field; `read_csv` reads it back unchanged.

    A column of `optional` that is empty in every row is left out.
    """
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        names = [f.name for f in dataclasses.fields(rows[0])]
        names = [n for n in names if n not in optional or any(getattr(row, n) for row in rows)]
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({n: getattr(row, n) for n in names} for row in rows)

"""The JSON Schema (2020-12) of the events that go out and come in, made of the types that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from scenarios import ShelfState
from vision.alerts import Alert
from vision.service.links import Availability, Line, Task
from vision.service.settings import TOLD_TYPES


@dataclass(frozen=True)
class AlertEvent(Alert):
    """An alert, and the same in words."""

    text: str = ""


@dataclass(frozen=True)
class ReadingEvent:
    """A frame was read: the number of its reading, and how many boxes of each class it has."""

    reading: int
    camera: str
    named: int
    product: int
    gap: int
    price_tag: int
    person: int


@dataclass(frozen=True)
class ToldEvent:
    """Lines of units, as of a time (seconds since 1970)."""

    time: float
    lines: list[Line]


OUT: dict[str, type] = {
    "alert": AlertEvent, "shelf": ShelfState, "reading": ReadingEvent, "task": Task, "availability": Availability,
}  # fmt: skip


@cache
def events_schema() -> dict[str, Any]:
    """One schema that every event fits, by its `type`."""
    definitions: dict[str, Any] = {}
    out = [_envelope(f"shelfwatch.{name}", _data(kind, definitions, clock=True)) for name, kind in OUT.items()]
    into = [_envelope(f"store.{name}", _data(ToldEvent, definitions)) for name in TOLD_TYPES]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "shelfwatch events",
        "description": "CloudEvents 1.0. shelfwatch.* go out, store.* come in; `time` going out is the cameras' own.",
        "oneOf": [*out, *into], "$defs": definitions,
    }  # fmt: skip


def _data(kind: type, definitions: dict[str, Any], clock: bool = False) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(ref_template="#/$defs/{model}")
    definitions |= schema.pop("$defs", {})
    if clock:
        schema["properties"] = {**schema["properties"], "time": {"type": "number"}}
        schema["required"] = sorted({*schema.get("required", []), "time"})
    return schema


def _envelope(type: str, data: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "title": type, "type": "object", "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"}, "id": text, "source": text, "type": {"const": type}, "subject": text,
            "datacontenttype": {"const": "application/json"}, "data": data,
        },
    }  # fmt: skip

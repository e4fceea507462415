"""Placements that were chosen, kept, so that the same command chooses the same again and its proof goes on: the search
ends by the clock and would not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.placement.solve import Answer
from bench.studies.study import READING, code_version, digest
from vision.outputs import write_json

CODE = (*READING, "bench/placement/*.py", "bench/response/*")


@dataclass(frozen=True)
class Choice:
    """The answer with its notes, and the placement of every arm, as indices of candidates."""

    answer: Answer
    notes: list[str]
    placements: dict[str, list[int]]


def choice_of(folder: Path, facts: Any, choose: Callable[[], Choice]) -> Choice:
    """The choice for these facts: kept in `folder`, or chosen now."""
    file = folder / f"{digest([facts, code_version(CODE)])}.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return Choice(Answer(**data["answer"]), data["notes"], data["placements"])
    except (OSError, ValueError, KeyError, TypeError):
        choice = choose()
    folder.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    write_json(draft, dataclasses.asdict(choice))
    draft.replace(file)
    return choice

"""Discrepancies: where the books and the shelf differ, how surely, and which source told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout
from vision.inventory import Belief
from vision.unit_words import Floats

Kind = Literal["phantom inventory", "shrinkage", "record too low"]
SURE = 0.8
"""A discrepancy is told of when it is at least so probable. Of 0.5, 0.6, 0.7, 0.8, 0.9 and 0.95 the one that finds most
phantom inventory at a precision of 0.95 or more on the drawn days 100 to 107: 35 of 39 that last an hour, with 65 of 67
alarms right."""


@dataclass(frozen=True)
class Discrepancy:
    """The books say `record` units, the shelf holds `units` (median).

    "phantom inventory": the books say some and the shelf holds none; "shrinkage": it holds fewer than they say; "record
    too low": it holds more. `told_by` is the source that speaks for it most; `evidence` has of every source the
    logarithm of how much likelier its word is if it is so than if it is not, given what all the others say. Where the
    books say more than the position has room for, that alone tells it: "room", and no evidence.
    """

    position: str
    kind: Kind
    record: float
    units: float
    confidence: float
    told_by: str
    evidence: Mapping[str, float]


def discrepancies(layout: Layout, belief: Belief, sure: float = SURE) -> tuple[Discrepancy, ...]:
    """All discrepancies that are `sure`, in plan order. A position is said to be one kind: empty comes before fewer."""
    units = np.arange(belief.chances.shape[1])
    books = np.isfinite(belief.record)
    record = np.where(books, np.round(belief.record), 0)[:, None]
    claims: tuple[tuple[Kind, NDArray[np.bool_]], ...] = (
        ("phantom inventory", (units == 0) & (record > 0)),
        ("shrinkage", units < record),
        ("record too low", units > record),
    )
    found: dict[int, Discrepancy] = {}
    for kind, holds in claims:
        confidence = np.where(books, (belief.chances * holds).sum(axis=1), 0.0)
        for row in np.flatnonzero(confidence >= sure):
            if row not in found:
                evidence = _evidence(belief, int(row), holds[row])
                told_by = max(evidence, key=lambda source: evidence[source]) if evidence else "room"
                found[int(row)] = Discrepancy(
                    layout.planogram.positions[row].id, kind, float(belief.record[row]), float(belief.units[row]),
                    float(confidence[row]), told_by, evidence,
                )  # fmt: skip
    return tuple(found[row] for row in sorted(found))


def _evidence(belief: Belief, row: int, holds: NDArray[np.bool_]) -> dict[str, float]:
    """Of every source, how much its word speaks for a claim on the units of a position; nothing, if the claim holds
    for every number that there is room for."""
    if not belief.chances[row][~holds].any():
        return {}
    found = {}
    for source, word in belief.words.items():
        others: Floats = np.prod([w[row] for s, w in belief.words.items() if s != source], axis=0)
        averages = [np.average(word[row][c], weights=others[c]) if others[c].sum() else 0.0 for c in (holds, ~holds)]
        found[source] = float(np.log(max(averages[0], 1e-12)) - np.log(max(averages[1], 1e-12)))
    return found

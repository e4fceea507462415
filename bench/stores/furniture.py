"""Fixtures and lamps in rows, of the usual sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scenarios import Fixture, Luminaire, Shelf

Boards = Sequence[tuple[float, float]]
"""Height of each board and free height above it, in metres."""
GONDOLA_SHELVES: Boards = ((0.12, 0.35), (0.50, 0.29), (0.82, 0.27), (1.12, 0.27), (1.42, 0.33))
LOW_SHELVES: Boards = ((0.10, 0.27), (0.40, 0.27), (0.70, 0.27))
COOLER_SHELVES: Boards = ((0.22, 0.34), (0.58, 0.34), (0.94, 0.30), (1.26, 0.30), (1.58, 0.30))
DISPLAY: Boards = ((0.15, 0.40), (0.58, 0.38), (0.99, 0.38))
PEG_LINES: Boards = ((0.30, 0.32), (0.66, 0.27), (0.97, 0.27), (1.28, 0.27), (1.59, 0.27))
RACK_LEVELS: Boards = ((0.15, 1.25), (1.55, 1.20), (2.90, 1.20))
CHEST: Boards = ((0.42, 0.42),)


def boards(pairs: Boards) -> tuple[Shelf, ...]:
    return tuple(Shelf(z, clearance) for z, clearance in pairs)


def bays(
    name: str, count: int, x: float, y: float, width: float, depth: float, shelves: Boards,
    kind: str = "gondola", facing: bool = False, pushers: bool = False,
) -> tuple[Fixture, ...]:  # fmt: skip
    """`count` fixtures side by side from `x`, their fronts at `y`, from the left as who stands before them sees
    them. `facing` ones look at +y."""
    fixtures = []
    for n in range(count):
        left = x + (count - n if facing else n) * width
        fixtures.append(
            Fixture(
                f"{name}-{n + 1}", round(left, 3), y, width, depth, boards(shelves), kind,
                round(math.pi, 6) if facing else 0.0, pushers=pushers,
            )
        )  # fmt: skip
    return tuple(fixtures)


def tubes(
    along: tuple[float, float], rows: Sequence[float], z: float, count: int, lumens: float, kelvin: float
) -> tuple[Luminaire, ...]:
    """Rows of `count` tubes each, spread over `along` in x, at the y of `rows`."""
    centres = np.linspace(*along, 2 * count + 1)[1::2]
    return tuple(
        Luminaire(f"tube-{r + 1}-{n + 1}", "tube", (round(float(x), 3), y, z), lumens, kelvin)
        for r, y in enumerate(rows)
        for n, x in enumerate(centres)
    )


def panels(along: tuple[float, float], y: float, z: float, count: int, lumens: float) -> tuple[Luminaire, ...]:
    """High-bay panels in one row."""
    centres = np.linspace(*along, 2 * count + 1)[1::2]
    return tuple(
        Luminaire(f"panel-{n + 1}", "panel", (round(float(x), 3), y, z), lumens, 4000.0, 0.6, 0.6)
        for n, x in enumerate(centres)
    )


def shelf_strips(fixtures: Sequence[Fixture], lumens: float, kelvin: float) -> tuple[Luminaire, ...]:
    """A light strip at the front of every shelf of coolers that are not turned, under what lies above it."""
    return tuple(
        Luminaire(
            f"{f.id}-strip-{n + 1}", "strip",
            (round(f.x + f.width / 2, 3), round(f.y + 0.03, 3), round(s.z + s.clearance - 0.01, 3)),
            lumens, kelvin, round(f.width - 0.1, 3), 0.02,
        )
        for f in fixtures
        for n, s in enumerate(f.shelves)
    )  # fmt: skip

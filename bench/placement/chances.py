"""From what candidates see to the chance that they know a position, in every sampled world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.placement.candidates import Candidates
from bench.placement.visibility import Visibility
from bench.response.response import Response
from bench.response.samples import place_lux
from scenarios import Layout, Scenario

Floats = NDArray[np.float64]

NOTHING = 0.01
"""Chances below this are left out."""


@dataclass(frozen=True, eq=False)
class Chances:
    """As of `Problem`: candidate i knows cells `cell[start[i]:start[i + 1]]` with `chance`; cell = world × positions +
    position."""

    start: NDArray[np.int64]
    cell: NDArray[np.int32]
    chance: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Moments:
    """What chances hang on beside what is seen, of S worlds of one layout: which places are `empty` (S, P), and their
    `lux` (S, P)."""

    layout: Layout
    empty: NDArray[np.bool_]
    lux: Floats


Change = Callable[[Floats, NDArray[np.floating], NDArray[np.bool_]], Floats]


def chances(
    found: Candidates, seen: Visibility, scenarios: Sequence[Scenario], responses: Mapping[str, Response],
    transfers: Mapping[str, Change],
) -> Chances:  # fmt: skip
    """The chance that a candidate knows a position in a world: that of its weakest front-row place, of which a unit has
    to be counted, or a gap be seen as empty. A place stands for all of its position in one picture: they are seen, or
    hidden, together. `transfers` are of this store (`transfer.py`)."""
    return chances_at(found, seen, moments_of(scenarios), responses, transfers)


def moments_of(scenarios: Sequence[Scenario]) -> Moments:
    """Stock and light of worlds of one layout."""
    layout = scenarios[0].layout
    empty = np.array([empty_places(layout, s) for s in scenarios])
    return Moments(layout, empty, np.array([place_lux(s) for s in scenarios]))


def chances_at(
    found: Candidates, seen: Visibility, moments: Moments, responses: Mapping[str, Response],
    transfers: Mapping[str, Change],
) -> Chances:  # fmt: skip
    """As `chances`, of worlds whose moments are known."""
    layout, empty, lux = moments.layout, moments.empty, moments.lux
    owner, positions = layout.places.position, len(layout.planogram.positions)
    facings = np.bincount(owner, minlength=positions)
    sides = [max(model.width, model.height) for model in found.models]
    count, gap = ([responses[name].for_pictures(side) for side in sides] for name in ("count", "gap"))
    raised = layout.places.level > 0
    start, cells, values = [0], [], []
    for i in range(len(found)):
        part = found.views.of(i)
        place = found.views.place[part]
        whole = np.flatnonzero(np.bincount(owner[place], minlength=positions) == facings)
        kept = np.isin(owner[place], whole)
        place = place[kept]
        seen_so = found.views.px_per_m, found.views.angle, found.views.inside, found.views.aside
        px, angle, inside, aside = (a[part][kept] for a in seen_so)
        visible = seen.of(int(found.mount[i]), place) * inside
        model = int(found.model[i])
        view: dict[str, Any] = {"px_per_m": px, "angle": angle, "lux": lux[:, place], "visible_fraction": visible}
        ways = {"gap": gap[model], "count": count[model]}
        ratings = (transfers[name](way.predict(**view), aside, raised[place]) for name, way in ways.items())
        p = np.where(empty[:, place], *ratings)
        known, at = _weakest(p, owner[place])
        keep = known > NOTHING
        world, column = np.nonzero(keep)
        cells.append((world * positions + at[column]).astype(np.int32))
        values.append(known[keep].astype(np.float32))
        start.append(start[-1] + len(world))
    return Chances(np.array(start), np.concatenate(cells), np.concatenate(values))


def _weakest(p: Floats, owner: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """(S, J) the least of the places' chances (S, W) of each position that has any, and (J,) which these are."""
    if not len(owner):
        return np.zeros((len(p), 0)), owner
    at, first = np.unique(owner, return_index=True)  # places are in the order of their positions
    return np.minimum.reduceat(p, first, axis=1), at


def empty_places(layout: Layout, scenario: Scenario) -> NDArray[np.bool_]:
    """(P,) which front-row places hold nothing."""
    first = np.cumsum([0, *(p.facings for p in layout.planogram.positions)])
    index = {p.id: (int(first[n]), p.high) for n, p in enumerate(layout.planogram.positions)}
    empty = np.ones(len(layout.places), bool)
    for unit in scenario.stock.units:
        at, high = index[unit.position]
        empty[at + unit.column * high + unit.level] = False
    return empty

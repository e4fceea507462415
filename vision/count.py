"""Counting: from what was seen at the places to facings and units of each position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout
from vision.readings import PlaceReadings, PlaceState

Floats = NDArray[np.float64]

FILLS = (np.arange(16) + 0.5) / 16
"""Values of a position's fill at which the prior is summed up."""
TAIL = 0.05
"""What a 90 % interval leaves out at either end."""


@dataclass(frozen=True)
class Count:
    """`facings` of the position's own SKU, None unless every place was seen; units with a 90 % interval,
    None when nothing was seen. `seen` and `own` count places, `certainty` is the mean over those seen, `few` the
    probability that the units are at most the position's `low_at`. `intruder` is the surest foreign SKU."""

    facings: int | None
    units: float | None
    units_low: float | None
    units_high: float | None
    seen: int
    own: int
    intruder: str | None
    certainty: float
    few: float = 0.0
    intruder_confidence: float = 0.0


NOTHING = Count(None, None, None, None, 0, 0, None, 0.0)


def count(layout: Layout, places: PlaceReadings, chances: UnitChances | None = None) -> tuple[Count, ...]:
    """Count every position of the planogram, in its order. `chances` are of this layout, and remember what they worked
    out for the places before."""
    positions = layout.planogram.positions
    starts = np.cumsum([0, *(p.facings for p in positions)])
    seen, own = places.judged, places.state == PlaceState.OWN
    sums = (
        np.add.reduceat(v, starts[:-1]).tolist() for v in (seen.astype(int), own.astype(int), places.confidence * seen)
    )
    foreign: dict[int, tuple[str, float]] = {}
    # The surest last, so that it stays.
    others = np.flatnonzero(places.state == PlaceState.FOREIGN)
    for place in others[np.argsort(places.confidence[others], kind="stable")]:
        foreign[int(layout.places.position[place])] = str(places.sku[place]), float(places.confidence[place])
    middle, low, high, few = (chances or UnitChances(layout))(places)
    counts = []
    for i, (position, n_seen, n_own, certainty) in enumerate(zip(positions, *sums)):
        if n_seen == 0:
            counts.append(NOTHING)
            continue
        facings = n_own if n_seen == position.facings else None
        units = float(middle[i]), float(low[i]), float(high[i])
        intruder, trust = foreign.get(i, (None, 0.0))
        counts.append(Count(facings, *units, n_seen, n_own, intruder, certainty / n_seen, few[i], trust))
    return tuple(counts)


class UnitChances:
    """How many units each position (Q,) holds, given what was seen: median, ends of the 90 % interval, and the chance
    of `low_at` or fewer. Worked out again only where something else was seen than the last time; 0 where nothing
    was."""

    def __init__(self, layout: Layout) -> None:
        positions = layout.planogram.positions
        self.layout = layout
        self._low_at = np.array([p.low_at for p in positions])
        self._owner = np.repeat(np.arange(len(positions)), [p.wide for p in positions])
        self._seen: Floats | None = None
        self._found = np.zeros((4, len(positions)))

    def __call__(self, places: PlaceReadings) -> tuple[list[float], list[float], list[float], list[float]]:
        owner, high, _ = _columns(self.layout)
        first = np.concatenate([[0], np.cumsum(high)[:-1]])
        looked = places.judged, places.counted, places.state == PlaceState.OWN
        seen = np.stack([np.add.reduceat(v.astype(int), first) for v in looked], axis=1).astype(float)
        if places.behind is not None:
            seen = np.concatenate([seen, places.behind], axis=1)
        some = np.bincount(owner[seen[:, 0] > 0], minlength=len(self._low_at)) > 0
        new = some.copy()
        if self._seen is not None and self._seen.shape == seen.shape:
            new &= np.bincount(owner[(self._seen != seen).any(axis=1)], minlength=len(some)) > 0
        self._seen = seen
        rows = np.flatnonzero(new)
        if len(rows):
            chances = np.cumsum(units_chances(self.layout, places, rows), axis=1)
            parts = [np.argmax(chances >= share - 1e-9, axis=1) for share in (0.5, TAIL, 1 - TAIL)]
            few = chances[np.arange(len(rows)), np.minimum(self._low_at[rows], chances.shape[1] - 1)]
            self._found[:, rows] = [*parts, few]
        middle, low, high_, few_ = self._found.tolist()
        return middle, low, high_, few_


def _columns(layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of all columns (C,): whose they are, how many packs they are high, and how many deep."""
    positions = layout.planogram.positions
    owner = np.repeat(np.arange(len(positions)), [p.wide for p in positions])
    high, deep = (np.array([getattr(p, name) for p in positions])[owner] for name in ("high", "deep"))
    return owner, high, deep


def units_chances(layout: Layout, places: PlaceReadings, rows: NDArray[np.int64] | None = None) -> Floats:
    """The probability of every number of units, (positions, most units + 1), given what was seen; of the positions
    `rows` alone, if they are given.

    The prior is Bayes's own: any number from one to all the places of a column with a pack in front is equally
    likely, and the columns of one position are alike, as the same shoppers take from them and the same hand fills
    them: behind the front pack each place is taken with the position's fill, which is uniform from 0 to 1. An
    empty front says nothing of the fill. It is no fit to any store; what the tops behind say is in `places.behind`.
    """
    positions = layout.planogram.positions
    owner, high, deep = _columns(layout)
    rows = np.arange(len(positions)) if rows is None else rows
    here = np.isin(owner, rows)
    # As long for some positions as for all, so that each sum is added up in the same order.
    length = int((high * deep).max()) + 1
    likelihood = _likelihood(places, high, deep, here, length)
    joint = likelihood[:, None] * _prior(high[here] * deep[here], length)  # (columns, fills, units)
    total = np.maximum(joint.sum(axis=-1), np.finfo(float).tiny)
    first = np.searchsorted(owner[here], rows)
    fill = np.add.reduceat(np.log(total), first, axis=0)
    fill = np.exp(fill - fill.max(axis=1, keepdims=True))
    fill /= fill.sum(axis=1, keepdims=True)
    most = max(p.facings * p.deep for p in positions)
    spectrum = np.multiply.reduceat(np.fft.rfft(joint / total[..., None], most + 1, axis=-1), first, axis=0)
    chances = np.fft.irfft((spectrum * fill[..., None]).sum(axis=1), most + 1, axis=-1)
    chances = np.maximum(chances, 0)
    return chances / chances.sum(axis=1, keepdims=True)


def _likelihood(
    places: PlaceReadings, high: NDArray[np.int64], deep: NDArray[np.int64], here: NDArray[np.bool_], length: int
) -> Floats:
    """How likely what was seen is (columns `here`, units), for every number of units of a column.

    A stack that is not full to its top in front is the last one of its column; behind a full one rows are full
    but for the last. What was not seen is left open.
    """
    first = np.concatenate([[0], np.cumsum(high)[:-1]])
    seen = (np.add.reduceat(places.counted, first, dtype=int) == high)[here]
    own = np.add.reduceat((places.state == PlaceState.OWN).astype(int), first)[here]
    high, deep = high[here], deep[here]
    units = np.arange(length)
    full = own == high
    possible = np.where((seen & ~full)[:, None], units == own[:, None], units >= own[:, None])
    possible &= units <= (high * deep)[:, None]
    if places.behind is None:
        return possible.astype(float)
    for_rows = np.cumsum(np.where(full[:, None], places.behind[here], 0.0), axis=1)
    last = np.clip(units // high[:, None] - 1, 0, for_rows.shape[1] - 1)
    evidence = np.take_along_axis(for_rows, last, axis=1)
    evidence -= np.where(possible, evidence, -np.inf).max(axis=1, keepdims=True)
    return possible * np.exp(np.minimum(evidence, 0))


def _prior(places: NDArray[np.int64], length: int) -> Floats:
    """The chance (columns, fills, units) of every number of units of a column, given its position's fill. No unit at
    all is as likely as any other number; it matters where the front was not seen."""
    behind = np.arange(length) - 1
    table = np.zeros((int(places.max()) + 1, len(FILLS), length))
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, length + 1)))])
    for n in np.unique(places):
        k = behind[1 : n + 1]
        ways = factorial[n - 1] - factorial[k] - factorial[n - 1 - k]
        chances = np.exp(ways + k * np.log(FILLS)[:, None] + (n - 1 - k) * np.log(1 - FILLS)[:, None])
        table[n, :, 1 : n + 1] = chances * n / (n + 1)
        table[n, :, 0] = 1 / (n + 1)
    return table[places]

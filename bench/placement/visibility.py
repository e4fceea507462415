"""Which share of every place each mount sees in each sampled world, rendered once and kept on disk.

An entry is one world seen from a few mounts, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.placement.candidates import Candidates
from bench.studies.pictures import Arrays, PictureCache
from bench.studies.study import RENDERING, code_version, digest
from scenarios import Layout, Scenario
from sim import World
from sim.sightlines import SIDE, seen_from
from sim.workers import worker_pool

MOUNTS_AN_ENTRY = 24
LEVELS = 255
"""Shares are kept as so many levels."""
TEXELS = 100.0
"""Texels a metre on the packs: their artwork is not looked at."""


@dataclass(frozen=True, eq=False)
class Visibility:
    """`share` (S, E): of every world and every entry of `place` (E,) the visible share of that place from a mount, in
    levels of 1 / `LEVELS`; the entries of mount m begin at `start[m]`, places rising. `rendered` and `found` count
    entries of the cache."""

    start: NDArray[np.int64]
    place: NDArray[np.int64]
    share: NDArray[np.uint8]
    rendered: int
    found: int

    def of(self, mount: int, places: NDArray[np.integer]) -> NDArray[np.float32]:
        """(S, W) visible shares of some of a mount's places."""
        first, last = self.start[mount], self.start[mount + 1]
        at = first + np.searchsorted(self.place[first:last], places)
        return (self.share[:, at] / LEVELS).astype(np.float32)


def visibility(found: Candidates, scenarios: Sequence[Scenario], folder: Path, limit: int, workers: int) -> Visibility:
    """Render what the cache in `folder`, of at most `limit` bytes, lacks; all scenarios are of one layout."""
    wanted = _wanted(found)
    mounts = np.flatnonzero([len(w) > 0 for w in wanted])
    chunks = [mounts[i : i + MOUNTS_AN_ENTRY] for i in range(0, len(mounts), MOUNTS_AN_ENTRY)]
    share = np.zeros((len(scenarios), sum(map(len, wanted))), np.uint8)
    start = np.concatenate([[0], np.cumsum([len(w) for w in wanted])])
    tasks, counts = {}, np.zeros(2, int)
    bar = tqdm(total=len(scenarios) * len(mounts), desc="look", unit="view", disable=None, smoothing=0.05)
    with bar, worker_pool(workers, _begin, scenarios[0].layout, folder, limit) as pool:
        for s, scenario in enumerate(scenarios):
            plain = dataclasses.replace(scenario, layout=_NO_LAYOUT)
            for chunk in chunks:
                points = [tuple(found.mounts.place[m].tolist()) for m in chunk]
                key = _key(scenario, points, [wanted[m] for m in chunk])
                tasks[s, tuple(chunk.tolist())] = pool.submit(_look, key, plain, points, [wanted[m] for m in chunk])
        for (s, chunk_mounts), task in tasks.items():
            shares, made = task.result()
            counts += made
            for m, part in zip(chunk_mounts, np.split(shares, np.cumsum([len(wanted[m]) for m in chunk_mounts])[:-1])):
                share[s, start[m] : start[m + 1]] = part
            bar.update(len(chunk_mounts))
    return Visibility(start, np.concatenate(wanted), share, int(counts[0]), int(counts[1]))


def _wanted(found: Candidates) -> list[NDArray[np.int64]]:
    """Of every mount the places that some candidate there has in its picture, rising."""
    owner = np.repeat(found.mount, np.diff(found.views.start))
    pairs = np.unique(owner * (int(found.views.place.max(initial=0)) + 1) + found.views.place)
    mount, place = np.divmod(pairs, int(found.views.place.max(initial=0)) + 1)
    return np.split(place.astype(np.int64), np.searchsorted(mount, np.arange(1, len(found.mounts))))


def _key(scenario: Scenario, points: list[tuple[float, ...]], wanted: list[NDArray[np.int64]]) -> str:
    places = [w.tolist() for w in wanted]
    return "sight-" + digest([scenario.hash, points, places, SIDE, TEXELS, code_version(RENDERING)])


_NO_LAYOUT: Layout = None  # type: ignore[assignment]
"""Tasks travel without the layout, which every worker has."""
_worlds: dict[float, World] = {}
_layout: Layout
_cache: PictureCache


def _begin(layout: Layout, folder: Path, limit: int) -> None:
    global _layout, _cache
    _layout, _cache = layout, PictureCache(folder, limit)


def _look(
    key: str, plain: Scenario, points: list[tuple[float, float, float]], wanted: list[NDArray[np.int64]]
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The levels of all wanted places of some points, and how many entries were rendered and found."""
    before = _cache.rendered, _cache.found
    entry = _cache.make(key, lambda: _render(plain, points, wanted))
    return entry["share"], (_cache.rendered - before[0], _cache.found - before[1])


def _render(plain: Scenario, points: list[tuple[float, float, float]], wanted: list[NDArray[np.int64]]) -> Arrays:
    scenario = dataclasses.replace(plain, layout=_layout)
    alike = scenario.conditions.lookalikes
    if alike.distance not in _worlds:
        _worlds[alike.distance] = World(_layout, density=TEXELS, lookalikes=alike)
    world = _worlds[alike.distance]
    if world.scenario is not None and dataclasses.replace(world.scenario, layout=_layout) == scenario:
        scenario = world.scenario
    shares = np.concatenate(seen_from(world, scenario, points, wanted))
    return {"share": np.rint(shares * LEVELS).astype(np.uint8)}

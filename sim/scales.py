"""Scales: load cells under a position, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Layout, Product, rng
from scenarios.timeline import Timeline

DENSITY = {
    "box": 350.0, "pouch": 350.0, "bag": 200.0, "multipack": 620.0, "can": 780.0, "bottle": 560.0, "jar": 640.0,
    "carton": 950.0, "tub": 650.0, "tube": 450.0,
}  # fmt: skip
"""Mass of a pack over the volume of its bounding box, kg/m³ (assumed, from the fill that `bench.stores` takes for each
form and contents as dense as water, or half as dense where they are dry)."""


@dataclass(frozen=True)
class Scale:
    """A scale under a position. `pack`: standard deviation of a pack's mass as a share of it (assumed 0.01; the
    European directive 76/211/EEC lets prepacked goods of 300 to 500 g be 3 % too light). `noise`: of a reading, kg;
    `drift`: of the zero over a day, kg (both assumed)."""

    pack: float = 0.01
    noise: float = 0.005
    drift: float = 0.02


def pack_masses(layout: Layout) -> NDArray[np.float64]:
    """The mass of a pack of every position's SKU (Q,), kg."""
    return np.array([_mass(layout.product(p)) for p in layout.planogram.positions])


def _mass(product: Product) -> float:
    return product.width * product.height * product.depth * DENSITY[product.form]


def weigh(timeline: Timeline, scale: Scale, times: Sequence[float], seed: int) -> NDArray[np.float64]:
    """What the scales of all positions show (M, Q) at moments (M,), kg: own packs and others; NaN while silent."""
    layout, stays = timeline.layout, timeline.stays
    mass = {p.sku: _mass(p) for p in layout.catalog}
    spread = {int(u): rng(seed, "pack", int(u)).standard_normal() for u in np.unique(stays.unit)}
    masses = np.array([mass[str(s)] * (1 + scale.pack * spread[int(u)]) for s, u in zip(stays.sku, stays.unit)])
    positions = len(layout.planogram.positions)
    zero = rng(seed, "zero").normal(0, scale.drift, positions)
    shown = []
    for time in times:
        there = stays.there(time)
        total = np.bincount(stays.position[there], masses[there], positions)
        noise = rng(seed, "scale", repr(float(time))).normal(0, scale.noise, positions)
        shown.append(np.full(positions, np.nan) if timeline.silent("scales", time) else total + zero + noise)
    return np.array(shown).reshape(len(times), positions)

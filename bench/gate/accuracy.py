"""How much worse: what two versions found in the same pictures, in pairs by scenario."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from bench.gate.scenes import Scenes
from bench.precision import match
from bench.scoring import HALF, places_seen
from bench.statistics import Floats, ratio
from vision.readings import PRODUCT

CHANCE = 0.005
"""Of a one-sided bound: three figures are judged in a run."""
METRICS = {
    "detection_recall": "products found",
    "facings_exact": "facings counted right",
    "oos_recall": "out-of-stock found",
}
Counts = dict[str, Floats]
"""By metric, (S, 2): of each scenario how many were right, and how many there were."""


@dataclass(frozen=True)
class Loss:
    """By how much head's share is smaller than base's, 0.02 is 2 points; `low` and `high` are one-sided bounds of
    99.5 % each. NaN where nothing was there to find."""

    base: float
    head: float
    value: float
    low: float
    high: float
    p: float
    events: int
    """How many there were to find."""

    def shown(self) -> bool:
        """Whether it is more than chance that head finds fewer."""
        return self.value > 0 and self.p <= CHANCE


Said = Sequence[tuple[str, int | None]]
"""Level and facings of every position."""


def score(scenes: Scenes, pictures: Sequence[dict[str, Any]], said: Sequence[Said]) -> Counts:
    """Score what a version read in each picture (N) and said of each scenario (S)."""
    counts: Counts = {name: np.zeros((len(said), 2)) for name in METRICS}
    owner = scenes.layout.places.position
    for scenario, states in enumerate(said):
        truths = [scenes.truths[i] for i in scenes.pictures_of(scenario)]
        for i, truth in zip(scenes.pictures_of(scenario), truths):
            counts["detection_recall"][scenario] += _found(pictures[i], truth)
        seen = np.any([places_seen(t, len(owner)) for t in truths], axis=0)
        visible = np.bincount(owner, seen) / np.bincount(owner) >= HALF
        there = scenes.positions[scenario]
        exact = np.array([facings == p.facings for (_, facings), p in zip(states, there)])
        out = np.array([p.level == "out" for p in there])
        said_out = np.array([level == "out" for level, _ in states])
        counts["facings_exact"][scenario] = (exact[visible].sum(), visible.sum())
        counts["oos_recall"][scenario] = (said_out[out & visible].sum(), (out & visible).sum())
    return counts


def _found(picture: dict[str, Any], truth: Any) -> tuple[int, int]:
    """Of the products of which at least half is visible, how many were found, and how many there are."""
    products = picture["class_id"] == PRODUCT
    visible = truth.visible_fraction >= HALF
    half_hidden = (truth.visible_fraction > 0) & ~visible
    matches = match(
        picture["xyxy"][products].astype(float), picture["confidence"][products].astype(float),
        truth.visible_box[visible].astype(float), truth.visible_box[half_hidden].astype(float),
    )  # fmt: skip
    return int((matches.hit[0] >= 0).sum()), matches.objects


def loss(base: Floats, head: Floats) -> Loss:
    """Compare counts (S, 2) of one metric. With few losses or none Student's t is surer than it can be: then the bound
    is that of the rule of three, for as many events as there were."""
    samples = [ratio(*counts.T) for counts in (base, head)]
    events, scenarios = int(min(base[:, 1].sum(), head[:, 1].sum())), len(base)
    if not events:
        return Loss(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, 0)
    lost = samples[0] - samples[1]
    far = -float(stdtrit(scenarios - 1, CHANCE))
    p = float(stdtr(scenarios - 1, -lost.value / lost.error)) if lost.error > 0 else 0.5
    unseen = -math.log(CHANCE) / events
    high = max(lost.value + far * lost.error, unseen)
    return Loss(samples[0].value, samples[1].value, lost.value, lost.value - far * lost.error, high, p, events)

"""Made-up samples whose response is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.response.samples import COLUMNS

CEILING, NEEDED, STEEPNESS = 0.97, 300.0, 2.2
"""Of the chance to be found, seen straight: its most, the px/m of half of that, and its slope in log px/m."""


def true_chance(px_per_m: NDArray, angle: NDArray, visible_fraction: NDArray) -> NDArray:
    """The chance that a unit of the made-up samples is found."""
    logit = STEEPNESS * np.log(px_per_m / NEEDED) - 1.5 * angle**2 + 6 * np.minimum(visible_fraction - 0.7, 0)
    return CEILING / (1 + np.exp(-logit))


def made_up(rows: int, stores: int = 20, seed: int = 0, first: int = 0, gaps: float = 0.2) -> pd.DataFrame:
    """Samples of units and gaps: what is found and right follows `true_chance`, and names also the look-alikes."""
    random = np.random.default_rng(seed)
    ppm, angle = np.exp(random.uniform(np.log(120), np.log(2500), rows)), random.uniform(0, 1.2, rows)
    visible, store = np.sqrt(random.uniform(0, 1, rows)), np.arange(rows) % stores
    chance = true_chance(ppm, angle, visible)
    found = random.random(rows) < chance
    lookalike = random.random(rows) < 0.4
    distance = np.where(lookalike, (store + 0.5) / stores, 1.0)
    named = random.random(rows) < 1 / (1 + np.exp(-1.5 * np.log(ppm / 400) - 5 * distance))
    unit = random.random(rows) >= gaps
    columns = {
        "kind": np.where(unit, "unit", "gap"), "store": [f"s{first + s}" for s in store], "seed": np.arange(rows) // 50,
        "camera": "view", "position": "p", "place": 0, "level": 0, "sku": "a", "form": "can",
        "width": 0.1, "picture_side": 1920,
        "own": True, "lookalike": lookalike, "lookalike_distance": distance, "px_per_m": ppm, "angle": angle,
        "angle_horizontal": angle, "angle_vertical": 0.0, "lux": np.exp(random.uniform(np.log(80), np.log(1500), rows)),
        "visible_fraction": visible, "found": found & unit, "confidence": 0.8 * found, "named": "a",
        "sku_right": found & named & unit, "confused": found & ~named & lookalike & unit, "right": found,
    }  # fmt: skip
    return pd.DataFrame(columns)[list(COLUMNS)].astype(COLUMNS).assign(model="made-up")

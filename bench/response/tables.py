"""What fits say, as plain rows: curves, Shelf-DORI, calibration, confusion of look-alikes, robustness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.response.fit import OUTCOMES, Fit, Outcome, rows_of, scenario_of
from bench.response.response import AXES, Floats, Response
from bench.response.samples import CLEAN
from bench.statistics import interval, jackknife, leave_one_out, ratio, share_interval
from scenarios import Lookalikes

POINTS = 60
"""Of a drawn curve."""
BINS = 10
"""Of predicted chances, as the expected calibration error is usually taken (Naeini et al., AAAI 2015)."""
FEWEST = 20
"""Samples of a bin that is shown."""
DORI = (
    ("detect", "detect", 1.0, 25), ("count", "count", 1.0, 62), ("see a gap", "gap", 1.0, None),
    ("recognise", "sku", 1.0, 125), ("tell look-alikes apart", "sku", Lookalikes().distance, 250),
)  # fmt: skip
"""Task, outcome, look-alike distance, and the px/m that EN 62676-4 asks for to detect, observe, recognise and identify
a person. Look-alikes are as far apart as they are by default."""


def curve_rows(fit: Fit) -> dict[str, list[dict[str, float]]]:
    """By axis, the chance with its 95 % interval along what was measured of the axis, the others at their
    references; `value` is in the axis's unit."""
    rows = {}
    for name, curve in fit.response.curves.items():
        axis = AXES[name]
        low = math.log(fit.response.measured[0]) if name == "px_per_m" else curve.x[0]
        x = np.linspace(low, curve.x[-1], POINTS)
        values = np.exp(x) if axis.logarithmic else x
        chance = _along(fit.response, name, values)
        band = np.quantile([_along(r, name, values) for r in fit.replicates], fit.tails, axis=0)
        columns = {"value": values / axis.scale, "chance": chance, "low": band[0], "high": band[1]}
        rows[name] = _rows(columns)
    return rows


def _along(response: Response, name: str, values: Floats) -> Floats:
    view: dict[str, Any] = {axis: AXES[axis].reference for axis in AXES}
    return response.predict(**(view | {name: values}))


def point_rows(fit: Fit, table: pd.DataFrame, bins: int = 8) -> dict[str, list[dict[str, float]]]:
    """By axis, what was observed in bins of about as many values each, moved to the references of the other axes: the
    logit of the curve in the middle of the bin and what the bin's samples lie above or below their predictions."""
    rows = rows_of(fit.outcome, table)
    right = rows[fit.outcome.column].to_numpy(float)
    chance = predicted(fit.response, rows)
    points: dict[str, list[dict[str, float]]] = {}
    for name in fit.response.curves:
        values, axis = rows[name].to_numpy(float), AXES[name]
        edges = np.unique(np.quantile(np.unique(values), np.linspace(0, 1, bins + 1)))
        bin_of = np.clip(np.searchsorted(edges, values, "right") - 1, 0, max(len(edges) - 2, 0))
        points[name] = []
        for b in range(max(len(edges) - 1, 1)):
            inside = bin_of == b
            if inside.sum() >= FEWEST:
                middle = float(np.median(values[inside]))
                moved = _shifted(_along(fit.response, name, np.array([middle])), chance[inside], right[inside].mean())
                points[name].append({"value": middle / axis.scale, "chance": moved, "samples": int(inside.sum())})
    return points


def _shifted(at: Floats, chance: Floats, observed: float) -> float:
    """The chance `at` a point, its logit shifted by as much as makes the mean of `chance` (N,) the observed share;
    by bisection, within 12 logits."""
    logit = np.log(np.clip(chance, 1e-9, 1 - 1e-9)) - np.log1p(-np.clip(chance, 1e-9, 1 - 1e-9))
    low, high = -12.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        above = (1 / (1 + np.exp(-logit - middle))).mean() > observed
        low, high = (low, middle) if above else (middle, high)
    odds = float(at[0] / max(1 - at[0], 1e-9)) * math.exp(low)
    return odds / (1 + odds)


def predicted(response: Response, rows: pd.DataFrame) -> Floats:
    """What a response predicts of samples."""
    return response.predict(*(rows[name].to_numpy(float) for name in AXES))


def dori_rows(fits: dict[str, Fit], chance: float) -> list[dict[str, Any]]:
    """Shelf-DORI: for each task the pixels per metre at the shelf that give a chance in the view of the references,
    with a 95 % interval; None where no number of them does."""
    rows = []
    for task, outcome, distance, people in DORI:
        if outcome not in fits:
            continue
        fit = fits[outcome]
        needed = [r.least_px_per_m(chance, lookalike_distance=distance) for r in (fit.response, *fit.replicates)]
        low, high = np.quantile(needed[1:], fit.tails, method="nearest") if fit.replicates else (math.nan, math.nan)
        best = fit.response.predict(1e6, lookalike_distance=distance)
        rows.append(
            {
                "task": task, "outcome": outcome, "lookalike_distance": distance, "chance": chance,
                "px_per_m": _finite(needed[0]), "low": _finite(low), "high": _finite(high),
                "at_most": needed[0] <= fit.response.measured[0],
                "ceiling": round(float(best), 4), "people_px_per_m": people,
            }
        )  # fmt: skip
    return rows


def _finite(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None


def reliability(
    chance: Floats, right: Floats, scenario: NDArray[np.int64], bins: int = BINS
) -> dict[str, Any]:  # fmt: skip
    """Predicted beside observed: in bins of the chance the mean of both with a 95 % interval of the observed, the
    expected calibration error with its interval, and the Brier score beside that of predicting the mean."""
    bin_of = np.minimum((chance * bins).astype(int), bins - 1)
    count, hits, hoped = (_sums(v, bin_of, scenario, bins) for v in (np.ones(len(right)), right, chance))
    rows = []
    for b in np.flatnonzero(count.sum(axis=0) >= FEWEST):
        observed = share_interval(ratio(hits[:, b], count[:, b]), count[:, b])
        mean = float(hoped[:, b].sum() / count[:, b].sum())
        rows.append(
            {"predicted": round(mean, 4), "observed": round(observed.value, 4), "low": round(observed.low, 4),
             "high": round(observed.high, 4), "samples": int(count[:, b].sum())}
        )  # fmt: skip
    gap = hits - hoped
    error = float(np.abs(gap.sum(axis=0)).sum() / len(right))
    others = leave_one_out(len(gap))
    with np.errstate(invalid="ignore"):
        left_out = np.abs(others @ gap).sum(axis=1) / (others @ count).sum(axis=1)
    wrong = interval(jackknife(error, left_out), 0, 1)
    return {
        "bins": rows, "expected_calibration_error": _estimate(wrong), "samples": len(right),
        "scenarios": int(scenario.max()) + 1, "predicted": round(float(chance.mean()), 4),
        "observed": round(float(right.mean()), 4), "brier": round(float(np.mean((chance - right) ** 2)), 4),
        "brier_of_mean": round(float(np.var(right)), 4),
    }  # fmt: skip


def _sums(values: Floats, bin_of: NDArray[np.int64], scenario: NDArray[np.int64], bins: int) -> Floats:
    """Sums by scenario and bin."""
    flat = np.bincount(scenario * bins + bin_of, values, (int(scenario.max()) + 1) * bins)
    return flat.astype(float).reshape(-1, bins)


def calibration(fit: Fit, table: pd.DataFrame) -> dict[str, Any] | None:
    """The reliability of a fit on samples that it has not seen; None without any."""
    rows = rows_of(fit.outcome, table)
    if rows.empty:
        return None
    right = rows[fit.outcome.column].to_numpy(float)
    return reliability(predicted(fit.response, rows), right, scenario_of(rows))


def confusion_rows(table: pd.DataFrame, bins: int = 5) -> list[dict[str, float]]:
    """Of the found units of look-alike families, the share that is named another of the family, in bins of the
    distance, with 95 % intervals."""
    rows = rows_of(OUTCOMES["apart"], table)
    if rows.empty:
        return []
    scenario = scenario_of(rows)
    bin_of = np.minimum((rows["lookalike_distance"].to_numpy(float) * bins).astype(int), bins - 1)
    sums = [
        _sums(values, bin_of, scenario, bins)
        for values in (np.ones(len(rows)), rows["confused"].to_numpy(float), rows["lookalike_distance"].to_numpy(float))
    ]
    made = []
    for b in np.flatnonzero(sums[0].sum(axis=0) >= FEWEST):
        count = sums[0][:, b]
        rate = share_interval(ratio(sums[1][:, b], count), count)
        made.append(
            {"value": float(sums[2][:, b].sum() / count.sum()), "rate": rate.value, "low": rate.low, "high": rate.high,
             "samples": int(count.sum()), "scenarios": int((count > 0).sum())}
        )  # fmt: skip
    return made


def confusion_curves(fit: Fit, px_per_m: Sequence[float] = (250, 500, 1000)) -> list[dict[str, Any]]:
    """The fitted share of found look-alikes that is named another of the family against the distances that
    were measured, at some pixels per metre, with 95 % intervals; none where all were alike."""
    curve = fit.response.curves.get("lookalike_distance")
    if curve is None:
        return []
    distance = np.linspace(curve.x[0], curve.x[-1], POINTS)

    def wrong(response: Response, ppm: float) -> Floats:
        return 1 - response.predict(ppm, lookalike_distance=distance)

    curves = []
    for ppm in px_per_m:
        low, high = np.quantile([wrong(r, ppm) for r in fit.replicates], fit.tails, axis=0)
        columns = {"value": distance, "rate": wrong(fit.response, ppm), "low": low, "high": high}
        curves.append({"px_per_m": ppm, "curve": _rows(columns)})
    return curves


def robustness_rows(table: pd.DataFrame, outcome: Outcome, pair: Sequence[str] = ("store", "seed")) -> list[dict]:
    """By `condition` of a table, what it loses of an outcome's share against `CLEAN`, in pairs of the same scenario,
    with a 95 % interval. Scenarios that either lacks are left out. Raises ValueError without the clean scene."""
    rows = rows_of(outcome, table)
    if CLEAN not in set(rows["condition"]):
        raise ValueError(f"no samples of the condition {CLEAN!r} of: {outcome.title}")
    sums = rows.groupby(["condition", *pair])[outcome.column].agg(["sum", "count"]).astype(float)
    clean = sums.loc[CLEAN]
    made = []
    for condition in sums.index.get_level_values(0).unique().drop(CLEAN):
        both = sums.loc[condition].join(clean, how="inner", suffixes=("", "_clean"))
        if len(both):
            there = ratio(both["sum"].to_numpy(), both["count"].to_numpy())
            before = ratio(both["sum_clean"].to_numpy(), both["count_clean"].to_numpy())
            loss = _estimate(interval(before - there, -1, 1))
            made.append({"condition": condition, "loss": loss, "clean": round(before.value, 4), "scenarios": len(both)})
    return sorted(made, key=lambda row: -row["loss"]["value"])


def _estimate(e: Any) -> dict[str, float]:
    return {"value": round(e.value, 4), "low": round(e.low, 4), "high": round(e.high, 4)}


def _rows(columns: dict[str, Floats]) -> list[dict[str, float]]:
    return [dict(zip(columns, (round(float(v), 5) for v in row))) for row in zip(*columns.values())]

"""What a closed loop's days are worth: availability, lost sales, overstock, labour and losses found, by arm.

Starts (an opening stock and the days that follow it) are what is resampled: days of one start hang together. Arms saw
the same shoppers' wishes and are compared in pairs with a manual audit once a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.day.loop import BASE, LoopDay
from bench.day.measures import LOSSES, loss_delays
from bench.day.play import sales_rates
from bench.results import estimate_row
from bench.statistics import Floats, Sample, interval, paired_difference, ratio, share_interval
from scenarios import Layout
from scenarios.demand import Demand
from scenarios.events import LostSale, Sale
from vision.count import TAIL
from vision.forecast import SalesTrend, time_to_stock_out

SHARES = ("osa", "lost_share", "tasks_for_nothing", "losses_found", "fewer_precision")
A_DAY = (
    "lost_units", "lost_money", "overstock_units", "overstock_money", "labour_minutes", "tasks", "units_put",
    "visits_in_vain", "shrinkage_found_units",
)  # fmt: skip
"""Measures per store and day; all others are shares."""
MOST = 60
"""Units that a SKU may sell in a day, in the forecast's intervals."""
Counts = Mapping[str, tuple[float, float]]


def loop_counts(
    days: Sequence[LoopDay], layout: Layout, demand: Demand, overstock: float
) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of every measure of an arm, of all days that follow one start."""
    rows = [_day_counts(day, layout, sales_rates(layout, demand) * demand.open_seconds, overstock) for day in days]
    return {name: (sum(r[name][0] for r in rows), sum(r[name][1] for r in rows)) for name in rows[0]}


def _day_counts(day: LoopDay, layout: Layout, daily: Floats, overstock: float) -> dict[str, tuple[float, float]]:
    price = {p.sku: layout.product(p).price for p in layout.planogram.positions}
    lost = [e.sku for e in day.events if isinstance(e, LostSale)]
    sold = sum(isinstance(e, Sale) for e in day.events)
    excess = np.maximum(day.units - overstock * daily, 0).mean(axis=0)
    worth = np.array([price[p.sku] for p in layout.planogram.positions])
    low = {p.id: p.low_at for p in layout.planogram.positions}
    delays = loss_delays(day.events, day.fewer, day.times, layout)
    told = [(np.isfinite(delay), units) for kind in LOSSES for delay, units in delays[kind]]
    per_day = {
        "lost_units": float(len(lost)), "lost_money": sum(price[s] for s in lost),
        "overstock_units": float(excess.sum()), "overstock_money": float(excess @ worth),
        "labour_minutes": day.seconds / 60, "tasks": float(len(day.done)),
        "units_put": float(sum(d.put for d in day.done)),
        "visits_in_vain": float(sum(d.put == 0 for d in day.done)),
        "shrinkage_found_units": float(sum(units for found, units in told if found)),
    }  # fmt: skip
    return {name: (value, 1.0) for name, value in per_day.items()} | {
        "osa": (float((day.units > 0).sum()), float(day.units.size)),
        "lost_share": (float(len(lost)), float(len(lost) + sold)),
        "tasks_for_nothing": (float(sum(d.found > low[d.task.position] for d in day.done)), float(len(day.done))),
        "losses_found": (float(sum(found for found, _ in told)), float(len(told))),
        "fewer_precision": (float((day.fewer & day.truly_fewer).sum()), float(day.fewer.sum())),
    }


def loop_summary(counts: Mapping[str, Sequence[Counts]]) -> dict[str, Any]:
    """Every measure of every arm with its 95 % interval over starts, and its paired difference from the daily audit,
    from what `loop_counts` found of each start."""
    found = {arm: _samples(starts) for arm, starts in counts.items()}
    arms = {}
    for arm, samples in found.items():
        rows = {}
        for name, sample in samples.items():
            of = np.array([start[name][1] for start in counts[arm]])
            rows[name] = estimate_row(share_interval(sample, of) if name in SHARES else interval(sample, least=0.0))
        arms[arm] = rows
    against = {
        arm: {name: estimate_row(paired_difference(samples[name], found[BASE][name])) for name in samples}
        for arm, samples in found.items()
        if arm != BASE
    }
    return {"arms": arms, "against_audit_daily": against}


def _samples(starts: Sequence[Counts]) -> dict[str, Sample]:
    return {name: ratio(*np.array([s[name] for s in starts], float).T) for name in (*SHARES, *A_DAY)}


def forecast_counts(days: Sequence[LoopDay], layout: Layout, demand: Demand) -> dict[str, tuple[float, float]]:
    """How right the forecast was of days that it had not seen, over SKUs that stand in one position: the share of the
    days' wishes in their 90 % interval, below and above it; and of what may run out before closing, by its 90 %
    interval, the share that does so within it."""
    skus = [p.sku for p in layout.planogram.positions]
    alone = np.array([skus.count(s) == 1 for s in skus])
    totals = np.zeros(8)
    for day in days:
        if day.trend is not None:
            totals += _forecast_day(day, day.trend, skus, alone, demand.open_seconds)
    inside, below, above, expected, wished, of, times, may = totals.tolist()
    return {
        "sales_inside": (inside, of), "sales_below": (below, of), "sales_above": (above, of),
        "sales_expected": (expected, wished), "stock_out_inside": (times, may),
    }  # fmt: skip


def _forecast_day(day: LoopDay, trend: SalesTrend, skus: Sequence[str], alone: Floats, closes: float) -> Floats:
    wished = np.array([sum(sku == s for _, _, sku in day.wishes) for s in skus])[alone]
    cumulative = np.cumsum(trend.wanted(0.0, closes, MOST), axis=1)[alone]
    low, high = ((cumulative >= q - 1e-9).argmax(axis=1) for q in (TAIL, 1 - TAIL))
    now, held = float(day.times[0]), day.units[0]
    left = closes - now
    chances = np.eye(int(held.max(initial=0)) + 1)[held]
    says = time_to_stock_out(trend, chances, now, left / closes)
    may = alone & (held > 0) & (says.low <= left)
    within = 0
    for q in np.flatnonzero(may).tolist():
        later = [t - now for t, _, sku in day.wishes if sku == skus[q] and t > now]
        out = later[held[q] - 1] if len(later) >= held[q] else np.inf
        within += bool(says.low[q] <= out <= says.high[q])
    return np.array([
        ((low <= wished) & (wished <= high)).sum(), (wished < low).sum(), (wished > high).sum(),
        trend.expected(0.0, closes)[alone].sum(), wished.sum(), alone.sum(), within, may.sum(),
    ], float)  # fmt: skip


COLUMNS = (
    ("OSA", "osa", 3), ("lost units", "lost_units", 2), ("lost money", "lost_money", 2),
    ("overstock", "overstock_units", 1), ("minutes", "labour_minutes", 1), ("tasks", "tasks", 1),
    ("nothing", "tasks_for_nothing", 3), ("losses", "losses_found", 3),
    ("right", "fewer_precision", 3),
)  # fmt: skip


def loop_table(result: Mapping[str, Any]) -> str:
    """The table for the terminal."""
    head = f"{'arm':13s}" + "".join(f"{title:>{max(len(title) + 2, 9)}s}" for title, _, _ in COLUMNS)
    lines = [head, "-" * len(head)]
    for arm, row in result["arms"].items():
        cells = [
            f"{'–' if row[key]['value'] is None else format(row[key]['value'], f'.{n}f'):>{max(len(t) + 2, 9)}s}"
            for t, key, n in COLUMNS
        ]
        lines.append(f"{arm:13s}" + "".join(cells))
    lines += ["-" * len(head), f"against {BASE}, with 95 % intervals, in pairs"]
    for arm, row in result["against_audit_daily"].items():
        parts = [
            f"{title} {row[key]['value']:+.{n}f} [{_end(row[key]['low'], n)}, {_end(row[key]['high'], n)}]"
            for title, key, n in COLUMNS[:5]
            if row[key]["value"] is not None
        ]
        lines.append(f"{arm:13s}" + "  ".join(parts))
    lines += [
        f"{result['days']} days of {result['starts']} starts; readings {result['readings']}",
        "per store and day; overstock: units on the shelf beyond a week's sales; nothing: share of the tasks at a",
        "shelf that was not low; losses: share of thefts, damages, short and wrong fillings told of the same day;",
        "right: of the times that a position was told to hold fewer than the books say, the share that it did",
    ]
    return "\n".join(lines)


def _end(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:+.{digits}f}"

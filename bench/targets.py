"""Targets: what the pipeline should reach, beside what an experiment measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report import TITLES
from scenarios import InputError

Metrics = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Target:
    """The metric that has to be at least `bound`, or at most where `most`. `beside` is the same over all planned
    positions, which is shown and has no target."""

    metric: str
    bound: float
    most: bool = False
    beside: str = ""


TARGETS = (
    Target("detection_ap50", 0.92),
    Target("detection_ap", 0.65),
    Target("person_recall", 0.95),
    Target("sku_top1", 0.97),
    Target("sku_top1_lookalike", 0.90),
    Target("facings_exact_visible", 0.90, beside="facings_exact"),
    Target("units_error", 0.10, most=True),
    Target("units_coverage", 0.88),
    Target("interval_gain", 0.20),
    Target("oos_precision", 0.95),
    Target("oos_recall_visible", 0.95, beside="oos_recall"),
    Target("misplaced_precision", 0.90),
    Target("misplaced_recall", 0.90),
)
TITLE = TITLES | {"interval_gain": "Interval score better than the best constant width by"}


def value_of(metrics: Metrics, name: str) -> tuple[float | None, float | None, float | None]:
    """Value and 95 % interval of a metric of result.json, None where it has none. `interval_gain`, the share by which
    the interval score lies below that of the best constant width, is a quotient of two and has no interval."""
    if name != "interval_gain":
        found = metrics.get(name, {})
        return found.get("value"), found.get("low"), found.get("high")
    own, constant = (value_of(metrics, f"units_interval_{key}")[0] for key in ("score", "constant"))
    return None if own is None or not constant else 1 - own / constant, None, None


def verdict(target: Target, value: float | None) -> str:
    """Met or missed; what was not measured is never met."""
    if value is None:
        return "not measured"
    return "met" if (value <= target.bound if target.most else value >= target.bound) else "missed"


def targets_table(result: Mapping[str, Any], rig: str = "", model: str = "") -> str:
    """A Markdown table of one arm of a result, the chosen one unless `rig` and `model` name another."""
    wanted = {"rig": rig or result["choice"]["rig"], "model": model or result["choice"]["model"]}
    arm = next((a for a in result["arms"] if all(a[key] == name for key, name in wanted.items())), None)
    if arm is None:
        known = ", ".join(f"{a['rig']} {a['model']}" for a in result["arms"])
        raise InputError(f"result: no arm {wanted['rig']} {wanted['model']}; expected one of {known}")
    lines = [f"| {wanted['rig']} + {wanted['model']} | measured | all positions | target | |", "|---|---|---|---|---|"]
    for target in TARGETS:
        value, *interval = value_of(arm["metrics"], target.metric)
        all_positions = _number(*value_of(arm["metrics"], target.beside)) if target.beside else ""
        bound = f"{'≤' if target.most else '≥'} {target.bound:.2f}"
        said = _number(value, *interval)
        if target.metric == "units_coverage":
            said += f", mean width {_number(value_of(arm['metrics'], 'units_width')[0])}"
        lines.append(f"| {TITLE[target.metric]} | {said} | {all_positions} | {bound} | {verdict(target, value)} |")
    return "\n".join(lines)


def _number(value: float | None, low: float | None = None, high: float | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + ("" if low is None or high is None else f" ({low:.3f}–{high:.3f})")

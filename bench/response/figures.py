"""Figures of responses: curves, calibration, confusion of look-alikes, losses under conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from bench.figures import COLUMN, MARKERS, OKABE_ITO, PAGE, STYLE
from bench.response.response import AXES

NAMES = {
    "detect": "unit found", "count": "facing counted", "gap": "gap seen as empty", "sku": "found and named",
    "apart": "look-alike told apart",
}  # fmt: skip
CURVES = ("detect", "count", "gap", "sku")
"""The outcomes of the figure of responses; look-alikes told apart have a figure of their own."""


def response_figure(
    curves: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]],
    points: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]],
) -> Figure:
    """The chance of every outcome against every axis, with 95 % bands and the observed shares moved to the same
    view. `curves` and `points` are rows by outcome and axis (`bench.response.tables`)."""
    shown = [name for name in AXES if any(name in curves[o] for o in CURVES if o in curves)]
    with matplotlib.rc_context(STYLE):
        columns = min(3, len(shown))
        rows = -(-(len(shown) + (len(shown) % columns > 0)) // columns)
        figure = Figure((PAGE, 2.25 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        for axes, name in zip(grid, shown):
            for number, outcome in enumerate(o for o in CURVES if o in curves):
                _draw_curve(axes, number, outcome, curves[outcome].get(name, ()), points[outcome].get(name, ()))
            _label_axis(axes, name)
        for axes in grid[::columns]:
            axes.set_ylabel("Chance")
        grid[0].set_ylim(0, 1.02)
        handles, labels = grid[0].get_legend_handles_labels()
        spare = grid[len(shown) :]
        for axes in spare:
            axes.axis("off")
        if len(spare):
            spare[0].legend(
                handles, labels, loc="center left", frameon=False, title=_references(shown), alignment="left"
            )
        else:
            figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _draw_curve(axes: Axes, number: int, outcome: str, curve: Sequence, points: Sequence) -> None:
    colour = OKABE_ITO[number]
    if curve:
        x = [row["value"] for row in curve]
        axes.plot(x, [row["chance"] for row in curve], color=colour, label=NAMES[outcome])
        axes.fill_between(
            x, [row["low"] for row in curve], [row["high"] for row in curve], color=colour, alpha=0.18, linewidth=0
        )
    axes.plot(
        [row["value"] for row in points], [row["chance"] for row in points], MARKERS[number], color=colour,
        markersize=3, markerfacecolor="white", markeredgewidth=0.8,
    )  # fmt: skip


def _references(shown: Sequence[str]) -> str:
    values = {name: AXES[name].reference / AXES[name].scale for name in shown}
    parts = {
        "px_per_m": "{:.0f} px/m", "angle": "{:.0f}°", "lux": "{:.0f} lx", "visible_fraction": "wholly visible",
        "lookalike_distance": "no look-alike",
    }  # fmt: skip
    texts = [parts[name].format(values[name]) for name in shown]
    lines = [", ".join(texts[k : k + 3]) for k in range(0, len(texts), 3)]
    return "Line and band: fitted, 95 %; marks: observed\nUnless varied: " + ",\n".join(lines)


def _label_axis(axes: Axes, name: str) -> None:
    axis = AXES[name]
    axes.set_xlabel(axis.title + (f" ({axis.unit})" if axis.unit != "–" else ""))
    if axis.logarithmic:
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        ticks = [m * 10**e for e in range(7) for m in (1, 2, 5) if low <= m * 10**e <= high]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())


def calibration_figure(checks: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Observed against predicted shares by outcome, with 95 % intervals, on scenarios that the fit has not seen."""
    with matplotlib.rc_context(STYLE):
        columns = min(3, len(checks))
        rows = -(-len(checks) // columns)
        figure = Figure((PAGE * columns / 3, 2.7 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for number, (axes, (outcome, check)) in enumerate(zip(grid, checks.items())):
            axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle="--")
            bins = check["bins"]
            observed = [b["observed"] for b in bins]
            error = [[b["observed"] - b["low"] for b in bins], [b["high"] - b["observed"] for b in bins]]
            axes.errorbar(
                [b["predicted"] for b in bins], observed, error, fmt=MARKERS[number], color=OKABE_ITO[number],
                markersize=4, linewidth=1, capsize=2,
            )  # fmt: skip
            wrong = check["expected_calibration_error"]
            axes.set_title(f"{NAMES[outcome]}\nECE {wrong['value']:.3f} [{wrong['low']:.3f}, {wrong['high']:.3f}]")
            axes.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
        for number, axes in enumerate(grid):
            if number >= len(checks):
                axes.axis("off")
            if number + columns >= len(checks):
                axes.set_xlabel("Predicted chance")
            axes.tick_params(labelbottom=True)
            if number % columns == 0:
                axes.set_ylabel("Observed share")
    return figure


def confusion_figure(observed: Sequence[Mapping[str, float]], curves: Sequence[Mapping[str, Any]]) -> Figure:
    """The share of found look-alikes that is named another of their family against the look-alike distance: observed
    in bins with 95 % intervals, and as fitted at several pixels per metre."""
    with matplotlib.rc_context(STYLE):
        figure = Figure((COLUMN, 2.7), layout="constrained")
        axes = figure.subplots()
        for number, one in enumerate(curves):
            x = [row["value"] for row in one["curve"]]
            colour = OKABE_ITO[number]
            axes.plot(x, [row["rate"] for row in one["curve"]], color=colour, label=f"fitted, {one['px_per_m']:g} px/m")
            low, high = ([row[k] for row in one["curve"]] for k in ("low", "high"))
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        rate = [row["rate"] for row in observed]
        error = [[r["rate"] - r["low"] for r in observed], [r["high"] - r["rate"] for r in observed]]
        axes.errorbar(
            [row["value"] for row in observed], rate, error, fmt="o", color="black", markersize=4, linewidth=1,
            capsize=2, label="observed, all views",
        )  # fmt: skip
        axes.set(xlabel="Look-alike distance (0 the same artwork, 1 unrelated)", ylabel="Taken for one of its family")
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(frameon=False)
    return figure


def robustness_figure(rows: Mapping[str, Sequence[Mapping[str, Any]]], unit: str = "percentage points") -> Figure:
    """By outcome, what each condition loses against the clean scene, with 95 % intervals, the worst on top."""
    with matplotlib.rc_context(STYLE):
        conditions = [row["condition"] for row in next(iter(rows.values()))]
        height = 0.9 + (0.14 * len(rows) + 0.12) * len(conditions)
        figure = Figure((COLUMN + 1.0, max(2.0, height)), layout="constrained")
        axes = figure.subplots()
        thick = 0.8 / len(rows)
        for number, (outcome, losses) in enumerate(rows.items()):
            by_name = {row["condition"]: row["loss"] for row in losses}
            known = [(i, by_name[c]) for i, c in enumerate(conditions) if c in by_name]
            y = [i + (number - (len(rows) - 1) / 2) * thick for i, _ in known]
            value = [100 * loss["value"] for _, loss in known]
            error = [
                [100 * (e["value"] - e["low"]) for _, e in known],
                [100 * (e["high"] - e["value"]) for _, e in known],
            ]
            axes.barh(
                y, value, thick, xerr=error, color=OKABE_ITO[number], label=NAMES[outcome],
                error_kw={"linewidth": 0.8, "capsize": 1.5, "ecolor": "#333333"},
            )  # fmt: skip
        axes.set_yticks(range(len(conditions)), conditions)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.axvline(0, color="#333333", linewidth=0.8)
        axes.set_xlabel(f"Loss against the clean scene ({unit})")
        figure.legend(loc="outside lower center", ncols=min(2, len(rows)), frameon=False)
    return figure

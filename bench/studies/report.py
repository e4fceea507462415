"""A study's result.json and report, made of its finished cells alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from bench.comparison import compared
from bench.devices import conditions
from bench.figures import save_figure
from bench.results import COMPARED, comparison_row
from bench.studies.cell_result import CellResult, read_samples
from bench.studies.crew import Plan
from bench.studies.figures import effects_figure
from sim.render import describe

METRICS = ("facings_exact", "oos_recall", "oos_precision", "sku_top1", "detection_ap50", "units_error")
TITLES = {
    "facings_exact": "Facings exact", "oos_recall": "OOS recall", "oos_precision": "OOS precision",
    "sku_top1": "SKU top-1", "detection_ap50": "Detection AP50", "units_error": "Units error",
}  # fmt: skip
DRAWN = ("facings_exact", "oos_recall", "sku_top1", "units_error")
"""Metrics whose changes are drawn."""


def as_study_result(
    plan: Plan, cells: Sequence[CellResult], failed: Mapping[str, str], latency: Sequence[Mapping[str, Any]],
    work: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """The whole study as plain data. Cells that are not there are named under `skipped`."""
    axes = _axes(plan)
    names = dict(zip(plan.hashes, (cell.name for cell in plan.study.cells)))
    there = {c.hash for c in cells}
    return {
        "command": f"run experiment={plan.study.name}",
        "study": str(plan.folder),
        "cells": [
            {k: getattr(c, k) for k in ("hash", "at", "rig", "model", "runtime", "renderer", "settings", "metrics")}
            | {"name": c.name, "px_per_m": c.px_per_m, "cost": c.cost, "work": c.work, "device": dict(c.device)}
            for c in cells
        ],
        "axes": axes,
        "effects": effects(plan, cells, axes),
        "latency": list(latency),
        "work": dict(work),
        "conditions": conditions()
        | {
            "renderers": {c.renderer: describe(c.renderer) for c in cells},
            "scenario": plan.study.base.scenario,
            "seeds": cells[0].seeds,
            "precision": "FP32",
            "skipped": [f"{names[h]}: {failed.get(h, 'not made')}" for h in plan.hashes if h not in there],
        },
        "config": dict(plan.study.config),
    }


def _axes(plan: Plan) -> dict[str, list[str]]:
    """The values of every axis, rigs and models too."""
    axes: dict[str, list[str]] = {axis: list(values) for axis, values in plan.study.config["axes"].items()}
    axes |= {"rig": [r.name for r in plan.study.base.rigs], "model": [m.name for m in plan.study.base.models]}
    return axes


def effects(plan: Plan, cells: Sequence[CellResult], axes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """For every axis, what each value changes against the axis' first value, all else the same: paired by scenario, and
    corrected for all comparisons of that metric along that axis.

    Rows of axis, value, against, the cell's other coordinates, metric, and the `Comparison`. The first metric decides,
    the others explain: they are not corrected for one another.
    """
    samples = {c.hash: read_samples(plan.cell_folder(c.hash)) for c in cells}
    where = {tuple(_place(c, axes).items()): c for c in cells}
    rows = []
    for axis, values in axes.items():
        pairs = []
        for cell in cells:
            reference = where.get(tuple((_place(cell, axes) | {axis: values[0]}).items()))
            if reference not in (None, cell):
                pairs.append((cell, reference))
        for metric in COMPARED:
            found = compared([samples[a.hash][metric] - samples[b.hash][metric] for a, b in pairs])
            for (cell, _), comparison in zip(pairs, found):
                place = _place(cell, axes)
                others = {k: v for k, v in place.items() if k != axis and len(axes[k]) > 1}
                row = {"axis": axis, "value": place[axis], "against": values[0], "at": others, "metric": metric}
                rows.append(row | comparison_row(comparison))
    return rows


def _place(cell: CellResult, axes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    coordinates = {**cell.at, "rig": cell.rig, "model": cell.model}
    return {axis: coordinates[axis] for axis in axes}


def study_table(result: Mapping[str, Any]) -> str:
    """The table for the terminal: a line a cell, with the interval of the deciding metric."""
    wide = max(len(c["name"]) for c in result["cells"])
    lines = [" " * wide + "".join(f"{TITLES[m]:>17}" for m in METRICS[:4])]
    for cell in result["cells"]:
        line = f"{cell['name']:{wide}}"
        for metric in METRICS[:4]:
            m = cell["metrics"][metric]
            half = "" if m["value"] is None else f" ±{(m['high'] - m['low']) / 2:.3f}"
            value = "–" if m["value"] is None else f"{m['value']:.3f}"
            line += f"{value}{half}".rjust(17)
        lines.append(line)
    for cell in (c for c in result["cells"] if c["device"]):
        told, ms = cell["device"], cell["device"]["ms"]
        lines.append(
            f"{cell['name']}: {told['frames']} frames on {told['url']}, device {ms['device']['p50']:.0f} ms, network "
            f"{ms['network']['p50']:.0f} ms, its clock {1000 * told['clock_ahead_s']:+.1f} "
            f"±{1000 * told['clock_bound_s']:.1f} ms"
        )
    for line in result["conditions"]["skipped"]:
        lines.append(f"not there  {line}")
    for run in result["latency"]:
        by = ", ".join(b["process"] for b in run["quiet"]["by"])
        noise = "" if run["quiet"]["quiet"] else f"  (not quiet: {by})"
        for model, stages in run["latency_ms"].items():
            lines.append(f"{model} on {run['runtime']}: {stages['total']['p50']:.0f} ms a picture here{noise}")
    return "\n".join(lines)


def draw_figures(folder: Path, result: Mapping[str, Any]) -> list[dict[str, str]]:
    """Write what each axis changes as a figure, in PDF, SVG and PNG; rows of axis, against, and the SVG's file."""
    folder.mkdir()
    by_axis: dict[str, list[Mapping[str, Any]]] = {}
    for effect in result["effects"]:
        by_axis.setdefault(effect["axis"], []).append(effect)
    for axis, rows in by_axis.items():
        save_figure(effects_figure(rows, {m: TITLES[m] for m in DRAWN}), folder / axis)
    return [
        {"axis": axis, "against": rows[0]["against"], "file": f"figures/{axis}.svg"} for axis, rows in by_axis.items()
    ]


def write_study_report(folder: Path, plan: Plan, result: Mapping[str, Any]) -> Path:
    """Write report.html, and the figures and the worst pictures that it shows."""
    pictures = folder / "pictures"
    pictures.mkdir()
    shown = []
    for cell in result["cells"]:
        for source in sorted(plan.cell_folder(cell["hash"]).glob("worst-*.jpg"))[:1]:
            target = pictures / f"{cell['hash']}.jpg"
            shutil.copyfile(source, target)
            shown.append({"name": cell["name"], "file": f"pictures/{target.name}"})
    figures = draw_figures(folder / "figures", result)
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["percent"] = lambda v: "–" if v is None else f"{100 * v:.1f}"
    interpretation = [p for p in plan.study.config["interpretation"].strip().split("\n\n") if p]
    page = environment.get_template("study.html.j2").render(
        result=result,
        name=plan.study.name,
        metrics=METRICS,
        titles=TITLES,
        shown=shown,
        interpretation=interpretation,
        figures=figures,
    )
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path

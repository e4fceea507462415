"""What the gate found: a page that needs nothing else, a summary of the size of a comment, and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from bench.gate.accuracy import METRICS
from bench.gate.verdict import NO_VERDICT, WORDS

TIMES = {"processor": "whole picture, processor time", "clock": "whole picture, by the clock"}
STAGES = {"detect": "detect", "recognize": "recognize", "register": "register", "count": "count"}
PLOT = (900, 180)
"""Width and height of the drawing of pairs, in its own units."""


def rows(result: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What was measured, base, head, and the difference with its bounds, a row each."""
    found = []
    for what, s in result.get("time", {}).items():
        title = TIMES.get(what) or f"{STAGES.get(what, what)}, by the clock"
        found.append((title, f"{s['base_ms']:.1f} ms", f"{s['head_ms']:.1f} ms", _change(s, "%")))
    for metric, lost in result.get("accuracy", {}).items():
        base, head = ("–" if lost[side] is None else f"{lost[side]:.3f}" for side in ("base", "head"))
        found.append((f"{METRICS[metric]} (of {lost['events']})", base, head, _change(lost, " points", -1)))
    return found


def _change(row: dict[str, Any], unit: str, sign: int = 1) -> str:
    """A change with its bounds; a loss is told as what it takes away."""
    if row["value"] is None:
        return "–"
    low, high = sorted(100 * sign * row[end] for end in ("low", "high"))
    value = 100 * sign * row["value"]
    return f"{value + 0.0:+.1f}{unit} ({low + 0.0:+.1f} to {high + 0.0:+.1f})"


def table(result: dict[str, Any]) -> str:
    """The table for the terminal, with what was judged below it."""
    lines = [f"{'':32s}{'base':>10s}{'head':>10s}  head against base"]
    lines += [f"{name:32s}{base:>10s}{head:>10s}  {change}" for name, base, head, change in rows(result)]
    lines += ["", *(f"{f['verdict']:12s}{f['name']}: {f['reason']}" for f in result["findings"])]
    return "\n".join([*lines, "", f"verdict: {result['verdict']}"])


def summary(result: dict[str, Any]) -> str:
    """Markdown of the size of a comment."""
    base, limits, conditions = result["base"], result["limits"], result["conditions"]
    lines = [f"### shelfbench gate: {result['verdict']}", ""]
    lines += [f"- **{f['name']}**: {f['verdict']}, {f['reason']}" for f in result["findings"]]
    measured = rows(result)
    if measured:
        lines += ["", "| | base | head | head against base |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in measured]
    lines += ["", f"Against {base['revision']} ({base['commit'][:12]}); limits: {limits['slowdown']:g} % slower, "
              f"{limits['loss']:g} points fewer. {_alike(result)}{conditions['machine']}, {conditions['runtime']}, "
              f"load {conditions['load']:.1f}, {conditions['seconds']:.0f} s. Not a Jetson's times."]  # fmt: skip
    return "\n".join(lines) + "\n"


def _alike(result: dict[str, Any]) -> str:
    told = result.get("pictures")
    return f"{told['read_alike']} of {told['number']} pictures read alike. " if told else ""


def write_page(folder: Path, result: dict[str, Any]) -> None:
    """Write gate.html and summary.md."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.get_template("gate.html.j2").render(
        result=result, rows=rows(result), plot=_plot(result), alike=_alike(result), size=PLOT,
        undecided=result["verdict"] == WORDS[NO_VERDICT],
    )  # fmt: skip
    (folder / "gate.html").write_text(page, encoding="utf-8")
    (folder / "summary.md").write_text(summary(result), encoding="utf-8")


def _plot(result: dict[str, Any]) -> dict[str, Any] | None:
    """Every pair of the deciding clock as a dot, its median and interval, and the limit; None without pairs."""
    if "pairs" not in result:
        return None
    base, head = (np.array(side) for side in result["pairs"][result["clock"]])
    change = head / base - 1
    told, limit = result["time"][result["clock"]], result["limits"]["slowdown"] / 100
    reach = max(1.6 * limit, float(np.quantile(np.abs(change), 0.95)))
    width, height = PLOT

    def y(share: float) -> float:
        return round(height / 2 * (1 - float(np.clip(share / reach, -1, 1))), 1)

    dots = [(round((i + 0.5) * width / len(change), 1), y(c)) for i, c in enumerate(change)]
    bounds = {k: y(told[k]) for k in ("value", "low", "high")} if told["value"] is not None else None
    return {"dots": dots, "bounds": bounds, "limit": y(limit), "half": y(limit / 2), "zero": y(0), "reach": reach}

"""The combinations of network, rate and device as a table and as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from bench.figures import MARKERS, OKABE_ITO, PAGE, STYLE

PANELS = (("oos_recall", "Empty positions told, predicted"), ("count_error", "Facings not counted exactly, predicted"))


def joint_table(joint: Mapping[str, Any]) -> list[str]:
    """A line a combination, the front marked, for the terminal."""
    rows = joint["rows"]
    head = (
        f"  {'cost a year':>11}{'paid':>8}{'cameras':>9}{'devices':>9}{'OOS recall':>12}{'count error':>13}"
        f"{'wait, s':>9}  network on device, pictures a second"
    )
    lines = [head, "-" * len(head)]
    for row in rows:
        lines.append(
            f"{' ' if row['beaten_by'] else '→'} {row['cost']['value']:11,.0f}{row['paid']:8,.0f}"
            f"{len(row['cameras']):9d}{row['devices']:9d}{_share(row['oos_recall']):>12}{_share(row['count_error']):>13}"
            f"{row['wait']['value']:9.1f}  {row['name']}"
        )
    lines.append("-" * len(head))
    lines.append(
        f"→ nothing is as good in cost, OOS recall, count error and wait, and better in one; predicted; "
        f"money in {rows[0]['currency']}"
    )
    lines += [f"left out: {line}" for line in joint["left_out"]]
    return lines


def _share(estimate: Mapping[str, float | None]) -> str:
    return "–" if estimate["value"] is None else f"{estimate['value']:.3f}"


def go_on_with(row: Mapping[str, Any]) -> str:
    """The words that plan a combination in full."""
    return (
        f"model={row['network']} \"costs.device='{row['device']}'\" costs.device_price={row['price']:g} "
        f"costs.streams={row['streams']}"
    )


def joint_figure(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw yearly cost against what is told and what is miscounted, as SVG, with 95 % intervals; filled: the front."""
    networks = list(dict.fromkeys(f"{row['network']} {row['precision']}" for row in rows))
    devices = list(dict.fromkeys(row["device"] for row in rows))
    with matplotlib.rc_context(STYLE):
        figure = Figure((PAGE, 3.2 + 0.16 * len(networks) * len(devices)), layout="constrained")
        for axes, (key, title) in zip(figure.subplots(1, len(PANELS)), PANELS):
            for row in (row for row in rows if row[key]["value"] is not None):
                value, low, high = (row[key][part] for part in ("value", "low", "high"))
                colour = OKABE_ITO[networks.index(f"{row['network']} {row['precision']}") % len(OKABE_ITO)]
                axes.errorbar(
                    row["cost"]["value"], value, yerr=[[value - low], [high - value]], color=colour, capsize=2,
                    marker=MARKERS[devices.index(row["device"]) % len(MARKERS)], markersize=5, linewidth=0.8,
                    fillstyle="none" if row["beaten_by"] else "full", linestyle="",
                    label=f"{row['network']} {row['precision']} on {row['device']}",
                )  # fmt: skip
                axes.annotate(
                    f"{row['rate']:g}/s", (row["cost"]["value"], value), textcoords="offset points", xytext=(5, 4),
                    fontsize=7,
                )  # fmt: skip
            axes.set_xlabel(f"Cost per store and year, {rows[0]['currency']}")
            axes.set_ylabel(title)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        once = dict(zip(labels, handles))
        figure.legend(once.values(), once.keys(), loc="outside lower center", fontsize=7, ncols=2)
        figure.savefig(path, metadata={"Date": None})

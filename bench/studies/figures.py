"""Figures of a study: what the values of an axis change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from bench.figures import MARKERS, OKABE_ITO, PAGE, STYLE

MARK, BETWEEN = 0.13, 0.14
"""Height of one mark, and of the space between rows, inches."""


def effects_figure(effects: Sequence[Mapping[str, Any]], metrics: Mapping[str, str]) -> Figure:
    """A panel a metric, a row a value of the axis: its change against the axis' first value, with 95 % intervals over
    paired scenarios; a colour and a mark for all else the same.

    `effects` are rows of one axis of a study's result; `metrics` are names and titles.
    """
    values = list(dict.fromkeys(e["value"] for e in effects))
    series = list(dict.fromkeys(tuple(e["at"].values()) for e in effects))
    found = {(e["metric"], tuple(e["at"].values()), e["value"]): e for e in effects if e["difference"] is not None}
    row = MARK * len(series) + BETWEEN
    with matplotlib.rc_context(STYLE):
        below = 0.2 * -(-len(series) // 4) if len(series) > 1 else 0
        figure = Figure((PAGE, 0.75 + below + max(2, len(values)) * row), layout="constrained")
        panels = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
        for panel, (metric, title) in zip(panels, metrics.items()):
            for number, one in enumerate(series):
                rows = [(i, found[metric, one, v]) for i, v in enumerate(values) if (metric, one, v) in found]
                shift = (number - (len(series) - 1) / 2) * MARK / row
                change, low, high = ([100 * e[k] for _, e in rows] for k in ("difference", "low", "high"))
                panel.errorbar(
                    change, [i + shift for i, _ in rows],
                    xerr=[[c - b for c, b in zip(change, low)], [b - c for c, b in zip(change, high)]],
                    fmt=MARKERS[number // len(OKABE_ITO) % len(MARKERS)], color=OKABE_ITO[number % len(OKABE_ITO)],
                    markersize=3.5, linewidth=1, capsize=1.5, label=", ".join(one),
                )  # fmt: skip
            panel.axvline(0, color="#333333", linewidth=0.8)
            panel.set_xlabel(f"{title}\n(points)")
        panels[0].set_ylim(len(values) - 0.5, -0.5)
        panels[0].set_yticks(range(len(values)), values)
        panels[0].set_ylabel(f"{effects[0]['axis']}, against {effects[0]['against']}")
        if len(series) > 1:
            handles, labels = panels[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False)
    return figure

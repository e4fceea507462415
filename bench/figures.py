"""Figures fit for a paper: vector files, in colours that the colour-blind tell apart.

What draws one (`response.figures`, `studies.figures`) takes plain rows as result.json has them, so that a figure can be
drawn again without the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe & Ito, Color Universal Design (2008): told apart by people with any kind of colour vision."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Shapes, so that lines are told apart in print without colours too."""
STYLE: Any = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 8, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#dddddd", "grid.linewidth": 0.5, "axes.axisbelow": True, "lines.linewidth": 1.4,
    "svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "shelfbench",
}  # fmt: skip
"""Text stays text in the files; the salt makes the same figure the same bytes."""
COLUMN, PAGE = 3.5, 7.2
"""Widths of one and of two columns of a journal, inches."""


def save_figure(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PDF, SVG and PNG (200 dots an inch) beside `path`, which has no suffix."""
    with matplotlib.rc_context(STYLE):
        files = [path.with_name(f"{path.name}.{kind}") for kind in ("pdf", "svg", "png")]
        for file, metadata in zip(files, ({"CreationDate": None}, {"Date": None}, {})):
            figure.savefig(file, dpi=200, metadata=metadata)
    return files


def interval_figure(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str], label: str = "name") -> Figure:
    """A panel for each key of `titles`: what each row has under it, with the 95 % interval from `…_low` to `…_high`,
    the first row on top. `label` is the key of the rows' names. Rows without a value there stay empty."""
    with matplotlib.rc_context(STYLE):
        figure = Figure((PAGE, 0.7 + 0.26 * len(rows)), layout="constrained")
        grid = figure.subplots(1, len(titles), squeeze=False, sharey=True).ravel()
        for axes, (key, title) in zip(grid, titles.items()):
            known = [(i, row) for i, row in enumerate(rows) if row[key] is not None and row[key] == row[key]]
            value = [row[key] for _, row in known]
            error = [
                [row[key] - row[f"{key}_low"] for _, row in known],
                [row[f"{key}_high"] - row[key] for _, row in known],
            ]
            axes.errorbar(
                value, [i for i, _ in known], xerr=error, fmt="o", color=OKABE_ITO[0], markersize=4, linewidth=1.2,
                capsize=2,
            )  # fmt: skip
            if any(row[f"{key}_low"] < 0 for _, row in known):
                axes.axvline(0, color="#333333", linewidth=0.8)
            axes.set_xlabel(title)
        grid[0].set_yticks(range(len(rows)), [str(row[label]) for row in rows])
        grid[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure

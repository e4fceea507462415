"""What was measured over time, a line a figure, and its plot."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from bench.regression.measurement import Measurement
from scenarios import InputError

COLUMNS = ("made_at", "commit", "frames", "figure", "median")


def record(measurement: Measurement, folder: Path) -> Path:
    """Append a measurement to the history of its class; one that is there already is left as it is."""
    path = folder / f"{measurement.device.name}.csv"
    told = [row["made_at"] for row in _rows(path)] if path.is_file() else []
    if measurement.made_at not in told:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if not told:
                writer.writerow(COLUMNS)
            same = (measurement.made_at, measurement.commit, measurement.frames)
            writer.writerows((*same, name, f.median) for name, f in measurement.figures.items())
            writer.writerows((*same, name, share) for name, share in measurement.accuracy.items())
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(f"{path}: expected the columns {', '.join(COLUMNS)}")
    return rows


def plot(history: Path, picture: Path) -> None:
    """Draw every figure of a history, each against its first; a new line begins where the frames changed.

    Raises InputError for a file that is no history.
    """
    if not history.is_file():
        raise InputError(f"{history}: no such history; `python -m bench.regression record RESULT.json` begins one")
    from matplotlib.figure import Figure as Drawing

    series: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    rows = _rows(history)
    times = list(dict.fromkeys(row["made_at"] for row in rows))
    for row in rows:
        series[row["figure"], row["frames"]].append((times.index(row["made_at"]), float(row["median"])))
    drawing = Drawing(figsize=(10, 0.25 * len(series) + 4), layout="constrained")
    axes = drawing.subplots()
    for (name, _), points in series.items():
        first = next((value for _, value in points if value), None)
        if first is not None:
            axes.plot([x for x, _ in points], [value / first for _, value in points], marker="o", label=name)
    commits = {row["made_at"]: row["commit"] for row in rows}
    axes.set_xticks(range(len(times)), [f"{t[:10]}\n{commits[t][:12]}" for t in times], fontsize=8)
    axes.set_ylabel("against the first of its frames")
    axes.set_title(history.stem, fontsize=10)
    axes.grid(alpha=0.3)
    drawing.legend(loc="outside lower center", ncols=2, fontsize=8)
    drawing.savefig(picture, dpi=110)

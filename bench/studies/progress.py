"""Progress of a study: a bar with the time left over all its cells, and a table that grows by a line a cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

from bench.studies.cell_result import CellResult
from bench.studies.claims import read
from bench.studies.study import Cell

COLUMNS = (("AP50", "detection_ap50"), ("top-1", "sku_top1"), ("facings", "facings_exact"), ("OOS R", "oos_recall"))


class Progress:
    """`cells` by hash. The bar counts pictures, so that a cell under way counts too."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells
        self._pictures = {h: len(c.rig.cameras) * c.experiment.scenarios for h, c in cells.items()}
        self._wide = max(len(c.name) for c in cells.values())
        self._done = 0
        self._rows = 0
        self._bar = tqdm(total=sum(self._pictures.values()), desc="study", unit="picture", disable=None, smoothing=0.05)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def finished(self, result: CellResult, now: bool) -> None:
        """Show a finished cell; one that was finished `now` counts for the time left."""
        self._done += self._pictures[result.hash]
        if not now and not self._bar.disable:
            self._bar.initial += self._pictures[result.hash]
        self._bar.n = self._done
        self._row(result.name, row_of(result) + f"{result.work['seconds']:8.1f}" + ("" if now else "  (before)"))

    def failed(self, hash: str, error: str) -> None:
        self._done += self._pictures[hash]
        self._row(self._cells[hash].name, f"  failed: {error[:80]}")

    def look(self, claims: Mapping[str, Path]) -> None:
        """Bring the bar up to date with cells under way."""
        notes = [read(path) for path in claims.values()]
        self._bar.n = self._done + sum(note.get("done", 0) for note in notes if note)
        self._bar.refresh()

    def _row(self, name: str, text: str) -> None:
        if not self._rows:
            self._bar.write(" " * self._wide + "".join(f"{title:>8}" for title, _ in COLUMNS) + "       s")
        self._rows += 1
        self._bar.write(f"{name:{self._wide}}{text}")


def row_of(result: CellResult) -> str:
    values = [result.metrics[key]["value"] for _, key in COLUMNS]
    return "".join(f"{'–' if v is None else f'{v:.3f}':>8}" for v in values)

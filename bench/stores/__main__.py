"""`python -m bench.stores` writes the named scenarios to scenarios/NAME/; the same bytes every time."""

from __future__ import annotations

from pathlib import Path

from bench.stores.named import NAMED, Named
from scenarios.files import write_yaml
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog

SCENARIOS = Path(__file__).parents[2] / "scenarios"
WRITTEN = "Written by `python -m bench.stores`."


def write_store(folder: Path, named: Named) -> None:
    """Write store.yaml, scenario.yaml, catalog.csv and planogram.csv of a named scenario."""
    layout, conditions, note = named
    layout.check(f"{conditions.name}: planogram")
    folder.mkdir(parents=True, exist_ok=True)
    frame = "Metres, radians; x along the aisle, y into the shelf, z up. Keys left out have their default."
    write_yaml(folder / "store.yaml", layout.store, f"{note}\n{WRITTEN} {frame}", defaults=False)
    dials = "Every dial, explained in scenarios/conditions.py; ranges are drawn from once for each seed."
    write_yaml(folder / "scenario.yaml", conditions, f"{note}\n{WRITTEN} {dials}")
    save_catalog(layout.catalog, folder / "catalog.csv")
    save_planogram(layout.planogram, folder / "planogram.csv")


if __name__ == "__main__":
    for name, build in NAMED.items():
        write_store(SCENARIOS / name, build())

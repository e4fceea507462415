"""A study of a tiny store, as a user would write it: its folder, and the configuration's overrides."""

from __future__ import annotations

from pathlib import Path

from bench.configs import compose
from bench.studies.study import Study, study_of
from scenarios import Catalog, Conditions, Fixture, Layout, Planogram, Position, Room, Shelf, Store
from scenarios.files import write_yaml
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog
from tests.layouts import product


def tiny_store(folder: Path) -> Path:
    """Two products on one shelf."""
    bay = Fixture("bay-1", 0.0, 0.0, 0.6, 0.45, (Shelf(0.7, 0.35),))
    positions = (
        Position("p-box", "bay-1", 0, 0.05, "box", 2, 1, 1, 0),
        Position("p-can", "bay-1", 0, 0.32, "can", 2, 1, 1, 0),
    )
    store = Store("tiny", Room((-1.0, 1.6), (-2.4, 0.45), 3.0), (bay,))
    layout = Layout(store, Catalog((product("box"), product("can", "can"))), Planogram(positions))
    layout.check("tiny")
    folder.mkdir(parents=True)
    write_yaml(folder / "store.yaml", layout.store, "tiny")
    write_yaml(folder / "scenario.yaml", Conditions("tiny"), "tiny")
    save_catalog(layout.catalog, folder / "catalog.csv")
    save_planogram(layout.planogram, folder / "planogram.csv")
    return folder


CAMERA = "{name: c, width: 96, height: 64, horizontal_fov: 0.6, price: 10}"
LOOK = f"{{id: front, model: {CAMERA}, position: [0.3, -1.2, 0.9], target: [0.3, 0.0, 0.8]}}"


def overrides(root: Path, lux: int = 3, more: tuple[str, ...] = ()) -> list[str]:
    """A study of `lux` settings of the light, one small camera and one model, two scenarios each."""
    store = root / "store"
    if not store.exists():
        tiny_store(store)
    values = ", ".join(f"l{i}: {{lighting: {{lux: [{100 + i}, {100 + i}]}}}}" for i in range(lux))
    return [
        "experiment=quickstart", f"scenario={store}", "name=tiny", f"outputs={root / 'outputs'}", "scenarios=2",
        "shoppers=0", "workers=2", "~rigs.overhead", "~rigs.angled", "~rigs.both", "~models.yolo26n",
        f"+rigs.one={{name: one, cameras: [{LOOK}]}}", f"+axes.light={{{values}}}", *more,
    ]  # fmt: skip


def small_study(root: Path, lux: int = 3, more: tuple[str, ...] = ()) -> Study:
    return study_of(compose("run", overrides(root, lux, more)))

"""A scenario: a store, what is planned for it, the conditions, and the seed that draws the rest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.conditions import Crowd, Lighting, Lookalikes, Mess
from scenarios.files import InputError, read_yaml
from scenarios.planogram import Layout, load_planogram
from scenarios.products import load_catalog
from scenarios.stock import Stock, draw_stock
from scenarios.store import Store

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Conditions:
    """scenario.yaml: a scenario's name and dials."""

    name: str
    lighting: Lighting = field(default_factory=Lighting)
    crowd: Crowd = field(default_factory=Crowd)
    mess: Mess = field(default_factory=Mess)
    lookalikes: Lookalikes = field(default_factory=Lookalikes)


@dataclass(frozen=True)
class Scenario:
    """One store under given conditions at one moment; `seed` draws stock, light, shoppers and sensor noise.

    `time` in seconds moves the shoppers; the stock stays as it was drawn.
    """

    layout: Layout
    conditions: Conditions
    seed: int = 0
    time: float = 0.0

    @property
    def name(self) -> str:
        return self.conditions.name

    @property
    def stock(self) -> Stock:
        return draw_stock(self.layout, self.conditions.mess, self.seed)

    def draw(self, seed: int, shoppers: int | None = None) -> Scenario:
        """The same store with another seed and, if given, another number of shoppers."""
        conditions = self.conditions
        if shoppers is not None:
            conditions = dataclasses.replace(conditions, crowd=dataclasses.replace(conditions.crowd, shoppers=shoppers))
        return dataclasses.replace(self, seed=seed, conditions=conditions)

    def at(self, time: float) -> Scenario:
        """The same scenario at another moment, in seconds."""
        return dataclasses.replace(self, time=time)

    @property
    def hash(self) -> str:
        """A name for everything that the scenario holds: 16 hexadecimal digits of SHA-256."""
        plain = {
            "store": dataclasses.asdict(self.layout.store),
            "products": [dataclasses.asdict(p) for p in self.layout.catalog],
            "positions": [dataclasses.asdict(p) for p in self.layout.planogram.positions],
            "conditions": dataclasses.asdict(self.conditions),
            "seed": self.seed,
            "time": self.time,
        }
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def load_layout(folder: Path) -> Layout:
    """Read store.yaml, catalog.csv and planogram.csv of a folder and check them against each other."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected store.yaml, catalog.csv and planogram.csv in it")
    layout = Layout(
        read_yaml(folder / "store.yaml", Store),
        load_catalog(folder / "catalog.csv"),
        load_planogram(folder / "planogram.csv"),
    )
    layout.check(folder / "planogram.csv")
    return layout


def load_scenario(name: str | Path, seed: int = 0) -> Scenario:
    """Load a named scenario of this package, or a folder of the user's with the same four files."""
    folder = HERE / str(name)
    if not (folder / "scenario.yaml").is_file():
        folder = Path(name)
    if not folder.is_dir():
        known = ", ".join(sorted(p.parent.name for p in HERE.glob("*/scenario.yaml")))
        raise InputError(f"{name}: no such scenario or folder; named scenarios: {known}")
    return Scenario(load_layout(folder), read_yaml(folder / "scenario.yaml", Conditions), seed)

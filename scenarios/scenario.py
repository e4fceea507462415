"""A scenario: a store, what is planned for it, the conditions, and the seed that draws the rest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.conditions import Crowd, Lighting, Lookalikes, Mess
from scenarios.files import InputError, read_yaml
from scenarios.planogram import Layout, load_planogram
from scenarios.products import Catalog, load_catalog
from scenarios.psa import load_psa
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
        """A name for everything that the scenario holds: 16 hexadecimal digits of SHA-256.

        The user's own pictures and meshes count with their content, wherever they lie.
        """
        own = self.layout.catalog.artwork
        plain = {
            "store": dataclasses.asdict(self.layout.store),
            "products": [
                dataclasses.asdict(dataclasses.replace(p, pictures="", mesh="")) | {"artwork": own.get(p.sku, "")}
                for p in self.layout.catalog
            ],
            "positions": [dataclasses.asdict(p) for p in self.layout.planogram.positions],
            "conditions": dataclasses.asdict(self.conditions),
            "seed": self.seed,
            "time": self.time,
        }
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def load_layout(folder: Path) -> Layout:
    """Read store.yaml, catalog.csv and planogram.csv of a folder and check them against each other.

    `planogram.psa` stands for all three: catalog.csv and store.yaml are then optional, and what they
    say of a SKU or of the store comes before what the PSA file says. What it holds that cannot be
    honoured is warned of.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected store.yaml, catalog.csv and planogram.csv in it")
    if (folder / "planogram.psa").is_file():
        return _load_psa_layout(folder)
    layout = Layout(
        read_yaml(folder / "store.yaml", Store),
        load_catalog(folder / "catalog.csv"),
        load_planogram(folder / "planogram.csv"),
    )
    layout.check(folder / "planogram.csv")
    return layout


def _load_psa_layout(folder: Path) -> Layout:
    path = folder / "planogram.psa"
    if (folder / "planogram.csv").is_file():
        raise InputError(f"{path}: planogram.csv stands beside it; expected one of the two")
    own = load_catalog(folder / "catalog.csv") if (folder / "catalog.csv").is_file() else Catalog(())
    schematic = load_psa(path, own)
    layout = schematic.layout
    if (folder / "store.yaml").is_file():
        layout = dataclasses.replace(layout, store=read_yaml(folder / "store.yaml", Store))
    layout.check(path, schematic.places)
    for note in schematic.notes:
        warnings.warn(f"{path}: {note}", stacklevel=3)
    return layout


def load_scenario(name: str | Path, seed: int = 0) -> Scenario:
    """Load a named scenario of this package, or a folder of the user's with the same files.

    A folder with planogram.psa may do without scenario.yaml: it is named after the folder.
    """
    folder = HERE / str(name)
    if not (folder / "scenario.yaml").is_file():
        folder = Path(name)
    if not folder.is_dir():
        known = ", ".join(sorted(p.parent.name for p in HERE.glob("*/scenario.yaml")))
        raise InputError(f"{name}: no such scenario or folder; named scenarios: {known}")
    if not (folder / "scenario.yaml").is_file() and (folder / "planogram.psa").is_file():
        return Scenario(load_layout(folder), Conditions(folder.resolve().name), seed)
    return Scenario(load_layout(folder), read_yaml(folder / "scenario.yaml", Conditions), seed)

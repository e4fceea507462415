import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import Catalog, Mess, Planogram, Stock, Unit, rng
from scenarios.stock import draw_stock
from tests.layouts import small_layout


def test_a_draw_depends_on_what_is_drawn_and_not_on_when() -> None:
    later = [rng(7, "stock", i).random() for i in (2, 1, 0)]
    assert later[::-1] == [rng(7, "stock", i).random() for i in (0, 1, 2)]
    assert rng(7, "stock", 1).random() != rng(7, "light", 1).random() != rng(8, "light", 1).random()


def test_a_changed_position_leaves_the_others_as_they_were() -> None:
    layout, mess = small_layout(), Mess(misplaced=0)
    first, *others = layout.planogram.positions
    changed = dataclasses.replace(layout, planogram=Planogram((dataclasses.replace(first, wide=1), *others)))
    kept = {p.id for p in others}

    def of_others(stock):
        return [u for u in stock.units if u.position in kept and u.sku != first.sku]

    assert of_others(draw_stock(layout, mess, 5)) == of_others(draw_stock(changed, mess, 5))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_columns_are_pulled_forward_and_nothing_floats(seed: int) -> None:
    layout = small_layout()
    stock = draw_stock(layout, Mess(out=0.2, empty_column=0.3), seed)
    for p in layout.planogram.positions:
        for column in range(p.wide):
            rows = sorted(u.row for u in stock.units if u.position == p.id and u.column == column)
            assert rows == list(range(len(rows)))
        assert stock.units_of(p) <= p.wide * p.high * p.deep
        assert stock.facings_of(p) <= p.facings
    shelf_levels = {s.z for f in layout.store.fixtures for s in f.shelves}
    assert {u.z for u in stock.units} <= shelf_levels


@pytest.mark.slow
def test_shares_come_out_as_asked() -> None:
    layout = small_layout()
    outs = [
        draw_stock(layout, Mess(out=0.25, plugged=0), seed).units_of(p) == 0
        for seed in range(200)
        for p in layout.planogram.positions
    ]
    assert abs(np.mean(outs) - 0.25) < 0.05


def messy(**dials: float) -> Mess:
    return Mess(**({"out": 0, "misplaced": 0, "empty_column": 0.0} | dials))


def columns_of(stock: Stock) -> dict[tuple[str, int], list[Unit]]:
    columns: dict[tuple[str, int], list[Unit]] = {}
    for unit in stock.units:
        columns.setdefault((unit.position, unit.column), []).append(unit)
    return columns


def test_units_leave_from_the_front_and_a_receded_row_still_has_its_facing() -> None:
    layout = small_layout()
    forward, receded = (draw_stock(layout, messy(receded=share), 5) for share in (0, 1))
    assert len(forward.units) == len(receded.units)
    assert any(u.row > 0 for u, front in zip(receded.units, receded.foremost) if front)
    for (id, _), units in columns_of(receded).items():
        deep = next(p.deep for p in layout.planogram.positions if p.id == id)
        assert max(u.row for u in units) == deep - 1
    for p in layout.planogram.positions:
        assert receded.facings_of(p) == forward.facings_of(p) == p.facings


def test_pushers_keep_every_column_pulled_forward() -> None:
    layout = small_layout()
    (bay,) = layout.store.fixtures
    pushed = dataclasses.replace(
        layout, store=dataclasses.replace(layout.store, fixtures=(dataclasses.replace(bay, pushers=True),))
    )
    assert draw_stock(pushed, messy(receded=1), 5) == draw_stock(layout, messy(), 5)


def test_a_disturbed_unit_leaves_what_else_is_drawn_as_it_was() -> None:
    layout = small_layout()
    calm, turned = (draw_stock(layout, messy(turned=share), 9) for share in (0, 1))
    assert len(calm.units) == len(turned.units)
    for a, b, front in zip(calm.units, turned.units, calm.foremost):
        if front:
            assert 0.3 < abs(a.yaw - b.yaw) < 3.2
        assert dataclasses.replace(b, yaw=a.yaw) == a


@pytest.mark.parametrize(("dial", "condition"), [("leaning", "leaning"), ("fallen", "fallen")])
def test_only_the_foremost_unit_leans_or_falls(dial: str, condition: str) -> None:
    layout = small_layout()
    found = 0
    for seed in range(12):
        stock = draw_stock(layout, messy(receded=0.5, **{dial: 1.0}), seed)
        for unit, front in zip(stock.units, stock.foremost):
            assert (unit.condition == "standing") == (unit.rotation is None)
            assert front or unit.condition == "standing"
            found += unit.condition == condition
    assert found > 20


@pytest.mark.parametrize("kind", ["pegwall", "pallet", "freezer"])
def test_nothing_leans_or_lies_where_there_is_no_board(kind: str) -> None:
    layout = small_layout()
    (bay,) = layout.store.fixtures
    other = dataclasses.replace(
        layout, store=dataclasses.replace(layout.store, fixtures=(dataclasses.replace(bay, kind=kind),))
    )
    stock = draw_stock(other, messy(leaning=1, fallen=1), 2)
    assert {u.condition for u in stock.units} == {"standing"}


def test_stock_turns_with_its_fixture() -> None:
    layout = small_layout()
    (bay,) = layout.store.fixtures
    turned = dataclasses.replace(bay, yaw=2.0)
    other = dataclasses.replace(layout, store=dataclasses.replace(layout.store, fixtures=(turned,)))
    for a, b in zip(draw_stock(layout, Mess(), 3).units, draw_stock(other, Mess(), 3).units):
        np.testing.assert_allclose(bay.to_local([a.x, a.y, a.z]), turned.to_local([b.x, b.y, b.z]), atol=1e-9)
        assert abs(b.yaw - a.yaw - 2.0) < 1e-9


def test_a_foreign_pack_hangs_from_the_hook_of_what_belongs_there() -> None:
    layout = small_layout()
    (bay,) = layout.store.fixtures
    store = dataclasses.replace(layout.store, fixtures=(dataclasses.replace(bay, kind="pegwall"),))
    low = dataclasses.replace(layout.catalog["can"], height=0.08)
    catalog = Catalog(tuple(low if p.sku == "can" else p for p in layout.catalog))
    other = dataclasses.replace(layout, store=store, catalog=catalog)
    for seed in range(60):
        for unit in draw_stock(other, Mess(out=0, misplaced=1), seed).units:
            p = next(p for p in layout.planogram.positions if p.id == unit.position)
            top = bay.shelves[p.shelf].z + other.product(p).height
            if unit.sku == "can" and p.sku != "can":
                assert abs(unit.z + 0.08 - top) < 1e-9
                return
    raise AssertionError("no can was misplaced")

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import Mess, Planogram, rng
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


def test_shares_come_out_as_asked() -> None:
    layout = small_layout()
    outs = [
        draw_stock(layout, Mess(out=0.25, plugged=0), seed).units_of(p) == 0
        for seed in range(200)
        for p in layout.planogram.positions
    ]
    assert abs(np.mean(outs) - 0.25) < 0.05

"""The response in this store, from pictures of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.placement.transfer import NONE, Transfer, apply, fit_transfers, transfer_rows, transfer_table


def made_up(true: dict[str, Transfer], places: int = 6000, pictures: int = 12) -> pd.DataFrame:
    """Places of pictures that are told as often as a true transfer of their chance says."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "view": np.arange(places) % pictures,
            "outcome": np.where(random.random(places) < 0.3, "gap", "count"),
            "chance": random.uniform(0.05, 0.95, places),
            "aside": random.uniform(0, 1.2, places),
            "raised": random.random(places) < 0.2,
        }
    )
    return table.assign(told=random.random(places) < apply(true, table))


def test_a_transfer_is_found_again_and_says_of_other_pictures_what_is_true() -> None:
    true = {"count": Transfer(1.0, 1.5, 0.0, 1.0), "gap": Transfer(0.5, 0.8, 2.0)}
    table = made_up(true)
    found = fit_transfers(table)
    for name, transfer in true.items():
        assert found[name].shift == pytest.approx(transfer.shift, abs=0.2)
        assert found[name].slope == pytest.approx(transfer.slope, rel=0.15)
        assert found[name].tilt == pytest.approx(transfer.tilt, abs=0.35)
        assert found[name].stack == pytest.approx(transfer.stack, abs=0.35)
    rows = transfer_rows(table, found)
    assert [row["outcome"] for row in rows] == ["count", "gap"]
    for row in rows:
        assert abs(row["left_out"] - row["told"]) < 0.01 < abs(row["shipped"] - row["told"])
    assert "packs" in transfer_table(rows, 12)


def test_a_few_places_change_little_and_none_nothing() -> None:
    assert fit_transfers(made_up(NONE).iloc[:0]) == NONE
    few = pd.DataFrame(
        {"view": [0, 0], "outcome": "count", "chance": [0.6, 0.7], "told": True, "aside": 0.0, "raised": False}
    )
    found = fit_transfers(few)
    assert 0 < found["count"].shift < 2
    assert found["gap"] == Transfer()


def test_what_is_not_seen_stays_unknown_and_more_stays_more() -> None:
    transfer = Transfer(3.0, 0.5, 2.0)
    board = np.zeros(4, bool)
    chances = transfer(np.array([0.0, 0.01, 0.5, 0.99]), np.zeros(4), board)
    assert (transfer(chances, np.ones(4), board) <= transfer(chances, np.zeros(4), board)).all()
    assert chances[0] == 0
    assert (np.diff(chances) > 0).all()
    assert chances[2] == pytest.approx(1 / (1 + math.exp(-3.0)))

"""The planner on stores that nothing was set by: what they are, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.configs import compose
from bench.placement import held_out
from bench.placement.command import ARMS, PlacePlan, plan_of
from bench.placement.held_out import BAYS, CAMERAS, FIRST_SEED, WORDS, WORLDS, held_out_layout, keep, row_of, run, table
from bench.stores.__main__ import write_store
from bench.stores.training import groups_of, is_full, share_of
from scenarios import Conditions, InputError, load_scenario
from vision.outputs import write_json


def estimate(value: float | None, half: float = 0.02) -> dict[str, float | None]:
    return {
        "value": value,
        "low": None if value is None else value - half,
        "high": None if value is None else value + half,
    }


def result(best: float, geometry: float, predicted: float, oos: tuple[float | None, float | None]) -> dict:
    arms = [("best", best, predicted, oos[0]), ("geometry", geometry, 0.5, oos[1])]
    return {
        "positions": 100, "candidates": 900, "command": "shelfbench place",
        "arms": [{"arm": name, "cameras": [{}] * CAMERAS} for name in ("best", "geometry", "random")],
        "proof": {"arms": [
            {"arm": name, "measured": estimate(value), "predicted": estimate(said), "predicted_there": estimate(said),
             "oos_recall": estimate(told)}
            for name, value, said, told in arms
        ]},
    }  # fmt: skip


def test_held_out_stores_are_full_and_of_brands_that_trained_nothing() -> None:
    layout = held_out_layout(FIRST_SEED)
    assert layout == held_out_layout(FIRST_SEED) != held_out_layout(FIRST_SEED + 1)
    assert len(layout.store.fixtures) == BAYS
    assert is_full(layout)
    assert {share_of(product.brand) for product in layout.catalog} == {"test"}
    assert {p.sku for p in layout.catalog} <= {p.sku for group in groups_of("test") for p in group}
    layout.check("held out")


def test_a_held_out_store_is_written_and_read_back(tmp_path: Path) -> None:
    layout = held_out_layout(FIRST_SEED)
    write_store(tmp_path, (layout, Conditions("held-out"), "A store."))
    assert load_scenario(str(tmp_path)).layout == layout


def test_it_asks_for_as_many_cameras_of_one_price_and_proves_two_arms() -> None:
    plan = plan_of(compose("place", ["scenario=quickstart", *WORDS]))
    assert isinstance(plan, PlacePlan)
    assert (plan.costs.cameras_at_most, plan.costs.cable_per_metre, plan.prove) == (CAMERAS, 0, WORLDS)
    assert {mount.cost for mount in plan.mounts} == {0}
    assert plan.prove_arms == ("geometry",)


def test_an_arm_that_is_none_cannot_be_proved() -> None:
    with pytest.raises(InputError, match=f"prove_arms 'best'; expected some of {', '.join(ARMS)}"):
        plan_of(compose("place", ["scenario=quickstart", "budget=500", "prove_arms=[best]"]))


STORES = [
    result(0.9, 0.8, 0.92, (0.7, 0.6)),
    result(0.8, 0.8, 0.77, (0.5, 0.3)),
    result(0.7, 0.6, 0.7, (None, None)),
]


def kept_of(folder: Path, monkeypatch: pytest.MonkeyPatch, stores: list[dict], first: int = 0) -> pd.DataFrame:
    monkeypatch.setattr(held_out, "KEPT", folder / "held_out.csv")
    for n, made in enumerate(stores, start=first):
        write_json(folder / f"store-{n}.json", row_of(n, 0.5, made))
    keep(folder)
    return pd.read_csv(held_out.KEPT)


def test_stores_are_told_of_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(kept_of(tmp_path, monkeypatch, STORES))
    said = {
        line.split("  ")[1].strip(): line.split()[-4] for line in capsys.readouterr().out.splitlines() if " to " in line
    }
    assert said["OOS recall, best less geometry"] == "+15.00"  # a store in which nothing was out tells nothing
    assert said["value, best less geometry"] == "+6.67"
    assert said["… predicted"] == "+29.67"
    assert said["measured less predicted value"] == "+0.33"
    assert said["how far off the prediction is"] == "+1.67"
    assert said["half-width of a measured value"] == "+2.00"


def test_rows_are_added_to_those_that_are_kept_and_their_stores_not_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept_of(tmp_path, monkeypatch, STORES[:1])
    (tmp_path / "store-0.json").unlink()
    both = kept_of(tmp_path, monkeypatch, STORES[1:2], first=1)
    assert both["seed"].tolist() == [0, 1]
    assert both.iloc[0].equals(first.iloc[0])
    monkeypatch.setattr(held_out, "run_place", lambda *_: pytest.fail("run again"))
    run(tmp_path, [0, 1])
    assert "run again" not in capsys.readouterr().out


def test_one_store_is_not_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="1 stores; expected two or more"):
        table(kept_of(tmp_path, monkeypatch, STORES[:1]))

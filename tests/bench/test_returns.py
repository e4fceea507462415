"""Return on investment of a closed loop's arms: what it costs and brings, how soon it is paid, and what decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bench.economics import NAMES, SHIPPED, Assumptions
from bench.returns import DAY_NAMES, MEASURED, Equipment, return_assumptions, returns, returns_table, save_tornado
from scenarios import InputError

CAMERAS = Equipment(4, 960.0, 0, 400.0, 3.0)
TAGS = Equipment(0, 0.0, 4, 400.0, 3.0)
NOTHING = {name: {"value": 0.0, "low": 0.0, "high": 0.0} for name in MEASURED}


def measured(**values: float) -> dict[str, dict[str, dict[str, float]]]:
    """Differences that are known to the last cent."""
    return {"arm": NOTHING | {name: {"value": v, "low": v, "high": v} for name, v in values.items()}}


def fixed() -> Assumptions:
    """The shipped assumptions without their ranges."""
    given = return_assumptions()
    return replace(given, assumptions={n: replace(a, low=a.value, high=a.value) for n, a in given.assumptions.items()})


def value(name: str) -> float:
    return fixed().assumptions[name].value


def test_every_assumption_has_a_range_and_says_where_it_is_from() -> None:
    given = return_assumptions().assumptions
    assert set(given) == {*NAMES, *DAY_NAMES}
    assert all(a.low < a.high and len(a.source) >= len("assumed") for a in given.values())


def test_without_ranges_the_money_is_that_of_the_formula() -> None:
    differences = measured(lost_money=-50.0, labour_minutes=-30.0, overstock_money=-40.0, shrinkage_found_units=2.0)
    money = returns(differences, {"arm": CAMERAS}, fixed())["arms"]["arm"]
    hour = value("wage") * value("overhead")
    sales = 50 * 365 * value("lost") * value("margin")
    labour = 0.5 * 365 * hour
    shrinkage = 2 * 365 * 3 * (1 - value("margin")) * value("recovered")
    paid = 960 + value("device_price") + 4 * (value("network") + value("setup") * hour)
    watts = 4 * value("camera_watts") + value("device_watts")
    running = paid * value("upkeep") + 4 * value("licence") + value("service") + watts * 8.76 * value("electricity")
    benefit = sales + labour + 40 * value("holding") + shrinkage
    for name, number in (
        ("sales", sales), ("labour", labour), ("stock", 40 * value("holding")), ("shrinkage", shrinkage),
        ("paid", paid), ("running", running), ("net", benefit - paid / value("life") - running),
    ):  # fmt: skip
        assert money[name]["value"] == pytest.approx(number, abs=0.01)
    assert money["payback_years"]["value"] == pytest.approx(paid / (benefit - running), abs=0.05)
    assert money["pays"] == 1.0


def test_tags_on_all_that_is_sold_cost_every_year() -> None:
    money = returns(measured(), {"arm": TAGS}, fixed())["arms"]["arm"]
    assert money["running"]["value"] > 400 * 365 * value("rfid_tag")
    assert money["benefit"]["value"] == 0
    assert money["pays"] == 0
    assert money["payback_years"] == {"value": None, "low": None, "high": None}


def test_what_needs_nothing_costs_nothing() -> None:
    money = returns(measured(lost_money=5.0), {"arm": Equipment(0, 0.0, 0, 400.0, 3.0)}, fixed())["arms"]["arm"]
    assert money["cost"]["value"] == 0
    assert money["net"]["value"] < 0


def test_what_was_measured_and_what_is_assumed_make_an_interval_and_a_tornado() -> None:
    unsure = {"arm": NOTHING | {"lost_money": {"value": -50.0, "low": -90.0, "high": -10.0}}}
    money = returns(unsure, {"arm": CAMERAS}, return_assumptions())["arms"]["arm"]
    assert money["net"]["low"] < money["net"]["value"] < money["net"]["high"]
    swings = [abs(row["net_high"] - row["net_low"]) for row in money["tornado"]]
    assert swings == sorted(swings, reverse=True)
    assert money["tornado"][0]["of"] == "lost_money"
    for row in money["tornado"]:
        ends = sorted([row["net_low"], row["net_high"]])
        assert ends[0] <= money["net_at_values"] <= ends[1]
    assert "rfid_tag" not in {row["of"] for row in money["tornado"]}
    assert money == returns(unsure, {"arm": CAMERAS}, return_assumptions())["arms"]["arm"]


def test_one_start_has_no_interval_and_its_value_is_taken() -> None:
    one = {"arm": NOTHING | {"lost_money": {"value": -50.0, "low": None, "high": None}}}
    money = returns(one, {"arm": CAMERAS}, fixed())["arms"]["arm"]
    assert money["sales"]["low"] == money["sales"]["high"] > 0


def test_the_tornado_is_drawn_and_the_table_says_whether_it_pays(tmp_path: Path) -> None:
    money = returns(measured(lost_money=-50.0), {"arm": CAMERAS}, return_assumptions())
    save_tornado(money, ["arm"], tmp_path / "tornado.png")
    assert (tmp_path / "tornado.png").read_bytes().startswith(b"\x89PNG")
    assert "pays in" in returns_table(money)


@pytest.mark.parametrize("change", ["left out", "unknown name"])
def test_a_file_without_what_a_return_needs_is_told(change: str, tmp_path: Path) -> None:
    data = yaml.safe_load(SHIPPED.read_text())
    if change == "left out":
        del data["day"]
    else:
        data["day"]["luck"] = data["day"]["holding"]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(InputError, match=r"day is no list" if change == "left out" else "'luck' is unknown"):
        return_assumptions(path)

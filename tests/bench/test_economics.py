"""Money per store and year: assumptions with ranges and sources, drawn into intervals."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bench.economics import NAMES, SHIPPED, Assumptions, Placed, load_assumptions, yearly_money
from bench.statistics import Estimate
from scenarios import InputError, Layout
from tests.layouts import small_layout

SURE = Estimate(0.8, 0.8, 0.8)
PLACED = Placed(1000.0, 3, 1, SURE)


def fixed() -> Assumptions:
    """The shipped assumptions without their ranges."""
    given = load_assumptions()
    return replace(given, assumptions={n: replace(a, low=a.value, high=a.value) for n, a in given.assumptions.items()})


def selling() -> Layout:
    """The small store with one product a position at 2.5, of which 4 a day are sold."""
    layout = small_layout()
    products = tuple(replace(p, daily_units=4.0) for p in layout.catalog)
    return replace(layout, catalog=replace(layout.catalog, products=products))


def test_every_shipped_assumption_has_a_range_and_says_where_it_is_from() -> None:
    given = load_assumptions()
    assert tuple(given.assumptions) == NAMES
    assert all(a.low < a.high and len(a.source) >= len("assumed") for a in given.assumptions.values())


def test_without_ranges_the_money_is_that_of_the_formula() -> None:
    money, a = yearly_money(fixed(), selling(), PLACED), {n: x.value for n, x in fixed().assumptions.items()}
    sold = 10 * 2.5 * 4 * 365
    missed = sold * a["out_of_stock"] * a["lost"] / (1 - a["out_of_stock"] * a["lost"])
    recovered = missed * a["curable"] * a["sooner"] * 0.8 * a["margin"]
    spared = 1.0 * a["check_minutes"] / 60 * 365 * a["checks_spared"] * a["wage"]
    watts = 3 * a["camera_watts"] + a["device_watts"]
    cost = 1000 / a["life"] + 1000 * a["upkeep"] + a["service"] + watts * 8.76 * a["electricity"]
    expected = {"sales_watched": sold, "margin_recovered": recovered, "cost": cost, "labour_spared": spared}
    for key, value in (expected | {"net": recovered + spared - cost}).items():
        assert money[key] == {"value": pytest.approx(value, abs=0.01), "low": pytest.approx(value, abs=0.01),
                              "high": pytest.approx(value, abs=0.01)}  # fmt: skip
    assert money["pays"] == float(recovered + spared > cost)


def test_ranges_make_an_interval_that_holds_the_value_and_name_what_decides() -> None:
    money = yearly_money(load_assumptions(), selling(), replace(PLACED, recall=Estimate(0.8, 0.7, 0.9)))
    for key in ("cost", "benefit", "net"):
        assert money[key]["low"] < money[key]["value"] < money[key]["high"]
    assert len(money["decided_by"]) == 4
    assert money == yearly_money(load_assumptions(), selling(), replace(PLACED, recall=Estimate(0.8, 0.7, 0.9)))
    given = fixed()
    wide = replace(given.assumptions["wage"], low=5.0, high=50.0)
    only = yearly_money(replace(given, assumptions={**given.assumptions, "wage": wide}), selling(), PLACED)
    assert [row["assumption"] for row in only["decided_by"]] == ["wage"]


def test_cameras_that_tell_nothing_recover_nothing_and_may_never_pay() -> None:
    given = fixed()
    none = {
        **given.assumptions,
        "checks_spared": replace(given.assumptions["checks_spared"], value=0.0, low=0.0, high=0.0),
    }
    money = yearly_money(replace(given, assumptions=none), selling(), replace(PLACED, recall=Estimate(0.0, 0.0, 0.0)))
    assert money["benefit"]["value"] == 0
    assert money["pays"] == 0
    assert money["payback_years"] == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"wage": None}, "assumption 'wage' is missing"),
        ({"luck": {"value": 1, "low": 1, "high": 1, "unit": "", "source": "x"}}, "assumption 'luck' is unknown"),
        ({"wage": {"value": 1, "low": 2, "high": 3, "unit": "", "source": "x"}}, "wage: value 1.0 from 2.0 to 3.0"),
        ({"wage": {"value": 1, "low": 1, "high": 3, "unit": "", "source": " "}}, "and a source"),
        ({"wage": {"value": 1, "low": 1, "high": 3, "unit": ""}}, "wage: key 'source' is missing"),
    ],
)
def test_assumptions_that_make_no_sense_are_refused(change: dict, error: str, tmp_path: Path) -> None:
    data = yaml.safe_load(SHIPPED.read_text())
    data["assumptions"] = {k: v for k, v in (data["assumptions"] | change).items() if v is not None}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(InputError, match=re.escape(error)):
        load_assumptions(path)


def test_a_file_of_assumptions_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine.yaml: No such file"):
        load_assumptions(tmp_path / "mine.yaml")

"""Return on investment: what the arms of a closed loop (`bench.day.loop`) cost and bring in a year.

Each arm is set against the daily manual audit, by the paired differences that were measured. They are drawn from their
intervals, one apart from the other, and every assumption of conf/economics.yaml from its range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.economics import DAYS, DRAWS, HOURS, SHIPPED, Assumptions, amount, load_assumptions, spread, years_of
from bench.statistics import Floats
from scenarios import rng

DAY_NAMES = (
    "overhead", "device_price", "device_share", "network", "setup", "licence", "rfid_reader", "rfid_tag", "holding",
    "recovered",
)  # fmt: skip
MEASURED = ("lost_money", "labour_minutes", "overstock_money", "shrinkage_found_units")
"""What is taken of a closed loop's paired differences, each of a store and day (overstock: at any moment)."""
SHOWN = 10
"""Bars of a tornado."""
Values = Mapping[str, Any]
"""Of every assumption and measured difference a number, or draws (DRAWS,)."""


@dataclass(frozen=True)
class Equipment:
    """What an arm needs: cameras, which cost `paid` together with mount and cable, and RFID readers, for which each of
    the units sold a day carries a tag. `unit_price` is the mean price of a unit that is sold."""

    cameras: int
    paid: float
    readers: int
    units_a_day: float
    unit_price: float


def return_assumptions(path: Path = SHIPPED) -> Assumptions:
    """All assumptions of a file that a return rests on. Raises InputError."""
    own, day = load_assumptions(path), load_assumptions(path, "day", DAY_NAMES)
    return Assumptions(own.currency, {**own.assumptions, **day.assumptions})


def yearly_return(given: Values, has: Equipment) -> dict[str, Any]:
    """Money a year against the daily audit: `sales`, `labour`, `stock` and `shrinkage` that it brings, `paid` once,
    `running` a year, `cost` with what was paid over its life, and the `net`."""
    hour, bought = given["wage"] * given["overhead"], has.unit_price * (1 - given["margin"])
    brought = {
        "sales": -given["lost_money"] * given["sales"] * DAYS * given["lost"] * given["margin"],
        "labour": -given["labour_minutes"] / 60 * DAYS * hour,
        "stock": -given["overstock_money"] * given["holding"],
        "shrinkage": given["shrinkage_found_units"] * DAYS * bought * given["recovered"],
    }
    devices, points = has.cameras * given["device_share"], has.cameras + has.readers
    paid = (
        has.paid + devices * given["device_price"] + has.readers * given["rfid_reader"]
        + points * (given["network"] + given["setup"] * hour)
    )  # fmt: skip
    watts = points * given["camera_watts"] + devices * given["device_watts"]
    tags = has.units_a_day * DAYS * given["rfid_tag"] if has.readers else 0.0
    running = (
        paid * given["upkeep"] + points * given["licence"] + devices * given["service"] + tags
        + watts / 1000 * HOURS * given["electricity"]
    )  # fmt: skip
    benefit, cost = sum(brought.values()), paid / given["life"] + running
    return brought | {"benefit": benefit, "paid": paid, "running": running, "cost": cost, "net": benefit - cost}


def returns(
    against: Mapping[str, Mapping[str, Mapping[str, float | None]]], equipment: Mapping[str, Equipment],
    given: Assumptions,
) -> dict[str, Any]:  # fmt: skip
    """Of every arm its yearly money with 95 % of the draws, how often it pays, the years until it has paid for itself,
    and its tornado; `against` has the paired differences from the daily audit."""
    drawn = {name: a.draw(rng(0, "economics", name)) for name, a in given.assumptions.items()}
    ranges = {name: (a.value, a.low, a.high) for name, a in given.assumptions.items()}
    arms = {}
    for arm, has in equipment.items():
        measured = {name: _range(against[arm][name]) for name in MEASURED}
        draws = {name: _draws(arm, name, row) for name, row in measured.items()}
        money = yearly_return({**drawn, **draws}, has)
        earned = money["benefit"] - money["running"]
        years = np.where(earned > 0, money["paid"] / np.where(earned > 0, earned, 1.0), np.inf)
        arms[arm] = {name: spread(np.broadcast_to(value, DRAWS)) for name, value in money.items()} | {
            "pays": round(float((money["net"] > 0).mean()), 3),
            "payback_years": years_of(years),
            **tornado({**ranges, **measured}, has),
        }
    return {
        "currency": given.currency, "against": "audit daily", "arms": arms,
        "assumptions": {name: asdict(a) for name, a in given.assumptions.items()},
    }  # fmt: skip


def tornado(ranges: Mapping[str, tuple[float, float, float]], has: Equipment) -> dict[str, Any]:
    """The net if all assumptions and measured differences (value, low, high) are as their values say,
    `net_at_values`, and how far it goes if each alone goes to the ends of its range, `tornado`, the farthest first;
    what does not move it is left out."""
    values = {name: value for name, (value, _, _) in ranges.items()}
    rows: list[dict[str, Any]] = []
    for name, (_, low, high) in ranges.items():
        ends = [round(float(yearly_return({**values, name: end}, has)["net"]), 2) for end in (low, high)]
        if ends[0] != ends[1]:
            rows.append({"of": name, "low": low, "high": high, "net_low": ends[0], "net_high": ends[1]})
    rows.sort(key=lambda row: -abs(row["net_high"] - row["net_low"]))
    return {"net_at_values": round(float(yearly_return(values, has)["net"]), 2), "tornado": rows}


def _range(row: Mapping[str, float | None]) -> tuple[float, float, float]:
    """Value and interval of a measured difference; without an interval, as of one start, only the value."""
    value = row["value"] or 0.0
    low, high = row["low"], row["high"]
    return (value, low, high) if low is not None and high is not None else (value, value, value)


def _draws(arm: str, name: str, row: tuple[float, float, float]) -> Floats:
    """Draws of a normal distribution with the interval of what was measured."""
    value, low, high = row
    return rng(0, "economics", arm, name).normal(value, (high - low) / (2 * 1.96), DRAWS)


def save_tornado(money: Mapping[str, Any], arms: Sequence[str], path: Path) -> None:
    """Draw the tornado of each arm, as a picture with one panel each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2 * len(arms)), layout="constrained")
    for axes, arm in zip(np.atleast_1d(figure.subplots(len(arms), 1)), arms):
        rows = money["arms"][arm]["tornado"][:SHOWN][::-1]
        centre = money["arms"][arm]["net_at_values"]
        for key, colour in (("net_low", "tab:orange"), ("net_high", "tab:blue")):
            axes.barh(
                [r["of"] for r in rows], [r[key] - centre for r in rows], left=centre, color=colour, label=key[4:]
            )
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_title(f"{arm}: net a year against {money['against']}, {money['currency']}")
        axes.legend(title="at its end", loc="lower right")
    figure.savefig(path, dpi=110)


def returns_table(money: Mapping[str, Any]) -> str:
    """The table for the terminal."""
    lines = [f"a year against {money['against']}, {money['currency']}, with 95 % of the draws of the assumptions"]
    for arm, row in money["arms"].items():
        years = row["payback_years"]["value"]
        parts = [f"{name} {amount(row[name])}" for name in ("benefit", "cost", "net")]
        back = "never" if years is None else f"{years:.1f} years" if row["paid"]["value"] else "nothing to pay back"
        lines.append(f"{arm:13s}{'; '.join(parts)}; pays in {100 * row['pays']:.0f} of 100; payback: {back}")
    return "\n".join(lines)

"""What a placement costs and brings in money, per store and year, as an interval.

Every assumption of conf/economics.yaml is drawn from its range, thousands of times; so is what was measured, from its
interval. The interval says how unsure the money is, given the assumptions; that these hold is the user's to judge.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.stats import rankdata

from bench.configs import CONF
from bench.statistics import TAIL, Estimate, Floats
from scenarios import InputError, Layout, rng
from scenarios.files import build

SHIPPED = CONF / "economics.yaml"
NAMES = (
    "sales", "daily_units", "price", "out_of_stock", "lost", "curable", "sooner", "margin", "check_minutes",
    "checks_spared", "wage", "life", "upkeep", "service", "camera_watts", "device_watts", "electricity",
)  # fmt: skip
SECTIONS = ("assumptions", "day")
"""Of the file: what placement rests on, and what `bench.returns` needs beside it."""
DRAWS = 10_000
DAYS, HOURS = 365, 8760
"""Of a year."""
TOLD = 4
"""Assumptions that are named as deciding."""


@dataclass(frozen=True)
class Assumption:
    """A value with its range, its unit and where it is from."""

    value: float
    low: float
    high: float
    unit: str
    source: str

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high or not self.source.strip():
            raise ValueError(f"value {self.value} from {self.low} to {self.high}; expected 0 <= low <= value <= high, "
                             "and a source")  # fmt: skip

    def draw(self, random: np.random.Generator) -> Floats:
        if self.low == self.high:
            return np.full(DRAWS, self.value)
        return random.triangular(self.low, self.value, self.high, DRAWS)


@dataclass(frozen=True)
class Assumptions:
    """Assumptions by name, and the currency that they are in."""

    currency: str
    assumptions: Mapping[str, Assumption]


@dataclass(frozen=True)
class Placed:
    """What the money is reckoned of: what was paid once, how many cameras and devices there are, and the share of empty
    positions that is told, with its 95 % interval."""

    paid: float
    cameras: int
    devices: int
    recall: Estimate


def load_assumptions(path: Path = SHIPPED, section: str = "assumptions", names: Sequence[str] = NAMES) -> Assumptions:
    """Read the assumptions of a section. Raises InputError that names file and key."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected assumptions as in {SHIPPED}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or not {"currency", "assumptions"} <= set(data) <= {"currency", *SECTIONS}:
        raise InputError(
            f"{path}: expected the keys currency and {', '.join(SECTIONS)}, of which the last may be left out"
        )
    given = data.get(section)
    if not isinstance(given, dict):
        raise InputError(f"{path}: {section} is no list of assumptions; expected {', '.join(names)} in it")
    for name in (*names, *given):
        if name not in given or name not in names:
            what = "is missing" if name not in given else "is unknown"
            raise InputError(f"{path}: assumption {name!r} {what}; expected {', '.join(names)}")
    found = {name: build(Assumption, given[name], f"{path}: {name}") for name in names}
    return Assumptions(str(data["currency"]), found)


def yearly_money(given: Assumptions, layout: Layout, placed: Placed) -> dict[str, Any]:
    """Cost, benefit and what is left, money per store and year, each a value (the mean of the draws) with 95 % of the
    draws around it; how often benefit exceeds cost; years until what was paid is earned; what decides; assumptions."""
    drawn = {name: a.draw(rng(0, "economics", name)) for name, a in given.assumptions.items()}
    drawn["recall"] = _recall(placed.recall)
    watts = drawn["camera_watts"] * placed.cameras + drawn["device_watts"] * placed.devices
    running = (
        placed.paid * drawn["upkeep"] + placed.devices * drawn["service"] + watts / 1000 * HOURS * drawn["electricity"]
    )
    cost = placed.paid / drawn["life"] + running
    sold, metres = yearly_sales(layout, drawn), sum(f.width for f in layout.store.fixtures)
    missed = sold * drawn["out_of_stock"] * drawn["lost"] / (1 - drawn["out_of_stock"] * drawn["lost"])
    recovered = missed * drawn["curable"] * drawn["sooner"] * drawn["recall"] * drawn["margin"]
    hours = metres * drawn["check_minutes"] / 60 * DAYS
    spared = hours * drawn["checks_spared"] * drawn["wage"]
    net = recovered + spared - cost
    earned = recovered + spared - running
    years = np.where(earned > 0, placed.paid / np.where(earned > 0, earned, 1), np.inf)
    return {
        "currency": given.currency, "paid": round(placed.paid, 2),
        "cost": spread(cost), "margin_recovered": spread(recovered), "labour_spared": spread(spared),
        "benefit": spread(recovered + spared), "net": spread(net),
        "pays": round(float((net > 0).mean()), 3), "payback_years": years_of(years),
        "sales_watched": spread(sold), "decided_by": _deciding(drawn, net),
        "recall": dataclasses.asdict(placed.recall),
        "assumptions": {name: dataclasses.asdict(a) for name, a in given.assumptions.items()},
    }  # fmt: skip


def yearly_sales(layout: Layout, drawn: Mapping[str, Floats]) -> Floats:
    """(DRAWS,) money a year of what stands on the shelves: by the catalog's price and daily units; where it has none,
    by the assumed ones."""
    total = np.zeros(DRAWS)
    for sku in sorted({p.sku for p in layout.planogram.positions}):
        product = layout.catalog[sku]
        price = product.price if product.price > 0 else drawn["price"]
        units = product.daily_units if product.daily_units > 0 else drawn["daily_units"]
        total = total + price * units * DAYS
    return total * drawn["sales"]


def _recall(e: Estimate) -> Floats:
    """Draws of a normal distribution with the estimate's interval, cut at 0 and 1."""
    spread = (e.high - e.low) / (2 * 1.96)
    return np.clip(rng(0, "economics", "recall").normal(e.value, spread, DRAWS), 0, 1)


def spread(values: Floats) -> dict[str, float]:
    """The mean of draws, and where 95 % of them lie."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    return {"value": round(float(values.mean()), 2), "low": round(float(low), 2), "high": round(float(high), 2)}


def years_of(years: Floats) -> dict[str, float | None]:
    """Median, and where 95 % of the draws lie; None for never."""
    quantiles = zip(("value", "low", "high"), np.quantile(years, [0.5, TAIL, 1 - TAIL], method="higher"))
    return {name: round(float(v), 1) if np.isfinite(v) else None for name, v in quantiles}


def _deciding(drawn: Mapping[str, Floats], net: Floats) -> list[dict[str, Any]]:
    """The assumptions that what is left hangs on most, by Spearman's rank correlation."""
    ranks = rankdata(net)
    rows = [(n, float(np.corrcoef(rankdata(v), ranks)[0, 1])) for n, v in drawn.items() if np.ptp(v) > 0]
    rows.sort(key=lambda row: -abs(row[1]))
    return [{"assumption": name, "rank_correlation": round(value, 2)} for name, value in rows[:TOLD]]


def money_line(money: Mapping[str, Any]) -> str:
    """A year's money in one line."""
    parts = [
        f"{title} {amount(money[key])}" for title, key in (("cost", "cost"), ("benefit", "benefit"), ("net", "net"))
    ]
    return (
        f"money per store and year, {money['currency']}: {'; '.join(parts)}; pays in "
        f"{100 * money['pays']:.0f} of 100 draws of the assumptions (conf/economics.yaml)"
    )


def amount(e: Mapping[str, float]) -> str:
    return f"{e['value']:,.0f} [{e['low']:,.0f}, {e['high']:,.0f}]"

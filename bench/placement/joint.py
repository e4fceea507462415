"""Network, precision, rate and device chosen with the placement, under one budget for all of them.

The planner is run for every combination that is offered. How many cameras a device reads at a rate is measured
(`shelfwatch latency`); what a network makes of a view is its response. What is predicted of a moment does not hang on
the rate, which only says how long a change waits for the next picture; hence that wait counts beside cost and errors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.device_choice import carried
from bench.economics import Assumptions, Placed, yearly_money
from bench.latency import read_latency
from bench.placement.arms import strategy_placements
from bench.placement.evaluate import plain_camera
from bench.placement.handover import bill_of_materials, bill_total
from bench.placement.problem import Problem
from bench.placement.solve import solve
from bench.placement.store_problem import GROUPS, Costs, StoreProblem
from bench.results import estimate_row
from bench.statistics import Sample, interval, ratio
from scenarios import InputError, Scenario

LESS = {"cost": 1, "oos_recall": -1, "count_error": 1, "wait": 1}
"""What options are compared by, and whether less of it is better (1) or more (-1)."""


@dataclass(frozen=True)
class OfferedDevice:
    """A device that may be bought, for `price`; `results` are result.json of `shelfwatch latency` on it, one for each
    network and precision."""

    name: str
    price: float
    results: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.price < 0 or not self.results:
            raise ValueError(f"{self.name}: price {self.price}; expected price >= 0, and results of shelfwatch latency")


@dataclass(frozen=True)
class Offer:
    """A combination: a network at a precision on a device that reads `streams` cameras, each giving `rate` pictures a
    second. `remarks` say what its time is not."""

    network: str
    precision: str
    device: str
    price: float
    rate: float
    streams: int
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.network} {self.precision} on {self.device}, {self.rate:g}/s"


def offers(
    devices: Sequence[OfferedDevice], networks: Mapping[str, str], rates: Sequence[float]
) -> tuple[list[Offer], list[str]]:
    """All combinations, and a line for each that is left out; `networks` has the name of each by the SHA-256 of its
    detector. Raises InputError for a result that is none, and where nothing is left."""
    found, left_out = [], []
    for device in devices:
        missing = dict.fromkeys(networks.values())
        for path in device.results:
            result = read_latency(Path(path))
            network = result["networks"]["detector"]
            name = networks.get(network["sha256"])
            if name is None:
                left_out.append(f"{device.name}: {path} is of {network['weights']}, which is not among the networks")
                continue
            missing.pop(name, None)
            speed = max(run["frames_per_second"] for run in result["runs"])
            remarks = tuple(f"void for a gate: {reason}" for reason in result["void_for_gate"])
            for rate in rates:
                offer = Offer(
                    name, network["precision"], device.name, device.price, rate, carried(speed, 1 / rate), remarks
                )
                if offer.streams:
                    found.append(offer)
                else:
                    left_out.append(f"{offer.name}: it reads {speed:.2f} pictures a second, not one camera")
        left_out += [f"{device.name}: no result of {name}" for name in missing]
    if not found:
        raise InputError("devices: no combination is left: " + "; ".join(left_out))
    return found, left_out


def with_devices(
    problem: Problem, budget: float, price: float, streams: int, choose: Callable[[Problem], list[int]]
) -> tuple[list[int], int]:
    """The best placement whose cameras (the first of the problem's `uses`) and devices, each for `streams` cameras,
    cost the budget or less together, and how many devices it takes. `choose` solves a problem."""
    best, taken, count = list[int](), 0, 0
    while True:
        count += 1
        left = budget - count * price
        if left < problem.uses[0].min() - 1e-9:
            return best, taken
        uses = np.concatenate([problem.uses, np.ones((1, problem.candidates))])
        limits = np.concatenate([[left], problem.limits[1:], [float(count * streams)]])
        chosen = choose(dataclasses.replace(problem, uses=uses, limits=limits))
        if problem.value(chosen) > problem.value(best) + 1e-9:
            best, taken = chosen, -(-len(chosen) // streams)
        if len(chosen) < count * streams:
            return best, taken


def planned(offer: Offer, store: StoreProblem, usual: Problem, budget: float, seconds: float) -> list[int]:
    """The placement for a combination; every number of devices that is tried is searched for so many seconds."""
    starts = list(strategy_placements(usual, store.found).values())

    def choose(problem: Problem) -> list[int]:
        return solve(problem, seconds, starts).chosen

    return with_devices(usual, budget, offer.price, offer.streams, choose)[0]


def out_positions(scenario: Scenario) -> NDArray[np.bool_]:
    """(J,) of which positions no unit of the planned SKU is there."""
    there = {(unit.position, unit.sku) for unit in scenario.stock.units}
    return np.array([(p.id, p.sku) not in there for p in scenario.layout.planogram.positions])


def foretold(store: StoreProblem, usual: Problem, chosen: Sequence[int]) -> tuple[Sample, Sample]:
    """The share of the positions that are out that is told, and the share of the value whose facings are not counted
    exactly, over the usual worlds."""
    worlds = [w for w, g in zip(store.worlds, store.group) if g == GROUPS.index("usual")]
    known = usual.known(chosen).reshape(len(worlds), -1)
    out = np.array([out_positions(w) for w in worlds])
    missed = ratio(1 - known @ store.weight, np.ones(len(worlds)))
    return ratio((known * out).sum(axis=1), out.sum(axis=1).astype(float)), missed


def option_row(
    offer: Offer, chosen: Sequence[int], store: StoreProblem, usual: Problem, costs: Costs, assumptions: Assumptions
) -> dict[str, Any]:
    """What a combination with its placement costs and tells, as plain data."""
    costs = dataclasses.replace(costs, device=offer.device, device_price=offer.price, streams=offer.streams)
    paid, devices = bill_total(bill_of_materials(store.found, chosen, costs)), -(-len(chosen) // offer.streams)
    recall, error = foretold(store, usual, chosen)
    told = interval(recall, 0.0, 1.0)
    money = yearly_money(assumptions, store.worlds[0].layout, Placed(paid, len(chosen), devices, told))
    return {
        **dataclasses.asdict(offer), "name": offer.name, "cameras": [plain_camera(store, i) for i in chosen],
        "devices": devices, "paid": paid, "cost": money["cost"], "net": money["net"], "currency": money["currency"],
        "oos_recall": estimate_row(told), "count_error": estimate_row(interval(error, 0.0, 1.0)),
        "wait": {"value": 1 / offer.rate},
    }  # fmt: skip


def mark_front(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, the cheapest first, each with the name of one that `beats` it: is as good in all of `LESS`, and better
    in some; None on the front."""
    values = np.array([[sign * _value(row[key]) for key, sign in LESS.items()] for row in rows])
    marked = []
    for row, own in zip(rows, values):
        beats = (values <= own + 1e-9).all(axis=1) & (values < own - 1e-9).any(axis=1)
        better = int(np.flatnonzero(beats)[values[beats].argsort(axis=0)[0, 0]]) if beats.any() else None
        marked.append({**row, "beaten_by": None if better is None else rows[better]["name"]})
    return sorted(marked, key=lambda row: (row["cost"]["value"], -_value(row["oos_recall"])))


def _value(estimate: Mapping[str, float | None]) -> float:
    """What was not there to be told counts as nothing told."""
    return 0.0 if estimate["value"] is None else estimate["value"]

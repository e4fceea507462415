"""`shelfbench day restocking=loop`: what knowing is worth when staff act on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.day.glances import views
from bench.day.loop import ARMS, BASE, World, play_loop
from bench.day.loop_measures import Counts, forecast_counts, loop_counts, loop_summary, loop_table
from bench.day.play import Sensors
from bench.devices import conditions
from bench.economics import SHIPPED
from bench.response.response import Response
from bench.results import estimate_row
from bench.returns import Equipment, return_assumptions, returns, returns_table, save_tornado
from bench.statistics import interval, ratio
from scenarios import Layout, Scenario
from scenarios.demand import HOUR, Demand
from vision.outputs import final_path, result_folder, write_json

if TYPE_CHECKING:
    from bench.day.command import DayPlan

DRAWN = "drawn from responses (bench/response), not rendered"
"""What a result says of its cameras' readings."""


def run_loop(
    plan: DayPlan, base: Scenario, demand: Demand, responses: Mapping[str, Response], told: Mapping[str, Any],
    command: str,
) -> tuple[Path, dict[str, Any]]:  # fmt: skip
    """Play every arm's store, `plan.days` opening stocks with the days that follow each, and write result.json and
    tornado.png; their folder and the result. Raises InputError."""
    given = return_assumptions(Path(plan.economics) if plan.economics else SHIPPED)
    equipment = equipment_of(plan, base.layout, demand)
    rows = list(tqdm(starts(plan, base, demand, responses), "starts", plan.days, disable=None))
    found = together([row["counts"] for row in rows], [row["forecast"] for row in rows])
    result = {
        "command": command, "readings": DRAWN, **found,
        "money": returns(found["against_audit_daily"], equipment, given),
        "starts": plan.days, "days": plan.days * plan.loop.days_each,
        "by_start": [row["counts"] for row in rows],
        "ignored": {arm: sum((Counter(row["ignored"][arm]) for row in rows), Counter()) for arm in ARMS},
        "conditions": conditions() | {
            "scenario": plan.scenario, "model": plan.responses_of, "demand": demand.source,
            "weekly_units": round(demand.weekly_units, 1), "seeds": [row["seed"] for row in rows],
            "positions": len(base.layout.planogram.positions), "skipped": ["scales"],
        },
        "config": dict(told),
    }  # fmt: skip
    with result_folder(Path(plan.outputs), "day") as folder:
        write_json(folder / "result.json", result)
        save_tornado(result["money"], [arm for arm, has in equipment.items() if has.cameras or has.readers],
                     folder / "tornado.png")  # fmt: skip
    return final_path(folder), result


def starts(
    plan: DayPlan, base: Scenario, demand: Demand, responses: Mapping[str, Response]
) -> Iterator[dict[str, Any]]:
    """Play `plan.days` opening stocks with the days that follow each, by every arm. Of each: its `seed`, what
    `loop_counts` found of every arm (`counts`), what `forecast_counts` found, and what was `ignored`, by arm."""
    sensors = Sensors(plan.rfid, plan.till, plan.records)
    silences = tuple((s.source, s.since * HOUR, s.until * HOUR) for s in plan.silences)
    for seed in range(plan.first_seed, plan.first_seed + plan.days):
        scenario = base.draw(seed)
        seen = views(scenario, plan.rig.cameras, responses)
        world = World(demand, plan.trouble, seen, sensors, plan.loop, silences)
        days = play_loop(scenario, world, plan.every)
        yield {
            "seed": seed,
            "counts": {arm: loop_counts(days[arm], base.layout, demand, plan.loop.overstock) for arm in ARMS},
            "forecast": forecast_counts(days["fused"], base.layout, demand),
            "ignored": {arm: dict(days[arm][-1].ignored) for arm in ARMS},
        }


def together(counts: Sequence[Mapping[str, Counts]], forecast: Sequence[Counts]) -> dict[str, Any]:
    """What counts of many starts, or of many shops, show by arm, against the daily audit, and of the forecast; each
    with its interval over them."""
    return loop_summary({arm: [row[arm] for row in counts] for arm in ARMS}) | {
        "forecast": {
            name: estimate_row(interval(ratio(*np.array([f[name] for f in forecast]).T))) for name in forecast[0]
        },
    }


def equipment_of(plan: DayPlan, layout: Layout, demand: Demand) -> dict[str, Equipment]:
    """What every arm but the daily audit needs."""
    units = sum(demand.daily_units.values())
    price = sum(n * layout.catalog[sku].price for sku, n in demand.daily_units.items()) / max(units, 1e-9)
    found = {}
    for name, arm in ARMS.items():
        if name != BASE:
            cameras = len(plan.rig.cameras) if "vision" in arm.sources else 0
            readers = len(layout.store.fixtures) if "rfid" in arm.sources else 0
            found[name] = Equipment(cameras, plan.rig.cost if cameras else 0.0, readers, units, price)
    return found


def loop_text(result: Mapping[str, Any]) -> str:
    """What the terminal shows."""
    f = {name: row["value"] for name, row in result["forecast"].items()}
    told = (
        f"forecast of days not seen: {f['sales_inside']:.3f} of the SKUs' sales in their 90 % interval, "
        f"{f['sales_below']:.3f} below, {f['sales_above']:.3f} above; {f['sales_expected']:.2f} times as many expected "
        f"as wished; {_share(f['stock_out_inside'])} of what may run out does so in its 90 % interval"
    )
    return "\n".join([loop_table(result), told, "", returns_table(result["money"])])


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

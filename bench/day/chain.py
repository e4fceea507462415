"""`shelfbench day chain.shops=25`: the closed loop in every shop of a chain, by any of Hydra's launchers; one table.

A shop's row hangs on nothing but the configuration, the code and the shop's seed. Rows are files; who was killed goes
on with those that are missing, on one machine or on many.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bench.day.loop import ARMS, BASE
from bench.day.loop_command import DRAWN, equipment_of, starts, together
from bench.day.loop_measures import Counts, loop_table
from bench.demand import real_demand
from bench.devices import conditions
from bench.economics import SHIPPED as ECONOMICS
from bench.response.response import SHIPPED, load_responses
from bench.returns import Equipment, return_assumptions, returns, returns_table, save_tornado
from bench.stores.chain import ceiling_rig, chain_shop
from bench.studies.claims import write_whole
from bench.studies.study import READING, code_version, digest
from scenarios import CameraModel, Scenario
from sim.workers import worker_pool
from vision.outputs import final_path, result_folder, write_json

if TYPE_CHECKING:
    from bench.day.command import DayPlan

CODE = (*READING, "bench/day/*.py", "bench/stores/*", "bench/response/*", "bench/demand.py", "bench/statistics.py")
"""Files whose content decides a shop's row."""
ELSEWHERE = ("outputs", "camera_models", "rendering", "film", "rig", "scenario", "economics", "chain")
"""Keys of the configuration that no row hangs on, `chain` but for how its shops are built."""
CLAIMS = (
    ("fewer stock-outs", "osa", 1), ("fewer lost sales", "lost_units", -1), ("less overstock", "overstock_units", -1),
    ("less work", "labour_minutes", -1),
)  # fmt: skip
"""What is said of such systems, the measure that it is asked of, and its better direction."""


@dataclass(frozen=True)
class Chain:
    """`shops` from seed `first` on, each with `bays` bays; a ceiling camera, a `camera`, before every `bays_each`
    of them. `shop`: the one that a job of a launcher plays."""

    camera: CameraModel = field(default_factory=lambda: CameraModel("wide 1080p", 1920, 1080, 1.13, 240))
    shops: int = 0
    first: int = 980_001
    bays: int = 4
    bays_each: int = 2
    shop: int | None = None

    def __post_init__(self) -> None:
        if self.shops < 0 or self.first < 0 or not (self.bays >= 1 and self.bays_each >= 1):
            raise ValueError(
                f"shops {self.shops}, first {self.first}, bays {self.bays}, bays_each {self.bays_each}; expected 0 or "
                "more, 0 or more, 1 or more, and 1 or more"
            )

    @property
    def seeds(self) -> range:
        return range(self.first, self.first + self.shops)


def rows_folder(plan: DayPlan, told: Mapping[str, Any]) -> Path:
    """Where the rows of shops of this configuration lie."""
    chain = {k: v for k, v in told["chain"].items() if k not in ("shops", "first", "shop")}
    plain = [{k: v for k, v in told.items() if k not in ELSEWHERE}, chain, code_version(CODE)]
    if plan.responses:
        plain.append(Path(plan.responses).read_text(encoding="utf-8"))
    return Path(plan.outputs).resolve() / "chain" / digest(plain)


def make_shop(plan: DayPlan, seed: int, folder: Path) -> None:
    """Play one shop and keep its row."""
    layout, dials, _ = chain_shop(seed, plan.chain.bays)
    own = replace(plan, rig=ceiling_rig(layout, plan.chain.camera, plan.chain.bays_each))
    demand = real_demand({p.sku for p in layout.planogram.positions}, plan.weekly_units)
    responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, plan.responses_of)
    played = list(starts(own, Scenario(layout, dials), demand, responses))
    row = {
        "seed": seed, "positions": len(layout.planogram.positions), "weekly_units": round(demand.weekly_units, 1),
        "counts": {arm: _sum([start["counts"][arm] for start in played]) for arm in ARMS},
        "forecast": _sum([start["forecast"] for start in played]),
        "ignored": {arm: sum((Counter(s["ignored"][arm]) for s in played), Counter()) for arm in ARMS},
        "equipment": {arm: vars(has) for arm, has in equipment_of(own, layout, demand).items()},
    }  # fmt: skip
    write_whole(folder / f"shop-{seed}.json", json.dumps(row))


def _sum(rows: Sequence[Counts]) -> dict[str, tuple[float, float]]:
    return {name: (sum(row[name][0] for row in rows), sum(row[name][1] for row in rows)) for name in rows[0]}


def shop_job(config: Any) -> None:
    """One shop as a job of one of Hydra's launchers."""
    from omegaconf import OmegaConf

    from bench.configs import plain
    from bench.day.command import plan_of

    told = plain(OmegaConf.to_container(config, resolve=True))
    plan = plan_of(told)
    assert plan.chain.shop is not None
    make_shop(plan, plan.chain.shop, rows_folder(plan, told))


def run_chain(
    plan: DayPlan, told: Mapping[str, Any], command: str, words: Sequence[str], launcher: Sequence[str]
) -> tuple[Path, dict[str, Any]]:  # fmt: skip
    """Play the shops whose rows are missing, here or by the launcher that is named, and write result.json and
    tornado.png of all; their folder and the result. Raises InputError."""
    given = return_assumptions(Path(plan.economics) if plan.economics else ECONOMICS)
    folder = rows_folder(plan, told)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in plan.chain.seeds if not (folder / f"shop-{seed}.json").exists()]
    if missing and launcher:
        from bench.studies.multirun import multirun

        multirun("day", shop_job, [
            *words, f"chain.shop={','.join(map(str, missing))}", f"outputs={Path(plan.outputs).resolve()}",
            "hydra.output_subdir=null", f"hydra.sweep.dir={folder}/launcher", *launcher,
        ])  # fmt: skip
    elif missing:
        _make_here(plan, missing, folder)
    rows = [json.loads((folder / f"shop-{seed}.json").read_text(encoding="utf-8")) for seed in plan.chain.seeds]
    found = together([row["counts"] for row in rows], [row["forecast"] for row in rows])
    equipment = {arm: _mean([row["equipment"][arm] for row in rows]) for arm in rows[0]["equipment"]}
    result = {
        "command": command, "readings": DRAWN, **found,
        "claims": claims(found, [row["counts"] for row in rows]),
        "money": returns(found["against_audit_daily"], equipment, given),
        "shops": rows, "starts": plan.days * len(rows), "days": plan.days * plan.loop.days_each * len(rows),
        "conditions": conditions() | {
            "model": plan.responses_of, "seeds": list(plan.chain.seeds), "skipped": ["scales"],
            "positions": sum(row["positions"] for row in rows),
        },
        "config": dict(told),
    }  # fmt: skip
    with result_folder(Path(plan.outputs), "chain") as made:
        write_json(made / "result.json", result)
        save_tornado(result["money"], [arm for arm, has in equipment.items() if has.cameras or has.readers],
                     made / "tornado.png")  # fmt: skip
    return final_path(made), result


def _make_here(plan: DayPlan, missing: Sequence[int], folder: Path) -> None:
    with worker_pool(min(plan.rendering.workers, len(missing))) as pool:
        tasks = [pool.submit(make_shop, plan, seed, folder) for seed in missing]
        try:
            for task in tqdm(as_completed(tasks), "shops", len(tasks), disable=None):
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _mean(rows: Sequence[Mapping[str, float]]) -> Equipment:
    means: dict[str, Any] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return Equipment(**means)


def claims(found: Mapping[str, Any], shops: Sequence[Mapping[str, Counts]]) -> list[dict[str, Any]]:
    """Of every arm and claim: the difference from the daily audit with its interval over shops, in how many shops it is
    for the better, and whether the claim `holds`; None where the interval says neither."""
    rows: list[dict[str, Any]] = []
    for arm, against in found["against_audit_daily"].items():
        for claim, measure, better in CLAIMS:
            value, low, high = (against[measure][key] for key in ("value", "low", "high"))
            told = low is not None and high is not None
            up, down = told and low > 0, told and high < 0
            ends = [(np.divide(*shop[arm][measure]), np.divide(*shop[BASE][measure])) for shop in shops]
            rows.append({
                "arm": arm, "claim": claim, "measure": measure, "value": value, "low": low, "high": high,
                "shops_better": sum(bool(better * (mine - other) > 0) for mine, other in ends), "shops": len(shops),
                "holds": (up if better > 0 else down) if up or down else None,
            })  # fmt: skip
    return rows


def chain_text(result: Mapping[str, Any]) -> str:
    """What the terminal shows."""
    head = f"{'arm':13s}" + "".join(f"{claim:>19s}" for claim, _, _ in CLAIMS)
    said = {True: "yes", False: "the contrary", None: "not told"}
    lines = [loop_table(result), "", f"does it hold, and in how many of {len(result['shops'])} shops", head]
    for arm in result["against_audit_daily"]:
        cells = [f"{said[r['holds']]} ({r['shops_better']})" for r in result["claims"] if r["arm"] == arm]
        lines.append(f"{arm:13s}" + "".join(f"{cell:>19s}" for cell in cells))
    return "\n".join([*lines, "", returns_table(result["money"])])

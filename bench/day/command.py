"""`shelfbench day`: days of a store as cameras, RFID, tills and stock records tell them, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from bench.day.agreement import agreement_table, play_both, report
from bench.day.alerting import Reviewer
from bench.day.audits import WEEK, told_by_audit
from bench.day.chain import Chain, chain_text, run_chain
from bench.day.film import write_film
from bench.day.glances import views
from bench.day.loop import Loop
from bench.day.loop_command import DRAWN, loop_text, run_loop
from bench.day.measures import LOSSES, counts, delays, estimates, event_delays, samples
from bench.day.play import ARMS, Course, Sensors, drawn_day, play, said_out
from bench.day.rendered import Rendering
from bench.demand import real_demand
from bench.devices import conditions
from bench.experiment import check_rig
from bench.response.response import MODEL, SHIPPED, load_responses
from bench.results import estimate_row
from bench.statistics import paired_difference
from scenarios import InputError, Rig, Scenario, load_scenario
from scenarios.day import Trouble
from scenarios.demand import HOUR, Demand, parametric_demand
from scenarios.files import build
from scenarios.timeline import SOURCES, Timeline
from sim.records import RecordErrors
from sim.rfid import RfidReader
from sim.till import Till
from vision.outputs import final_path, result_folder, write_json

SINGLE = tuple(name for name in ARMS if name != "fused")


@dataclass(frozen=True)
class Silence:
    """A source that is silent, from when until when in hours after opening."""

    source: str
    since: float
    until: float

    def __post_init__(self) -> None:
        if self.source not in SOURCES or not 0 <= self.since < self.until:
            raise ValueError(
                f"source {self.source!r} from {self.since} to {self.until} h; expected one of {', '.join(SOURCES)}, "
                "and 0 <= since < until"
            )


@dataclass(frozen=True)
class DayPlan:
    """conf/day.yaml says what each key means."""

    scenario: str
    rig: Rig
    cameras: str = "drawn"
    rendering: Rendering = field(default_factory=Rendering)
    reviewer: Reviewer | None = field(default_factory=Reviewer)
    responses_of: str = MODEL
    responses: str | None = None
    demand: str = "real"
    weekly_units: float | None = None
    first_seed: int = 700000
    days: int = 20
    hours: float | None = None
    every: float = 1800.0
    trouble: Trouble = field(default_factory=Trouble)
    rfid: RfidReader = field(default_factory=RfidReader)
    till: Till = field(default_factory=Till)
    records: RecordErrors = field(default_factory=RecordErrors)
    silences: tuple[Silence, ...] = ()
    restocking: str = "rounds"
    loop: Loop = field(default_factory=Loop)
    economics: str | None = None
    chain: Chain = field(default_factory=Chain)
    film: bool = False
    outputs: str = "outputs"

    def __post_init__(self) -> None:
        if self.demand not in ("real", "parametric"):
            raise ValueError(f"demand {self.demand!r}; expected real or parametric")
        if self.cameras not in ("drawn", "rendered"):
            raise ValueError(f"cameras {self.cameras!r}; expected drawn or rendered")
        if self.film and self.cameras != "rendered":
            raise ValueError("film shows rendered pictures; expected cameras=rendered with it")
        if self.hours is not None and not self.hours * HOUR >= self.every:
            raise ValueError(f"hours {self.hours}; expected null, or at least `every`, which is {self.every} s")
        if self.restocking not in ("rounds", "loop"):
            raise ValueError(f"restocking {self.restocking!r}; expected rounds or loop")
        if self.restocking == "loop" and (self.cameras == "rendered" or self.hours is not None):
            raise ValueError("restocking=loop plays whole days with drawn readings; expected cameras=drawn, hours=null")
        if self.chain.shops and (self.restocking != "loop" or self.demand != "real"):
            raise ValueError("the shops of a chain are played with restocking=loop and demand=real")
        if self.days < 1 or not 60 <= self.every <= 4 * HOUR:
            raise ValueError(f"days {self.days}, every {self.every}; expected 1 or more, and 60 to 14400 s")
        if self.weekly_units is not None and not self.weekly_units >= 0:
            raise ValueError(f"weekly_units {self.weekly_units}; expected null, or 0 or more")


def plan_of(config: Mapping[str, Any]) -> DayPlan:
    """What a composed configuration describes. Raises InputError."""
    return build(DayPlan, {k: v for k, v in config.items() if k != "camera_models"}, "day")


def demand_of(plan: DayPlan, scenario: Scenario) -> Demand:
    """The demand for what stands on the shelves. Raises InputError."""
    catalog = scenario.layout.catalog
    skus = {p.sku for p in scenario.layout.planogram.positions}
    if plan.demand == "real":
        return real_demand(skus, plan.weekly_units)
    return parametric_demand({s: catalog[s].daily_units for s in sorted(skus)}, plan.weekly_units)


def run_day(told: Mapping[str, Any], words: Sequence[str], launcher: Sequence[str]) -> tuple[Path, dict[str, Any]]:
    """Play the days that a composed configuration describes and write result.json; its folder and what is in it.
    `words` are the overrides that it was composed with, `launcher` those that choose who plays a chain. Raises
    InputError."""
    plan, command = plan_of(told), " ".join(["shelfbench day", *words, *launcher])
    if plan.chain.shops:
        return run_chain(plan, told, command, words, launcher)
    if launcher:
        raise InputError(f"{launcher[0]}: expected chain.shops, of which each is a job")
    base = load_scenario(plan.scenario)
    check_rig(plan.rig, base.layout)
    responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, plan.responses_of)
    demand = demand_of(plan, base)
    if plan.restocking == "loop":
        return run_loop(plan, base, demand, responses, told, command)
    sensors = Sensors(plan.rfid, plan.till, plan.records)
    end = min(demand.open_seconds, np.inf if plan.hours is None else plan.hours * HOUR)
    times = np.arange(plan.every, end + 1, plan.every).tolist()
    scenarios = [base.draw(seed) for seed in _seeds(plan)]
    if plan.cameras == "rendered":
        plan.rendering.check()
        days = [(scenario, _day(plan, scenario, demand, end)) for scenario in scenarios]
        both, took = play_both(
            base, days, plan.rig.cameras, plan.rendering, responses, demand, sensors, times,
            plan.reviewer, Path(plan.outputs),
        )  # fmt: skip
        found = summary([day.course for day in both]) | report(both, plan.rendering, took)
    else:
        courses = []
        for scenario in tqdm(scenarios, desc="days", disable=None):
            timeline, seen = _day(plan, scenario, demand, end), views(scenario, plan.rig.cameras, responses)
            courses.append(play(scenario, timeline, demand, seen, times, sensors))
        found = {"readings": DRAWN} | summary(courses)
    result = {
        "command": command, **found,
        "conditions": conditions() | {
            "scenario": plan.scenario, "model": plan.responses_of, "demand": demand.source,
            "weekly_units": round(demand.weekly_units, 1), "seeds": _seeds(plan),
            "moments_a_day": len(times), "positions": len(base.layout.planogram.positions), "skipped": ["scales"],
        },
        "config": dict(told),
    }  # fmt: skip
    with result_folder(Path(plan.outputs), "day") as folder:
        write_json(folder / "result.json", result)
        if plan.film:
            camera = plan.rig.cameras[0]
            write_film(folder / "day.mp4", base, scenarios[0], both[0], camera, plan.rendering.renderer)
    return final_path(folder), result


def _seeds(plan: DayPlan) -> list[int]:
    return [plan.first_seed + n for n in range(plan.days)]


def _day(plan: DayPlan, scenario: Scenario, demand: Demand, end: float) -> Timeline:
    """A day until `end` seconds after opening."""
    silences = [(s.source, s.since * HOUR, s.until * HOUR) for s in plan.silences]
    timeline = drawn_day(scenario, demand, plan.trouble, silences)
    if end >= demand.open_seconds:
        return timeline
    return Timeline.of(timeline.layout, timeline.before, [e for e in timeline.events if e.time <= end])


def summary(courses: Sequence[Course]) -> dict[str, Any]:
    """What days show, by arm, and what the fused arm is better by than the best single source."""
    rows = {arm: [counts(course, arm) for course in courses] for arm in courses[0].said}
    arms = {
        arm: {name: estimate_row(e) for name, e in estimates(days).items()}
        | {"out_minutes": _spread([s for c in courses for s in _out_delays(c, arm)])}
        | {"phantom_minutes": _spread([s for c in courses for s in delays(c.phantom, c.said[arm].phantom, c.times)])}
        | {"event_minutes": _event_spreads(courses, arm)}
        for arm, days in rows.items()
    }
    events = [kind for c in courses for kind in c.timeline.kinds.elements()]
    return {
        "arms": arms, "audits": _audits(courses),
        "against_single": [_against(rows, metric) for metric in ("units_error", "units_interval_score")],
        "events": {kind: events.count(kind) for kind in sorted(set(events))},
        "told_by": _told_by(courses), "days": len(courses), "position_moments": sum(c.units.size for c in courses),
        "phantom_moments": int(sum(c.phantom.sum() for c in courses)),
    }  # fmt: skip


def _out_delays(course: Course, arm: str) -> list[float]:
    return delays(course.units == 0, said_out(course.said[arm]), course.times)


def _event_spreads(courses: Sequence[Course], arm: str) -> dict[str, Any]:
    found = [event_delays(c, c.said[arm]) for c in courses]
    return {kind: _spread([s for delay in found for s in delay[kind]]) for kind in LOSSES}


def _against(rows: Mapping[str, Sequence[Mapping[str, tuple[float, float]]]], metric: str) -> dict[str, Any]:
    """The fused arm against the single source that does best on a metric of which less is better, in pairs by day."""
    found = {arm: samples(days)[metric] for arm, days in rows.items()}
    best = min((arm for arm in SINGLE if arm in found), key=lambda arm: found[arm].value)
    return {
        "metric": metric, "best_single": best, "fused": round(found["fused"].value, 6),
        "single": round(found[best].value, 6), "ratio": round(found["fused"].value / found[best].value, 4),
        "difference": estimate_row(paired_difference(found["fused"], found[best])),
    }  # fmt: skip


def _audits(courses: Sequence[Course]) -> dict[str, Any]:
    found = {}
    for name, every in (("audit daily", 1), ("audit weekly", WEEK)):
        seconds: list[float] = []
        for day, course in enumerate(courses):
            out = course.units == 0
            seconds += delays(out, told_by_audit(out, course.times, day, every), course.times)
        found[name] = {"out_minutes": _spread(seconds)}
    return found


def _told_by(courses: Sequence[Course]) -> dict[str, int]:
    """Which source spoke most for the discrepancies, once for each position and kind on each day, the first time."""
    first: dict[tuple[int, str, str], str] = {}
    for day, course in enumerate(courses):
        for moment in course.said["fused"].found:
            for d in moment:
                first.setdefault((day, d.position, d.kind), f"{d.kind}: {d.told_by}")
    told = list(first.values())
    return {name: told.count(name) for name in sorted(set(told))}


def _spread(seconds: Sequence[float]) -> dict[str, float | None]:
    """Events, the share that was told of, and after how many minutes half and 95 of 100 events were; None for never."""
    if not seconds:
        return {"events": 0, "told": None, "p50": None, "p95": None}
    p50, p95 = (float(np.quantile(seconds, q, method="higher")) / 60 for q in (0.5, 0.95))
    told = round(float(np.isfinite(seconds).mean()), 4)
    return {"events": len(seconds), "told": told} | {
        name: round(v, 1) if np.isfinite(v) else None for name, v in (("p50", p50), ("p95", p95))
    }


COLUMNS = (
    ("error", "units_error"), ("coverage", "units_coverage"), ("width", "units_width"),
    ("score", "units_interval_score"), ("phantom P", "phantom_precision"), ("phantom R", "phantom_recall"),
    ("out P", "out_precision"), ("out R", "out_recall"),
)  # fmt: skip


def day_table(result: Mapping[str, Any]) -> str:
    """The table for the terminal."""
    if "money" in result:
        return chain_text(result) if "shops" in result else loop_text(result)
    wide = {title: max(len(title) + 2, 7) for title, _ in COLUMNS}
    head = f"{'listens to':12s}" + "".join(f"{t:>{w}s}" for t, w in wide.items()) + f"{'min to out':>14s}"
    lines = [head, "-" * len(head)]
    for arm, row in result["arms"].items():
        cells = "".join(f"{_cell(row[key]['value']):>{wide[title]}s}" for title, key in COLUMNS)
        lines.append(f"{arm:12s}{cells}{_minutes(row['out_minutes']):>14s}")
    for name, row in result["audits"].items():
        lines.append(f"{name:12s}{'':{sum(wide.values())}s}{_minutes(row['out_minutes']):>14s}")
    fused = result["arms"]["fused"]
    lines += [
        "-" * len(head),
        f"{result['days']} days, {result['position_moments']} position-moments; readings {result['readings']}",
        "error, width, score: of units, their 90 % interval, its interval score; min to out: minutes until half of the",
        "positions that ran empty, and 95 of 100, were told of before they were filled; P, R: precision and recall",
        f"on the shelf {_cell(fused['osa']['value'])} of the time; {_cell(fused['lost_sales']['value'])} of the wishes "
        "found nothing",
    ]
    for kind, spread in fused["event_minutes"].items():
        if spread["events"]:
            lines.append(
                f"{kind}: {spread['events']} that the books did not show, {_cell(spread['told'])} of them told of the "
                f"same day, after {_minutes(spread)} minutes"
            )
    for row in result["against_single"]:
        e = row["difference"]
        lines.append(
            f"{row['metric']}: fused {row['ratio']:.2f} times the best single source's ({row['best_single']}), "
            f"difference {e['value']:+.3f} [{e['low']:+.3f}, {e['high']:+.3f}]"
            if e["low"] is not None
            else f"{row['metric']}: fused {row['ratio']:.2f} times the best single source's ({row['best_single']})"
        )
    return "\n".join(lines) + (f"\n\n{agreement_table(result)}" if "agreement" in result else "")


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _minutes(row: Mapping[str, float | None]) -> str:
    parts = ["never" if v is None else f"{v:.0f}" for v in (row["p50"], row["p95"])]
    return "/".join(parts) if row["events"] else "–"

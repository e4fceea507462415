"""Days whose cameras are rendered, beside the same days with drawn readings: can long studies do without pixels?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench.day import alerting
from bench.day.alerting import MEASURES, SHARES, Delay, Followed, Reviewer, follow
from bench.day.drawn import drawn_looks
from bench.day.glances import glances, views
from bench.day.measures import counts, estimates, samples
from bench.day.play import ARMS, Course, Sensors, play_glances
from bench.day.rendered import Look, Rendering, watch_days
from bench.response.response import Response
from bench.results import estimate_row
from bench.statistics import Sample, interval, paired_difference
from scenarios import Camera, Scenario
from scenarios.demand import Demand
from scenarios.timeline import Timeline
from sim.render import describe

COMPARED = ("vision", "fused")
"""The arms whose inventories are compared."""
METRICS = ("units_error", "units_coverage", "units_interval_score", "out_precision", "out_recall", "false_alerts")


@dataclass(frozen=True, eq=False)
class Both:
    """A day as rendered cameras told of it, and as drawn ones did: what alerts and inventories made of either."""

    timeline: Timeline
    looks: list[Look]
    rendered: Followed
    drawn: Followed
    course: Course
    drawn_course: Course


def play_both(
    base: Scenario, days: Sequence[tuple[Scenario, Timeline]], cameras: Sequence[Camera], rendering: Rendering,
    responses: Mapping[str, Response], demand: Demand, sensors: Sensors, times: Sequence[float],
    reviewer: Reviewer | None, outputs: Path,
) -> tuple[list[Both], Counter[str]]:  # fmt: skip
    """Render and read what is missing of the days, until the last of some moments, and play them to memory, alerts and
    inventories, which are asked at those moments; and what rendering and reading took (`watch_days`)."""
    looks, took = watch_days(base, days, cameras, rendering, times[-1], outputs)
    found = []
    for (scenario, timeline), seen in tqdm(list(zip(days, looks)), desc="days", disable=None):
        rendered = follow(base.layout, seen, timeline, times, reviewer)
        drawn_seen = drawn_looks(scenario, timeline, cameras, responses, seen)
        drawn = follow(base.layout, drawn_seen, timeline, times, reviewer)
        said = play_glances(scenario, timeline, demand, rendered.glances, times, sensors)
        compared = {arm: ARMS[arm] for arm in COMPARED}
        other = glances(timeline, views(scenario, cameras, responses), times, scenario.seed)
        drawn_said = play_glances(scenario, timeline, demand, other, times, sensors, compared)
        found.append(Both(timeline, seen, rendered, drawn, said, drawn_said))
    return found, took


def report(days: Sequence[Both], rendering: Rendering, took: Mapping[str, int]) -> dict[str, Any]:
    """What a result says of days whose cameras are rendered: their alerts, how drawn readings agree, and the work."""
    looks = [look for day in days for look in day.looks]
    followed = {which: [(d.timeline, getattr(d, which)) for d in days] for which in ("rendered", "drawn")}
    alerts = {which: _alerts(some, rendering.every) for which, some in followed.items()}
    found = {which: samples([alerting.counts(*day) for day in some], MEASURES) for which, some in followed.items()}
    return {
        "readings": f"rendered ({describe(rendering.renderer)}), read by {rendering.detector} and "
        f"{rendering.recognizer}, a frame every {rendering.every:g} s of each camera",
        "alerts": alerts["rendered"],
        "agreement": {
            "inventory": [_inventory(days, arm, name) for arm in COMPARED for name in METRICS],
            "alerts": [{"metric": m} | _pair(found["rendered"][m], found["drawn"][m]) for m in MEASURES],
            "alerts_drawn": alerts["drawn"],
        },
        "frames": {
            "all": len(looks), "rendered": sum(look.rendered for look in looks),
            "read": sum(look.places is not None for look in looks), "made_now": dict(took),
        },
    }  # fmt: skip


def _alerts(days: Sequence[tuple[Timeline, Followed]], every: float) -> dict[str, Any]:
    found = estimates([alerting.counts(*day) for day in days], MEASURES, SHARES)
    told, sent, misplaced = ([d for row in rows for d in row] for rows in zip(*(_delays(*day) for day in days)))
    return {name: estimate_row(e) for name, e in found.items()} | alerting.delay_spreads(told, every) | {
        "sent": alerting.delay_spreads(sent, every), "misplaced": alerting.delay_spreads(misplaced, every),
    }  # fmt: skip


def _delays(timeline: Timeline, followed: Followed) -> tuple[list[Delay], ...]:
    """Of what is out, until it is told of and until somebody is sent; and of what is misplaced."""
    out, astray = alerting.spells(timeline), alerting.misplaced_spells(followed.astray, followed.times)
    told = ((out, followed.told), (out, followed.sent), (astray, followed.misplaced))
    return tuple(alerting.delays(some, followed, flags) for some, flags in told)


def _inventory(days: Sequence[Both], arm: str, metric: str) -> dict[str, Any]:
    found = [samples([counts(c, arm) for c in cs])[metric] for cs in zip(*((d.course, d.drawn_course) for d in days))]
    return {"arm": arm, "metric": metric} | _pair(*found)


def _pair(rendered: Sample, drawn: Sample) -> dict[str, Any]:
    """A metric of both, and how much more it is where cameras are rendered, in pairs by day."""
    return {
        "rendered": estimate_row(interval(rendered))["value"], "drawn": estimate_row(interval(drawn))["value"],
        "difference": estimate_row(paired_difference(rendered, drawn)),
    }  # fmt: skip


def agreement_table(result: Mapping[str, Any]) -> str:
    """The table for the terminal."""
    rows = [(f"{r['arm']} {r['metric']}", r) for r in result["agreement"]["inventory"]]
    rows += [(r["metric"], r) for r in result["agreement"]["alerts"]]
    lines = [f"{'':28s}{'rendered':>10s}{'drawn':>10s}{'difference':>28s}"]
    for name, row in rows:
        e = row["difference"]
        within = "" if e["low"] is None else f" [{e['low']:+.3f}, {e['high']:+.3f}]"
        told = "–" if e["value"] is None else f"{e['value']:+.3f}{within}"
        lines.append(f"{name:28s}{_cell(row['rendered']):>10s}{_cell(row['drawn']):>10s}{told:>28s}")
    rendered, drawn = result["alerts"], result["agreement"]["alerts_drawn"]
    spreads: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("rendered", rendered), ("rendered, sent", rendered["sent"]), ("rendered, misplaced", rendered["misplaced"]),
        ("drawn", drawn),
    )  # fmt: skip
    for title, alerts in spreads:
        for since in ("from_event", "from_first_visibility"):
            s = alerts[since]
            lines.append(
                f"alerts {title}, {since.replace('_', ' ')}: {s['spells']} spells, {s['cut_short']} cut short, "
                f"{_cell(s['told'])} of the others told of, p50 {_delay(s, 'p50')}, p95 {_delay(s, 'p95')}"
            )
    frames = result["frames"]
    made = frames["made_now"]
    lines.append(
        f"frames {frames['all']}, rendered {frames['rendered']}, read {frames['read']}; of these "
        f"{made.get('frames', 0)} now, in {made['seconds']} s"
    )
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _delay(spread: Mapping[str, float | None], which: str) -> str:
    seconds = spread[f"{which}_seconds"]
    return "never" if seconds is None else f"{seconds:.0f} s ({spread[f'{which}_frames']:.1f} frames)"

"""Fusion over simulated days, on seeds that nothing was set by: sure of as much as it says, and better than any source.

The days are drawn, and so is what cameras read of them (`bench.day`); what is asked stands in docs/day.md.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.configs import compose
from bench.day.command import summary
from bench.day.glances import views
from bench.day.measures import counts
from bench.day.play import ARMS, Course, Sensors, drawn_day, play
from bench.response.response import load_responses
from scenarios import Rig, load_scenario
from scenarios.day import Trouble
from scenarios.demand import HOUR, parametric_demand
from scenarios.files import build

FIRST, DAYS = 660_000, 16
TIMES = np.arange(1, 8) * 7200.0

pytestmark = pytest.mark.slow


def courses(days: int, silences=(), arms=ARMS) -> list[Course]:
    base = load_scenario("quickstart")
    config = compose("day", [])
    rig = build(Rig, config["rig"], "rig")
    catalog = base.layout.catalog
    demand = parametric_demand({p.sku: p.daily_units for p in catalog})
    seen = views(base, rig.cameras, load_responses())
    found = []
    for n in range(days):
        scenario = base.draw(FIRST + n)
        timeline = drawn_day(scenario, demand, Trouble(), silences)
        assert not timeline.refused
        found.append(play(scenario, timeline, demand, seen, TIMES.tolist(), Sensors(), arms))
    return found


@pytest.fixture(scope="module")
def found() -> list[Course]:
    return courses(DAYS)


def test_intervals_hold_the_truth_and_beat_every_single_sources(found: list[Course]) -> None:
    arms = summary(found)["arms"]
    assert sum(c.units.size for c in found) >= 2000
    assert arms["fused"]["units_coverage"]["value"] >= 0.88
    best = min(arms[a]["units_interval_score"]["value"] for a in ARMS if a != "fused")
    assert arms["fused"]["units_interval_score"]["value"] < best


def test_units_are_a_third_better_than_the_best_single_source(found: list[Course]) -> None:
    arms = summary(found)["arms"]
    best = min(arms[a]["units_error"]["value"] for a in ARMS if a != "fused")
    assert arms["fused"]["units_error"]["value"] <= best * 2 / 3


def test_phantom_inventory_is_found_within_the_day(found: list[Course]) -> None:
    fused = summary(found)["arms"]["fused"]
    assert fused["phantom_precision"]["value"] >= 0.9
    assert fused["phantom_recall"]["value"] >= 0.8


@pytest.mark.parametrize("source", ["vision", "rfid", "pos", "records"])
def test_a_source_that_is_silent_for_hours_makes_wider_intervals_and_no_false_certainty(
    found: list[Course], source: str
) -> None:
    arms = {"fused": ARMS["fused"]}
    silent = courses(3, [(source, 4 * HOUR, 10 * HOUR)], arms)
    within = (TIMES > 5 * HOUR) & (TIMES <= 10 * HOUR)
    width = {
        name: np.mean([(c.said["fused"].high - c.said["fused"].low)[within].mean() for c in some])
        for name, some in (("whole", found[:3]), ("silent", silent))
    }
    assert width["silent"] > width["whole"]
    coverage = np.array([counts(c, "fused")["units_coverage"] for c in silent]).sum(axis=0)
    assert coverage[0] / coverage[1] >= 0.88
    for course in silent:
        none = course.said["fused"].none[within]
        out = course.units[within] == 0
        assert out[none > 0.99].mean() > 0.9 if (none > 0.99).any() else True

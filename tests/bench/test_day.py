"""Days of a store: what is drawn of camera readings, what is measured, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main
from bench.configs import compose
from bench.day.audits import AUDIT, told_by_audit
from bench.day.command import DayPlan
from bench.day.glances import Views, glances, mistakes
from bench.day.measures import delays, event_delays
from bench.day.play import Course, Said
from scenarios.day import NO_TROUBLE, draw_day
from scenarios.demand import HOUR, parametric_demand
from scenarios.events import Misplacement, Sale, Theft
from scenarios.files import build
from scenarios.stock import draw_stock
from scenarios.timeline import Timeline
from tests.layouts import TIDY, small_layout
from tests.refusal import refusal
from vision.discrepancies import Discrepancy
from vision.evidence import Evidence

LAYOUT = small_layout()
STOCK = draw_stock(LAYOUT, TIDY, 3)
PLACES = len(LAYOUT.places)
PERFECT = Views(np.ones((3, PLACES)), np.zeros(3))


def test_perfect_views_count_the_facings_and_hide_who_is_stood_before() -> None:
    still = Timeline.of(LAYOUT, STOCK, [Sale(1000.0, 1, "box", "p-box", 0)])
    first, hidden, last = glances(still, PERFECT, [0.0, 1000.0, 2000.0], 1)
    facings = [STOCK.facings_of(p) for p in LAYOUT.planogram.positions]
    assert first.own.tolist() == facings
    assert first.seen.tolist() == [p.facings for p in LAYOUT.planogram.positions]
    assert hidden.seen[0] == 0 < hidden.seen[-1]
    assert last.seen[0] == 2


def test_what_a_foreign_pack_hides_is_not_known_and_what_it_fills_is_empty() -> None:
    """Drawn cameras had said of every foreign pack that nothing own is there."""
    position = LAYOUT.planogram.positions[0]
    sold, stray = Sale(50.0, 1, "box", "p-box", 0), Misplacement(100.0, "can", "p-can", 0, "p-box", 0)
    day = Timeline.of(LAYOUT, STOCK, [sold, stray])
    assert not day.refused
    before, after = glances(day, PERFECT, [0.0, 200.0], 1)
    assert (before.own[0], before.seen[0]) == (2, 2)
    assert (after.own[0], after.seen[0]) == (1, 1)
    overnight = Timeline.of(LAYOUT, day.stock_at(200.0), [])  # nobody saw it come
    assert [(g.own[0], g.seen[0]) for g in glances(overnight, PERFECT, [0.0], 1)] == [(1, 2)]
    held = sum(u.position == position.id and u.column == 0 for u in STOCK.units)
    emptied = [Sale(float(n), n, position.sku, position.id, 0) for n in range(held)]
    filled = Timeline.of(LAYOUT, STOCK, [*emptied, stray])
    assert [(g.own[0], g.seen[0]) for g in glances(filled, PERFECT, [200.0], 1)] == [(1, 2)]


def test_a_place_that_was_read_wrong_is_read_wrong_again() -> None:
    day = draw_day(LAYOUT, STOCK, parametric_demand({"box": 1.0}, 0.0), NO_TROUBLE, 1)
    found = glances(day, Views(np.full((3, PLACES), 0.5), np.full(3, 0.2)), [0.0, 600.0, 1200.0], 1)
    assert len({tuple(g.own.tolist()) for g in found}) == len({tuple(g.seen.tolist()) for g in found}) == 1
    assert 0 < found[0].seen.sum() < PLACES


def test_mistakes_are_those_that_were_counted() -> None:
    empty, own, foreign = mistakes(Evidence.load())
    assert 0 < own < empty < foreign < 0.3


def test_delays_run_from_the_event_and_what_was_never_told_is_infinite() -> None:
    def flags(text: str) -> np.ndarray:
        return np.array([[c == "x" for c in word] for word in text.split()]).T

    there, said = flags("xx.xxx. .xx.... ..x...."), flags("xx..xx. ....x.. ..x....")
    assert delays(there, said, 60.0 * np.arange(7)) == [60.0, np.inf, 0.0]


def test_a_theft_is_told_of_when_the_shelf_is_said_to_hold_fewer_than_the_books() -> None:
    day = Timeline.of(LAYOUT, STOCK, [Theft(100.0, "box", "p-box", (0,)), Theft(150.0, "can", "p-can", (0,))])
    times, positions = np.array([50.0, 200.0, 300.0]), len(LAYOUT.planogram.positions)
    blank, no = np.zeros((3, positions)), np.zeros((3, positions), bool)
    fewer = Discrepancy("p-box", "shrinkage", 5.0, 4.0, 0.9, "rfid", {})
    more = Discrepancy("p-can", "record too low", 5.0, 6.0, 0.9, "rfid", {})
    said = Said(blank, blank, blank, blank, no, ((), (more,), (fewer, more)))
    course = Course(day, times, day.units_at(times.tolist()), blank, {"fused": said})
    assert event_delays(course, said)["theft"] == [200.0, np.inf]


def test_an_audit_finds_what_is_empty_then_on_its_days() -> None:
    times = np.arange(1, 15) * HOUR
    out = np.zeros((14, 2), bool)
    out[2:8, 0] = out[9:, 1] = True
    told = told_by_audit(out, times, 7, 7)
    assert np.flatnonzero(told[:, 0]).tolist() == [int(AUDIT / HOUR) - 1, 5, 6, 7]
    assert not told[:, 1].any()
    assert not told_by_audit(out, times, 3, 7).any()


def test_the_configuration_holds_what_the_code_takes_for_granted() -> None:
    config = compose("day", [])
    config.pop("camera_models")
    plan = build(DayPlan, config, "day")
    assert plan == DayPlan("quickstart", plan.rig)


REFUSED = [
    (["days=0"], "expected 1 or more"),
    (["every=1"], "60 to 14400"),
    (["demand=guessed"], "expected real or parametric"),
    (["trouble.theft=2"], "theft 2.0; expected 0 to 1"),
    (["rfid.every=0"], "expected 0 < takes <= every"),
    (["till.every=0"], "expected 0 or more, above 0"),
    (["records.wrong=-1"], "expected a share"),
    (["silences=[{source: nose, since: 1, until: 2}]"], "source 'nose'"),
    (["restocking=loop", "cameras=rendered"], "expected cameras=drawn, hours=null"),
    (["rig.cameras=[]"], "at least one camera"),
    (["responses=none.json"], "none.json"),
    (["responses_of=yolo99"], "'yolo99'"),
    (["trouble.thieves=1"], "unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[words[0] for words, _ in REFUSED])
def test_wrong_input_ends_with_one_line(words, told: str, tmp_path: Path, capsys) -> None:
    assert told in refusal(main, ["day", f"outputs={tmp_path / 'out'}", *words], capsys)
    assert not (tmp_path / "out").exists()


def test_a_day_is_written_and_the_same_again(tmp_path: Path, capsys) -> None:
    words = ["days=2", "demand=parametric", "every=7200", "silences=[{source: rfid, since: 2, until: 5}]"]
    for n in range(2):
        main(["day", *words, f"outputs={tmp_path / str(n)}"])
    told = capsys.readouterr().out
    first, second = (json.loads((tmp_path / str(n) / "latest" / "result.json").read_text()) for n in range(2))
    assert first["arms"] == second["arms"]
    assert first["events"]["sale"] > 100
    assert first["events"]["sensor"] == 4
    assert first["readings"].startswith("drawn from responses")
    assert first["conditions"]["seeds"] == [700000, 700001]
    assert set(first["arms"]) == {"fused", "vision", "rfid", "pos", "records", "books"}
    assert "fused" in told
    assert "audit weekly" in told

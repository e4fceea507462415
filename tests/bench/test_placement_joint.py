"""Network, rate and device with the placement under one budget: against what enumeration finds."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli import main
from bench.placement.joint import OfferedDevice, mark_front, offers, out_positions, with_devices
from bench.placement.joint_report import go_on_with, joint_figure, joint_table
from bench.placement.problem import Problem
from bench.placement.search import begin, search
from scenarios import InputError, load_scenario
from tests.bench.test_placement_solve import drawn
from tests.bench.test_regression import latency
from tests.refusal import refusal
from vision.pipeline import weights_path

OWN = hashlib.sha256(weights_path("yolo11n").read_bytes()).hexdigest()


def measured(folder: Path, name: str, frames_per_second: float, sha256: str = OWN, precision: str = "fp32") -> str:
    data = latency()
    data["networks"]["detector"] |= {"sha256": sha256, "weights": "yolo11n.onnx", "precision": precision}
    data["runs"][0]["frames_per_second"] = frames_per_second
    (folder / name).write_text(json.dumps(data))
    return str(folder / name)


def chosen(problem: Problem) -> list[int]:
    return search(problem, 2.0, begin(problem))


@pytest.mark.parametrize(("price", "streams"), [(0.5, 1), (0.5, 2), (1.1, 3), (2.9, 8), (9.0, 8), (0.0, 1)])
def test_cameras_and_devices_are_the_best_that_the_budget_buys_together(price: float, streams: int) -> None:
    problem, budget = drawn(3, candidates=9, cells=30), 4.0
    cost = problem.uses[0]

    def bill(cameras: tuple[int, ...]) -> float:
        return float(cost[list(cameras)].sum()) + price * -(-len(cameras) // streams)

    every = (c for k in range(6) for c in itertools.combinations(range(problem.candidates), k))
    best = max((problem.value(c) for c in every if bill(c) <= budget + 1e-9), default=0.0)
    found, devices = with_devices(problem, budget, price, streams, chosen)
    assert devices == -(-len(found) // streams)
    assert bill(tuple(found)) <= budget + 1e-9
    assert problem.value(found) == pytest.approx(best, abs=0.005)


def test_a_device_reads_as_many_cameras_as_it_was_measured_to_at_each_rate(tmp_path: Path) -> None:
    fast, slow = measured(tmp_path, "fast.json", 12.0), measured(tmp_path, "slow.json", 0.9)
    strange = measured(tmp_path, "strange.json", 9.0, "0" * 64)
    devices = [OfferedDevice("fast", 250.0, (fast, strange)), OfferedDevice("slow", 60.0, (slow,))]
    found, left_out = offers(devices, {OWN: "yolo11n", "1" * 64: "int8"}, (0.2, 1.0))
    assert [(o.device, o.rate, o.streams) for o in found] == [("fast", 0.2, 60), ("fast", 1.0, 12), ("slow", 0.2, 4)]
    assert [line.split(":")[0] for line in left_out] == ["fast", "fast", "yolo11n fp32 on slow, 1/s", "slow"]
    assert "which is not among the networks" in left_out[0]
    assert "no result of int8" in left_out[1]
    with pytest.raises(InputError, match="no combination is left"):
        offers(devices[1:], {OWN: "yolo11n"}, (5.0,))


def row(name: str, cost: float, recall: float | None, error: float, wait: float) -> dict[str, Any]:
    def estimate(value: float | None) -> dict[str, Any]:
        return {"value": value, "low": value, "high": value}

    return {
        "name": name, "network": "yolo11n", "precision": "fp32", "device": name, "price": 249.0, "rate": 1 / wait,
        "streams": 3, "cameras": [1, 2], "devices": 1, "paid": 500.0, "currency": "USD", "cost": estimate(cost),
        "oos_recall": estimate(recall), "count_error": estimate(error), "wait": {"value": wait},
    }  # fmt: skip


def test_what_another_beats_in_all_is_marked_with_its_name(tmp_path: Path) -> None:
    rows = [
        row("dear", 200.0, 0.9, 0.1, 5.0), row("cheap", 100.0, 0.8, 0.2, 5.0), row("as cheap", 100.0, 0.8, 0.2, 5.0),
        row("worse", 150.0, 0.8, 0.2, 5.0), row("quick", 150.0, 0.8, 0.2, 1.0), row("unknown", 160.0, None, 0.3, 1.0),
    ]  # fmt: skip
    marked = mark_front(rows)
    beaten = {m["name"]: m["beaten_by"] for m in marked}
    assert beaten["dear"] is beaten["cheap"] is beaten["as cheap"] is beaten["quick"] is None
    assert beaten["worse"] in ("cheap", "as cheap", "quick")
    assert beaten["unknown"] == "quick"
    assert [m["cost"]["value"] for m in marked] == sorted(m["cost"]["value"] for m in rows)
    lines = joint_table({"rows": marked, "left_out": ["a, of which nothing is known"]})
    assert sum(line.startswith("→ ") for line in lines[:-2]) == 4
    assert lines[-1] == "left out: a, of which nothing is known"
    assert "costs.streams=3" in go_on_with(marked[0])
    joint_figure(marked, tmp_path / "joint.svg")
    assert "cheap" in (tmp_path / "joint.svg").read_text()


def test_a_position_is_out_when_none_of_its_units_are_there() -> None:
    scenario = load_scenario("quickstart").draw(300_000)
    out = out_positions(scenario)
    positions = scenario.layout.planogram.positions
    assert out.tolist() == [scenario.stock.units_of(p) == 0 for p in positions]
    assert 0 < out.sum() < len(positions)
    assert np.isin(out, (True, False)).all()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["devices=[{name: nano, price: 249, results: []}]"], "expected price >= 0, and results"),
        (["devices=[{name: nano, price: 249, results: [nowhere.json]}]"], "nowhere.json: not readable as JSON"),
        (["networks=[nothing]", "devices=[{name: nano, price: 249, results: [nowhere.json]}]"], "nothing"),
        (["rates=[0]", "devices=[{name: nano, price: 249, results: [nowhere.json]}]"], "rates [0.0]; expected"),
        (["rates=[1.0]"], "networks and rates are chosen with devices"),
    ],
)
def test_wrong_input_gets_one_line(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["place", "scenario=notebooks/kiosk", "budget=500", "candidates=50", *arguments]
    assert expected in refusal(main, words, capsys)


def test_devices_are_bought_of_the_budget_not_for_a_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offer = f"devices=[{{name: nano, price: 249, results: [{measured(tmp_path, 'a.json', 3.0)}]}}]"
    line = refusal(main, ["place", "scenario=notebooks/kiosk", "target=0.9", offer], capsys)
    assert "devices are chosen for a budget" in line


@pytest.mark.slow
def test_the_kiosk_is_planned_for_every_device_and_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nano, pi = measured(tmp_path, "nano.json", 1.2), measured(tmp_path, "pi.json", 0.25)
    offer = f"[{{name: nano, price: 249, results: [{nano}]}}, {{name: pi, price: 90, results: [{pi}]}}]"
    main(["place", "scenario=notebooks/kiosk", "budget=520", "worlds=2", "crowded=1", "seconds=4", "candidates=40",
          "models=[raspberry_pi_3]", "~mounts.wall", "~mounts.shelf_edge", "~mounts.pole", "~mounts.endcap",
          "views=0", "workers=1", f"devices={offer}", "rates=[0.2,1.0]",
          f"outputs={tmp_path / 'outputs'}"])  # fmt: skip
    folder = (tmp_path / "outputs" / "latest").resolve()
    joint = json.loads((folder / "result.json").read_text())["joint"]
    assert {(r["device"], r["rate"]) for r in joint["rows"]} == {("nano", 0.2), ("nano", 1.0), ("pi", 0.2)}
    assert len(joint["left_out"]) == 1
    for r in joint["rows"]:
        assert r["paid"] <= 520
        assert r["devices"] == -(-len(r["cameras"]) // r["streams"])
    front = [r for r in joint["rows"] if r["beaten_by"] is None]
    assert front
    assert max(r["oos_recall"]["value"] for r in joint["rows"]) == max(r["oos_recall"]["value"] for r in front)
    assert (folder / "joint.svg").stat().st_size > 1000
    assert "Network, rate and device" in (folder / "report.html").read_text()
    assert "left out: yolo11n" in capsys.readouterr().out

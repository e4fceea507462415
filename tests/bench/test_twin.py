"""A store that lives: its stock, its cameras' pictures, and what is played of it to a service."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bench.cli import main
from bench.configs import compose
from bench.twin.plan import plan_of
from bench.twin.play import Played, recorded
from bench.twin.sending import Heard
from bench.twin.stock import Change, Shelves
from bench.twin.summary import memory, summarise
from scenarios import Catalog, Crowd, InputError, Scenario
from scenarios.products import load_catalog, save_catalog
from tests.layouts import front_camera, small_scenario
from tests.small_study import LOOK, tiny_store

ROOT = Path(__file__).parents[2]


def selling(shoppers: int = 0) -> Scenario:
    """The small store, in which a product is sold every twenty minutes or so."""
    scenario = small_scenario(1, shoppers=shoppers)
    catalog = tuple(dataclasses.replace(p, daily_units=40.0) for p in scenario.layout.catalog)
    layout = dataclasses.replace(scenario.layout, catalog=type(scenario.layout.catalog)(catalog))
    return dataclasses.replace(scenario, layout=layout)


def test_sales_take_units_until_a_position_is_out_and_is_filled_up() -> None:
    scenario = selling()
    shelves, position = Shelves(scenario, restock_after=600.0), scenario.layout.planogram.positions[0]
    before = {p.id: scenario.stock.units_of(p) for p in scenario.layout.planogram.positions}
    outs = 0
    for minute in range(1, 600):
        stock = shelves.at(60.0 * minute).stock
        outs += stock.units_of(position) == 0
    kinds = [c.kind for c in shelves.changes if c.position == position.id]
    assert kinds[: before[position.id] + 1] == ["sale"] * before[position.id] + ["out"]
    assert kinds[before[position.id] + 1] == "restock"
    assert outs > 5
    times = [c.time for c in shelves.changes]
    assert times == sorted(times)
    out = next(c for c in shelves.changes if c.kind == "out")
    back = next(c for c in shelves.changes if c.kind == "restock" and c.position == out.position)
    assert back.time - out.time == pytest.approx(600.0)


def test_what_is_sold_hangs_on_the_seed_and_not_on_when_one_looks() -> None:
    one, other = Shelves(selling()), Shelves(selling())
    for second in range(0, 7200, 7):
        one.at(float(second))
    assert one.at(7200.0).stock == other.at(7200.0).stock
    assert one.changes == other.changes
    assert Shelves(dataclasses.replace(selling(), seed=2)).at(7200.0).stock != one.at(7200.0).stock


def test_a_column_stays_pulled_forward() -> None:
    shelves = Shelves(selling(), restock_after=1e9)
    stock = shelves.at(7200.0).stock
    columns: dict[tuple, list] = {}
    for unit in stock.units:
        columns.setdefault((unit.position, unit.column), []).append((unit.row, unit.level))
    assert all(min(places) == (0, 0) for places in columns.values())
    assert all(len(places) == 1 + max(places)[0] for places in columns.values())  # all are one pack high here


def test_only_what_has_changed_is_rendered_again() -> None:
    pytest.importorskip("pybullet", reason="pybullet is not installed (extra: sim)")
    from bench.twin.cameras import VirtualCameras
    from sim import World, capture

    shelves, camera = Shelves(selling()), front_camera()
    with World(shelves.scenario.layout) as world:
        eyes = VirtualCameras(world)
        first = eyes.frame(shelves.at(0.0), camera, 0.0)
        second = eyes.frame(shelves.at(1.0), camera, 1.0)
        assert (eyes.rendered, eyes.kept) == (1, 1)
        # The sensor's noise is another one all the same, and each picture is what the simulator makes of that moment.
        assert not np.array_equal(first.image, second.image)
        later = shelves.at(7200.0)
        third = eyes.frame(later, camera, 7200.0)
        assert (eyes.rendered, eyes.kept) == (2, 1)
        assert np.array_equal(third.image, capture(world, later.at(7200.0), camera)[0].image)
        assert np.array_equal(second.image, capture(world, shelves.scenario.at(1.0), camera)[0].image)


def test_people_who_walk_in_the_picture_are_drawn_where_they_are() -> None:
    pytest.importorskip("pybullet", reason="pybullet is not installed (extra: sim)")
    from bench.twin.cameras import VirtualCameras
    from sim import World

    shelves, camera = Shelves(selling(shoppers=2), sales=0.0), front_camera()
    with World(shelves.scenario.layout) as world:
        eyes = VirtualCameras(world)
        for second in range(4):
            eyes.frame(shelves.at(3.0 * second), camera, 3.0 * second)
        assert eyes.rendered >= 3


def test_latency_from_a_sale_to_its_alert_is_measured_and_a_miss_is_none() -> None:
    changes = [
        Change(10.0, "out", "a"),
        Change(20.0, "out", "b"),
        Change(50.0, "restock", "b"),
        Change(60.0, "out", "b"),
    ]
    alerts = [
        Heard("out", "a", "raised", 1025.0, 40.0), Heard("out", "b", "raised", 1055.0, 60.0),
        Heard("low", "b", "raised", 1061.0, None), Heard("out", "b", "resolved", 1062.0, 20.0),
    ]  # fmt: skip
    played = Played(sent=3, alerts=alerts, changes=changes, seconds=2.0, store_seconds=70.0, base=1000.0)
    found = summarise(played, None)
    # b's first alert came after it had been filled up, so that it was of nobody's use; its second never came.
    assert found["sold_out"]["events"] == 3
    assert found["sold_out"]["alerted"] == 1
    assert found["sold_out"]["to_alert_store_seconds"]["p50"] == 15.0
    assert found["frame_to_alert_ms"] == {"n": 3, "p50": 40.0, "p95": 58.0, "most": 60.0}


@pytest.mark.parametrize(("grow", "expected"), [(0.0, 0.0), (0.5, 10.0)])
def test_memory_counts_after_loading(grow: float, expected: float) -> None:
    looks = [(float(t), 100.0 + (300.0 if t > 20 else 0.0) + grow * max(0, t - 20)) for t in range(120)]
    found = memory(looks)
    assert found is not None
    assert found["growth_percent"] == pytest.approx(expected, abs=0.5)
    assert memory(looks[:5]) is None


WRONG = [
    (["scenario=nowhere"], "nowhere: no such scenario"),
    (["speed=-1"], "speed -1.0"),
    (["cameras=0"], "cameras 0"),
    (["target=nowhere"], "expected client=NAME and secret_file=FILE"),
    (["target=nowhere", "client=a", "secret_file=nothing"], "secret_file nothing: FileNotFoundError"),
    (["prepare=x", "target=http://a"], "prepare writes a folder"),
    (["rig.cameras.0.position=[1,0.2,0.5]"], "is inside"),
]


@pytest.mark.parametrize(("words", "expected"), WRONG)
def test_wrong_input_ends_with_one_line(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["twin", *words])
    assert exit.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line


def test_more_cameras_than_the_rig_has_hang_again_under_names_of_their_own(tmp_path: Path) -> None:
    plan = plan_of(compose("twin", ["cameras=6", "crowd=few"]))
    found = plan.hung(plan.drawn())
    assert [c.id for c in found][3:] == ["angled-2", "overhead-1.2", "overhead-2.2"]
    assert {c.model.width for c in found} == {640}
    assert plan.drawn().conditions.crowd.shoppers > 0
    assert plan.drawn().conditions.crowd != Crowd()


def test_recorded_frames_are_of_their_cameras(tmp_path: Path) -> None:
    (tmp_path / "frames.json").write_text(json.dumps({"cameras": ["front"], "frames": [[0, 0.0], [0, 5.0]]}))
    for n in range(2):
        (tmp_path / f"{n:06d}.jpg").write_bytes(bytes([n]))
    assert [(s.time, s.jpeg) for s in recorded(tmp_path, [front_camera()], None)] == [(0.0, b"\0"), (5.0, b"\1")]
    assert len(list(recorded(tmp_path, [front_camera()], 5.0))) == 1
    with pytest.raises(InputError, match="of front; expected other"):
        list(recorded(tmp_path, [dataclasses.replace(front_camera(), id="other")], None))
    with pytest.raises(InputError, match="expected what record=FOLDER wrote"):
        list(recorded(tmp_path / "none", [front_camera()], None))


def tiny(root: Path, *more: str) -> list[str]:
    """A twin of the tiny store with one small camera, in which things sell, and a service of its own."""
    store = tiny_store(root / "store")
    catalog = Catalog(tuple(dataclasses.replace(p, daily_units=50.0) for p in load_catalog(store / "catalog.csv")))
    save_catalog(catalog, store / "catalog.csv")
    camera = LOOK.replace("width: 96, height: 64", "width: 320, height: 213")
    return [
        "twin", f"scenario={store}", "~rig", f"+rig={{name: one, cameras: [{camera}]}}",
        "width=320", "port=0", "crowd=nobody", "sales=200", "restock_after=100", "pictures=false",
        f"outputs={root / 'outputs'}", *more,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_store_is_played_to_a_service_of_its_own_and_ctrl_c_ends_both(tmp_path: Path) -> None:
    for name in ("pybullet", "onnxruntime", "fastapi"):
        pytest.importorskip(name)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", *tiny(tmp_path, "every=2", "speed=20")], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)  # type: ignore[arg-type]
    reader.start()
    until = time.monotonic() + 120
    while sum(" sent " in line for line in lines) < 2:
        assert process.poll() is None, lines
        assert time.monotonic() < until, lines
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
    reader.join(5)
    result = json.loads((tmp_path / "outputs" / "latest" / "result.json").read_text())
    assert result["frames"]["sent"] > 10
    assert result["service"]["cpu_ms_per_frame"] > 0
    assert result["sales"] > 5
    assert any("the store is at http://127.0.0.1:" in line for line in lines)
    assert not list(tmp_path.rglob("*.lock"))

"""Cameras by hand: what rates them, which rules they break, the JSON API, proofs as processes."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import configs
from bench.cli import main
from bench.placement.candidates import Aims, of_rig
from bench.placement.mounts import Mount, Zone
from bench.placement.prove import foretold
from bench.placement.store_problem import Ceiling, Costs
from bench.placement.transfer import NONE, Transfer
from bench.placement.ui.depth import depth_of, triangles_of
from bench.placement.ui.proofs import Proofs
from bench.placement.ui.prove_job import Job, read_job, write_job
from bench.placement.ui.rules import Rules, broken_rules, hung, spots_of
from bench.placement.ui.session import Session
from bench.response.response import load_responses
from bench.statistics import Sample
from scenarios import Camera, CameraModel, Rig
from sim import World
from sim.raster import farthest, render
from sim.sightlines import MODEL
from tests.layouts import small_layout, small_scenario
from tests.refusal import refusal
from tests.vision.service.receiver import eventually

httpx = pytest.importorskip("httpx", reason="no httpx: the extra serve")
fastapi = pytest.importorskip("fastapi", reason="no fastapi: the extra serve")

WIDE = CameraModel("wide", 1920, 1080, 1.2, 200.0)
BEFORE = {"model": "raspberry_pi_3", "position": [0.62, -1.9, 2.1], "target": [0.62, 0.0, 0.8]}
BESIDE = {"model": "raspberry_pi_3", "position": [-0.5, -1.2, 2.65], "target": [0.3, 0.0, 1.0]}


def rules(
    no_go: tuple[Zone, ...] = (), budget: float | None = None, most: int | None = None, apart: float = 0.3
) -> Rules:
    store = small_layout().store
    spots = spots_of(store, (Mount("ceiling", (0.15,), 0.8), Mount("wall", (1.2,), 0.8, 20.0)), no_go)
    costs = Costs((0.0, 0.0, 0.0), 2.5, 15.0, most)
    return Rules(store, spots, no_go, apart, Ceiling(3.0, 1.0, 1.2), costs, budget)


def broken(*places: tuple[float, float, float], **given: Any) -> list[tuple[tuple[str, ...], str]]:
    cameras = [Camera(f"c{n}", WIDE, place, (0.5, 0.0, 0.5)) for n, place in enumerate(places)]
    of = rules(**given)
    found = hung(of_rig(small_layout(), Rig("r", tuple(cameras)), Aims(0.7, (0.5,), 4.0, 1.2, 84.0)), of.spots)
    return [(b.cameras, b.rule) for b in broken_rules(found, [c.id for c in cameras], of)]


CEILING = (0.5, -1.0, 2.85)


@pytest.mark.parametrize(
    ("places", "given", "cameras", "expected"),
    [
        ([CEILING], {}, None, ""),
        ([(0.5, 0.2, 0.5)], {}, ("c0",), "hangs in fixture bay-1"),
        ([(0.5, -1.0, 3.5)], {}, ("c0",), "hangs in a wall, the floor or the ceiling"),
        ([(0.5, -1.0, 2.0)], {}, ("c0",), "hangs on no mount: the nearest, ceiling at"),
        ([CEILING], {"no_go": (Zone((0, 1), (-1.5, -0.5)),)}, ("c0",), "hangs in a no-go zone"),
        ([CEILING, (0.6, -1.0, 2.85)], {}, ("c0", "c1"), "0.10 m apart; expected 0.3 m or more"),
        ([CEILING, (0.2, -0.8, 2.85), (0.8, -0.7, 2.85)], {"apart": 0.0}, ("c0", "c1", "c2"), "which carries 2"),
        ([CEILING, (1.5, -1.0, 2.85)], {"most": 1}, (), "2 cameras; expected 1 at most"),
        ([CEILING], {"budget": 199.0}, (), "cost 200; the budget is 199"),
    ],
)
def test_broken_rules_are_told_with_their_cameras(
    places: list[Any], given: dict[str, Any], cameras: tuple[str, ...] | None, expected: str
) -> None:
    found = broken(*places, **given)
    if cameras is None:
        assert found == []
    else:
        assert [(c, expected in rule) for c, rule in found] == [(cameras, True)], found


@pytest.mark.slow
@pytest.mark.parametrize("at", [(0.5, -1.6, 1.2), (0.1, -0.2, 1.3), (1.4, -2.0, 2.6)])
def test_depth_is_that_of_the_engine(at: tuple[float, float, float]) -> None:
    scenario = small_scenario(3, shoppers=4)
    camera = Camera("look", MODEL, at, (0.5, 0.2, 0.5))
    with World(scenario.layout, 100.0, lookalikes=scenario.conditions.lookalikes) as world:
        world.set(scenario)
        expected = render(world, camera, scenario, shadow=False).depth
        found = depth_of(triangles_of(world), camera, farthest(scenario.layout.store.room))
    off = np.abs(found - expected) > 0.005 * expected
    assert off.mean() < 0.01  # along edges a pixel may fall to either side
    assert np.ptp(expected) > 0.3


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    outputs = tmp_path_factory.mktemp("outputs")
    words = ["scenario=notebooks/kiosk", "worlds=2", "views=0", "budget=400", "models=[raspberry_pi_3]",
             "candidates=60", "workers=1", f"outputs={outputs}"]  # fmt: skip
    config = configs.compose("place_ui", words)
    config.pop("start"), config.pop("port")
    made = Session(config, None, "shelfbench place ui=true")
    yield made
    made.close()


@pytest.fixture
def client(session: Session) -> Iterator[Any]:
    from fastapi.testclient import TestClient

    from bench.placement.ui.app import create_app

    with TestClient(create_app(session)) as made:
        yield made


@pytest.mark.slow
def test_a_rating_is_what_the_proof_foretells_of_the_same_worlds(session: Session, client: Any, tmp_path: Path) -> None:
    said = client.post("/v1/rate", json={"cameras": [BEFORE, BESIDE]}).json()
    plan, model = session.plan, session.models["raspberry_pi_3"]
    cameras = [Camera(str(n), model, tuple(c["position"]), tuple(c["target"])) for n, c in enumerate((BEFORE, BESIDE))]
    worlds = [session.base.draw(plan.first_seed + n, 2 * (n % 2)) for n in range(2)]
    weight = np.full(len(session.base.layout.planogram.positions), 1.0)
    there = foretold([Rig("r", tuple(cameras))], worlds, plan.aims, load_responses(), NONE, plan.correlation,
                     weight / weight.sum(), tmp_path, 10**9, 1)["r"]  # fmt: skip
    assert said["known"]["value"] == pytest.approx(there.value, abs=0.005)
    assert 0.3 < there.value < 1


@pytest.mark.slow
def test_the_page_is_told_store_value_money_and_rules(client: Any) -> None:
    store = client.get("/v1/store").json()
    assert store["budget"] == 400
    assert 1 <= len(store["cameras"]) <= 3
    assert {m["key"] for m in store["models"]} > {"raspberry_pi_3", "dome_106"}
    ids = {p["id"] for f in store["fixtures"] for p in f["positions"]}
    one, two, none = (client.post("/v1/rate", json={"cameras": c}).json() for c in ([BEFORE], [BEFORE, BESIDE], []))
    assert set(one["certainty"]) == ids
    assert none["known"]["value"] == 0 < one["known"]["value"] < two["known"]["value"] < 1
    assert 0 <= none["cost"]["value"] < one["cost"]["value"] < two["cost"]["value"]
    assert none["paid"] == 0
    assert [c["mount"] for c in two["cameras"]] == ["wall", "ceiling"]
    lower = BEFORE | {"position": [0.62, -1.4, 1.6]}
    (rule,) = client.post("/v1/rate", json={"cameras": [lower]}).json()["broken"]
    assert rule["cameras"] == ["camera-1"]
    assert "hangs on no mount" in rule["rule"]


@pytest.mark.slow
def test_turning_a_camera_needs_no_new_look(client: Any, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.placement.ui import rating

    looks = []
    depth_of = rating.depth_of
    monkeypatch.setattr(rating, "depth_of", lambda *given: looks.append(1) or depth_of(*given))
    there = BEFORE | {"position": [0.7, -1.8, 2.2]}
    client.post("/v1/rate", json={"cameras": [there]})
    first = len(looks)
    assert first >= 2
    for given in ({"target": [0.5, 0.0, 0.9]}, {"model": "dome_80"}, {}):
        client.post("/v1/rate", json={"cameras": [there | given]})
    assert len(looks) == first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("camera", "status", "expected"),
    [
        (BEFORE | {"model": "fisheye"}, 400, "camera-1: model 'fisheye'; expected one of"),
        (BEFORE | {"target": BEFORE["position"]}, 400, "camera-1 aims at where it hangs"),
        (BEFORE | {"position": [0, 0]}, 422, "position"),
        (BEFORE | {"position": [0, 0, 1e9]}, 422, "position"),
        ({"model": "dome_80"}, 422, "position"),
    ],
)
def test_what_makes_no_sense_is_refused(client: Any, camera: dict[str, Any], status: int, expected: str) -> None:
    answer = client.post("/v1/rate", json={"cameras": [camera]})
    assert answer.status_code == status
    assert expected in answer.text


@pytest.mark.slow
def test_other_pages_and_other_names_of_this_machine_may_not_ask(client: Any) -> None:
    assert client.post("/v1/rate", json={"cameras": []}, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/v1/store", headers={"host": "evil.example"}).status_code == 400
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]
    for file in ("/page.css", "/page.js", "/plan.js"):
        text = client.get(file)
        assert text.status_code == 200
        assert "://" not in text.text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.slow
def test_saved_cameras_are_a_rig_that_run_takes(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = client.post("/v1/rig", json={"cameras": [BEFORE, BESIDE | {"roll": 0.5}]}).json()
    file = Path(said["file"])
    assert {"plan.svg", "plan.dxf", "bill_of_materials.csv", "calibration", "result.json"} < {
        p.name for p in file.parent.iterdir()
    }
    conf = tmp_path / "conf"
    shutil.copytree(configs.CONF, conf)
    shutil.copy(file, conf / "rig" / "placed.yaml")
    monkeypatch.setattr(configs, "CONF", conf)
    rig = configs.compose("run", ["experiment=quickstart", "+rig@rigs.placed=placed"])["rigs"]["placed"]
    assert [c["position"] for c in rig["cameras"]] == [BEFORE["position"], BESIDE["position"]]
    assert [c.get("roll", 0) for c in rig["cameras"]] == [0, 0.5]
    assert client.post("/v1/rig", json={"cameras": []}).status_code == 400


def a_job() -> Job:
    camera = Camera("camera-1", WIDE, (0.0, -1.0, 2.0), (0.0, 0.0, 1.0))
    return Job({"scenario": "x"}, (camera,), 3, {"gap": Transfer(1.0, 0.5, 0.1)}, Sample(0.5, np.array([0.1, -0.1])))


def proofs(folder: Path, script: str) -> Proofs:
    code = f"import json, pathlib, sys, time\nfolder = pathlib.Path(sys.argv[1])\n{script}"
    return Proofs(folder, lambda job: folder / "study", (sys.executable, "-c", code))


def test_a_job_is_read_as_it_was_written(tmp_path: Path) -> None:
    job = a_job()
    write_job(tmp_path / "job.json", job)
    read = read_job(tmp_path / "job.json")
    assert dataclasses.replace(read, predicted=job.predicted) == job
    assert (read.predicted.value, read.predicted.pull.tolist()) == (0.5, [0.1, -0.1])


def test_a_proof_tells_how_far_it_is_and_what_came_of_it(tmp_path: Path) -> None:
    script = (
        "cells = folder.parent / 'study' / 'cells'; cells.mkdir(parents=True)\n"
        "(cells / 'abc.claim').write_text(json.dumps({'done': 2}))\n"
        "while not (folder / 'go').exists(): time.sleep(0.01)\n"
        "(folder / 'result.json').write_text(json.dumps({'worlds': 3}))"
    )
    made = proofs(tmp_path, script)
    assert made.state() == {"state": "none"}
    made.start(a_job(), ["said"])
    eventually(lambda: made.state().get("done") == 2)
    assert made.state() == {"state": "running", "done": 2, "of": 3, "cameras": ["said"]}
    with pytest.raises(ValueError, match="a proof is running"):
        made.start(a_job(), [])
    (next(tmp_path.glob("*/job.json")).parent / "go").touch()
    eventually(lambda: not made.running)
    assert made.state() == {"state": "done", "done": 3, "of": 3, "cameras": ["said"], "result": {"worlds": 3}}


def test_a_proof_that_fails_says_why_and_one_that_is_stopped_is_stopped(tmp_path: Path) -> None:
    failed = proofs(tmp_path / "a", "sys.exit('proof: no such store')")
    failed.start(a_job(), [])
    eventually(lambda: not failed.running)
    assert failed.state()["state"] == "failed"
    assert failed.state()["error"] == "proof: no such store"
    long = proofs(tmp_path / "b", "time.sleep(600)")
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a shell's background job
    try:
        long.start(a_job(), [])
    finally:
        signal.signal(signal.SIGINT, usual)
    begun = time.monotonic()
    long.stop()
    assert time.monotonic() - begun < 15
    assert long.state()["state"] == "stopped"
    assert not long.running


@pytest.mark.slow
def test_the_page_proves_its_cameras(client: Any) -> None:
    assert client.post("/v1/proof", json={"cameras": [], "worlds": 2}).status_code == 400
    assert client.post("/v1/proof", json={"cameras": [BEFORE], "worlds": 1}).status_code == 422
    assert client.post("/v1/proof", json={"cameras": [BEFORE], "worlds": 2}).json()["state"] == "running"
    eventually(lambda: client.get("/v1/proof").json()["state"] != "running", 300)
    proof = client.get("/v1/proof").json()
    assert proof["state"] == "done", proof
    (row,) = proof["result"]["arms"]
    assert proof["result"]["seeds"] == [400_000, 400_001]
    assert 0.2 < row["measured"]["value"] <= 1
    assert abs(row["predicted_there"]["value"] - row["measured"]["value"]) < 0.4
    assert set(proof["result"]["exact"]) == set(client.post("/v1/rate", json={"cameras": []}).json()["certainty"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["ui=yes"], "expected ui=true"),
        (["ui=true", "start=nowhere", "views=0"], "nowhere"),
        (["ui=true", "port=0"], "port 0"),
        (["ui=true", "port=99999"], "port 99999"),
        (["ui=true", "worlds=1"], "worlds >= 2"),
        (["ui=true", "prot=1"], "prot"),
        (["ui=true", "scenario=nowhere"], "nowhere"),
    ],
)
def test_wrong_input_gets_one_line(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert expected in refusal(main, ["place", *arguments], capsys)


def test_a_port_that_is_taken_is_told_before_anything_is_computed(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refusal(main, ["place", "ui=true", f"port={port}"], capsys)
    assert f"port {port}: " in line
    assert "expected a free port" in line


def test_without_the_extra_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else find(name, *rest)
    )
    line = refusal(main, ["place", "ui=true"], capsys)
    assert line == "shelfbench: place ui=true needs uvicorn: pip install 'shelfbench[serve]'"


def test_place_still_knows_its_own_keys() -> None:
    config = configs.compose("place_ui", [])
    assert (config["scenario"], config["budget"], config["port"]) == ("quickstart", 1000, 8765)
    assert json.dumps(config)

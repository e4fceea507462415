"""A device in the loop: frames go to a service, and what comes back is scored as what is read here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas
import pytest

from bench.hardware.client import Client
from bench.hardware.remote import check_device
from bench.studies.conduct import conduct
from bench.studies.study import WHERE, study_of
from scenarios import InputError
from tests.layouts import small_layout
from tests.small_study import small_study

AHEAD = 40.0


class Device(BaseHTTPRequestHandler):
    """A service with a clock that is ahead, on a way that is slow on one side."""

    skus, weights = 10, "w"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say({"access_token": "t", "expires_in": 900})

    def do_GET(self) -> None:
        arrived = time.time() + AHEAD
        if self.path == "/v1/plan":
            rows = [{"id": p.id, "sku": p.sku, "facings": p.facings} for p in small_layout().planogram.positions]
            self._say({"positions": rows})
            return
        time.sleep(0.02)
        networks = {part: {"weights": self.weights} for part in ("detector", "recognizer")}
        self._say({"arrived": arrived, "answered": time.time() + AHEAD, "networks": networks, "skus": self.skus})

    def _say(self, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def device() -> Iterator[Client]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Device)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    client = Client(f"http://127.0.0.1:{server.server_port}", "bench", "a secret of the bench")
    yield client
    client.close()
    server.shutdown()
    server.server_close()


def test_a_clock_that_is_ahead_is_found_within_its_bound(device: Client) -> None:
    clock = device.clock(probes=6)
    # What passes on the device is no part of the way, so that the bound is not of 20 ms.
    assert abs(clock.ahead - AHEAD) <= clock.bound + 0.001
    assert clock.bound < 0.02


@pytest.mark.parametrize(
    ("weights", "skus", "expected"),
    [("w", 10, None), ("other", 10, "its detector is w; expected other"), ("w", 9, "its gallery has 9 products")],
)
def test_a_device_that_would_read_something_else_is_refused(
    device: Client, monkeypatch: pytest.MonkeyPatch, weights: str, skus: int, expected: str | None
) -> None:
    monkeypatch.setattr(Device, "skus", skus)
    wanted = {"detector": weights, "recognizer": weights}
    if expected is None:
        check_device(device, wanted, small_layout())
        return
    with pytest.raises(InputError, match=expected):
        check_device(device, wanted, small_layout())


def test_with_a_target_every_cell_is_read_here_and_there(tmp_path: Path) -> None:
    study = small_study(tmp_path, 2, ("target=http://127.0.0.1:1", "client=bench", "secret_file=none"))
    assert [c.at[WHERE] for c in study.cells] == ["here", "device"] * 2
    assert [c.experiment.target for c in study.cells] == ["", "http://127.0.0.1:1"] * 2
    again = study_of(study.config)  # as its workers read it
    assert [c.at for c in again.cells] == [c.at for c in study.cells]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("client=bench", "secret_file=none"), "secret_file none"),
        ((), "expected client=NAME and secret_file=FILE"),
        (("client=bench", "secret_file=none", "lookalikes.distance=0.1"), "no such dial"),
    ],
)
def test_a_device_that_cannot_be_asked_ends_a_study_before_it_begins(tmp_path: Path, more: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        conduct(small_study(tmp_path, 1, ("target=http://127.0.0.1:1", *more)))


@pytest.mark.slow
def test_a_study_scored_through_the_service_equals_the_local_one_to_the_last_digit(tmp_path: Path) -> None:
    for name in ("pybullet", "onnxruntime", "fastapi", "mlflow"):
        pytest.importorskip(name)
    from bench.configs import compose
    from bench.twin.own_service import own_service
    from bench.twin.plan import plan_of
    from tests.bench.test_twin import tiny

    plan = plan_of(compose("twin", tiny(tmp_path)[1:]))
    scenario = plan.drawn()
    bigger = "rigs.one.cameras.0.model.width=480", "rigs.one.cameras.0.model.height=320"
    with own_service(plan, scenario, plan.hung(scenario)) as own:
        (tmp_path / "secret").write_text(own.twin[1])
        target = (f"target={own.url}", "client=twin", f"secret_file={tmp_path / 'secret'}", *bigger)
        study = small_study(tmp_path, 2, target)
        final = conduct(study)
        assert own.client.get("/v1/readings") == []  # a trial leaves no trace
        assert all(row["last_time"] is None for row in own.client.get("/v1/cameras"))
    result = json.loads((final / "result.json").read_text())
    assert result["conditions"]["skipped"] == []
    cells = {(c["at"]["light"], c["at"][WHERE]): c for c in result["cells"]}
    assert len(cells) == 4
    for light in ("l0", "l1"):
        here, there = cells[light, "here"], cells[light, "device"]
        assert here["metrics"] == there["metrics"]
        assert here["metrics"]["units_error"]["value"] is not None
        folders = [study.folder / "cells" / cell["hash"] for cell in (here, there)]
        for file in ("positions.parquet", "samples.parquet", "pulls.parquet"):
            one, other = (pandas.read_parquet(folder / file) for folder in folders)
            pandas.testing.assert_frame_equal(one, other, check_exact=True)
        one, other = (json.loads((folder / "cell.json").read_text()) for folder in folders)
        for key in ("counts", "causes", "cause_shares", "facings", "top1_by_px_per_m", "scenario_hashes"):
            assert one[key] == other[key], key
        told = there["device"]
        assert told["frames"] == 2
        assert told["ms"]["device"]["p50"] > told["stages_ms"]["detect"]["p50"] > 0
        assert told["ms"]["network"]["p50"] > 0
        assert abs(told["clock_ahead_s"]) <= told["clock_bound_s"] + 0.001  # one machine has one clock
        assert here["device"] == {}
    assert all(e["difference"] == 0 for e in result["effects"] if e["axis"] == WHERE and e["difference"] is not None)
    page = (final / "report.html").read_text()
    assert "On a device" in page
    assert own.url in page

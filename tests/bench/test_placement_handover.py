"""What is handed over of a placement: bill of materials, drawings, calibrations, colours of certainty."""

from __future__ import annotations

import csv
from pathlib import Path

import ezdxf
import numpy as np
import pytest

from bench.drawing import footprint
from bench.placement.candidates import Aims, Candidates, candidates
from bench.placement.dxf import write_dxf
from bench.placement.handover import bill_of_materials, bill_total, calibration, write_bill, write_calibrations
from bench.placement.heat import colour, heat_map, outlined
from bench.placement.mounts import Mount, mount_points
from bench.placement.store_problem import Costs, cable_metres, camera_costs
from scenarios import Camera, CameraModel, Rig, load_scenario
from tests.layouts import front_camera, small_layout
from vision.calibrate import load_camera

WIDE, TELE = CameraModel("wide", 1920, 1080, 1.2, 200.0), CameraModel("tele", 1920, 1080, 0.6, 150.0)
COSTS = Costs((0.5, -2.0, 3.0), 10.0, 1.0, None, "box", 300.0, 2)


def some() -> Candidates:
    layout = small_layout()
    rules = (Mount("ceiling", (0.15,), 0.8), Mount("wall", (1.2,), 0.8, 20.0))
    return candidates(layout, mount_points(layout.store, rules), (WIDE, TELE), Aims(0.7, (0.5,), 4.0, 1.2, 84.0), 1000)


def test_the_bill_adds_up_to_what_the_placement_costs_with_its_devices(tmp_path: Path) -> None:
    found = some()
    wall = np.flatnonzero((found.kind == "wall") & (found.model == 1))[:2].tolist()
    chosen = [int(np.flatnonzero((found.kind == "ceiling") & (found.model == 0))[0]), *wall]
    parts = bill_of_materials(found, chosen, COSTS)
    assert bill_total(parts) == pytest.approx(camera_costs(found, COSTS)[chosen].sum() + 2 * 300, abs=0.5)
    rows = {(p.part, p.what): p for p in parts}
    assert rows["camera", "tele"].quantity == 2
    assert rows["camera", "tele"].for_cameras == "camera-2 camera-3"
    assert rows["mount", "wall"].total == 40
    assert rows["device", "box"].quantity == 2
    metres = sum(p.quantity for p in parts if p.part == "cable")
    assert metres == pytest.approx(cable_metres(found, COSTS)[chosen].sum(), abs=0.11)
    write_bill(tmp_path / "bill.csv", parts)
    table = list(csv.DictReader((tmp_path / "bill.csv").open()))
    assert float(table[-1]["total"]) == bill_total(parts)
    assert sum(float(row["total"]) for row in table[:-1]) == pytest.approx(bill_total(parts))


def test_a_calibration_is_read_back_as_the_camera(tmp_path: Path) -> None:
    cameras = [
        Camera("camera-1", WIDE, (0.1, -2.0, 2.5), (0.4, 0.0, 0.9), 0.3),
        Camera("camera-2", load_models()["dome_106"], (0.1, -2.0, 2.5), (0.4, 0.0, 0.9)),
    ]
    write_calibrations(tmp_path / "calibration", Rig("placed", tuple(cameras)))
    assert [load_camera(tmp_path / "calibration" / f"{c.id}.json") for c in cameras] == cameras
    assert calibration(cameras[0]).startswith("{")


def load_models() -> dict[str, CameraModel]:
    from bench.configs import compose
    from scenarios.files import build

    models = compose("place", ["scenario=quickstart"])["camera_models"]
    return {key: build(CameraModel, value, key) for key, value in models.items()}


def test_the_drawing_has_every_bay_and_camera_in_its_layer_in_metres(tmp_path: Path) -> None:
    layout = load_scenario("quickstart").layout
    rig = Rig("placed", (Camera("camera-1", WIDE, (1.0, -2.3, 2.1), (1.0, 0.0, 0.9)),))
    write_dxf(tmp_path / "plan.dxf", layout, rig)
    drawing = ezdxf.readfile(tmp_path / "plan.dxf")
    assert drawing.units == ezdxf.units.M
    counts = {layer: len(drawing.modelspace().query(f'*[layer=="{layer}"]')) for layer in ("ROOM", "SHELVES", "CONES")}
    assert counts == {"ROOM": 1, "SHELVES": len(layout.store.fixtures), "CONES": 1}
    (line,) = drawing.modelspace().query("LINE")
    assert tuple(line.dxf.start) == rig.cameras[0].position
    assert not drawing.audit().errors


def test_a_cone_ends_on_the_front_that_the_camera_aims_at_also_of_turned_bays() -> None:
    layout = load_scenario("corner_shop").layout
    turned = next(f for f in layout.store.fixtures if abs(np.sin(f.yaw)) > 0.9 or np.cos(f.yaw) < 0)
    at, target = turned.to_world([[turned.width / 2, -1.2, 2.0], [turned.width / 2, 0.0, 1.0]]).tolist()
    corners = footprint(Camera("c", WIDE, tuple(at), tuple(target)), layout)
    ends = turned.to_local([[*corner, 0.0] for corner in corners[1:]])
    assert ends[:, 1] == pytest.approx([0, 0], abs=1e-6)
    assert np.ptp(ends[:, 0]) > 0.5


def test_the_heat_map_has_a_rectangle_for_each_position_in_its_colour() -> None:
    layout = small_layout()
    certainty = {p.id: n / 10 for n, p in enumerate(layout.planogram.positions)}
    drawing = heat_map(layout, certainty)
    assert drawing.count("<title>") == len(certainty)
    for known in certainty.values():
        assert f'fill="{colour(known)}"' in drawing
    assert colour(0.0) != colour(1.0)


def test_outlines_lie_on_the_positions_that_a_camera_sees() -> None:
    layout, camera = small_layout(), front_camera()
    black = np.zeros((camera.model.height, camera.model.width, 3), np.uint8)
    drawn = outlined(black, camera, layout, {p.id: 1.0 for p in layout.planogram.positions})
    rows, columns = np.nonzero(drawn.any(axis=2))
    pixels, _ = camera.project(layout.places.faces)
    assert columns.min() >= pixels[..., 0].min() - 3
    assert rows.max() <= pixels[..., 1].max() + 3
    away = Camera("away", camera.model, camera.position, (0.5, -3.0, 1.2))
    assert not outlined(black, away, layout, {p.id: 1.0 for p in layout.planogram.positions}).any()

"""`shelfbench render`, and one small picture of every named scenario."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.contact_sheets import RenderPlan, Shot, plan_sheet, render_shots, side_by_side
from bench.dials import DIALS, dial
from bench.experiment import check_rig
from bench.views import default_views
from scenarios import InputError, load_scenario
from scenarios.scenario import HERE
from sim import World, capture
from sim.labels import label_boxes
from tests.refusal import refusal
from tests.small_study import tiny_store

NAMES = sorted(p.parent.name for p in HERE.glob("*/scenario.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_named_scenario_can_be_seen(name: str) -> None:
    scenario = load_scenario(name, seed=1)
    if scenario.conditions.crowd.shoppers == 0:
        scenario = scenario.draw(1, shoppers=1)
    rig = default_views(scenario.layout, 256, 144)
    check_rig(rig, scenario.layout)
    eye, opposite, overhead = rig.cameras
    # Down a long aisle, thousands of units would have to be made.
    cameras = (eye, opposite) if len(scenario.stock.units) < 3000 else (overhead,)
    with World(scenario.layout, density=150, lookalikes=scenario.conditions.lookalikes) as world:
        world.set(scenario)
        people = [world.instances[body] for body in world.shopper_bodies]
        assert people
        for person in people:
            assert 0.9 <= np.ptp(person.mesh.vertices[:, 2]) <= 2.1  # metres; a child or an adult
            assert abs(person.position[2] + person.mesh.vertices[:, 2].min()) < 0.03  # on the floor
        for camera in cameras:
            frame, truth = capture(world, scenario, camera)
            seen = truth.visible_fraction > 0.3
            assert seen.sum() >= 8, camera.id
            assert 10 < frame.image.mean() < 235, camera.id
            distance = np.median(truth.depth[truth.mask >= 0])
            assert 0.5 < distance < 9, camera.id
            assert label_boxes(scenario, truth, 0.5)


def test_a_scenario_is_drawn_with_its_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["render", "scenario=lookalike_wall", "truth=true", "skus=true", f"outputs={tmp_path}"])
    printed = capsys.readouterr().out
    result = json.loads((tmp_path / "latest" / "result.json").read_text())
    assert "lookalike_wall.jpg" in printed
    assert "raster cannot show" in printed
    assert [p["camera"] for p in result["pictures"]] == ["eye", "opposite", "overhead"]
    sheet = Image.open(tmp_path / "latest" / result["sheet"])
    assert 3 * 480 <= sheet.width <= 3000
    picture = np.asarray(Image.open(tmp_path / "latest" / result["pictures"][1]["file"]))
    assert picture.shape == (540, 960, 3)
    assert (picture == (0, 158, 115)).all(axis=2).sum() > 500  # outlines of products


def test_every_dial_has_a_row_of_five_settings_that_differ() -> None:
    sheet, left_out = plan_sheet(RenderPlan(dials=True))
    assert [heading for heading, _ in sheet.rows] == [dial.name for dial in DIALS]
    assert left_out == []
    for _, shots in sheet.rows:
        assert len({(shot.scenario.conditions, shot.camera) for shot in shots}) == len(shots) == 5
        assert len({shot.caption for shot in shots}) == 5
        assert len({(shot.camera.position, shot.camera.target) for shot in shots}) == 1
    left_out = plan_sheet(RenderPlan(dials=True, scenario="quickstart"))[1]
    assert left_out == ["lighting.hour: the store has no window"]


def test_shots_stand_side_by_side(tmp_path: Path) -> None:
    """Without a process of its own, each under its heading, with the light that the dial was turned to."""
    shop = load_scenario(tiny_store(tmp_path / "shop"), seed=1)
    camera = default_views(shop.layout, 96, 64).cameras[1]
    assert dial("lighting.lux").turn(shop, camera, 30)[0].conditions.lighting.lux == (30, 30)
    shots = {d: Shot(*dial("lookalikes.distance").turn(shop, camera, d), str(d)) for d in (0.0, 1.0)}
    rows = {"both": [shots[1.0], shots[0.0]], "one": [shots[0.0]]}
    sheet = np.asarray(side_by_side("title", rows, RenderPlan(workers=1), widest=220))
    assert sheet.shape[1] == 2 * 96 + 3 * 14
    pictures = [picture for picture in render_shots([shots[1.0], shots[0.0]], RenderPlan(workers=1))]
    for number, picture in enumerate(pictures):
        left = 14 + number * (96 + 14)
        np.testing.assert_array_equal(sheet[64 + 44 : 64 + 44 + 64, left : left + 96], picture)
    with pytest.raises(InputError, match=r"dial 'lux'; expected one of lighting.lux"):
        dial("lux")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["scenario=nowhere"], "nowhere: no such scenario or folder"),
        (["rig=nothing", "scenario=quickstart"], "nothing"),
        (["rig=both"], "give scenario=NAME"),
        (["rig=both", "scenario=corner_shop"], "is inside"),
        (["renderer=crayon"], "crayon"),
        (["workers=0"], "workers 0"),
        (["dial=true"], "dial"),
    ],
)
def test_wrong_names_get_one_line(
    arguments: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in refusal(main, ["render", f"outputs={tmp_path / 'out'}", *arguments], capsys)
    assert not (tmp_path / "out").exists()

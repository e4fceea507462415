"""The path tracer sees the same bodies at the same pixels as the rasteriser, in light that bounces."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from scenarios import Camera, CameraModel, Conditions, InputError, Lighting, Luminaire, Scenario
from sim import World, capture
from sim.lighting import illuminance, luminaires
from sim.mitsuba_scene import light_shapes
from sim.mitsuba_variant import choose_variant, mitsuba, works
from sim.render import describe, renderer
from tests.layouts import TIDY, front_camera, small_layout

pytest.importorskip("mitsuba", reason="renderer pathtrace: shelfbench[pathtrace] is not installed")
pytest.importorskip("mitsuba_oidn", reason="renderer pathtrace: shelfbench[pathtrace] is not installed")

SMALL = CameraModel("small", 160, 120, 0.9, 0.0)
FRONT = Camera("front", SMALL, (0.5, -1.6, 1.2), (0.5, 0.0, 0.6))
OBLIQUE = Camera("oblique", SMALL, (1.3, -1.1, 1.7), (0.5, 0.0, 0.5), roll=0.1)
PORTRAIT = Camera("portrait", SMALL, (0.2, -1.2, 1.0), (0.5, 0.0, 0.6), roll=math.pi / 2)


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[World, Scenario]]:
    layout = small_layout()
    scenario = Scenario(layout, Conditions("small", mess=TIDY), 1)
    with World(layout) as world:
        world.set(scenario)
        yield world, scenario


@pytest.mark.parametrize("camera", [FRONT, OBLIQUE, PORTRAIT], ids=lambda c: c.id)
def test_masks_agree_to_a_pixel_at_the_edges(scene: tuple[World, Scenario], camera: Camera) -> None:
    world, scenario = scene
    raster, traced = (renderer(name)(world, camera, scenario) for name in ("raster", "pathtrace:1"))
    units = list(world.unit_bodies)
    assert len(set(np.unique(traced.body)) & set(units)) >= 5, "all forms are seen"
    a, b = (np.where(np.isin(r.body, units), r.body, -1) for r in (raster, traced))
    inside = np.ones(a.shape, bool)
    for mask in (a, b):
        picture = mask.astype(np.float32)
        inside &= cv2.erode(picture, np.ones((3, 3))) == cv2.dilate(picture, np.ones((3, 3)))
    assert inside.mean() > 0.5
    assert not (inside & (a != b)).any()
    same = raster.body == traced.body
    assert np.median(np.abs(raster.depth - traced.depth)[same]) < 1e-4
    assert np.quantile(np.abs(raster.depth - traced.depth)[same & inside], 0.999) < 2e-3


def test_a_reading_of_the_light_agrees_with_the_formula(scene: tuple[World, Scenario]) -> None:
    """The floor under one lamp: its luminance is illuminance · albedo ÷ π."""
    layout = small_layout()
    lamp = Luminaire("one", "panel", (0.5, -1.2, 2.9), 3000.0, length=0.3, width=0.3)
    store = dataclasses.replace(layout.store, luminaires=(lamp,))
    layout = dataclasses.replace(layout, store=store)
    scenario = Scenario(layout, Conditions("lamp", Lighting(lux=None, kelvin=None), mess=TIDY), 1)
    camera = Camera("down", SMALL, (0.5, -1.2, 2.0), (0.5, -1.2, 0.0))
    with World(layout) as world:
        world.set(scenario)
        floor = next(i for i in world.scene() if i.kind == "room" and np.ptp(i.mesh.vertices[:, 2]) < 1e-6)
        world.remove(floor.body)
        grey = Image.new("RGB", (8, 8), (188, 188, 188))  # reflects one half
        world.add("room", dataclasses.replace(floor.mesh, texture=grey), floor.position, floor.orientation)
        image = renderer("pathtrace:64")(world, camera, scenario).image
    measured = float((image @ [0.2126, 0.7152, 0.0722])[50:70, 70:90].mean())
    lit = float(illuminance(scenario, (0.5, -1.2, 0.0), (0.0, 0.0, 1.0)))
    assert luminaires(scenario)[0].lumens == 3000.0
    assert measured == pytest.approx(lit * 0.5 / math.pi, rel=0.2)


def test_twice_the_light_is_twice_the_luminance(scene: tuple[World, Scenario]) -> None:
    world, scenario = scene
    means = []
    for lux in (300.0, 600.0):
        lit = Scenario(scenario.layout, Conditions("small", Lighting((lux, lux)), mess=TIDY), 1)
        world.set(lit)
        means.append(float(renderer("pathtrace:4")(world, FRONT, lit).image.mean()))
    world.set(scenario)
    assert means[1] == pytest.approx(2 * means[0], rel=0.02)


def test_pictures_are_neither_black_nor_burnt_out_nor_upside_down(scene: tuple[World, Scenario]) -> None:
    world, scenario = scene
    camera = dataclasses.replace(front_camera(), model=dataclasses.replace(front_camera().model, width=320, height=240))
    frame, truth = capture(world, scenario, camera, "pathtrace:8")
    reference, _ = capture(world, scenario, camera)
    assert 60 < frame.image.mean() < 190
    assert (frame.image.min(axis=2) >= 254).mean() < 0.05
    # Artwork the right way up: each front pack looks more like its raster picture than like that turned over.
    for box in truth.visible_box[truth.front & (truth.visible_fraction > 0.9)]:
        x0, y0, x1, y1 = (int(v) for v in box)
        a, b = (cv2.GaussianBlur(i[y0:y1, x0:x1], (0, 0), 1).astype(float) for i in (frame.image, reference.image))
        a, b = a - a.mean((0, 1)), b - b.mean((0, 1))
        assert (a * b).sum() > (a * b[::-1]).sum()


def test_the_same_scenario_gives_the_same_picture_and_truth(scene: tuple[World, Scenario]) -> None:
    world, scenario = scene
    first, again = (renderer("pathtrace:2")(world, FRONT, scenario) for _ in range(2))
    np.testing.assert_array_equal(first.body, again.body)
    np.testing.assert_array_equal(first.depth, again.depth)
    np.testing.assert_allclose(first.image, again.image, rtol=1e-3, atol=1e-2)


def test_lamps_are_in_the_same_order_however_often_a_scene_is_built(scene: tuple[World, Scenario]) -> None:
    """Of lamps that were loaded together every tenth scene had two in another order, and all noise was another."""
    built = [mitsuba().load_dict({"type": "scene"} | light_shapes(scene[1])) for _ in range(50)]
    orders = {tuple(tuple(np.ravel(lamp.bbox().center())) for lamp in one.emitters()) for one in built}
    assert len(orders) == 1
    assert len(orders.pop()) > 1


def test_the_next_camera_finds_the_scene_built(scene: tuple[World, Scenario], monkeypatch: pytest.MonkeyPatch) -> None:
    """It was built anew for every picture."""
    world, scenario = scene
    first = renderer("pathtrace:1")(world, FRONT, scenario).body
    monkeypatch.setattr("sim.pathtrace.body_shapes", lambda instances: pytest.fail("built again"))
    np.testing.assert_array_equal(renderer("pathtrace:1")(world, FRONT, scenario).body, first)


def test_scalar_pictures_are_the_same_in_any_process(tmp_path: Path) -> None:
    """All but some rounding: of very many runs one, on another machine, gave other bits."""
    program = """
import sys
import numpy as np
from scenarios import Conditions, Scenario
from sim import World
from sim.render import renderer
from tests.layouts import TIDY, small_layout
from tests.sim.test_pathtrace import FRONT
layout = small_layout()
scenario = Scenario(layout, Conditions("small", mess=TIDY), 1)
with World(layout) as world:
    world.set(scenario)
    np.save(sys.argv[1], renderer("pathtrace:1")(world, FRONT, scenario).image)
"""
    environment = os.environ | {"SHELFBENCH_MITSUBA": "scalar_rgb"}
    paths = [tmp_path / "first.npy", tmp_path / "again.npy"]
    for path in paths:
        subprocess.run([sys.executable, "-c", program, str(path)], env=environment, check=True)
    first, again = map(np.load, paths)
    assert first.max() > 1
    np.testing.assert_allclose(first, again, rtol=1e-3, atol=1e-2)


def test_a_variant_that_ends_its_process_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not works("no_such_variant")
    monkeypatch.setenv("SHELFBENCH_MITSUBA", "")
    monkeypatch.delenv("SHELFBENCH_MITSUBA")
    monkeypatch.setattr("sim.mitsuba_variant.works", lambda variant: variant == "scalar_rgb")
    assert choose_variant.__wrapped__() == "scalar_rgb"
    monkeypatch.setenv("SHELFBENCH_MITSUBA", "vulkan")
    with pytest.raises(InputError, match="SHELFBENCH_MITSUBA=vulkan; expected one of cuda_ad_rgb"):
        choose_variant.__wrapped__()


@pytest.mark.parametrize("name", ["ray", "pathtrace:", "pathtrace:0", "pathtrace:many", "raster:4"])
def test_an_unknown_renderer_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"renderer '{name}'; expected one of raster, raster-egl, pathtrace"):
        renderer(name)


def test_without_mitsuba_the_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'shelfbench\[pathtrace\]'"):
        choose_variant.__wrapped__()


def test_a_result_names_variant_and_samples() -> None:
    assert describe("pathtrace:8").startswith("pathtrace (Mitsuba 3.")
    assert f"{choose_variant()}, 8 samples" in describe("pathtrace:8")
    assert describe("raster") == "raster (PyBullet TinyRenderer, shadows)"

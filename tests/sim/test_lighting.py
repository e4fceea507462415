"""Light in physical units, against closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import Conditions, InputError, Lighting, Luminaire, Scenario, Window
from scenarios.files import build
from sim import World
from sim.daylight import LUMINANCE_WEIGHTS, kelvin_to_rgb, outdoor_illuminance
from sim.lighting import illuminance, irradiance, luminaires, modulation, shelf_fronts, sources
from sim.raster import render
from sim.render import RENDERERS
from sim.shading import not_honoured, recess
from tests.layouts import TIDY, front_camera, small_layout

DARK = Lighting(lux=None, kelvin=None)
UP, DOWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
SMALL = Luminaire("small", "spot", (0.5, -1.0, 2.5), 1000.0, 4000.0, 0.02, 0.02)


def lit(*lamps: Luminaire, lighting: Lighting = DARK, windows: tuple[Window, ...] = (), seed: int = 1) -> Scenario:
    layout = small_layout()
    store = replace(layout.store, luminaires=lamps, windows=windows)
    return Scenario(replace(layout, store=store), Conditions("lit", lighting=lighting, mess=TIDY), seed)


def direct(scenario: Scenario, point: object, normal: object) -> float:
    """Illuminance without what the room gives back."""
    indirect = float(sources(scenario).indirect @ LUMINANCE_WEIGHTS)
    return float(illuminance(scenario, np.array(point, float), np.array(normal, float))) - indirect


def mean_on_fronts(scenario: Scenario) -> float:
    return float(illuminance(scenario, *shelf_fronts(scenario.layout.store)).mean())


@given(distance=st.floats(0.3, 2.4), aside=st.floats(-1.0, 1.0))
def test_a_small_lamp_follows_the_inverse_square_and_cosine_laws(distance: float, aside: float) -> None:
    x, y, z = SMALL.position
    square = distance**2 + aside**2
    cosine = distance / math.sqrt(square)
    expected = SMALL.lumens / math.pi * cosine * cosine / square
    assert direct(lit(SMALL), (x + aside, y, z - distance), UP) == pytest.approx(expected, rel=1e-6)


def test_a_long_tube_is_weaker_close_by_than_its_light_in_one_point() -> None:
    tube = replace(SMALL, length=2.0, width=0.1)
    beneath = (0.5, -1.0, 2.3)
    assert direct(lit(tube), beneath, UP) < 0.5 * direct(lit(SMALL), beneath, UP)
    far = (0.5, -1.0, 0.0)
    assert direct(lit(tube), far, UP) == pytest.approx(direct(lit(SMALL), far, UP), rel=0.25)


def test_lamps_add_up_and_twice_the_lumens_are_twice_the_lux() -> None:
    other = replace(SMALL, id="other", position=(0.0, -2.0, 2.8), lumens=500.0, kelvin=2700.0)
    points = np.random.default_rng(0).uniform((-1, -2.4, 0), (2, 0.4, 2), (20, 3))
    one, two, both = (illuminance(s, points, UP) for s in (lit(SMALL), lit(other), lit(SMALL, other)))
    np.testing.assert_allclose(both, one + two)
    np.testing.assert_allclose(illuminance(lit(replace(SMALL, lumens=2000.0)), points, UP), 2 * one)


def test_a_lamp_shines_downwards_only() -> None:
    assert direct(lit(SMALL), (0.5, -1.0, 2.9), DOWN) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("lamps", [(), (SMALL, replace(SMALL, id="b", position=(2.0, -0.5, 2.0)))])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_shelf_fronts_have_the_drawn_lux(lamps: tuple[Luminaire, ...], seed: int) -> None:
    scenario = lit(*lamps, lighting=Lighting(lux=(640.0, 640.0)), seed=seed)
    assert mean_on_fronts(scenario) == pytest.approx(640, rel=1e-6)


def test_without_lux_and_kelvin_the_lamps_are_as_they_are() -> None:
    assert luminaires(lit(SMALL)) == (SMALL,)


def test_the_drawn_kelvin_is_that_of_the_shop_but_not_of_a_coolers_strip() -> None:
    strip = replace(SMALL, id="strip", kind="strip", kelvin=6500.0)
    lamps = luminaires(lit(SMALL, strip, lighting=Lighting(lux=None, kelvin=(3000.0, 3000.0))))
    assert [lamp.kelvin for lamp in lamps] == [3000.0, 6500.0]


def test_failed_lamps_are_a_share_and_more_of_them_include_the_first() -> None:
    lamps = tuple(replace(SMALL, id=str(i), position=(0.1 * i, -1.0, 2.5)) for i in range(10))
    left = [{lamp.id for lamp in luminaires(lit(*lamps, lighting=replace(DARK, failed=f)))} for f in (0, 0.2, 0.5, 1)]
    assert [len(ids) for ids in left] == [10, 8, 5, 0]
    assert left[0] > left[1] > left[2]


def test_in_an_emergency_only_its_lamps_and_daylight_are_left() -> None:
    window = Window("left", (-1.0, -1.0, 1.5), 2.0, 1.5)
    emergency = replace(SMALL, id="e", emergency=True, lumens=100.0)
    night = lit(SMALL, emergency, lighting=replace(DARK, emergency=True, hour=0), windows=(window,))
    day = replace(night, conditions=replace(night.conditions, lighting=replace(DARK, emergency=True, hour=12)))
    assert [lamp.id for lamp in luminaires(night)] == ["e"]
    assert 0 < mean_on_fronts(night) < 20 < mean_on_fronts(day)


def test_the_default_emergency_light_is_dim() -> None:
    scenario = lit(lighting=Lighting(emergency=True))
    assert 0.5 < mean_on_fronts(scenario) < 20


def test_daylight_rises_and_sets_and_lights_what_is_near_the_window() -> None:
    hours = [0, 5, 7, 9, 12, 15, 17, 19]
    outside = [outdoor_illuminance(h) for h in hours]
    assert outside[0] == outside[1] == outside[-1] == 0
    assert outside[2] < outside[3] < outside[4] > outside[5] > outside[6] > 0
    room = lit(SMALL, lighting=replace(DARK, hour=12), windows=(Window("left", (-1.0, -1.0, 1.5), 2.0, 1.5),))
    near, far = illuminance(room, np.array([[-0.5, -1.0, 1.0], [1.9, -1.0, 1.0]]), np.array([-1.0, 0.0, 0.0]))
    assert near > 3 * far


def test_flicker_swings_about_the_mean_and_whole_periods_cancel_it() -> None:
    scenario = lit(SMALL, lighting=replace(DARK, flicker=0.5))
    start = np.linspace(0, 0.01, 200, endpoint=False)
    short = modulation(scenario, start, 1e-4)
    assert short.mean() == pytest.approx(1, abs=1e-3)
    assert short.max() == pytest.approx(1.5, abs=0.01)
    np.testing.assert_allclose(modulation(scenario, start, 0.02), 1, atol=1e-9)
    np.testing.assert_array_equal(modulation(lit(SMALL), start, 1e-4), 1)


@pytest.mark.parametrize(
    ("kelvin", "white"),
    # CIE 15 chromaticities of illuminants A, D50 and D65 by the sRGB matrix, luminance 1.
    [(2856, (1.845, 0.826, 0.233)), (5003, (1.176, 0.976, 0.722)), (6504, (1.0, 1.0, 1.0))],
)
def test_the_colour_of_a_temperature_is_that_of_the_standard_illuminants(kelvin: float, white: tuple) -> None:
    rgb = kelvin_to_rgb(kelvin)
    assert rgb @ LUMINANCE_WEIGHTS == pytest.approx(1)
    np.testing.assert_allclose(rgb, white, rtol=0.02)


def test_the_colour_of_light_is_its_lamps_mixed() -> None:
    scenario = lit(replace(SMALL, kelvin=2700.0))
    np.testing.assert_allclose(
        irradiance(sources(scenario), np.zeros(3), UP), illuminance(scenario, np.zeros(3), UP) * kelvin_to_rgb(2700)
    )


def test_deep_in_a_shelf_it_is_darker_but_not_in_front_or_on_top() -> None:
    store = small_layout().store
    points = np.array(
        [[0.5, 0.0, 0.5], [0.5, 0.2, 0.5], [0.5, 0.4, 0.5], [0.5, 0.4, 0.8], [0.5, -1.0, 0.5]], np.float32
    )
    front, middle, back, top, aisle = recess(store, points)
    assert front == aisle == top == 1
    assert 1 > middle > back > 0.3


def test_the_raster_picture_of_a_failed_tube_is_dark_beneath_it() -> None:
    lamps = tuple(Luminaire(str(i), "tube", (x, -0.8, 2.9), 3000.0) for i, x in enumerate((-0.7, 0.5, 1.7)))
    whole = lit(*lamps)
    layout, camera = whole.layout, front_camera()
    broken = replace(whole, conditions=replace(whole.conditions, lighting=replace(DARK, failed=1 / 3)))
    (dark,) = {lamp.id for lamp in lamps} - {lamp.id for lamp in luminaires(broken)}
    with World(layout) as world:
        world.set(whole)
        before = render(world, camera, whole)
        world.set(broken)
        after = render(world, camera, broken)
    ratio = (_luminance(after) / np.maximum(_luminance(before), 1e-6)).mean(axis=0)
    thirds = [ratio[:213].mean(), ratio[213:427].mean(), ratio[427:].mean()]
    assert int(np.argmin(thirds)) == int(dark)
    assert max(thirds) < 1


def _luminance(picture: object) -> np.ndarray:
    import cv2

    height, width = picture.body.shape
    linear = (picture.image / 255.0) ** 2.2
    return (linear * cv2.resize(picture.luminance, (width, height))).mean(axis=2)


def test_a_white_front_has_the_luminance_of_its_illuminance() -> None:
    scenario = lit(lighting=Lighting(lux=(500.0, 500.0)))
    with World(scenario.layout) as world:
        world.set(scenario)
        picture = render(world, front_camera(), scenario)
    # Price rails stand in front, face the aisle and are nearly white.
    brightest = np.percentile(_luminance(picture), 99)
    assert 0.5 * 500 / math.pi < brightest < 1.6 * 500 / math.pi


@pytest.mark.parametrize("renderer", RENDERERS)
def test_what_a_renderer_cannot_honour_is_said(renderer: str) -> None:
    scenario = lit(SMALL, lighting=replace(DARK, flicker=0.2), windows=(Window("left", (-1.0, -1.0, 1.5), 2.0, 1.5),))
    said = not_honoured(renderer, scenario)
    assert said
    assert all(sentence.startswith(renderer) for sentence in said)
    if renderer == "raster":
        assert "1 luminaire" in said[0]


@pytest.mark.parametrize(("key", "value"), [("lux", [-1, 500]), ("kelvin", [100, 200]), ("failed", 2), ("hour", 30)])
def test_light_without_sense_is_refused_in_one_line(key: str, value: object) -> None:
    with pytest.raises(InputError, match=key) as error:
        build(Lighting, {key: value}, "scenario.yaml")
    assert "\n" not in str(error.value)

"""The camera, by its data sheet: exposure, noise, colour, lens and codec."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios import Camera, CameraModel, Conditions, Lens, Lighting, Mess, Scenario, Sensor, Stock
from sim import World, capture
from sim.codec import h264, jpeg
from sim.lens import blur_circle, distort
from sim.raster import render
from sim.render import Render
from sim.sensor import electrons_per_luminance, expose
from tests.layouts import TIDY, small_layout

STEADY = Sensor(exposure_error=0, white_balance_error=0, white_balance_residual=0, sharpening=0, quality=100)
PLAIN = Lens(spread=0.2, shading_corrected=1.0)
LAYOUT = small_layout()


def camera(sensor: Sensor = STEADY, lens: Lens = PLAIN, size: tuple[int, int] = (160, 120), id: str = "c") -> Camera:
    return Camera(id, CameraModel("t", *size, 0.9, 0.0, lens, sensor), (0.5, -2.0, 1.0), (0.5, 0.0, 1.0))


def scenario(lux: float = 500.0, seed: int = 1, time: float = 0.0, **dials: object) -> Scenario:
    lighting = replace(Lighting(lux=(lux, lux), kelvin=(4000.0, 4000.0)), **dials)
    return Scenario(LAYOUT, Conditions("t", lighting=lighting, mess=TIDY), seed, time)


def wall(value: float | np.ndarray = 0.18, lux: float = 500.0, size: tuple[int, int] = (160, 120)) -> Render:
    """A flat surface of linear reflectance 2 m away, in white light unless `value` has three channels."""
    width, height = size
    image = np.broadcast_to(np.asarray(value, np.float32), (height, width, 3)).copy()
    luminance = np.full((1, 1), lux / np.pi, np.float32)
    return Render(image, np.full((height, width), 2.0, np.float32), np.zeros((height, width), np.int32), luminance)


def neutral(light: Scenario, reflectance: float, lux: float) -> Render:
    """A grey wall in the scenario's own colour of light."""
    from sim.daylight import kelvin_to_rgb

    return wall(reflectance * kelvin_to_rgb(light.conditions.lighting.kelvin[0]), lux)


@pytest.mark.parametrize("lux", [30.0, 200.0, 1000.0, 20000.0])
def test_automatic_exposure_brings_a_grey_wall_to_the_middle(lux: float) -> None:
    s = scenario(lux)
    picture = expose(neutral(s, 0.18, lux), s, camera())
    assert 105 < picture.mean() < 135
    assert np.ptp(picture.mean(axis=(0, 1))) < 4  # neutral


def test_noise_grows_as_light_fades_and_faint_light_stays_dark() -> None:
    def grain(lux: float) -> tuple[float, float]:
        picture = expose(neutral(scenario(lux), 0.18, lux), scenario(lux), camera()).astype(float)
        return float(picture[..., 1].std()), float(picture.mean())

    bright, dim, faint = grain(1000.0), grain(10.0), grain(0.5)
    assert bright[0] < 3 < dim[0]
    assert faint[1] < 60 < bright[1]


def test_the_noise_of_a_grey_wall_is_that_of_its_electrons() -> None:
    """At unit gain and full exposure, shot noise is the root of the electrons that the data sheet gives."""
    sensor = replace(STEADY, min_exposure=0.01, max_exposure=0.01, max_gain=1.0, read_noise=0.0, dark_current=0.0)
    s, lux = scenario(300.0, kelvin=(6504.0, 6504.0)), 300.0
    model = camera(sensor).model
    electrons = electrons_per_luminance(model) * 0.18 * lux / np.pi * 0.01
    greens = expose(wall(0.18, lux), s, camera(sensor, size=(320, 240)))[..., 1].astype(float)
    level = greens.mean() / 255
    slope = 255 * 1.055 / 2.4 * ((level + 0.055) / 1.055) ** (1 - 2.4)  # of sRGB's curve at that level
    expected = slope * np.sqrt(electrons) / sensor.full_well
    # Demosaicing and the lens's least blur average a few neighbours.
    assert 0.35 * expected < greens.std() < 1.1 * expected


def test_more_glass_and_bigger_pixels_catch_more_electrons() -> None:
    plain = CameraModel("t", 64, 48, 0.9, 0.0)
    assert electrons_per_luminance(replace(plain, lens=Lens(f_number=4.0))) == pytest.approx(
        electrons_per_luminance(plain) / 4
    )
    assert electrons_per_luminance(replace(plain, sensor=Sensor(pixel_pitch=5.8))) == pytest.approx(
        4 * electrons_per_luminance(plain)
    )


def test_exposure_lags_behind_a_change_of_light() -> None:
    before, after = scenario(800.0), scenario(80.0)
    dark = expose(neutral(after, 0.18, 80.0), after, camera(), metered=before).mean()
    settled = expose(neutral(after, 0.18, 80.0), after, camera()).mean()
    assert dark < 0.6 * settled


def test_short_exposures_show_bands_of_flicker_and_whole_periods_do_not() -> None:
    def bands(sensor: Sensor, lux: float) -> float:
        s = scenario(lux, flicker=0.6)
        rows = expose(neutral(s, 0.18, lux), s, camera(sensor)).astype(float).mean(axis=(1, 2))
        return float(np.ptp(rows))

    assert bands(STEADY, 20000.0) > 30
    assert bands(STEADY, 300.0) < 8
    assert bands(replace(STEADY, readout=0.0), 20000.0) < 8


@pytest.mark.parametrize("kelvin", [2700.0, 4000.0, 6500.0])
def test_white_balance_leaves_the_stated_residue(kelvin: float) -> None:
    lighting = Lighting(lux=(500.0, 500.0), kelvin=(kelvin, kelvin))
    s = Scenario(LAYOUT, Conditions("t", lighting=lighting, mess=TIDY), 1)
    picture = neutral(s, 0.18, 500.0)
    clean = expose(picture, s, camera()).mean(axis=(0, 1))
    cast = expose(picture, s, camera(replace(STEADY, white_balance_residual=0.3))).mean(axis=(0, 1))
    assert np.ptp(clean) < 4
    assert (cast[0] - cast[2] > 5) == (kelvin < 5000)


def test_a_lens_darkens_corners_as_far_as_it_is_not_corrected() -> None:
    s = scenario()
    corner, corrected = (
        expose(neutral(s, 0.18, 500.0), s, camera(lens=replace(PLAIN, shading_corrected=c))).astype(float)
        for c in (0.0, 1.0)
    )
    assert corner[:12, :12].mean() < corner[50:70, 70:90].mean() - 12
    assert abs(corrected[:12, :12].mean() - corrected[50:70, 70:90].mean()) < 4


def test_what_is_out_of_focus_is_blurred_by_the_circle_of_the_thin_lens() -> None:
    focused = replace(PLAIN, focus=2.0)
    c = camera(lens=focused, size=(1920, 1080))
    near = float(blur_circle(np.array([0.5], np.float32), c)[0])
    f = c.model.focal_length * 2.9e-6
    assert near == pytest.approx(f * f / 2.0 * (1 / 0.5 - 1 / 2.0) / 2.9e-6, rel=1e-5)
    assert float(blur_circle(np.array([2.0], np.float32), c)[0]) == pytest.approx(0, abs=1e-4)
    edge = np.zeros((120, 160, 3), np.float32)
    edge[:, 80:] = 0.3
    s = scenario()

    def sharpness(at: float) -> float:
        flat = wall(0.1, size=(160, 120))
        depth = np.full((120, 160), at, np.float32)
        large_pixels = camera(replace(STEADY, pixel_pitch=120.0), focused)
        return float(
            np.abs(
                np.diff(expose(replace(flat, image=edge, depth=depth), s, large_pixels)[60, :, 1].astype(float))
            ).max()
        )

    assert sharpness(0.3) < 0.7 * sharpness(2.0)


@pytest.mark.parametrize(("codec", "fine", "coarse"), [(jpeg, 95, 20), (h264, 12, 40)])
def test_codecs_lose_more_at_lower_quality_and_little_at_high(codec: object, fine: int, coarse: int) -> None:
    rows, columns = np.mgrid[:61, :83]
    grey = 128 + 60 * np.sin(rows / 3) * np.cos(columns / 4) + np.random.default_rng(0).normal(0, 4, (61, 83))
    picture = np.repeat(grey[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)
    loss = [np.abs(codec(picture, q).astype(float) - picture).mean() for q in (fine, coarse)]
    assert codec(picture, fine).shape == picture.shape
    assert loss[0] < 2 < loss[1]


def test_a_picture_repeats_bit_for_bit_and_each_camera_and_moment_has_its_own_noise() -> None:
    s, flat = scenario(50.0), wall(0.18, 50.0)
    first = expose(flat, s, camera())
    expose(wall(0.5), s, camera(id="other"))
    np.testing.assert_array_equal(first, expose(flat, s, camera()))
    assert (first != expose(flat, s, camera(id="other"))).any()
    assert (first != expose(flat, s.at(1.0), camera())).any()


def test_odd_sizes_and_utter_darkness_are_pictures_too() -> None:
    picture = expose(wall(0.0, 0.0, (97, 61)), scenario(), camera(Sensor(), Lens(), (97, 61)))
    assert picture.shape == (61, 97, 3)
    assert picture.max() < 60


@pytest.mark.parametrize("lens", [Lens(k1=-0.226, k2=0.0283), Lens(k1=0.1)], ids=["barrel", "pincushion"])
def test_truth_of_a_distorted_picture_agrees_with_lone_renders(lens: Lens) -> None:
    bent = Camera("bent", CameraModel("t", 640, 480, 1.4, 0.0, lens), (1.3, -1.1, 1.7), (0.5, 0.0, 0.5), roll=0.1)
    s = Scenario(LAYOUT, Conditions("t", mess=Mess(0, 0, 0, 0, shift=0.002, turn=0.1)), 4)
    with World(LAYOUT) as world, World(LAYOUT) as alone:
        truth = capture(world, s, bent)[1]
        for body in alone.instances:
            alone.park(body)
        checked = 0
        for i in np.flatnonzero(truth.visible_fraction > 0.05)[::3]:
            x0, y0, x1, y1 = truth.amodal_box[i]
            if min(x0, y0) < 1 or x1 > 639 or y1 > 479:
                continue
            mask = _lone_mask(alone, world.stock.units[i], bent, s)
            rows, columns = np.nonzero(mask)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(truth.amodal_box[i], box, atol=1.0)
            assert truth.visible_fraction[i] == pytest.approx((truth.mask == i).sum() / mask.sum(), abs=0.01)
            checked += 1
    assert checked >= 5
    assert truth.mask.shape == truth.depth.shape == (480, 640)


def _lone_mask(world: World, unit: object, bent: Camera, s: Scenario) -> np.ndarray:
    """Pixels of a unit in a world with nothing else in it."""
    world.place(Stock((unit,)))
    picture = distort(render(world, bent.pinhole, s), bent)
    return picture.body == world.unit_bodies[0]

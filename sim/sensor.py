"""The camera's sensor: light to digital numbers, in the order in which it happens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, CameraModel, Scenario, Sensor, rng
from sim.codec import h264, jpeg
from sim.daylight import LUMINANCE_WEIGHTS, kelvin_to_rgb
from sim.lens import blur, vignetting
from sim.lighting import MAINS_HZ, illuminance, modulation, shelf_fronts, sources
from sim.motion import Motions, smear
from sim.render import Render

PHOTONS = 4.09e3
"""Photons of 555 nm on a square µm for each lux second: 1 lm is 1/683 W there, a photon 3.58e-19 J (CIE 018)."""
MIDDLE = 0.2
"""Mean linear level that automatic exposure aims at, as a share of full scale: a little over a grey card's 0.18,
as in photographs of shelves (median of 138 of the Grocery Store Dataset: 0.22)."""
HIGHLIGHT, HIGHLIGHT_LEVEL = 98.0, 0.85
"""Automatic exposure holds this percentile of the picture below this share of full scale (libcamera's
"highlight" constraint does the same)."""
BLACK_LEVEL = 1 / 16
"""Pedestal under the converter's zero, as a share of full scale, so that dark noise is not cut off."""
TONES = 4095
"""Entries of the tone curve's table, less one."""


def expose(
    render: Render,
    scenario: Scenario,
    camera: Camera,
    moving: Motions | None = None,
    metered: Scenario | None = None,
) -> NDArray[np.uint8]:
    """Turn light into what the camera delivers, (H, W, 3) uint8 RGB.

    In this order: vignetting, focus, motion of the bodies in `moving`, exposure with flicker and rolling
    shutter, colour filter (Bayer RGGB), photon noise, dark current, read noise, gain and converter, white
    balance, tone curve (sRGB), demosaicing, noise reduction, sharpening, codec with 4:2:0 chroma. Distortion
    is in the render already (`sim.lens.distort`). The filter's primaries are taken to be those of sRGB.

    Automatic exposure and white balance follow the light with the sensor's `latency`: `metered` is the
    scenario of that moment, for a picture taken so soon after a change of light; none if it was the same.
    """
    model = camera.model
    random = rng(scenario.seed, "sensor", camera.id, repr(float(scenario.time)))
    light = blur(_luminance(render, model), render.depth, camera)
    setting = _set_automatic(light, scenario, metered or scenario, model, random)
    light = smear(light, render.body, moving or {}, setting.exposure)
    raw = _photograph(light, scenario, model, setting, random)
    return _encode(_develop(raw, model.sensor, setting), model.sensor)


@dataclass(frozen=True)
class Setting:
    """What automatic exposure and white balance chose: seconds, gain (times), gains of red, green and blue."""

    exposure: float
    gain: float
    balance: tuple[float, float, float]


def electrons_per_luminance(model: CameraModel) -> float:
    """Electrons a pixel and second for each cd/m²: the sensor sees E = π/4 · T · L / N² lux (camera equation)."""
    sensor, lens = model.sensor, model.lens
    lux = math.pi / 4 * lens.transmission / lens.f_number**2
    return lux * PHOTONS * sensor.pixel_pitch**2 * sensor.quantum_efficiency


def _luminance(render: Render, model: CameraModel) -> NDArray[np.float32]:
    """The picture (H, W, 3) in cd/m² as it falls through the lens: linear values times the coarse map."""
    height, width = render.body.shape
    coarse = render.luminance if render.luminance.ndim == 3 else render.luminance[..., None]
    if coarse.shape[0] == 1:
        coarse = np.broadcast_to(coarse, (24, 40, coarse.shape[2]))
    coarse = coarse * vignetting(model, coarse.shape[1], coarse.shape[0])
    coarse = np.broadcast_to(coarse, (*coarse.shape[:2], 3))
    scale = cv2.resize(np.ascontiguousarray(coarse, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    image = render.image
    linear = cv2.LUT(image, _LINEAR) if image.dtype == np.uint8 else image.astype(np.float32)
    return cv2.multiply(linear, scale)  # type: ignore[return-value]


def _set_automatic(
    light: NDArray[np.float32],
    scenario: Scenario,
    metered: Scenario,
    model: CameraModel,
    random: np.random.Generator,
) -> Setting:
    """Exposure time first, then gain, as cameras do; times over half a mains period are whole multiples of it, so
    that lamps do not flicker in the picture. White balance knows the light but for its two errors."""
    sensor = model.sensor
    cast = _cast(metered)
    mired = random.normal(0.0, sensor.white_balance_error)
    shifted = kelvin_to_rgb(1e6 / (1e6 / 5000 + mired)) / kelvin_to_rgb(5000)
    taken_out = cast ** (1 - sensor.white_balance_residual) * shifted
    balance = taken_out.max() / taken_out
    balanced = light[::4, ::4] @ (LUMINANCE_WEIGHTS * balance).astype(np.float32)
    change = _mean_lux(metered) / max(_mean_lux(scenario), 1e-9) if metered is not scenario else 1.0
    middle, bright = float(balanced.mean()) * change, float(np.percentile(balanced, HIGHLIGHT)) * change
    rate = electrons_per_luminance(model) / sensor.full_well
    wanted = min(MIDDLE / max(rate * middle, 1e-9), HIGHLIGHT_LEVEL / max(rate * bright, 1e-9))
    wanted *= 1 + random.uniform(-sensor.exposure_error, sensor.exposure_error)
    exposure = min(max(wanted, sensor.min_exposure), sensor.max_exposure)
    period = 1 / (2 * MAINS_HZ)
    if exposure > period:
        exposure = math.floor(exposure / period + 1e-6) * period
    gain = min(max(wanted / exposure, 1.0), sensor.max_gain)
    red, green, blue = (float(b) for b in balance)
    return Setting(exposure, gain, (red, green, blue))


def _photograph(
    light: NDArray[np.float32], scenario: Scenario, model: CameraModel, setting: Setting, random: np.random.Generator
) -> NDArray[np.float32]:
    """Converter values (H, W) behind a Bayer filter (RGGB), as shares of full scale, black level taken off.

    Photon noise is normal with the variance of its mean, which holds from some ten electrons up.
    """
    sensor = model.sensor
    raw = light[..., 1].copy()
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    start = sensor.readout * np.arange(len(raw)) / len(raw)
    rows = electrons_per_luminance(model) * setting.exposure * modulation(scenario, start, setting.exposure)
    raw *= rows[:, None].astype(np.float32)
    dark = np.float32(sensor.dark_current * setting.exposure + sensor.read_noise**2)
    noise = _normal_table()[random.integers(0, 65536, raw.shape, np.uint16)]
    noise *= np.sqrt(raw + dark)
    raw += noise
    full = np.float32(2**sensor.bits - 1)
    raw *= np.float32(setting.gain / sensor.full_well) * full
    np.rint(raw, out=raw)
    np.clip(raw, -full * np.float32(BLACK_LEVEL), full, out=raw)
    raw /= full
    return raw


def _develop(raw: NDArray[np.float32], sensor: Sensor, setting: Setting) -> NDArray[np.uint8]:
    """White balance, tone curve, demosaicing, then less noise in colour and sharper edges in brightness."""
    red, green, blue = (np.float32(v * TONES) for v in setting.balance)
    raw[0::2, 0::2] *= red
    raw[0::2, 1::2] *= green
    raw[1::2, 0::2] *= green
    raw[1::2, 1::2] *= blue
    toned = _TONE[np.clip(raw, 0, TONES).astype(np.uint16)]
    picture = cv2.cvtColor(toned, cv2.COLOR_BayerRGGB2RGB_EA)
    luma, cr, cb = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb))
    strength = math.log2(1 + setting.gain)  # cameras smooth more and sharpen less as gain rises
    height, width = luma.shape
    half = ((width + 1) // 2, (height + 1) // 2)
    smooth = []
    for chroma in (cr, cb):
        small = cv2.GaussianBlur(cv2.resize(chroma, half, interpolation=cv2.INTER_AREA), (0, 0), 0.4 * strength)
        smooth.append(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    soft = cv2.GaussianBlur(luma, (0, 0), 1.0)
    amount = sensor.sharpening * 2 / (1 + strength) - 0.05 * max(0.0, strength - 3)
    luma = cv2.addWeighted(luma, 1 + amount, soft, -amount, 0)
    return cv2.cvtColor(cv2.merge([luma, *smooth]), cv2.COLOR_YCrCb2RGB)  # type: ignore[return-value]


def _encode(picture: NDArray[np.uint8], sensor: Sensor) -> NDArray[np.uint8]:
    return {"jpeg": jpeg, "h264": h264}[sensor.codec](picture, sensor.quality)


def _cast(scenario: Scenario) -> NDArray[np.float64]:
    """Colour (3,) of the scenario's light on the whole, linear sRGB of luminance 1."""
    light = sources(scenario)
    total = light.flux @ light.colour
    return total / (LUMINANCE_WEIGHTS @ total) if total.sum() > 0 else np.ones(3)


def _mean_lux(scenario: Scenario) -> float:
    return float(illuminance(scenario, *shelf_fronts(scenario.layout.store)).mean())


@lru_cache(maxsize=1)
def _normal_table() -> NDArray[np.float32]:
    """65536 equally likely values of the standard normal distribution: drawing from them takes a fifth of the time
    of drawing from the distribution, and they end at 4.3 standard deviations."""
    normal = NormalDist()
    half = np.array([normal.inv_cdf((i + 0.5) / 65536) for i in range(32768)], np.float32)
    return np.concatenate([half, -half[::-1]])


def _linear_table() -> NDArray[np.float32]:
    """sRGB's decoding (IEC 61966-2-1) of 256 values to shares of white."""
    v = np.arange(256) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _tone_table() -> NDArray[np.uint8]:
    """sRGB's encoding of TONES + 1 linear values."""
    v = np.arange(TONES + 1) / TONES
    encoded = np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


_LINEAR, _TONE = _linear_table(), _tone_table()

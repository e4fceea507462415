"""The camera's sensor: light to digital numbers, in the order in which it happens."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Scenario, rng
from sim.lighting import colour_temperature, mean_illuminance
from sim.render import Render

FULL_WELL_LUX = 1000.0
"""At this illuminance the sensor runs at base gain; below it the gain, and with it the noise, rises."""
SHOT_NOISE, READ_NOISE = 0.012, 0.004
"""Standard deviations at base gain, as shares of full scale: at full signal, and in the dark."""

METERED_MEAN = 0.46
"""Mean level, as a share of full scale, that automatic exposure aims at."""


def expose(render: Render, scenario: Scenario, camera: Camera) -> NDArray[np.uint8]:
    """Turn a rendered picture (H, W, 3) uint8 into what the camera delivers: tint of the light after
    white balance, lens blur, automatic exposure, vignetting, shot and read noise, JPEG."""
    image = render.image
    lux, kelvin = mean_illuminance(scenario), colour_temperature(scenario)
    random = rng(scenario.seed, "sensor", camera.id)
    signal = cv2.GaussianBlur(image, (0, 0), 0.55).astype(np.float32) / 255
    exposure = np.clip(METERED_MEAN / max(float(signal.mean()), 1e-3), 0.7, 2.2) * random.normal(1.0, 0.06)
    signal *= (_tint(kelvin) * exposure).astype(np.float32)
    signal *= _vignette(camera)[..., None]
    gain = max(1.0, FULL_WELL_LUX / lux)
    noise = random.standard_normal(signal.shape, dtype=np.float32)
    signal += noise * np.sqrt(SHOT_NOISE**2 * np.clip(signal, 0, 1) * gain + (READ_NOISE * gain) ** 2)
    digital = (np.clip(signal, 0, 1) * 255 + 0.5).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(80, 96))]
    code = cv2.imencode(".jpg", cv2.cvtColor(digital, cv2.COLOR_RGB2BGR), quality)[1]
    return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[return-value, arg-type]


def _tint(kelvin: float) -> NDArray[np.float64]:
    """Colour cast left over by an automatic white balance that removes three quarters of it (4200 K neutral)."""
    warm = np.log(4200.0 / kelvin) * 0.25
    return np.array([1 + 0.6 * warm, 1.0, 1 - 0.9 * warm])


@lru_cache(maxsize=16)
def _vignette(camera: Camera) -> NDArray[np.float32]:
    """Fall-off with the fourth power of the cosine of the field angle, three quarters of it
    corrected in the camera."""
    w, h, f = camera.model.width, camera.model.height, camera.model.focal_length
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    square = ((x - w / 2) ** 2 + (y - h / 2) ** 2) / f**2
    return 1 / np.sqrt(1 + square)

"""What PyBullet's renderers can honour of a scenario's light, and what they cannot.

The engine shades a texture's encoded value with `ambient + diffuse · max(0, n · direction)`, one lamp for
the whole picture. So the lamp stands where the light comes from on the whole, and a coarse map of luminance
puts right, from place to place, how much light there is and of what colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Scenario, Store
from sim.lighting import irradiance, light_vector, luminaires, shelf_fronts, sources

ENCODING = 2.2
"""Exponent that stands for sRGB's curve (IEC 61966-2-1) where shading is concerned."""
MAP_COLUMNS = 40
FLOOR, CEILING = 0.03, 0.05
"""Within this of the floor or ceiling a point is taken to be theirs, metres."""


@dataclass(frozen=True)
class EngineLight:
    """`direction` to the lamp (unit vector), and its `ambient` and `diffuse` shares of encoded values."""

    direction: tuple[float, float, float]
    ambient: float
    diffuse: float


SOFT = EngineLight((-0.06, -0.34, 0.94), 0.58, 0.44)
"""A photographer's light tent: for studio pictures, whatever the scenario's light."""
EGL_SHADE = (0.6, 0.35)
"""Ambient and diffuse share of PyBullet's OpenGL shader, which cannot be changed."""


def engine_light(scenario: Scenario, camera: Camera) -> EngineLight:
    """The one lamp that is most like the scenario's light where the camera aims.

    Its direction is that of the light vector, its strength the vector's length; what does not depend on
    direction is the mean over three axes of the darker side's illuminance (Cuttle's cubic illumination).
    """
    light, aim = sources(scenario), np.asarray(camera.target, float)
    vector = light_vector(light, aim)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    sides = irradiance(light, np.broadcast_to(aim, (6, 3)), axes).mean(axis=1)
    even, directed = float(np.minimum(sides[:3], sides[3:]).mean()), float(np.linalg.norm(vector))
    if directed <= 1e-9:
        return EngineLight((0.0, 0.0, 1.0), 1.0, 0.0)
    x, y, z = (float(v) for v in vector / directed)
    ambient = (even / (even + directed)) ** (1 / ENCODING)
    return EngineLight((x, y, z), ambient, 1 - ambient)


def luminance_map(
    scenario: Scenario, camera: Camera, depth: NDArray[np.float32], light: EngineLight
) -> NDArray[np.float32]:
    """`Render.luminance` (h, 40, 3) of a picture that the engine shaded with `light`: cd/m² of a white surface in
    each primary, so that the illuminance on surfaces that face the aisle is the scenario's.

    Points come from the depth (H, W). Those on the floor look up, those on the ceiling down, all others
    along the shelf front that is turned most towards the camera.
    """
    height, width = depth.shape
    columns = min(MAP_COLUMNS, width)
    rows = max(1, round(columns * height / width))
    x, y = np.meshgrid((np.arange(columns) + 0.5) * width / columns, (np.arange(rows) + 0.5) * height / rows)
    points = camera.unproject(np.stack([x, y], axis=-1), depth[y.astype(int), x.astype(int)])
    normals = _normals(scenario.layout.store, points, camera)
    lit = np.maximum(0.0, normals @ light.direction)
    shade = (light.ambient + light.diffuse * lit) ** ENCODING
    return (irradiance(sources(scenario), points, normals) / (math.pi * shade[..., None])).astype(np.float32)


def not_honoured(renderer: str, scenario: Scenario) -> tuple[str, ...]:
    """What the named renderer (one of `sim.render.RENDERERS`) does not honour of the scenario's light, a
    sentence each."""
    store = scenario.layout.store
    lamps, windows = len(luminaires(scenario)), len(store.windows)
    said = []
    if renderer == "raster":
        said.append(f"raster: one soft shadow, from the mean direction, in place of one for each of {lamps} luminaires")
    if renderer == "raster-egl":
        said.append("raster-egl: no shadow of its own lamp layout; only the mean direction of the light is honoured")
    if renderer.startswith("raster"):
        said.append(f"{renderer}: shelves, people and packs keep no light from what lies behind them")
        said.append(
            f"{renderer}: glass, mirrors and light that surfaces colour or reflect onto one another are left out"
        )
    if windows:
        said.append(f"{renderer}: the sun's own beam through {windows} windows is left out, as behind an awning")
    if scenario.conditions.lighting.flicker > 0:
        said.append(f"{renderer}: all luminaires flicker in one phase")
    return tuple(said)


def _normals(store: Store, points: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    towards = camera.position - points
    towards[..., 2] = 0
    towards /= np.maximum(np.linalg.norm(towards, axis=-1, keepdims=True), 1e-6)
    fronts = np.unique(shelf_fronts(store)[1].round(6), axis=0)
    fronts = fronts[fronts[:, 2] == 0]
    normals = towards.copy()
    if len(fronts):
        turned = towards @ fronts.T
        faces = turned.max(axis=-1) > 0.2
        normals[faces] = fronts[turned.argmax(axis=-1)][faces]
    normals[points[..., 2] < FLOOR] = (0.0, 0.0, 1.0)
    normals[points[..., 2] > store.room.ceiling - CEILING] = (0.0, 0.0, -1.0)
    return normals

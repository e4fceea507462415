"""What PyBullet's renderers can honour of a scenario's light, and what they cannot.

The engine shades a texture's encoded value with `ambient + diffuse · max(0, n · direction)`, one lamp for
the whole picture. So the lamp stands where the light comes from on the whole, and a coarse map of luminance
puts right, from place to place, how much light there is and of what colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Fixture, Scenario, Store
from sim.lighting import irradiance, light_vector, luminaires, shelf_fronts, sources

ENCODING = 2.2
"""Exponent that stands for sRGB's curve (IEC 61966-2-1) where shading is concerned."""
MAP_COLUMNS = 32
FLOOR, CEILING = 0.03, 0.05
"""Within this of the floor or ceiling a point is taken to be theirs, metres."""
FINE = 4
"""Pixels of the picture for one of the finished map: fine enough for what stands deep in a shelf."""
BOARDED = ("gondola", "endcap", "cooler", "rack")
"""Fixtures whose boards keep the light from above off what stands deep in them."""
BOARDS_RETURN = 0.3
"""Share of the light that is left at the back of a deep shelf, thrown about by boards and packs."""


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
    """`Render.luminance` (H / 4, W / 4, 3) of a picture that the engine shaded with `light`: cd/m² of a white
    surface in each primary, so that the illuminance on surfaces that face the aisle is the scenario's.

    Points come from the depth (H, W). Those on the floor look up, those on the ceiling down, all others along
    the shelf front that is turned most towards the camera. Light changes slowly and is computed for 32 columns;
    what the boards of a shelf keep off is computed for every fourth pixel.
    """
    height, width = depth.shape
    columns = min(MAP_COLUMNS, width)
    points = _points(camera, depth, columns, max(1, round(columns * height / width)))
    normals = _normals(scenario.layout.store, points, camera)
    lit = np.maximum(0.0, normals @ np.asarray(light.direction, np.float32))
    shade = (light.ambient + light.diffuse * lit) ** ENCODING
    coarse = irradiance(sources(scenario), points, normals) / (math.pi * shade[..., None])
    fine = _points(camera, depth, -(-width // FINE), -(-height // FINE))
    stretched = cv2.resize(coarse.astype(np.float32), fine.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(stretched * recess(scenario.layout.store, fine)[..., None], np.float32)


def recess(store: Store, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share (…) of the light on a shelf's front that is left at points (…, 3), some deep in the shelf.

    Of a half-space that is bright from above, a vertical surface at depth d and t below the next board keeps
    t / √(t² + d²); boards and packs give some back. The highest shelf has no board above.
    """
    flat = points.reshape(-1, 3)
    left = np.ones(len(flat), np.float32)
    fixtures, low, high = _boarded(store)
    seen = (low[:, :2] < flat.max(axis=0)[:2]).all(axis=1) & (high[:, :2] > flat.min(axis=0)[:2]).all(axis=1)
    x, y, z = np.ascontiguousarray(flat.T)
    for i in np.flatnonzero(seen):
        (x0, y0, _), (x1, y1, z1) = low[i], high[i]
        inside = np.flatnonzero((y > y0) & (y < y1) & (x > x0) & (x < x1) & (z < z1))
        left[inside] = _under_boards(fixtures[i], flat[inside])
    return left.reshape(points.shape[:-1])


def _under_boards(fixture: Fixture, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """`recess` of points (P, 3) about one fixture."""
    x, y, z = fixture.to_local(points).astype(np.float32).T
    boards = np.array(sorted(shelf.z for shelf in fixture.shelves), np.float32)
    above = np.append(boards, np.float32(1e6))[np.searchsorted(boards, z + np.float32(1e-3))] - z
    deep = np.where((x >= 0) & (x <= fixture.width), np.clip(y, 0, fixture.depth), 0)
    seen = above / np.sqrt(above * above + deep * deep + np.float32(1e-12))
    return np.asarray(BOARDS_RETURN + (1 - BOARDS_RETURN) * seen, np.float32)


@lru_cache(maxsize=64)
def _boarded(store: Store) -> tuple[list[Fixture], NDArray[np.float32], NDArray[np.float32]]:
    """The fixtures with boards, and the least and greatest corners (F, 3) of their boxes."""
    fixtures = [f for f in store.fixtures if f.kind in BOARDED]
    low = [(*f.footprint.min(axis=0), 0.0) for f in fixtures]
    high = [(*f.footprint.max(axis=0), f.height) for f in fixtures]
    return fixtures, np.array(low, np.float32).reshape(-1, 3), np.array(high, np.float32).reshape(-1, 3)


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
        said.append(
            f"{renderer}: boards keep light off what stands under them; packs and people cast none but that shadow"
        )
        said.append(
            f"{renderer}: glass, mirrors and light that surfaces colour or reflect onto one another are left out"
        )
    if windows:
        said.append(f"{renderer}: the sun's own beam through {windows} windows is left out, as behind an awning")
    if scenario.conditions.lighting.flicker > 0:
        said.append(f"{renderer}: all luminaires flicker in one phase")
    return tuple(said)


def _points(camera: Camera, depth: NDArray[np.float32], columns: int, rows: int) -> NDArray[np.float32]:
    """World points (rows, columns, 3) at the centres of a grid over the picture."""
    rays, y, x = _rays(camera, columns, rows)
    return np.asarray(rays * depth[y, x][..., None] + np.asarray(camera.position, np.float32), np.float32)


@lru_cache(maxsize=32)
def _rays(camera: Camera, columns: int, rows: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """World vectors (rows, columns, 3) of one metre along the camera's axis, and the pixels (rows, 1), (1, columns)
    that they go through."""
    x = (np.arange(columns) + 0.5) * camera.model.width / columns
    y = (np.arange(rows) + 0.5) * camera.model.height / rows
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    rays = camera.unproject(grid, np.ones((rows, columns))) - camera.position
    return rays.astype(np.float32), y.astype(int)[:, None], x.astype(int)[None]


def _normals(store: Store, points: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    towards = np.asarray(camera.position, np.float32) - points
    towards[..., 2] = 0
    towards /= np.maximum(np.sqrt((towards**2).sum(axis=-1, keepdims=True)), np.float32(1e-6))
    fronts = _front_normals(store)
    normals = towards
    if len(fronts):
        turned = towards @ fronts.T
        normals = np.where(turned.max(axis=-1, keepdims=True) > 0.2, fronts[turned.argmax(axis=-1)], towards)
    normals[points[..., 2] < FLOOR] = (0.0, 0.0, 1.0)
    normals[points[..., 2] > store.room.ceiling - CEILING] = (0.0, 0.0, -1.0)
    return normals


@lru_cache(maxsize=64)
def _front_normals(store: Store) -> NDArray[np.float32]:
    """The different directions (K, 3) in which shelf fronts look."""
    normals = np.unique(shelf_fronts(store)[1].round(6), axis=0)
    return normals[normals[:, 2] == 0].astype(np.float32)

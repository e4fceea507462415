"""The light of a scenario in physical units: its lamps and windows, and the illuminance that they give."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios import Lighting, Luminaire, Room, Scenario, Store, Window, rng
from sim.daylight import LUMINANCE_WEIGHTS, daylight_kelvin, kelvin_to_rgb, window_exitance

Floats = NDArray[np.float64]

TUBE_LUMENS, TUBE_LENGTH, TUBE_WIDTH = 3700.0, 1.5, 0.1
"""A tube luminaire of 1.5 m with an LED lamp of 23 W, as data sheets have them."""
EMERGENCY_LUMENS = 150.0
"""A self-contained emergency luminaire: 1 lux on the floor of an escape route (EN 1838) every few metres."""
SAMPLE_SPACING = 0.5
"""An area source is taken for points at most this far apart, metres."""
CEILING_REFLECTS, WALLS_REFLECT, FLOOR_REFLECTS = 0.7, 0.4, 0.3
"""Usual reflectances of a shop: EN 12464-1 has 0.7 to 0.9, 0.5 to 0.8, 0.2 to 0.4; stocked shelves darken the walls."""
MAINS_HZ = 50.0
NARROWEST_AISLE = 0.8
"""Between rows of fixtures, metres."""


def luminaires(scenario: Scenario) -> tuple[Luminaire, ...]:
    """The luminaires that are lit, with the lumens and kelvin that hold in this scenario."""
    return _lit(scenario.layout.store, scenario.conditions.lighting, scenario.seed)


@dataclass(frozen=True, eq=False)
class Sources:
    """Lamps and windows as small Lambertian emitters: `position` and `normal` (S, 3), `flux` (S,) lumens,
    `colour` (S, 3) linear sRGB of luminance 1; `indirect` (3,): what walls, floor and ceiling give back
    everywhere, lux in each primary."""

    position: Floats
    normal: Floats
    flux: Floats
    colour: Floats
    indirect: Floats


def sources(scenario: Scenario) -> Sources:
    """All light of the scenario. The indirect part is that of an integrating sphere with the room's surface and
    mean reflectance: E = Φ ρ / (A (1 - ρ))."""
    return _sources(scenario.layout.store, scenario.conditions.lighting, scenario.seed)


def illuminance(scenario: Scenario, points: ArrayLike, normals: ArrayLike) -> Floats:
    """Illuminance (…) in lux at points (…, 3) of surfaces with unit normals (…, 3). Nothing casts a shadow.

    Every lamp and window is a set of Lambertian points: E = Σ Φ/π · cos θ · cos φ / r², with θ at the
    source and φ at the surface, and the room's indirect light is added.
    """
    return np.asarray(irradiance(sources(scenario), points, normals) @ LUMINANCE_WEIGHTS)


def irradiance(light: Sources, points: ArrayLike, normals: ArrayLike) -> Floats:
    """As `illuminance`, in each primary of linear sRGB (…, 3), weighted so that their luminance is lux."""
    points, normals = np.broadcast_arrays(points, normals)
    away, square = _to_sources(light, points.reshape(-1, 3))
    facing = sum(a * n[:, None] for a, n in zip(away, normals.reshape(-1, 3).T))
    direct = np.maximum(facing, 0) * _perpendicular(light, away, square)
    return (direct @ light.colour.astype(direct.dtype) + light.indirect).reshape(points.shape)


def light_vector(light: Sources, point: ArrayLike) -> Floats:
    """The vector (3,) in lux from which direct light comes at a point: its length is the greatest difference
    between the illuminances of a plane's two faces (Gershun 1936)."""
    away, square = _to_sources(light, np.asarray(point, float).reshape(1, 3))
    return np.array([float(v) for v in (away * _perpendicular(light, away, square)).sum(axis=(1, 2))])


def _to_sources(light: Sources, points: Floats) -> tuple[Floats, Floats]:
    """From points (P, 3) to the sources: the vectors (3, P, S), and their squared lengths (P, S)."""
    away = light.position.T[:, None].astype(points.dtype) - points.T[..., None]
    return away, np.maximum((away * away).sum(axis=0), 0.01)  # within 10 cm a lamp is no point


def _perpendicular(light: Sources, away: Floats, square: Floats) -> Floats:
    """Illuminance (P, S) from every source on a surface turned towards it, divided by its distance, so that
    `away` times it is a light vector."""
    leaving = -sum(a * n for a, n in zip(away, light.normal.T.astype(away.dtype)))
    return np.maximum(leaving, 0) * (light.flux / math.pi).astype(away.dtype) / (square * square)


def shelf_fronts(store: Store) -> tuple[Floats, Floats]:
    """Points (P, 3) spread over the shelf fronts, and their normals (P, 3): where mean illuminance is meant.

    Of a freezer chest it is the opening, which looks up.
    """
    points, normals = [], []
    for f in store.fixtures:
        along = f.width * np.array([1, 3, 5]) / 6
        for shelf in f.shelves:
            z = f.height if f.kind == "freezer" else shelf.z + shelf.clearance / 2
            local = np.array([[x, f.depth / 2 if f.kind == "freezer" else 0.0, z] for x in along])
            outward = (0.0, 0.0, 1.0) if f.kind == "freezer" else (math.sin(f.yaw), -math.cos(f.yaw), 0.0)
            points.append(f.to_world(local))
            normals.append(np.broadcast_to(outward, local.shape))
    return np.concatenate(points), np.concatenate(normals)


def modulation(scenario: Scenario, start: ArrayLike, exposure: float) -> Floats:
    """The light of exposures that begin at `start` (…) seconds and last `exposure`, as a share of its mean.

    Lamps flicker with a sine at twice the mains frequency, all in one phase; daylight does not.
    """
    lighting = scenario.conditions.lighting
    start = np.asarray(start, float)
    lamps = sum((lamp.lumens for lamp in luminaires(scenario)), 0.0)
    total = float(sources(scenario).flux.sum())
    if lighting.flicker == 0 or total == 0:
        return np.ones(start.shape)
    depth = lighting.flicker * lamps / total
    turns = 2 * MAINS_HZ
    phase = rng(scenario.seed, "light", "phase").uniform(0, 2 * math.pi)
    middle = scenario.time + start + exposure / 2
    return 1 + depth * np.sinc(turns * exposure) * np.cos(2 * math.pi * turns * middle + phase)


@lru_cache(maxsize=64)
def _lit(store: Store, lighting: Lighting, seed: int) -> tuple[Luminaire, ...]:
    lamps = list(hung(store))
    if lighting.kelvin is not None:
        kelvin = float(rng(seed, "light", "kelvin").uniform(*lighting.kelvin))
        # A strip is a cooler's own light: a shop that changes its lamps does not change it.
        lamps = [lamp if lamp.kind == "strip" else replace(lamp, kelvin=kelvin) for lamp in lamps]
    if lighting.lux is not None:
        lamps = _scale(store, lamps, float(rng(seed, "light", "sensor").uniform(*lighting.lux)))
    if lighting.emergency:
        return tuple(lamp for lamp in lamps if lamp.emergency)
    mains = [lamp.id for lamp in lamps if not lamp.emergency]
    order = sorted(mains, key=lambda id: float(rng(seed, "light", "failed", id).random()))
    dark = set(order[: round(lighting.failed * len(mains))])
    return tuple(lamp for lamp in lamps if lamp.id not in dark)


def _scale(store: Store, lamps: list[Luminaire], lux: float) -> list[Luminaire]:
    """The lamps with the lumens that give `lux` on the mean shelf front. Emergency lamps keep their own, unless
    they alone give more than that."""

    def mean(some: list[Luminaire]) -> float:
        light = _emitters(store.room, some, (), 0.0)
        return float((irradiance(light, *shelf_fronts(store)) @ LUMINANCE_WEIGHTS).mean())

    kept = [lamp for lamp in lamps if lamp.emergency]
    scaled = [lamp for lamp in lamps if not lamp.emergency]
    if not scaled or mean(kept) >= lux:
        kept, scaled = [], lamps
    scale = (lux - mean(kept)) / max(mean(scaled), 1e-9)
    return kept + [replace(lamp, lumens=lamp.lumens * scale) for lamp in scaled]


def hung(store: Store) -> tuple[Luminaire, ...]:
    """The luminaires under the store's ceiling, lit or not: those that it names, or a usual layout."""
    return store.luminaires or _usual_luminaires(store)


@lru_cache(maxsize=64)
def _usual_luminaires(store: Store) -> tuple[Luminaire, ...]:
    """Two rows of tubes over every aisle, end to end with gaps, and emergency lamps between the rows.

    Nothing is known of how they hang, so that rows and gaps are drawn once for each store, by its name.
    """
    random = rng(0, "light", "layout", store.name)
    pitch = float(random.uniform(1.55, 2.3))
    near, far, shift = (float(random.uniform(*span)) for span in ((0.16, 0.34), (0.6, 0.85), (-0.4, 0.4)))
    left, right = store.room.x
    z = store.room.ceiling - 0.05
    lamps = []
    for a, (low, high) in enumerate(_aisles(store)):
        columns = max(1, math.floor((right - left) / pitch))
        for column in range(columns):
            x = (left + right) / 2 + (column - (columns - 1) / 2) * pitch + shift
            x = min(max(x, left + TUBE_LENGTH / 2), right - TUBE_LENGTH / 2)
            for row, share in enumerate((near, far)):
                at = (x, high - share * (high - low), z)
                lamps.append(Luminaire(f"tube-{a}-{row}-{column}", "tube", at, TUBE_LUMENS, 4000.0, 1.5, 0.1))
            if column % 3 == 0:
                at = (x, (low + high) / 2, z)
                lamp = Luminaire(f"emergency-{a}-{column}", "spot", at, EMERGENCY_LUMENS, 4000.0, 0.1, 0.1)
                lamps.append(replace(lamp, emergency=True))
    return tuple(lamps)


def _aisles(store: Store) -> list[tuple[float, float]]:
    """The free strips in y between fixtures that stand along x; the whole room if there is none."""
    edge, free = store.room.y[0], []
    along = [f for f in store.fixtures if abs(math.sin(f.yaw)) < 0.5 and f.kind != "pallet"]
    for low, high in sorted((float(f.footprint[:, 1].min()), float(f.footprint[:, 1].max())) for f in along):
        if low - edge >= NARROWEST_AISLE:
            free.append((edge, low))
        edge = max(edge, high)
    if store.room.y[1] - edge >= NARROWEST_AISLE:
        free.append((edge, store.room.y[1]))
    return free or [store.room.y]


@lru_cache(maxsize=64)
def _sources(store: Store, lighting: Lighting, seed: int) -> Sources:
    return _emitters(store.room, _lit(store, lighting, seed), store.windows, lighting.hour)


def _emitters(
    room: Room, lamps: list[Luminaire] | tuple[Luminaire, ...], windows: tuple[Window, ...], hour: float
) -> Sources:
    position, normal, flux, colour = [np.empty((0, 3))], [np.empty((0, 3))], [np.empty(0)], [np.empty((0, 3))]

    def add(points: Floats, direction: ArrayLike, lumens: float, kelvin: float) -> None:
        position.append(points)
        normal.append(np.broadcast_to(direction, points.shape))
        flux.append(np.full(len(points), lumens / len(points)))
        colour.append(np.broadcast_to(kelvin_to_rgb(kelvin), points.shape))

    for lamp in lamps:
        cos, sin = math.cos(lamp.yaw), math.sin(lamp.yaw)
        area = _spread(lamp.position, (cos, sin, 0), lamp.length, (-sin, cos, 0), lamp.width)
        add(area, (0, 0, -1), lamp.lumens, lamp.kelvin)
    for w in windows:
        inward = {"left": (1, 0, 0), "right": (-1, 0, 0), "front": (0, 1, 0), "back": (0, -1, 0)}[w.wall]
        along = (0, 1, 0) if w.wall in ("left", "right") else (1, 0, 0)
        lumens = window_exitance(hour, w.bearing) * w.width * w.height
        if lumens > 0:
            add(_spread(w.centre, along, w.width, (0, 0, 1), w.height), inward, lumens, daylight_kelvin(hour))
    all_flux, all_colour = np.concatenate(flux), np.concatenate(colour)
    indirect = all_flux @ all_colour * _returned(room)
    return Sources(np.concatenate(position), np.concatenate(normal), all_flux, all_colour, indirect)


def _spread(centre: ArrayLike, along: ArrayLike, length: float, across: ArrayLike, width: float) -> Floats:
    """Points (K, 3) at the centres of equal parts of a rectangle, none longer than SAMPLE_SPACING."""
    n, m = math.ceil(length / SAMPLE_SPACING), math.ceil(width / SAMPLE_SPACING)
    u = ((np.arange(n) + 0.5) / n - 0.5) * length
    v = ((np.arange(m) + 0.5) / m - 0.5) * width
    grid = u[:, None, None] * np.asarray(along, float) + v[:, None] * np.asarray(across, float)
    return np.asarray(centre, float) + grid.reshape(-1, 3)


def _returned(room: Room) -> float:
    """Indirect lux everywhere for each lumen in the room."""
    x, y, z = room.x[1] - room.x[0], room.y[1] - room.y[0], room.ceiling
    floor, walls = x * y, 2 * (x + y) * z
    area = 2 * floor + walls
    mean = (floor * (CEILING_REFLECTS + FLOOR_REFLECTS) + walls * WALLS_REFLECT) / area
    return mean / (area * (1 - mean))

"""What varies between the pictures of a training data set: the dials of a moment, and the camera."""

from __future__ import annotations

import math

import numpy as np

from scenarios import Camera, CameraModel, Conditions, Crowd, Fixture, Layout, Lighting, Lookalikes, Mess, Scenario
from sim.world import World

PEOPLED = 0.55
"""Share of the moments with shoppers."""
TRIES = 40
"""Cameras that are drawn until one sees a shopper, where there are any."""
PERSON_SHARE = (0.03, 0.45)
"""Least and greatest share of the picture that shoppers may take, by their bounding boxes."""


def draw_conditions(random: np.random.Generator, lookalikes: Lookalikes) -> Conditions:
    """Draw the dials of one training moment, wider than any test has them."""
    low = float(np.exp(random.uniform(np.log(120), np.log(1200))))
    kelvin = float(random.uniform(2700, 6000))
    peopled = random.random() < PEOPLED
    disturbed = random.random() < 0.5
    return Conditions(
        "training",
        Lighting(
            (low, low * 1.25), (kelvin, kelvin + 500), failed=float(random.choice([0, 0, 0, 0.25, 0.5])),
            flicker=float(random.choice([0, 0, 0.3])), hour=float(random.uniform(6, 21)),
        ),
        Crowd(
            int(random.integers(1, 4)) if peopled else 0, carts=0.3, baskets=0.3,
            pallets=int(random.random() < 0.12),
        ),
        Mess(
            out=float(random.uniform(0, 0.25)), plugged=0.2, misplaced=float(random.uniform(0, 0.08)),
            empty_column=float(random.uniform(0, 0.3)), receded=float(random.choice([0, 0.1, 0.3, 0.6])),
            turned=float(random.uniform(0, 0.12)) * disturbed, leaning=float(random.uniform(0, 0.06)) * disturbed,
            fallen=float(random.uniform(0, 0.06)) * disturbed, shift=float(random.uniform(0, 0.003)),
            turn=float(random.uniform(0, 0.08)),
        ),
        lookalikes,
    )  # fmt: skip


def draw_view(world: World, scenario: Scenario, random: np.random.Generator, size: int) -> Camera:
    """Draw a camera for a moment: where there are shoppers, one of the first `TRIES` that sees some of them
    without being blinded by them."""
    world.set(scenario)
    camera = draw_camera(scenario.layout, random, size)
    people = [world.instances[body] for body in world.shopper_bodies]
    if not people:
        return camera
    corners = [_box_corners(i.mesh.vertices + np.asarray(i.position)) for i in people]
    for _ in range(TRIES):
        if PERSON_SHARE[0] <= max(_share(camera, c) for c in corners) <= PERSON_SHARE[1]:
            break
        camera = draw_camera(scenario.layout, random, size)
    return camera


def _box_corners(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])


def _share(camera: Camera, corners: np.ndarray) -> float:
    """Share of the picture that the box of world points takes; 1 if the camera stands in it."""
    pixels, depth = camera.project(corners)
    if depth.max() <= 0:
        return 0.0
    if depth.min() <= 0.1:
        return 1.0
    size = np.array([camera.model.width, camera.model.height])
    low, high = np.clip(pixels.min(axis=0), 0, size), np.clip(pixels.max(axis=0), 0, size)
    return float(np.prod(high - low) / np.prod(size))


def draw_camera(layout: Layout, random: np.random.Generator, size: int) -> Camera:
    """Draw a camera in the aisle that looks at some point of some fixture: frontal, angled or steep."""
    fixtures = layout.store.fixtures
    widths = np.array([f.width for f in fixtures])
    fixture = fixtures[int(random.choice(len(fixtures), p=widths / widths.sum()))]
    chest = fixture.kind == "freezer"
    x = float(random.uniform(0.1, 0.9)) * fixture.width
    z = fixture.height - 0.1 if chest else float(random.uniform(0.25, max(0.3, fixture.height - 0.15)))
    target = np.array([x, fixture.depth / 2 if chest else 0.0, z])
    azimuth = float(random.normal(0, 0.32))
    steepness = [(0.6, 1.2)] if chest else [(-0.1, 0.3), (0.2, 0.7), (0.6, 1.15)]
    chances = [1.0] if chest else [0.45, 0.35, 0.2]
    lowest, highest = steepness[int(random.choice(len(chances), p=chances))]
    for _ in range(100):
        elevation, distance = random.uniform(lowest, highest), random.uniform(0.7, 2.8)
        level = math.cos(elevation) * distance
        offset = (level * math.sin(azimuth), -level * math.cos(azimuth), distance * math.sin(elevation))
        position = target + offset
        if position[1] < -0.25 and _is_free(layout, fixture, position):
            break
    else:
        distance = 0.8
        position = np.array([x, -0.8, z])
    pixels_per_metre = math.exp(random.uniform(math.log(200), math.log(800)))
    if fixture.kind in ("rack", "pallet"):
        pixels_per_metre *= 0.6  # goods in bulk are larger
    model = CameraModel("training", size, size, 2 * math.atan(size / 2 / (pixels_per_metre * distance)), 0.0)
    (px, py, pz), (tx, ty, tz) = fixture.to_world([position, target]).tolist()
    return Camera("training", model, (px, py, pz), (tx, ty, tz), roll=float(random.normal(0, 0.03)))


def _is_free(layout: Layout, fixture: Fixture, position: np.ndarray) -> bool:
    return layout.store.obstacle_at(tuple(fixture.to_world(position))) is None

"""What varies between the pictures of a training data set: the dials of a moment, and the camera."""

from __future__ import annotations

import math

import numpy as np

from scenarios import (
    Camera,
    CameraModel,
    Conditions,
    Crowd,
    Fixture,
    Layout,
    Lens,
    Lighting,
    Lookalikes,
    Mess,
    Scenario,
    Sensor,
)  # fmt: skip
from sim.world import World

PEOPLED, PEOPLED_DENSE = 0.55, 0.12
"""Share of the moments with shoppers."""
WIDEST_VIEW = math.radians(80)
"""Greatest field of view of a training camera: a wider one that near shows little but walls and floor."""
SHELF_SHOWN = (0.85, 2.5)
"""Width of shelf that a dense picture shows, metres: 750 to 256 px/m at 640 px."""
FILLED = 0.85
"""A dense picture shows shelves over this share of its width and height at least, where there are so many."""
PHONE_VIEW = (math.radians(45), math.radians(75))
"""Field of view of a phone's or tablet's camera."""
TRIES = 40
"""Cameras that are drawn until one sees a shopper, where there are any."""
PERSON_SHARE = (0.03, 0.45)
"""Least and greatest share of the picture that shoppers may take, by their bounding boxes."""


def is_dense(seed: int, share: float) -> bool:
    """Whether a store seed is one of the `share` whose shelves are full and seen from the front: of any run of
    seeds, as many as `share` says."""
    return math.floor((seed + 1) * share) > math.floor(seed * share)


def draw_conditions(random: np.random.Generator, lookalikes: Lookalikes, dense: bool = False) -> Conditions:
    """Draw the dials of one training moment, wider than any test has them; shelves of `dense` ones are full."""
    low = float(np.exp(random.uniform(np.log(120), np.log(1200))))
    kelvin = float(random.uniform(2700, 6000))
    peopled = random.random() < (PEOPLED_DENSE if dense else PEOPLED)
    disturbed = random.random() < 0.5
    return Conditions(
        "training",
        Lighting(
            (low, low * 1.25), (kelvin, kelvin + 500), failed=float(random.choice([0, 0, 0, 0.25, 0.5])),
            flicker=float(random.choice([0, 0, 0.3])), hour=float(random.uniform(6, 21)),
        ),
        Crowd(
            int(random.integers(1, 2 if dense else 4)) if peopled else 0, carts=0.3, baskets=0.3,
            pallets=int(random.random() < 0.12),
        ),
        Mess(
            out=float(random.uniform(0, 0.05 if dense else 0.25)), plugged=0.2,
            misplaced=float(random.uniform(0, 0.08)),
            empty_column=float(random.uniform(0, 0.06 if dense else 0.3)),
            receded=float(random.choice([0, 0.1, 0.3, 0.6])),
            turned=float(random.uniform(0, 0.12)) * disturbed, leaning=float(random.uniform(0, 0.06)) * disturbed,
            fallen=float(random.uniform(0, 0.06)) * disturbed, shift=float(random.uniform(0, 0.003)),
            turn=float(random.uniform(0, 0.08)),
        ),
        lookalikes,
    )  # fmt: skip


def draw_view(
    world: World, scenario: Scenario, random: np.random.Generator, size: int, dense: bool = False
) -> Camera:  # fmt: skip
    """Draw a camera for a moment: where there are shoppers, one of the first `TRIES` that sees some of them
    without being blinded by them, or else the one that they blind least. `dense` ones look straight at the shelf."""
    world.set(scenario)
    draw = draw_frontal_camera if dense else draw_camera
    people = [world.instances[body] for body in world.shopper_bodies]
    corners = [_box_corners(i.mesh.vertices + np.asarray(i.position)) for i in people]
    tried: list[tuple[float, Camera]] = []
    for _ in range(TRIES):
        camera = draw(scenario.layout, random, size)
        share = max((_share(camera, c) for c in corners), default=PERSON_SHARE[0])
        if PERSON_SHARE[0] <= share <= PERSON_SHARE[1]:
            return camera
        tried.append((share, camera))
    return min(tried, key=lambda t: t[0])[1]


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
    pixels_per_metre = math.exp(random.uniform(math.log(240), math.log(900)))
    if fixture.kind in ("rack", "pallet"):
        pixels_per_metre *= 0.6  # goods in bulk are larger
    view = min(WIDEST_VIEW, 2 * math.atan(size / 2 / (pixels_per_metre * distance)))
    return _camera(fixture, position, target, random, CameraModel("training", size, size, view, 0.0))


def draw_frontal_camera(layout: Layout, random: np.random.Generator, size: int) -> Camera:
    """Draw a camera as somebody holds it who photographs a shelf: before it, nearly level, filled with shelf."""
    fixtures = [f for f in layout.store.fixtures if not f.yaw] or layout.store.fixtures[:1]
    fixture = fixtures[0]
    left = min(fixture.to_local((f.x, f.y, 0.0))[0] for f in fixtures)
    right = max(fixture.to_local(f.to_world((f.width, 0.0, 0.0)))[0] for f in fixtures)
    for _ in range(100):
        shown = math.exp(random.uniform(*np.log(SHELF_SHOWN)))
        view = float(random.uniform(*PHONE_VIEW))
        distance = shown / 2 / math.tan(view / 2)
        azimuth = float(random.normal(0, 0.12) if random.random() < 0.8 else random.uniform(-0.5, 0.5))
        elevation = math.radians(random.uniform(-10, 15))
        margin = FILLED * shown / 2
        target = np.array([_between(left, right, margin, random), 0.0, _between(0.0, fixture.height, margin, random)])
        level = math.cos(elevation) * distance
        away = (math.sin(azimuth) * level, -math.cos(azimuth) * level, math.sin(elevation) * distance)
        position = target + np.array(away)
        if _is_free(layout, fixture, position):
            return _camera(fixture, position, target, random, _draw_phone(view, size, random))
    return draw_camera(layout, random, size)


def _draw_phone(view: float, size: int, random: np.random.Generator) -> CameraModel:
    """A camera that is held in the hand: exposure, colours, sharpness and compression differ between them, and
    between their pictures, more than those of cameras that hang still."""
    uniform = random.uniform
    lens = Lens(spread=float(uniform(0.2, 0.7)))
    sensor = Sensor(
        exposure_error=float(uniform(0.05, 0.45)), white_balance_error=float(uniform(4, 25)),
        white_balance_residual=float(uniform(0.05, 0.4)), sharpening=float(uniform(0.3, 1.5)),
        quality=int(random.integers(65, 97)),
    )  # fmt: skip
    return CameraModel("training", size, size, view, 0.0, lens=lens, sensor=sensor)


def _between(low: float, high: float, margin: float, random: np.random.Generator) -> float:
    """A number between two limits, `margin` inside of them, or the middle where there is no such room."""
    middle, room = (low + high) / 2, max(0.0, (high - low) / 2 - margin)
    return float(random.uniform(middle - room, middle + room))


def _camera(
    fixture: Fixture, position: np.ndarray, target: np.ndarray, random: np.random.Generator, model: CameraModel
) -> Camera:  # fmt: skip
    """A camera at a position before a fixture, in its frame, held not quite upright."""
    (px, py, pz), (tx, ty, tz) = fixture.to_world([position, target]).tolist()
    return Camera("training", model, (px, py, pz), (tx, ty, tz), roll=float(random.normal(0, 0.03)))


def _is_free(layout: Layout, fixture: Fixture, position: np.ndarray) -> bool:
    return layout.store.obstacle_at(tuple(fixture.to_world(position))) is None

"""Where the heads of simulated shoppers are in a picture, by the render that made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Scenario
from scenarios.shoppers import crowd_at
from sim import World
from sim.lens import distort
from sim.motion import motions
from sim.people import person_mesh
from sim.poses import rotations
from sim.render import renderer
from sim.sensor import expose

HEAD = 0.28
"""Metres from the top of who stands: head with hair and chin. In other poses the same vertices are the head."""
SMALLEST = 40
"""Pixels of a head below which it is not counted, about 7 by 7."""


def pictures_with_heads(
    world: World, scenarios: Sequence[Scenario], cameras: Sequence[Camera]
) -> Iterator[tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]]:
    """Of each scenario through each camera the picture (H, W, 3), and a mask (H, W) of what is seen of each head."""
    for scenario in scenarios:
        world.set(scenario)
        persons, _ = crowd_at(scenario.layout.store, scenario.conditions.crowd, scenario.seed, scenario.time)
        for camera in cameras:
            render = distort(renderer("raster")(world, camera.pinhole, scenario), camera)
            masks = []
            for body, person in zip(world.shopper_bodies, persons):
                stands = person_mesh(person.body, "stand", 0).vertices[:, 2]
                one = world.instances[body]
                points = one.mesh.vertices[stands > stands.max() - HEAD] @ rotations(np.array([one.orientation]))[0].T
                pixels, depth = camera.project(points + one.position)
                outline = np.zeros(render.body.shape, np.uint8)
                if depth.min() > 0.05:
                    cv2.fillConvexPoly(outline, cv2.convexHull(np.round(pixels).astype(np.int32)), 1)
                masks.append((outline > 0) & (render.body == body))
            yield expose(render, scenario, camera, motions(world, camera)), [m for m in masks if m.sum() >= SMALLEST]


def detail_left(picture: NDArray[np.uint8], shown: NDArray[np.uint8], head: NDArray[np.bool_]) -> float:
    """How much of the detail of a head is in what is shown: 1 for the picture itself, 0 for what has none of it."""
    sigma = max(1.0, float(np.sqrt(head.sum())) / 8)
    fine, left = (x - cv2.GaussianBlur(x, (0, 0), sigma) for x in (picture.astype(float), shown.astype(float)))
    return float((fine[head] * left[head]).sum() / (fine[head] ** 2).sum())

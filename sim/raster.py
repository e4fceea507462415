"""Pictures by PyBullet's TinyRenderer: bit for bit the same on every run."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Room, Scenario
from sim.engine import pybullet
from sim.render import Render
from sim.shading import SOFT, EngineLight, engine_light, luminance_map
from sim.world import World

NEAR = 0.1
"""Nearest depth that is drawn, metres."""


def render(world: World, camera: Camera, scenario: Scenario, shadow: bool = True) -> Render:
    """Render the world as it stands, in the scenario's light; without `shadow` it is as soft as a studio's."""
    width, height = camera.model.width, camera.model.height
    client, names = world.draw(camera)
    far = farthest(world.layout.store.room)
    light = engine_light(scenario, camera) if shadow else SOFT
    rgba, depth, body = pybullet.getCameraImage(
        width,
        height,
        _view(camera),
        _projection(camera, far),
        renderer=pybullet.ER_TINY_RENDERER,
        physicsClientId=client,
        **_light(light, shadow),
    )[2:]
    image = np.asarray(rgba, np.uint8).reshape(height, width, 4)[..., :3]
    metres = _metres(np.asarray(depth, np.float32).reshape(height, width), far)
    luminance = luminance_map(scenario, camera, metres, light)
    return Render(np.ascontiguousarray(image), metres, names[np.asarray(body).reshape(height, width)], luminance)


def farthest(room: Room) -> float:
    """The longest line of sight in a room, metres: nothing is drawn beyond."""
    return math.dist((room.x[0], room.y[0], 0.0), (room.x[1], room.y[1], room.ceiling)) + 1.0


def _metres(buffer: NDArray[np.float32], far: float) -> NDArray[np.float32]:
    """Depth in metres of the engine's depth buffer; its 24 bits are worth 0.01 mm at 3 m, 1 mm at 30 m."""
    return np.float32(far * NEAR) / (np.float32(far) - np.float32(far - NEAR) * buffer)


def _view(camera: Camera) -> list[float]:
    right, down, forward = camera.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = [right, -down, -forward]
    matrix[:3, 3] = -matrix[:3, :3] @ camera.position
    return [float(v) for v in matrix.T.ravel()]


def _projection(camera: Camera, far: float) -> list[float]:
    """The OpenGL projection, shifted by half a pixel to the right and up: the engine samples pixel
    (i, j) at (i, j + 1), a `Camera` has its centre at (i + 0.5, j + 0.5)."""
    w, h, f = camera.model.width, camera.model.height, camera.model.focal_length
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = 2 * f / w, 2 * f / h
    matrix[0, 2], matrix[1, 2] = 1 / w, 1 / h
    matrix[2, 2], matrix[2, 3] = -(far + NEAR) / (far - NEAR), -2 * far * NEAR / (far - NEAR)
    matrix[3, 2] = -1
    return [float(v) for v in matrix.T.ravel()]


def _light(light: EngineLight, shadow: bool) -> dict[str, object]:
    """All seven light arguments: the engine keeps the last value of any that is left out."""
    return {
        "lightDirection": list(light.direction),
        "lightColor": [1.0, 1.0, 1.0],
        "lightDistance": 8.0,
        "shadow": int(shadow),
        "lightAmbientCoeff": light.ambient,
        "lightDiffuseCoeff": light.diffuse,
        "lightSpecularCoeff": 0.05,
    }

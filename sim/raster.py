"""Pictures by PyBullet's TinyRenderer: bit for bit the same on every run."""

from __future__ import annotations

import numpy as np

from scenarios import Camera, Scenario
from sim.engine import pybullet
from sim.render import Render
from sim.shading import SOFT, EngineLight, engine_light, luminance_map
from sim.world import World

NEAR, FAR = 0.1, 15.0


def render(world: World, camera: Camera, scenario: Scenario, shadow: bool = True) -> Render:
    """Render the world as it stands, in the scenario's light; without `shadow` it is as soft as a studio's."""
    width, height = camera.model.width, camera.model.height
    light = engine_light(scenario, camera) if shadow else SOFT
    rgba, depth, body = pybullet.getCameraImage(
        width,
        height,
        _view(camera),
        _projection(camera),
        renderer=pybullet.ER_TINY_RENDERER,
        physicsClientId=world.client,
        **_light(light, shadow),
    )[2:]
    image = np.asarray(rgba, np.uint8).reshape(height, width, 4)[..., :3]
    buffer = np.asarray(depth, np.float32).reshape(height, width)
    metres = FAR * NEAR / (FAR - (FAR - NEAR) * buffer)
    luminance = luminance_map(scenario, camera, metres, light)
    return Render(np.ascontiguousarray(image), metres, np.asarray(body, np.int32).reshape(height, width), luminance)


def _view(camera: Camera) -> list[float]:
    right, down, forward = camera.rotation
    matrix = np.eye(4)
    matrix[:3, :3] = [right, -down, -forward]
    matrix[:3, 3] = -matrix[:3, :3] @ camera.position
    return [float(v) for v in matrix.T.ravel()]


def _projection(camera: Camera) -> list[float]:
    """The OpenGL projection, shifted by half a pixel to the right and up: the engine samples pixel
    (i, j) at (i, j + 1), a `Camera` has its centre at (i + 0.5, j + 0.5)."""
    w, h, f = camera.model.width, camera.model.height, camera.model.focal_length
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = 2 * f / w, 2 * f / h
    matrix[0, 2], matrix[1, 2] = 1 / w, 1 / h
    matrix[2, 2], matrix[2, 3] = -(FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)
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

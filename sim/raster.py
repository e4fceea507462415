"""Pictures by PyBullet's renderers.

`render` is TinyRenderer's, the reference: bit for bit the same on every run, and it honours all of the light.
`render_egl` is OpenGL's, which honours the light's direction alone. The two are never mixed in one comparison.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Room, Scenario
from sim.engine import pybullet
from sim.render import Render
from sim.shading import EGL_SHADE, SOFT, EngineLight, engine_light, luminance_map
from sim.world import World

NEAR = 0.1
"""Nearest depth that is drawn, metres."""


def render(world: World, camera: Camera, scenario: Scenario, shadow: bool = True) -> Render:
    """Render the world as it stands, in the scenario's light; without `shadow` it is as soft as a studio's."""
    client, names = world.draw(camera)
    light = engine_light(scenario, camera) if shadow else SOFT
    arguments = _light(light, shadow)
    image, metres, body = _shoot(client, world, camera, pybullet.ER_TINY_RENDERER, (1, 1), arguments)
    return Render(image, metres, names[body], luminance_map(scenario, camera, metres, light))


def render_egl(world: World, camera: Camera, scenario: Scenario) -> Render:
    """Render the world as it stands with OpenGL. Raises InputError where there is no EGL."""
    client, names = world.draw(camera, egl=True)
    light = replace(engine_light(scenario, camera), ambient=EGL_SHADE[0], diffuse=EGL_SHADE[1])
    arguments, shift = _light(light, True), (0, 0)
    image, metres, body = _shoot(client, world, camera, pybullet.ER_BULLET_HARDWARE_OPENGL, shift, arguments)
    return Render(image, metres, names[body], luminance_map(scenario, camera, metres, light))


def _shoot(
    client: int, world: World, camera: Camera, engine: int, shift: tuple[int, int], arguments: dict[str, object]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]:
    """Picture (H, W, 3), depth (H, W) in metres and body ids (H, W) by one of the engine's renderers."""
    width, height = camera.model.width, camera.model.height
    far = farthest(world.layout.store.room)
    view, projection = _view(camera), _projection(camera, far, shift)
    rgba, depth, body = pybullet.getCameraImage(
        width, height, view, projection, renderer=engine, physicsClientId=client, **arguments
    )[2:]
    image = np.asarray(rgba, np.uint8).reshape(height, width, 4)[..., :3]
    metres = _metres(np.asarray(depth, np.float32).reshape(height, width), far)
    return np.ascontiguousarray(image), metres, np.asarray(body, np.int32).reshape(height, width)


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


def _projection(camera: Camera, far: float, shift: tuple[int, int]) -> list[float]:
    """The OpenGL projection, shifted by `shift` halves of a pixel to the right and up: TinyRenderer samples
    pixel (i, j) at (i, j + 1), a `Camera` has its centre at (i + 0.5, j + 0.5)."""
    w, h, f = camera.model.width, camera.model.height, camera.model.focal_length
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = 2 * f / w, 2 * f / h
    matrix[0, 2], matrix[1, 2] = shift[0] / w, shift[1] / h
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

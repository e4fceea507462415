"""A shopper: a clothed figure of rounded limbs, standing in the aisle with one arm out."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from sim.meshes import Mesh

SKIN = ((236, 200, 172), (214, 170, 136), (168, 122, 90), (112, 78, 58), (82, 56, 42))
HAIR = ((40, 30, 24), (84, 58, 36), (150, 110, 60), (180, 176, 170), (110, 50, 30))


def shopper_mesh(random: np.random.Generator) -> Mesh:
    """Build a standing figure, 1.55 to 1.92 m tall, facing +y, its feet at the origin."""
    height = float(random.uniform(1.55, 1.92))
    girth = float(random.uniform(0.88, 1.2))
    reach = float(random.uniform(0.1, 1.5))
    k = height / 1.75
    limbs = [  # from, to, radius at each end, depth ÷ width, swatch
        ((-0.09, 0, 0.06), (-0.10, 0, 0.86), 0.055, 0.085, 1.0, 3),
        ((0.09, 0, 0.06), (0.10, 0, 0.86), 0.055, 0.085, 1.0, 3),
        ((-0.09, 0.05, 0.04), (-0.09, -0.03, 0.05), 0.05, 0.05, 1.0, 4),
        ((0.09, 0.05, 0.04), (0.09, -0.03, 0.05), 0.05, 0.05, 1.0, 4),
        ((0, 0, 0.82), (0, 0, 1.10), 0.165, 0.155, 0.7, 2),
        ((0, 0, 1.06), (0, 0, 1.42), 0.155, 0.185, 0.62, 2),
        ((-0.20, 0, 1.38), (-0.26, 0.02, 1.10), 0.055, 0.048, 1.0, 2),
        ((-0.26, 0.02, 1.10), (-0.25, 0.10, 0.86), 0.045, 0.036, 1.0, 0),
        ((0, 0.0, 1.42), (0, 0.01, 1.54), 0.058, 0.055, 1.0, 0),
    ]  # fmt: skip
    elbow = (0.25, 0.24 * math.sin(reach), 1.38 - 0.28 * math.cos(reach))
    hand = (0.22, elbow[1] + 0.25 * math.sin(reach * 1.15), elbow[2] - 0.25 * math.cos(reach * 1.15))
    limbs += [((0.20, 0, 1.38), elbow, 0.055, 0.048, 1.0, 2), (elbow, hand, 0.045, 0.036, 1.0, 0)]
    parts = [_limb(a, b, ra * girth, rb * girth, flat, swatch) for a, b, ra, rb, flat, swatch in limbs]
    parts.append(_limb((0, 0.01, 1.58), (0, 0.015, 1.66), 0.078, 0.085, 1.12, 0))
    parts.append(_limb((0, -0.015, 1.62), (0, -0.01, 1.69), 0.082, 0.086, 1.1, 1))
    vertices, uv, normals, triangles, offset = [], [], [], [], 0
    for v, t, n, f in parts:
        vertices.append(v * k)
        uv.append(t)
        normals.append(n)
        triangles.append(f + offset)
        offset += len(v)
    arrays = (np.concatenate(vertices), np.concatenate(uv), np.concatenate(normals), np.concatenate(triangles))
    return Mesh(*arrays, _clothes(random), (np.arange(offset),))


def _limb(a: tuple, b: tuple, ra: float, rb: float, flat: float, swatch: int, rings: int = 9, n: int = 14) -> tuple:
    """A capsule from a to b with different end radii; `flat` scales its depth (y)."""
    start, end = np.array(a, float), np.array(b, float)
    axis = end - start
    length = float(np.linalg.norm(axis))
    axis /= length
    side = np.cross(axis, [0, 1, 0]) if abs(axis[1]) < 0.9 else np.cross(axis, [1, 0, 0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    phi = np.linspace(-math.pi / 2, math.pi / 2, rings)
    radius = np.where(phi < 0, ra, rb)
    along = np.where(phi < 0, ra * np.sin(phi), length + rb * np.sin(phi))
    theta = np.linspace(0, 2 * math.pi, n + 1)
    ring = np.cos(theta)[:, None] * side + np.sin(theta)[:, None] * other * np.array([1, flat, 1])
    vertices = start + along[:, None, None] * axis + (radius * np.cos(phi))[:, None, None] * ring[None]
    normals = np.cos(phi)[:, None, None] * ring[None] + np.sin(phi)[:, None, None] * axis
    uv = np.empty((rings, n + 1, 2))
    uv[..., 0] = (swatch + 0.1 + 0.8 * theta[None] / (2 * math.pi)) / 5
    uv[..., 1] = (0.05 + 0.9 * (along - along[0]) / (along[-1] - along[0]))[:, None]
    faces = []
    for i in range(rings - 1):
        for j in range(n):
            p, q = i * (n + 1) + j, (i + 1) * (n + 1) + j
            faces += [(p, p + 1, q + 1), (p, q + 1, q)]
    return vertices.reshape(-1, 3), uv.reshape(-1, 2), normals.reshape(-1, 3), np.array(faces)


def _clothes(random: np.random.Generator) -> Image.Image:
    """One strip of five swatches: skin, hair, shirt, trousers, shoes."""
    shirt = tuple(int(v) for v in random.integers(20, 245, 3))
    colours = (
        SKIN[int(random.integers(len(SKIN)))], HAIR[int(random.integers(len(HAIR)))], shirt,
        tuple(int(v) for v in random.integers(20, 140, 3)), tuple(int(v) for v in random.integers(10, 90, 3)),
    )  # fmt: skip
    texture = Image.new("RGB", (5 * 48, 96))
    draw = ImageDraw.Draw(texture)
    for i, colour in enumerate(colours):
        draw.rectangle((i * 48, 0, i * 48 + 47, 95), fill=colour)
    second = tuple(int(v) for v in random.integers(20, 245, 3))
    for y in range(0, 96, 16):
        if random.random() < 0.4:
            draw.rectangle((96, y, 143, y + 6), fill=second)
    return texture

"""People: clothed bodies of different age, sex and size in baked poses; sim/assets/people.md says how made."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sim.meshes import Floats, Mesh

ASSET = Path(__file__).parent / "assets" / "people.npz"


@dataclass(frozen=True, eq=False)
class People:
    """What is baked: `vertices` (body, pose, V, 3) and `hands` (body, pose, 3) in metres, the right hand's
    place; all bodies share `source` (U,), `uv` (U, 2) and the triangles over U."""

    bodies: tuple[str, ...]
    poses: tuple[str, ...]
    skirt: NDArray[np.bool_]
    long_hair: NDArray[np.bool_]
    vertices: NDArray[np.float16]
    hands: NDArray[np.float16]
    source: NDArray[np.int64]
    uv: Floats
    triangles: dict[str, NDArray[np.int64]]
    textures: NDArray[np.bytes_]


@cache
def people() -> People:
    """Read the baked people, once a process."""
    with np.load(ASSET) as data:
        return People(
            bodies=tuple(map(str, data["bodies"])),
            poses=tuple(map(str, data["poses"])),
            skirt=data["skirt"],
            long_hair=data["long_hair"],
            vertices=data["vertices"],
            hands=data["hands"],
            source=data["source"].astype(np.int64),
            uv=data["uv"].astype(float),
            triangles={k: data[f"triangles_{k}"].astype(np.int64) for k in ("body", "skirt", "hair")},
            textures=data["textures"],
        )


@cache
def person_mesh(body: str, pose: str, outfit: int) -> Mesh:
    """A person who faces +y, feet on z = 0, the hips over the origin; ValueError for a body or pose that is not baked.

    Meshes of one body share their arrays, and one mesh is always the same object.
    """
    baked = people()
    b, p = baked.bodies.index(body), baked.poses.index(pose)
    source, uv, triangles, pieces = _surface(b)
    vertices, normals = _posed(b, p)
    # They are kept for good: single precision is more than the half that is baked.
    points, across = (a[source].astype(np.float32) for a in (vertices, normals))
    return Mesh(points, uv, across, triangles, _texture(b, outfit), pieces)


@cache
def _surface(b: int) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """What all meshes of body `b` have: source (U,), uv (U, 2), triangles (T, 3), pieces."""
    baked = people()
    parts = [baked.triangles["body"]]
    parts += [baked.triangles[extra] for extra, worn in (("skirt", baked.skirt), ("hair", baked.long_hair)) if worn[b]]
    used, corners = np.unique(np.concatenate(parts), return_inverse=True)
    return baked.source[used], baked.uv[used], corners.reshape(-1, 3), (np.arange(len(used)),)


def _posed(b: int, p: int) -> tuple[Floats, Floats]:
    """Vertices and normals (V, 3) of body `b` in pose `p`."""
    vertices = people().vertices[b, p].astype(float)
    source, _, triangles, _ = _surface(b)
    return vertices, _normals(vertices, source[triangles])


@cache
def _texture(b: int, outfit: int) -> Image.Image:
    return Image.open(io.BytesIO(bytes(people().textures[b, outfit]))).convert("RGB")


def hand_of(body: str, pose: str) -> tuple[float, float, float]:
    """The place (m) of the right hand in the frame of `person_mesh`."""
    baked = people()
    x, y, z = baked.hands[baked.bodies.index(body), baked.poses.index(pose)].astype(float)
    return float(x), float(y), float(z)


def _normals(points: Floats, triangles: NDArray[np.int64]) -> Floats:
    """Smooth normals (V, 3): the mean of the triangles at a vertex, weighted by area."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    total = np.stack([np.bincount(triangles.ravel(), np.repeat(across[:, k], 3), len(points)) for k in range(3)], -1)
    total[np.abs(total).max(axis=1) == 0] = (0, 0, 1)  # not a corner of any triangle, or of none with an area
    return total / np.linalg.norm(total, axis=1, keepdims=True)

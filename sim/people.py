"""People: clothed bodies of different age, sex and size in baked poses (sim/assets/people.md says how they were made)."""

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

    @property
    def outfits(self) -> int:
        """Sets of clothes that each body has."""
        return int(self.textures.shape[1])


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


def person_mesh(body: str, pose: str, outfit: int) -> Mesh:
    """A person who faces +y, feet on z = 0, the hips over the origin; ValueError for a body or pose that is not baked."""
    baked = people()
    b, p = baked.bodies.index(body), baked.poses.index(pose)
    triangles = [baked.triangles["body"]]
    if baked.skirt[b]:
        triangles.append(baked.triangles["skirt"])
    if baked.long_hair[b]:
        triangles.append(baked.triangles["hair"])
    used, corners = np.unique(np.concatenate(triangles), return_inverse=True)
    points = baked.vertices[b, p].astype(float)
    source = baked.source[used]
    faces = corners.reshape(-1, 3)
    texture = Image.open(io.BytesIO(bytes(baked.textures[b, outfit % baked.outfits]))).convert("RGB")
    normals = _normals(points, source[faces])[source]
    return Mesh(points[source], baked.uv[used], normals, faces, texture, (np.arange(len(used)),))


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
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)

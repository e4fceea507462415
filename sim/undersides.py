"""The underside of a pack, which is seen when it has fallen: meshes are made open there, as nobody sees it stand."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from sim.meshes import Mesh

FLAT = 1e-5
"""Vertices lower than this are the foot of a pack, metres."""


def with_underside(mesh: Mesh) -> Mesh:
    """The mesh with a flat foot, in one colour of its own artwork, unless it has less than three corners there."""
    foot = mesh.vertices[mesh.vertices[:, 2] < FLAT]
    outline = cv2.convexHull(foot[:, :2].astype(np.float32))[:, 0].astype(float) if len(foot) else foot
    count, start = len(outline), len(mesh.vertices)
    if count < 3:
        return mesh
    # The outline comes in either sense: seen from below it must run anticlockwise, from above clockwise.
    following = np.roll(outline, -1, axis=0)
    if (outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]).sum() > 0:
        outline = outline[::-1]
    fan = np.array([(start, start + i, start + i + 1) for i in range(1, count - 1)])
    added = np.arange(start, start + count)
    return replace(
        mesh,
        vertices=np.concatenate([mesh.vertices, np.column_stack([outline, np.zeros(count)])]),
        uv=np.concatenate([mesh.uv, np.tile(mesh.uv[mesh.vertices[:, 2] < FLAT][:1], (count, 1))]),
        normals=np.concatenate([mesh.normals, np.tile([0.0, 0.0, -1.0], (count, 1))]),
        triangles=np.concatenate([mesh.triangles, fan]),
        pieces=(*mesh.pieces, added) if len(mesh.pieces) > 1 else (np.append(mesh.pieces[0], added),),
        clear=None if mesh.clear is None else np.append(mesh.clear, np.zeros(len(fan), bool)),
    )

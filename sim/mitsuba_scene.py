"""A world's moment as a Mitsuba scene: bodies, materials and light, in metres and cd/m²."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from scenarios import Luminaire, Room, Scenario, Window
from sim.daylight import daylight_kelvin, kelvin_to_rgb, window_exitance
from sim.lighting import luminaires
from sim.meshes import Mesh
from sim.mitsuba_variant import mitsuba
from sim.world import Instance

Floats = NDArray[np.float64]
BELOW = 0.004
"""A lamp's lit face hangs this far below its place, a window's before its wall, metres: never inside of them."""
VARNISH = 0.12
"""Roughness (GGX) of glossy print and of plastic."""
BARE_METAL = 0.35
"""Share of a metal pack's surface where the print lets the metal shine."""
CLEARNESS = 0.6
"""Share of the light that passes through the walls and the liquid of a bottle; the rest scatters."""

_materials: WeakKeyDictionary[Mesh, tuple[Any, Any]] = WeakKeyDictionary()


def body_shapes(instances: Sequence[Instance]) -> dict[str, Any]:
    """Shapes of all bodies: those of one `Mesh` are one shape, and so cost one texture and one call each."""
    groups: dict[Mesh, list[Instance]] = {}
    for instance in instances:
        groups.setdefault(instance.mesh, []).append(instance)
    shapes = {}
    for i, (mesh, group) in enumerate(groups.items()):
        if mesh not in _materials:
            _materials[mesh] = (_material(mesh), _clear_material(mesh))
        solid, clear = _materials[mesh]
        see_through = mesh.clear if mesh.clear is not None else np.zeros(len(mesh.triangles), bool)
        for part, material, name in ((~see_through, solid, "solid"), (see_through, clear, "clear")):
            if part.any():
                shapes[f"{name}-{i}"] = _shape(mesh, mesh.triangles[part], group, material)
    return shapes


@dataclass(frozen=True, eq=False)
class FirstHits:
    """All bodies as one shape without material, to see what a ray meets first. Of every triangle: `body` (T,), and
    `mesh` (T,), which indexes `meshes`."""

    scene: Any
    body: NDArray[np.int32]
    mesh: NDArray[np.int64]
    meshes: list[Mesh]


def first_hits(instances: Sequence[Instance]) -> FirstHits:
    mi = mitsuba()
    meshes = list({i.mesh: None for i in instances})
    rank = {mesh: k for k, mesh in enumerate(meshes)}
    turns = [rotation(i.orientation) for i in instances]
    starts = np.cumsum([0, *(len(i.mesh.vertices) for i in instances)])
    counts = [len(i.mesh.triangles) for i in instances]
    shape = mi.Mesh("all", int(starts[-1]), sum(counts), has_vertex_normals=True, has_vertex_texcoords=True)
    _fill(
        shape,
        vertex_positions=np.concatenate([i.mesh.vertices @ t.T + i.position for t, i in zip(turns, instances)]),
        vertex_normals=np.concatenate([i.mesh.normals @ t.T for t, i in zip(turns, instances)]),
        vertex_texcoords=np.concatenate([i.mesh.uv for i in instances]),
        faces=np.concatenate([i.mesh.triangles + start for start, i in zip(starts, instances)]),
    )
    body = np.repeat(np.array([i.body for i in instances], np.int32), counts)
    mesh = np.repeat([rank[i.mesh] for i in instances], counts)
    return FirstHits(mi.load_dict({"type": "scene", "all": shape}), body, mesh, meshes)


def light_shapes(scenario: Scenario) -> dict[str, Any]:
    """Lamps and windows that are lit, as Lambertian area emitters: luminance = flux / (π · area).

    Each is loaded by itself: of shapes that are loaded together Mitsuba keeps the emitters in an order that hangs on
    their addresses, and with it the noise of a picture.
    """
    shapes = {f"lamp-{lamp.id}": _lamp(lamp) for lamp in luminaires(scenario)}
    store, hour = scenario.layout.store, scenario.conditions.lighting.hour
    for i, window in enumerate(store.windows):
        if window_exitance(hour, window.bearing) > 0:
            shapes[f"window-{i}"] = _window(window, store.room, hour)
    return shapes


def rotation(quaternion: Sequence[float]) -> Floats:
    """The (3, 3) matrix of a unit quaternion x, y, z, w."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _shape(mesh: Mesh, triangles: NDArray[np.int64], group: list[Instance], material: Any) -> Any:
    mi = mitsuba()
    turns = [rotation(i.orientation) for i in group]
    points = np.concatenate([mesh.vertices @ turn.T + i.position for turn, i in zip(turns, group)])
    normals = np.concatenate([mesh.normals @ turn.T for turn in turns])
    # Mitsuba's pictures begin at the top, uv at the bottom.
    uv = np.tile(np.column_stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]]), (len(group), 1))
    faces = np.concatenate([triangles + i * len(mesh.vertices) for i in range(len(group))])
    properties = mi.Properties()
    properties["material"] = material
    shape = mi.Mesh(
        "bodies", len(points), len(faces), has_vertex_normals=True, has_vertex_texcoords=True, props=properties
    )
    _fill(
        shape,
        vertex_positions=points,
        vertex_normals=normals,
        vertex_texcoords=uv,
        faces=faces,
    )
    return shape


def _fill(shape: Any, **arrays: NDArray) -> None:
    parameters = mitsuba().traverse(shape)
    for name, values in arrays.items():
        parameters[name] = values.astype(np.uint32 if name == "faces" else np.float32).ravel()
    parameters.update()


def _texture(mesh: Mesh) -> dict[str, Any]:
    pixels = np.array(mesh.texture.convert("RGB"))
    return {"type": "bitmap", "bitmap": mitsuba().Bitmap(pixels), "raw": False, "filter_type": "bilinear"}


def _material(mesh: Mesh) -> Any:
    """What the texture is printed on: paper, varnished or plastic, or metal."""
    mi = mitsuba()
    texture = mi.load_dict(_texture(mesh))
    glossy = {"type": "roughplastic", "diffuse_reflectance": texture, "alpha": VARNISH}
    if mesh.finish == "matt":
        surface: dict[str, Any] = {"type": "diffuse", "reflectance": texture}
    elif mesh.finish == "gloss":
        surface = glossy
    else:
        bare = {"type": "roughconductor", "material": "Al", "alpha": 0.25, "specular_reflectance": texture}
        surface = {"type": "blendbsdf", "weight": BARE_METAL, "print": glossy, "bare": bare}
    return mi.load_dict({"type": "twosided", "surface": surface})


def _clear_material(mesh: Mesh) -> Any:
    """Glass or plastic with what is in it: light passes tinted, and scatters in part. What is clear all over
    is a window pane."""
    if mesh.clear is None or not mesh.clear.any():
        return None
    mi = mitsuba()
    if mesh.clear.all():
        return mi.load_dict({"type": "thindielectric"})
    texture = mi.load_dict(_texture(mesh))
    scatters = {"type": "twosided", "surface": {"type": "roughplastic", "diffuse_reflectance": texture, "alpha": 0.05}}
    passes = {"type": "thindielectric", "specular_transmittance": texture}
    return mi.load_dict({"type": "blendbsdf", "weight": CLEARNESS, "scatters": scatters, "passes": passes})


def _lamp(lamp: Luminaire) -> Any:
    cos, sin = math.cos(lamp.yaw), math.sin(lamp.yaw)
    x, y, z = lamp.position
    along = np.array([cos, sin, 0.0]) * lamp.length / 2
    across = np.array([sin, -cos, 0.0]) * lamp.width / 2
    luminance = lamp.lumens / (math.pi * lamp.length * lamp.width)
    return _emitter((x, y, z - BELOW), along, across, luminance, lamp.kelvin)


def _window(window: Window, room: Room, hour: float) -> Any:
    inward = np.array({"left": (1, 0, 0), "right": (-1, 0, 0), "front": (0, 1, 0), "back": (0, -1, 0)}[window.wall])
    centre = np.array(window.centre, float)
    axis = 0 if window.wall in ("left", "right") else 1
    span = room.x if axis == 0 else room.y
    centre[axis] = span[0 if window.wall in ("left", "front") else 1]
    up = np.array([0.0, 0.0, window.height / 2])
    along = np.cross(up, inward) * window.width / window.height
    luminance = window_exitance(hour, window.bearing) / math.pi
    return _emitter(centre + BELOW * inward, along, up, luminance, daylight_kelvin(hour))


def _emitter(centre: Any, half: Floats, other: Floats, luminance: float, kelvin: float) -> Any:
    """A rectangle of half sides `half` and `other` that shines along half × other."""
    normal = np.cross(half, other)
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([half, other, normal / np.linalg.norm(normal), centre])
    mi = mitsuba()
    radiance = {"type": "rgb", "value": [float(v) for v in luminance * kelvin_to_rgb(kelvin)]}
    shape = {"type": "rectangle", "to_world": mi.ScalarTransform4f(matrix)}
    return mi.load_dict(shape | {"emitter": {"type": "area", "radiance": radiance}})

"""Pictures by Mitsuba's path tracer: the same bodies and cameras as in `sim.raster`, and light that bounces.

The picture is traced with few samples and cleaned of their noise by Open Image Denoise, which is told the
artwork and the normals of what every pixel shows. What a pixel shows, and how far it is, comes from one ray
through its centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Scenario, rng
from sim.meshes import Mesh
from sim.mitsuba_scene import FirstHits, body_shapes, first_hits, light_shapes
from sim.mitsuba_variant import mitsuba
from sim.render import Render
from sim.world import Instance, World

SAMPLES = 16
"""Light paths a pixel."""
BOUNCES = 6
"""Longest path, in segments: what is left out beyond is some percent of the light."""

Floats = NDArray[np.float32]


def render(world: World, camera: Camera, scenario: Scenario, samples: int = SAMPLES, denoise: bool = True) -> Render:
    """Trace the world as it stands, in the scenario's light, in cd/m². Raises InputError without Mitsuba."""
    mi = mitsuba()
    built = _build(world, camera, scenario)
    seed = int(rng(scenario.seed, "pathtrace", camera.id, repr(float(scenario.time))).integers(2**31))
    integrator = mi.load_dict({"type": "path", "max_depth": BOUNCES, "rr_depth": 3})
    sensor = _sensor(camera, {"type": "independent", "sample_count": samples})
    noisy = np.array(mi.render(built.scene, sensor=sensor, integrator=integrator, spp=samples, seed=seed))
    seen = _see(built.hits, camera)
    image = _clean(noisy, seen) if denoise else noisy
    return Render(image, seen.depth, seen.body, np.ones((1, 1), np.float32))


@dataclass(frozen=True, eq=False)
class _Built:
    """The scenes of a world's last moment, kept for its next camera."""

    instances: list[Instance]
    scenario: Scenario
    scene: Any
    hits: FirstHits


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the ray through the centre of each pixel meets: body, depth (m), albedo (linear) and normal."""

    body: NDArray[np.int32]
    depth: Floats
    albedo: Floats
    normal: Floats


_built: WeakKeyDictionary[World, _Built] = WeakKeyDictionary()


def _build(world: World, camera: Camera, scenario: Scenario) -> _Built:
    instances = world.scene(camera)
    known = _built.get(world)
    if known is None or known.scenario is not scenario or known.instances != instances:
        # Truth looks through a pane of glass, which is no body.
        solid = [instance for instance in instances if instance.kind != "pane"]
        scene = mitsuba().load_dict({"type": "scene"} | body_shapes(instances) | light_shapes(scenario))
        known = _built[world] = _Built(instances, scenario, scene, first_hits(solid))
    return known


def _sensor(camera: Camera, sampler: dict[str, Any]) -> Any:
    mi = mitsuba()
    right, down, forward = camera.rotation
    pose = np.eye(4)
    pose[:3] = np.column_stack([-right, -down, forward, camera.position])
    film = {
        "type": "hdrfilm", "width": camera.model.width, "height": camera.model.height, "pixel_format": "rgb",
        "component_format": "float32", "rfilter": {"type": "box"},
    }  # fmt: skip
    return mi.load_dict(
        {
            "type": "perspective",
            "fov": float(np.degrees(camera.model.horizontal_fov)),
            "fov_axis": "x",
            "near_clip": 0.02,
            "far_clip": 1000.0,
            "to_world": mi.ScalarTransform4f(pose),
            "film": film,
            "sampler": sampler,
        }
    )


def _see(hits: FirstHits, camera: Camera) -> _Seen:
    mi = mitsuba()
    integrator = mi.load_dict({"type": "aov", "aovs": "p:position,t:prim_index,n:sh_normal,uv:uv"})
    # One sample that is not moved lies in the pixel's centre.
    centre = _sensor(camera, {"type": "stratified", "sample_count": 1, "jitter": False})
    values = np.array(mi.render(hits.scene, sensor=centre, integrator=integrator, spp=1))
    position, triangle, normal, uv = np.split(values, [3, 4, 7], axis=2)
    met = np.abs(normal).sum(axis=2) > 0
    triangle = np.where(met, np.rint(triangle[..., 0]).astype(np.int64), 0)
    depth = np.where(met, (position - np.array(camera.position)) @ camera.rotation[2], np.inf)
    body = np.where(met, hits.body[triangle], -1).astype(np.int32)
    mesh = np.where(met, hits.mesh[triangle], -1)
    albedo = np.zeros(normal.shape, np.float32)
    for k in np.unique(mesh[met]):
        pixels = mesh == k
        albedo[pixels] = _artwork(hits.meshes[k], uv[pixels])
    return _Seen(body, depth.astype(np.float32), albedo, normal)


def _artwork(mesh: Mesh, uv: Floats) -> Floats:
    """The linear colour (N, 3) of a mesh's texture at uv (N, 2)."""
    texture = np.asarray(mesh.texture.convert("RGB"))
    height, width = texture.shape[:2]
    column = np.clip((uv[:, 0] % 1) * width, 0, width - 1).astype(int)
    row = np.clip((1 - uv[:, 1] % 1) * height, 0, height - 1).astype(int)
    return (texture[row, column].astype(np.float32) / 255) ** 2.2  # type: ignore[no-any-return]


def _clean(noisy: Floats, seen: _Seen) -> Floats:
    import mitsuba_oidn

    colour = np.ascontiguousarray(noisy, np.float32)
    clean = mitsuba_oidn.denoise(colour, albedo=seen.albedo, normal=np.ascontiguousarray(seen.normal), hdr=True)
    return np.maximum(clean, 0)

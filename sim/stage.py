"""The bodies of a world in one PyBullet client: only those that some camera can see are ever made.

The engine draws bodies in the order in which they were made, and where two surfaces are equally far, the
order decides. So it is always that of the slots, whatever was shown before: a body that comes late sends
away those behind it, and they are made again.
"""

from __future__ import annotations

import ctypes
import importlib.util
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from sim.engine import pybullet, quiet
from sim.meshes import Mesh

DEEP = -100.0
"""Where bodies wait that are not shown: so far below the floor that they cast no shadow into the picture either."""
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
WARM_UP = 2
"""The first pictures of an OpenGL context differ from all later ones, by so many."""
OPENGL_ROWS = 4
"""OpenGL takes rows of pixels to begin at multiples of so many bytes (GL_UNPACK_ALIGNMENT), which the engine's do not:
a texture of another width came out slanted and grey."""
_C = ctypes.CDLL(None)
Slot = tuple[int, int, int]
"""Whose body it is: group, number in the group, number among its like. Slots are made in ascending order."""
Pose = tuple[float, ...]
"""x, y, z, and the quaternion x, y, z, w."""


class Stage:
    """One client and its bodies. What is not shown waits, out of sight, until it is needed again.

    With `egl` the client draws with OpenGL; raises InputError where there is no EGL. Of these a process has one at a
    time, as they would draw into each other's pictures: a new one closes the one before.
    """

    _opengl: ClassVar[Stage | None] = None

    def __init__(self, egl: bool = False) -> None:
        if egl and Stage._opengl is not None:
            Stage._opengl.close()
        self.client = int(pybullet.connect(pybullet.DIRECT))
        if egl:
            _load_egl(self.client)
            Stage._opengl = self
        self._egl = egl
        self._folder = tempfile.TemporaryDirectory(prefix="shelfbench-")
        self._shapes: dict[int, int] = {}
        self._textures: dict[int, int] = {}
        """The first mesh that had a texture: the engine keeps each file's pixels for good."""
        self._meshes: list[Mesh] = []
        """Kept, so that no two meshes are ever known by one id."""
        self._bodies: dict[Slot, int] = {}
        """In the order of their making."""
        self._shape_of: dict[Slot, int] = {}
        self._shown: dict[Slot, Pose] = {}

    def close(self) -> None:
        if self.client >= 0:
            pybullet.disconnect(self.client)
            self.client = -1
            self._folder.cleanup()
        if Stage._opengl is self:
            Stage._opengl = None

    @property
    def closed(self) -> bool:
        return self.client < 0

    def __contains__(self, slot: Slot) -> bool:
        return slot in self._bodies

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._bodies)

    def __len__(self) -> int:
        return len(self._bodies)

    def make(self, slots: dict[Slot, Mesh], gone: Iterable[Slot] = ()) -> None:
        """Make the bodies of slots that have none yet and end those of `gone`."""
        new = [slot for slot in slots if slot not in self._bodies]
        ended = [slot for slot in gone if slot in self._bodies]
        if not new and not ended:
            return
        first = min(new + ended)
        # From the last to the first: ended in any other order, the engine would draw the rest in another order too.
        later = [slot for slot in reversed(self._bodies) if slot >= first]
        shapes = {slot: self._shape_of[slot] for slot in later}
        for slot in later:
            pybullet.removeBody(self._bodies.pop(slot), physicsClientId=self.client)
            self._shown.pop(slot, None)
        for slot in ended:
            del shapes[slot]
        shapes |= {slot: self._shape(slots[slot]) for slot in new}
        for slot in sorted(shapes):
            spot = _spot(len(self._bodies))
            self._bodies[slot] = int(pybullet.createMultiBody(0, -1, shapes[slot], spot, physicsClientId=self.client))
            self._opaque(slot, 0)
        _forget_files(self.client)
        self._shape_of = {slot: shape for slot, shape in self._shape_of.items() if slot < first} | shapes

    def show(self, poses: dict[Slot, Pose]) -> None:
        """Put the bodies of these slots, all of which have been made, into their poses and hide all others."""
        for slot in [slot for slot in self._shown if slot not in poses]:
            del self._shown[slot]
            body = self._bodies[slot]
            pybullet.resetBasePositionAndOrientation(body, _spot(body), UPRIGHT, physicsClientId=self.client)
            self._opaque(slot, 0)
        for slot, pose in poses.items():
            before = self._shown.get(slot)
            if before == pose:
                continue
            body = self._bodies[slot]
            pybullet.resetBasePositionAndOrientation(body, pose[:3], pose[3:], physicsClientId=self.client)
            if before is None:
                self._opaque(slot, 1)
            self._shown[slot] = pose

    def names(self, ids: dict[Slot, int]) -> NDArray[np.int32]:
        """A table (B,) from the engine's body ids to `ids`; its last entry, -1, is read by body -1: nothing."""
        table = np.full(max(self._bodies.values(), default=0) + 2, -1, np.int32)
        for slot, name in ids.items():
            table[self._bodies[slot]] = name
        return table

    def _opaque(self, slot: Slot, opacity: int) -> None:
        """TinyRenderer passes over bodies without opacity, at a tenth of the cost of one out of the picture. The OpenGL
        renderer gives a body's colour to another one once bodies have been ended (it takes the number in a list of its
        own for that of the instance), so that it is never told: packs and people were missing from its pictures."""
        if not self._egl:
            pybullet.changeVisualShape(
                self._bodies[slot], -1, rgbaColor=(1, 1, 1, opacity), physicsClientId=self.client
            )

    def _shape(self, mesh: Mesh) -> int:
        if id(mesh) not in self._shapes:
            texture = self._textures.setdefault(id(mesh.texture), len(self._meshes))
            names = f"mesh{len(self._meshes)}", f"mesh{texture}"
            path = mesh.write(Path(self._folder.name), *names, OPENGL_ROWS if self._egl else 1)
            shape = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=str(path), physicsClientId=self.client)
            self._shapes[id(mesh)] = int(shape)
            self._meshes.append(mesh)
        return self._shapes[id(mesh)]


def _forget_files(client: int) -> None:
    """The engine keeps what it read of every OBJ file, 0.5 MB of a person's, until its file cache is put off. Its
    textures stay: read again, they would be kept twice. What is freed lies between what is not, and glibc gives it
    back only when asked."""
    for caching in (0, 1):
        pybullet.setPhysicsEngineParameter(enableFileCaching=caching, physicsClientId=client)
    if hasattr(_C, "malloc_trim"):
        _C.malloc_trim(0)


def _spot(number: int) -> tuple[float, float, float]:
    """A place to wait for each body: of those in one spot the engine would look for collisions, pair by pair."""
    return float(number % 100), float(number // 100), DEEP


def _load_egl(client: int) -> None:
    """Before any body is made: those made earlier are not drawn."""
    found = importlib.util.find_spec("eglRenderer")
    with quiet():
        plugin = pybullet.loadPlugin(found.origin, "_eglRendererPlugin", client) if found and found.origin else -1
    if plugin < 0:
        pybullet.disconnect(client)
        raise InputError("no EGL on this machine; use renderer=raster, or install libegl1 and libgl1-mesa-dri")
    for _ in range(WARM_UP):
        pybullet.getCameraImage(64, 64, renderer=pybullet.ER_BULLET_HARDWARE_OPENGL, physicsClientId=client)

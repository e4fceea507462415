"""A scenario at one moment: what stands where, and the bodies that the engine draws of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout, Lookalikes, Scenario, Stock
from sim.crowd import WAITING, CrowdBodies, Velocity
from sim.fixtures import fixture_mesh, pane_mesh
from sim.meshes import Mesh
from sim.packaging import TEXEL_DENSITY
from sim.packs import pack_mesh
from sim.poses import corners, in_view
from sim.price_tags import price_tag_corners, price_tags_mesh, talkers_mesh
from sim.pushers import Column, plate_of, plate_poses, pusher_columns
from sim.rooms import backdrop_meshes, room_meshes
from sim.settle import Settler
from sim.stage import UPRIGHT, Pose, Slot, Stage

FIRST_UNIT = 10_000
"""Ids of units: this and upwards, in the order of the stock. All other ids are smaller."""
REACH = 0.5
"""What is farther than this plus its own height outside the field of view casts no shadow into it, metres."""
GROUPS = {"unit": 0, "tag": 1, "fixture": 2, "room": 3, "person": 4, "obstacle": 4}
"""Order of drawing. What stands in front comes first, so that little is shaded that something else then covers;
people come and go, and nothing need be made again for it. Foreign units, of which there are few, are last."""
FOREIGN = 5


@dataclass(frozen=True)
class Instance:
    """One body of the scene at this moment: its mesh, position (m) and orientation (quaternion x, y, z, w).

    `kind` is "unit", "person", "obstacle" (cart, basket, pallet), "fixture", "tag", "room" or "pane": glass
    that only `scene` has, with body -1, because PyBullet's renderers know none. Depth and body of a picture
    are those of what is seen through it.
    """

    body: int
    kind: str
    mesh: Mesh
    position: tuple[float, ...]
    orientation: tuple[float, ...]


class Packs(dict[str, Mesh]):
    """The meshes of a layout's SKUs, each made when it is first asked for."""

    def __init__(self, layout: Layout, density: float, lookalikes: Lookalikes) -> None:
        super().__init__()
        self._layout, self._density, self._distance = layout, density, lookalikes.distance

    def __missing__(self, sku: str) -> Mesh:
        self[sku] = pack_mesh(self._layout.catalog[sku], self._density, self._distance)
        return self[sku]


class World:
    """Bodies of one layout. `set` moves them to another scenario of the same layout; none is rebuilt.

    What no camera sees is described here, and never made: no artwork, no body. `look` seeds what is part
    of the building: colours of fixtures, floor and walls. `lookalikes` is drawn on the packs, so that a
    scenario with another one needs another world.
    """

    def __init__(
        self, layout: Layout, density: float = TEXEL_DENSITY, look: int = 0, lookalikes: Lookalikes | None = None
    ) -> None:
        self.layout = layout
        self.lookalikes = lookalikes or Lookalikes()
        self.density = density
        self.scenario: Scenario | None = None
        self.packs = Packs(layout, density, self.lookalikes)
        self.instances: dict[int, Instance] = {}
        """Everything but the units, by its id; what is parked out of the scene too."""
        self.shopper_bodies: list[int] = []
        self.velocities: dict[int, Velocity] = {}
        """Of people and things that move at this moment, m/s along x and y."""
        self._crowd = CrowdBodies(self)
        self.tag_corners = price_tag_corners(layout)
        self._parked: set[int] = set()
        self._bounds: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._slot_of: dict[int, Slot] = {}
        self._removed: set[Slot] = set()
        self._next = 0
        self._homes = {p.id: i for i, p in enumerate(layout.planogram.positions)}
        self._ranks = {product.sku: i for i, product in enumerate(layout.catalog)}
        self._sizes = {p.sku: (p.width, p.depth, p.height) for p in layout.catalog}
        self._stages: dict[bool, Stage] = {}
        self._drawn: dict[bool, tuple[int, Camera, NDArray[np.int32]]] = {}
        self._version = 0
        self._pushed: list[Column] = []
        self._plates: list[int] = []
        self.place(Stock(()))
        self.add("tag", price_tags_mesh(layout, look, density))
        talkers = talkers_mesh(layout, look)
        if talkers:
            self.add("fixture", talkers)
        for fixture in layout.store.fixtures:
            self.add("fixture", fixture_mesh(layout, fixture, look))
        self._pushed = pusher_columns(layout)
        self._plates = [self.add("fixture", plate_of(layout, column)) for column in self._pushed]
        self._push()
        for mesh in room_meshes(layout, look):
            self.add("room", mesh)
        self.backdrop_bodies = [self.add("room", mesh) for mesh in backdrop_meshes(layout, look)]
        """Bodies of kind "room" on which shelving with packs is painted, of which there is no truth."""
        panes = (pane_mesh(fixture, look) for fixture in layout.store.fixtures)
        self._panes = [Instance(-1, "pane", pane, (0.0, 0.0, 0.0), UPRIGHT) for pane in panes if pane]
        self._settler = Settler(layout, self.packs)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for stage in self._stages.values():
            stage.close()
        self._stages = {}
        self._drawn = {}
        self._settler.close()

    def set(self, scenario: Scenario) -> None:
        """Move the bodies to what the scenario holds. The layout must be this world's."""
        if scenario is self.scenario:
            return
        if scenario.layout is not self.layout:
            raise ValueError("the scenario's layout is not this world's")
        if scenario.conditions.lookalikes != self.lookalikes:
            raise ValueError(f"the scenario's {scenario.conditions.lookalikes} are not this world's {self.lookalikes}")
        self.place(self._settler.settle(scenario.stock))
        self.shopper_bodies, self.velocities = self._crowd.set(scenario)
        self.scenario = scenario

    def place(self, stock: Stock) -> None:
        """Put the packs where `stock` has them, and take all others away."""
        self.stock = stock
        units = stock.units
        self.unit_bodies: NDArray[np.int64] = FIRST_UNIT + np.arange(len(units))
        poses: list[Pose] = [(u.x, u.y, u.z, *u.quaternion) for u in units]
        self.unit_poses = np.array(poses, float).reshape(-1, 7)
        """(N, 7): position (m) and quaternion x, y, z, w of every unit."""
        size = np.array([self._sizes[u.sku] for u in units], float).reshape(-1, 3)
        low, high = size * (-0.5, -0.5, 0), size * (0.5, 0.5, 1)
        self.unit_corners = corners(low, high, self.unit_poses[:, :3], self.unit_poses[:, 3:])
        """(N, 8, 3): corners of the cuboid around every unit."""
        self._slots = self._slots_of(stock)
        self._unit_poses = poses
        self._push()
        self.scenario = None
        self._version += 1

    def scene(self, camera: Camera | None = None) -> list[Instance]:
        """All bodies that are in the scene at this moment, of those that `camera` can see if one is given."""
        units = self._units_seen(camera) if camera else range(len(self.stock.units))
        found = [
            Instance(FIRST_UNIT + i, "unit", self.packs[self.stock.units[i].sku], p[:3], p[3:])
            for i, p in ((int(i), self._unit_poses[i]) for i in units)
        ]
        return found + (self._others_seen(camera) if camera else self._present()) + self._panes

    def add(
        self,
        kind: str,
        mesh: Mesh,
        at: Pose = (0.0, 0.0, 0.0),
        turn: Pose = UPRIGHT,
        order: tuple[int, int] | None = None,
    ) -> int:
        """Add something that is not a unit to the scene and return its id. Of one kind what has the lower `order` is
        drawn first; without one, what was added first."""
        body, self._next = self._next, self._next + 1
        self.instances[body] = Instance(body, kind, mesh, at, turn)
        self._slot_of[body] = slot = (GROUPS[kind], *(order or (body, -1)))
        self._removed.discard(slot)  # the stages may still have it, of the same mesh
        self._bounds[body] = (mesh.vertices.min(axis=0), mesh.vertices.max(axis=0))
        self._version += 1
        return body

    def move(self, body: int, at: Pose, turn: Pose = UPRIGHT) -> None:
        """Put something that was added to where it shall be; it comes back if it was parked."""
        self.instances[body] = replace(self.instances[body], position=at, orientation=turn)
        self._parked.discard(body)
        self._version += 1

    def park(self, body: int) -> None:
        """Take something that was added out of the scene; it is kept for later."""
        self._parked.add(body)
        self._version += 1

    def remove(self, body: int) -> None:
        """Remove something that was added for good."""
        del self.instances[body]
        self._removed.add(self._slot_of.pop(body))
        self._parked.discard(body)
        del self._bounds[body]
        self._version += 1

    def draw(self, camera: Camera, egl: bool = False) -> tuple[int, NDArray[np.int32]]:
        """Make and move the bodies that a camera can see. Returns the PyBullet client that holds them, which is
        another one for OpenGL, and the table from its body ids to those of this scene."""
        if egl not in self._stages or self._stages[egl].closed:
            self._stages[egl] = Stage(egl)
            self._drawn.pop(egl, None)
        actors = self._stages[egl]
        known = self._drawn.get(egl)
        if known and known[0] == self._version and known[1] == camera:
            return actors.client, known[2]
        units, others = self._units_seen(camera), self._others_seen(camera)
        slots = [self._slots[i] for i in units]
        wanted = {slot: self.packs[self.stock.units[i].sku] for slot, i in zip(slots, units)}
        if len(actors) and any(slot not in actors for slot in slots if slot[0] != FOREIGN):
            wanted |= self._room_for_more(camera)
        wanted |= {self._slot_of[o.body]: o.mesh for o in others}
        strangers = [slot for slot in actors if slot[0] == FOREIGN and slot not in wanted]
        actors.make(wanted, self._removed | set(strangers if len(strangers) > WAITING else ()))
        self._removed = {slot for slot in self._removed if any(slot in other for other in self._stages.values())}
        poses: dict[Slot, Pose] = {slot: self._unit_poses[i] for slot, i in zip(slots, units)}
        poses |= {self._slot_of[o.body]: (*o.position, *o.orientation) for o in others}
        actors.show(poses)
        names = dict(zip(slots, FIRST_UNIT + units)) | {self._slot_of[o.body]: o.body for o in others}
        table = actors.names(names)
        self._drawn[egl] = (self._version, camera, table)
        return actors.client, table

    def _push(self) -> None:
        for (at, turn), body in zip(plate_poses(self.layout, self.stock, self._pushed), self._plates):
            self.move(body, at, turn)

    def _slots_of(self, stock: Stock) -> list[Slot]:
        """Own units have the bodies of their position, so that the same unit has the same one whatever else
        has been shown; foreign units those of their SKU."""
        positions, used = self.layout.planogram.positions, Counter[tuple[int, int]]()
        slots: list[Slot] = []
        for unit in stock.units:
            home = self._homes[unit.position]
            key = (0, home) if positions[home].sku == unit.sku else (FOREIGN, self._ranks[unit.sku])
            slots.append((*key, used[key]))
            used[key] += 1
        return slots

    def _room_for_more(self, camera: Camera) -> dict[Slot, Mesh]:
        """Bodies for full positions in view: a stock that needs more than there are will not be the last."""
        places = self.layout.places
        positions = self.layout.planogram.positions
        seen = np.unique(places.position[in_view(camera, places.corners, REACH)])
        full = ((i, n) for i in seen for n in range(positions[i].facings * positions[i].deep))
        return {(0, int(i), n): self.packs[positions[i].sku] for i, n in full}

    def _units_seen(self, camera: Camera) -> NDArray[np.int64]:
        height = np.ptp(self.unit_corners[..., 2], axis=1) if len(self.unit_corners) else 0.0
        return np.flatnonzero(in_view(camera, self.unit_corners, REACH + height))

    def _others_seen(self, camera: Camera) -> list[Instance]:
        there = self._present()
        if not there:
            return []
        low, high = (np.array([self._bounds[o.body][i] for o in there]) for i in (0, 1))
        pose = np.array([(*o.position, *o.orientation) for o in there])
        points = corners(low, high, pose[:, :3], pose[:, 3:])
        seen = in_view(camera, points, REACH + np.ptp(points[..., 2], axis=1))
        # Walls and ceiling stand in the light's way from wherever they are, and cost little.
        return [o for o, visible in zip(there, seen) if visible or o.kind == "room"]

    def _present(self) -> list[Instance]:
        there = [instance for body, instance in self.instances.items() if body not in self._parked]
        return sorted(there, key=lambda instance: self._slot_of[instance.body])

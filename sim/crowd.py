"""The people and things of a scenario's aisle in a world, each mesh one body that is moved and used again."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from scenarios import Scenario
from scenarios.shoppers import PHASES, PersonAt, crowd_at
from sim.meshes import Mesh
from sim.obstacles import BASKET_DROP, obstacle_mesh
from sim.people import hand_of, person_mesh

if TYPE_CHECKING:
    from sim.world import World

Key = tuple[str, str, str, int]
"""What a body looks like: its kind ("person" or "obstacle"), body or sort, pose, outfit or variant."""


class CrowdBodies:
    """The bodies of persons and obstacles of one world; those that are not needed wait out of the scene."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bodies: dict[tuple[Key, int], int] = {}

    def set(self, scenario: Scenario) -> list[int]:
        """Put everybody and everything where the scenario's time has them. Returns the persons' bodies."""
        persons, things = crowd_at(scenario.layout.store, scenario.conditions.crowd, scenario.seed, scenario.time)
        used: Counter[Key] = Counter()
        bodies, in_scene = [], set()

        def put(key: Key, at: tuple[float, float, float], yaw: float) -> int:
            body = self._body(key, used[key])
            used[key] += 1
            self._world.move(body, at, (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)))
            in_scene.add(body)
            return body

        for p in persons:
            bodies.append(put(("person", p.body, p.pose, p.outfit), (p.x, p.y, 0.0), p.yaw))
            if p.basket:
                put(("obstacle", "basket", "", p.outfit), _basket(p), p.yaw)
        for o in things:
            put(("obstacle", o.kind, "", o.variant), (o.x, o.y, 0.0), o.yaw)
        for body in self._bodies.values():
            if body not in in_scene:
                self._world.park(body)
        return bodies

    def _body(self, key: Key, number: int) -> int:
        if (key, number) not in self._bodies:
            self._bodies[key, number] = self._world.add(key[0], _mesh(key))
        return self._bodies[key, number]


def _mesh(key: Key) -> Mesh:
    kind, name, pose, look = key
    return person_mesh(name, pose, look) if kind == "person" else obstacle_mesh(name, look)


def _basket(p: PersonAt) -> tuple[float, float, float]:
    """Where in the world the handle of the person's basket is: in the left hand, or over the floor beside
    who bends down. A left hand is where the right one is half a walking cycle later, on the other side."""
    if p.pose == "reach-low":
        x, y, z = 0.3, 0.1, BASKET_DROP
    else:
        walks = p.pose.startswith("walk")
        x, y, z = hand_of(p.body, f"walk{(int(p.pose[4:]) + PHASES // 2) % PHASES}" if walks else "stand")
    x = -x
    cos, sin = math.cos(p.yaw), math.sin(p.yaw)
    return p.x + cos * x - sin * y, p.y + sin * x + cos * y, z

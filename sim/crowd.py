"""The people and things of a scenario's aisle in a world, each mesh one body that is moved and used again."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from scenarios import Scenario
from scenarios.shoppers import OUTFITS, PHASES, ObstacleAt, PersonAt, crowd_at
from sim.meshes import Mesh
from sim.obstacles import BASKET_DROP, OBSTACLES, VARIANTS, obstacle_mesh
from sim.people import hand_of, people, person_mesh

if TYPE_CHECKING:
    from sim.world import World

Key = tuple[str, str, str, int]
"""What a body looks like: its kind ("person" or "obstacle"), body or sort, pose, outfit or variant."""
Velocity = tuple[float, float]
SOON = 0.001
"""Seconds between the two moments that a velocity is taken from."""
FASTEST = 3.0
"""No shopper is faster, m/s."""
WAITING = 24
"""More bodies than this are not kept for later: the engine goes through their triangles in every picture."""


class CrowdBodies:
    """The bodies of persons and obstacles of one world; those that are not needed wait out of the scene."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bodies: dict[tuple[Key, int], int] = {}

    def set(self, scenario: Scenario) -> tuple[list[int], dict[int, Velocity]]:
        """Put everybody and everything where the scenario's time has them. Returns the persons' bodies, and how fast
        those bodies move that do, m/s along x and y."""
        store, crowd = scenario.layout.store, scenario.conditions.crowd
        persons, things = crowd_at(store, crowd, scenario.seed, scenario.time)
        later = crowd_at(store, crowd, scenario.seed, scenario.time + SOON)
        used: Counter[Key] = Counter()
        bodies, in_scene = [], set()
        velocities: dict[int, Velocity] = {}

        def put(key: Key, at: tuple[float, float, float], yaw: float) -> int:
            body = self._body(key, used[key])
            used[key] += 1
            self._world.move(body, at, (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)))
            in_scene.add(body)
            return body

        for p, soon in zip(persons, later[0]):
            body = put(("person", p.body, p.pose, p.outfit), (p.x, p.y, 0.0), p.yaw)
            bodies.append(body)
            carried = [put(("obstacle", "basket", "", p.outfit), _basket(p), p.yaw)] if p.basket else []
            if p.body == soon.body:
                velocities |= dict.fromkeys((body, *carried), _velocity(p, soon))
        same = [o.kind for o in things] == [o.kind for o in later[1]]
        for o, then in zip(things, later[1] if same else things):
            body = put(("obstacle", o.kind, "", o.variant), (o.x, o.y, 0.0), o.yaw)
            velocities[body] = _velocity(o, then)
        waiting = {key: body for key, body in self._bodies.items() if body not in in_scene}
        if len(waiting) > WAITING:
            for key, body in waiting.items():
                self._world.remove(body)
                del self._bodies[key]
        else:
            for body in waiting.values():
                self._world.park(body)
        return bodies, {body: velocity for body, velocity in velocities.items() if any(velocity)}

    def _body(self, key: Key, number: int) -> int:
        if (key, number) not in self._bodies:
            self._bodies[key, number] = self._world.add(key[0], _mesh(key), order=(_rank(key), number))
        return self._bodies[key, number]


def _rank(key: Key) -> int:
    """Where in the order of drawing a look comes, whoever came first: obstacles, then persons."""
    kind, name, pose, look = key
    if kind == "obstacle":
        return OBSTACLES.index(name) * VARIANTS + look
    baked = people()
    row = len(OBSTACLES) + baked.bodies.index(name) * len(baked.poses) + baked.poses.index(pose)
    return row * max(VARIANTS, OUTFITS) + look


def _velocity(now: PersonAt | ObstacleAt, then: PersonAt | ObstacleAt) -> Velocity:
    """Who left and came in again elsewhere in the meantime did not run there."""
    x, y = (then.x - now.x) / SOON, (then.y - now.y) / SOON
    return (x, y) if math.hypot(x, y) < FASTEST else (0.0, 0.0)


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

"""Who and what is in the aisle at a moment: a pure function of store, dials, seed and time.

A shopper walks along the shelves, stops, reaches and walks on; who has left is followed by the next.
Every shopper is drawn by index, so that one more of them leaves the others where they are.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scenarios.aisles import Front, aisle_area, fronts
from scenarios.conditions import Crowd
from scenarios.randomness import rng
from scenarios.store import Store

BODIES = (
    "man-slim", "man-heavy", "man-old", "man-strong", "woman-slim", "woman-heavy", "woman-old", "woman-tall",
    "woman-staff", "boy",
)  # fmt: skip
OUTFITS = 3
PHASES = 6
"""Poses of one walking cycle of two steps."""
STRIDE = 1.3
"""Metres of such a cycle (Winter: 1.4 to 1.5 m at a natural cadence; slower with goods in sight)."""
SPEED = (0.55, 1.15)
"""Metres a second, drawn for each visit: shoppers walk between 0.5 and 1.3 m/s."""
NEAR = 0.48
"""Metres from the shelf front to who stands before it."""
CART_AHEAD = 0.86
"""Metres from who pushes a cart to its middle."""
BLOCK = 240.0
"""Seconds that are drawn at once, so that a late moment costs no more than an early one."""
REACHES = ("reach-low", "reach-middle", "reach-high")


@dataclass(frozen=True)
class PersonAt:
    """One person at a moment: which body in which clothes and pose, where (m) and facing where.

    At `yaw` 0 (radians) the person faces +y, into the shelf of a fixture of yaw 0.
    """

    body: str
    outfit: int
    pose: str
    x: float
    y: float
    yaw: float
    basket: bool = False


@dataclass(frozen=True)
class ObstacleAt:
    """A cart, pallet or roll cage ("cart", "pallet", "cage") on the floor; `yaw` as of persons."""

    kind: str
    variant: int
    x: float
    y: float
    yaw: float


@dataclass(frozen=True)
class _Leg:
    """A stretch of a visit from place to place (u, d), or a pause at one, from `start` seconds on."""

    start: float
    seconds: float
    a: tuple[float, float]
    b: tuple[float, float]
    pushes: bool
    reach: str | None = None


@dataclass(frozen=True)
class _Visit:
    front: Front
    body: str
    outfit: int
    has: str
    legs: tuple[_Leg, ...]

    @property
    def seconds(self) -> float:
        return self.legs[-1].start + self.legs[-1].seconds


def people_count(store: Store, crowd: Crowd, seed: int) -> int:
    """Shoppers in the store at any time: those asked for and those that the density adds."""
    if not fronts(store):
        return 0
    extra = crowd.density * aisle_area(store) if crowd.density else 0.0
    return crowd.shoppers + math.floor(extra + rng(seed, "shopper", "count").random())


@lru_cache(maxsize=64)
def pallets(store: Store, crowd: Crowd, seed: int) -> tuple[ObstacleAt, ...]:
    """The loaded pallets and roll cages: along the aisle, across the walking line from the shelves."""
    placed: list[ObstacleAt] = []
    for i in range(crowd.pallets if fronts(store) else 0):
        random = rng(seed, "pallet", i)
        kind = str(random.choice(["pallet", "pallet", "cage"]))
        variant = int(random.integers(3))
        for _ in range(40):
            front = _pick(fronts(store), random)
            d = min(1.75, front.free - 0.45) + random.uniform(-0.04, 0.04)
            x, y = front.place(random.uniform(0.5, max(0.6, front.length - 0.5)), d)
            if d > 0.9 and all(math.hypot(x - o.x, y - o.y) > 1.35 for o in placed):
                placed.append(ObstacleAt(kind, variant, x, y, front.first.yaw + random.normal(0, 0.03)))
                break
    return tuple(placed)


def crowd_at(store: Store, crowd: Crowd, seed: int, time: float) -> tuple[tuple[PersonAt, ...], tuple[ObstacleAt, ...]]:
    """All persons, in the order of their index, and all obstacles at `time` seconds."""
    persons, things = [], list(pallets(store, crowd, seed))
    for i, offset in enumerate(_offsets(store, crowd, seed)):
        person, cart = _at(store, crowd, seed, i, offset + time)
        persons.append(person)
        things += [cart] if cart else []
    return tuple(persons), tuple(things)


@lru_cache(maxsize=64)
def _offsets(store: Store, crowd: Crowd, seed: int) -> tuple[float, ...]:
    """How far each shopper's visits have gone at time 0: before the shelves, clear of what is placed already."""
    taken = [(o.x, o.y, 0.75) for o in pallets(store, crowd, seed)]
    offsets = []
    for i in range(people_count(store, crowd, seed)):
        draws = rng(seed, "shopper", i, "offset").uniform(0, BLOCK, 60)
        best, room = float(draws[0]), -math.inf
        for t in map(float, draws):
            visit, _ = _visit_at(store, crowd, seed, i, t)
            person, cart = _at(store, crowd, seed, i, t)
            u = visit.front.first.to_local([person.x, person.y, 0.0])[0]
            mine = [(person.x, person.y, 0.3)] + ([(cart.x, cart.y, 0.5)] if cart else [])
            gap = min((math.hypot(x - a, y - b) - r - s for x, y, r in mine for a, b, s in taken), default=1.0)
            gap = min(gap, 0.0) if 0.1 < u < visit.front.length - 0.1 else -5.0
            if gap > room:
                best, room, kept = t, gap, mine
            if gap >= 0:
                break
        taken += kept
        offsets.append(best)
    return tuple(offsets)


def _at(store: Store, crowd: Crowd, seed: int, index: int, elapsed: float) -> tuple[PersonAt, ObstacleAt | None]:
    visit, t = _visit_at(store, crowd, seed, index, elapsed)
    k = bisect_right([leg.start for leg in visit.legs], t) - 1
    leg = visit.legs[k]
    share = (t - leg.start) / leg.seconds
    u, d = (a + share * (b - a) for a, b in zip(leg.a, leg.b))
    yaw, pose = visit.front.first.yaw, "stand"
    if leg.a != leg.b:
        yaw += math.atan2(leg.a[1] - leg.b[1], leg.b[0] - leg.a[0]) - math.pi / 2
        walked = sum(math.dist(x.a, x.b) for x in visit.legs[:k]) + share * math.dist(leg.a, leg.b)
        pose = f"{'push' if leg.pushes else 'walk'}{int(walked / STRIDE * PHASES) % PHASES}"
    elif leg.reach and 0.35 < share < 0.75:
        pose = leg.reach
    x, y = visit.front.place(u, d)
    person = PersonAt(visit.body, visit.outfit, pose, x, y, yaw, visit.has == "basket")
    return person, _cart_of(visit, k, (u, d)) if visit.has == "cart" else None


def _cart_of(visit: _Visit, k: int, place: tuple[float, float]) -> ObstacleAt:
    """The cart ahead of who pushes it, or where it was left."""
    if not visit.legs[k].pushes:
        place = next(leg.b for leg in visit.legs[k::-1] if leg.pushes)
    forward = 1.0 if visit.legs[0].b[0] > visit.legs[0].a[0] else -1.0
    x, y = visit.front.place(place[0] + forward * CART_AHEAD, place[1])
    return ObstacleAt("cart", visit.outfit, x, y, visit.front.first.yaw - forward * math.pi / 2)


def _visit_at(store: Store, crowd: Crowd, seed: int, index: int, elapsed: float) -> tuple[_Visit, float]:
    """The visit that goes on, and the seconds since it began."""
    block, t = divmod(elapsed, BLOCK)
    visits, ends = _block(store, crowd, seed, index, int(block))
    # The block's visits are played a little faster, so that the last one ends with it.
    t *= ends[-1] / BLOCK
    k = min(bisect_right(ends, t), len(visits) - 1)
    return visits[k], min(t - (ends[k - 1] if k else 0.0), visits[k].seconds - 1e-6)


@lru_cache(maxsize=64)
def _block(
    store: Store, crowd: Crowd, seed: int, index: int, block: int
) -> tuple[tuple[_Visit, ...], tuple[float, ...]]:
    visits: list[_Visit] = []
    ends: list[float] = []
    while not ends or ends[-1] < BLOCK:
        random = rng(seed, "shopper", index, block, len(visits))
        visits.append(_draw_visit(store, crowd, seed, index, random))
        ends.append((ends[-1] if ends else 0.0) + visits[-1].seconds)
    return tuple(visits), tuple(ends)


def _pick(choices: tuple[Front, ...], random: np.random.Generator) -> Front:
    lengths = np.array([front.length for front in choices])
    return choices[int(random.choice(len(choices), p=lengths / lengths.sum()))]


def _draw_visit(store: Store, crowd: Crowd, seed: int, index: int, random: np.random.Generator) -> _Visit:
    front = _pick(fronts(store), random)
    # Three neighbours in number are never the same person.
    mine = BODIES[(seed + index) % 3 :: 3]
    body = mine[int(random.integers(len(mine)))]
    chance = random.random()
    has = "cart" if chance < crowd.carts else "basket" if chance < crowd.carts + crowd.baskets else ""
    low, high = -max(0.0, front.before - 0.4), front.length + max(0.0, front.after - 0.4)
    if has == "cart" and (body == "boy" or high - low < 2.5):
        has = "basket"
    deepest = min(1.2, front.free - 0.4)
    local = [front.first.to_local([o.x, o.y, 0.0]) for o in pallets(store, crowd, seed)]
    beside = [-v[1] - 0.75 for v in local if 0 < -v[1] < 3 and -1 < v[0] < front.length + 1]
    deepest = max(NEAR, min([deepest, *beside]))
    lane = min(deepest, random.uniform(0.95, 1.2) if has == "cart" else random.uniform(0.55, 1.2))
    forward = 1.0 if random.random() < 0.5 else -1.0
    speed = random.uniform(*SPEED) * (0.75 if body.endswith("old") else 1.0)
    ahead = CART_AHEAD + 0.55 if has == "cart" else 0.0
    begin, end = (low, high - ahead) if forward > 0 else (high, low + ahead)
    stops = np.sort(random.uniform(0.2, max(0.3, front.length - 0.2), int(random.integers(1, 4))))
    # Every store has its regulars, so that a world needs few bodies however many seeds it shows.
    outfit = int(rng(0, "outfit", store.name, body).integers(OUTFITS))
    return _Visit(front, body, outfit, has,
                  _walk(begin, end, forward, lane, speed, stops, has == "cart", random))  # fmt: skip


def _walk(
    begin: float, end: float, forward: float, lane: float, speed: float, stops: np.ndarray, cart: bool,
    random: np.random.Generator,
) -> tuple[_Leg, ...]:  # fmt: skip
    """Along the lane, in to the shelf at every stop and out again, to the end."""
    legs: list[_Leg] = []
    at, clock = (begin, lane), 0.0

    def go(to: tuple[float, float], pushes: bool) -> None:
        nonlocal at, clock
        if math.dist(at, to) > 1e-6:
            seconds = math.dist(at, to) / speed
            legs.append(_Leg(clock, seconds, at, to, pushes))
            at, clock = to, clock + seconds

    for u in map(float, stops if forward > 0 else stops[::-1]):
        aside = u - 0.5 * forward
        if (aside - at[0]) * forward <= 0.05 or (end - u) * forward <= 0.55:
            continue
        go((aside, lane), cart)
        go((u, NEAR), False)
        seconds = float(random.uniform(4, 14))
        reach = str(random.choice(REACHES)) if random.random() < 0.8 else None
        legs.append(_Leg(clock, seconds, at, at, False, reach))
        clock += seconds
        # A cart is fetched from where it was left.
        go((aside if cart else u + 0.5 * forward, lane), False)
    go((end, lane), cart)
    return tuple(legs)

"""Poses of the baked people: where each limb points, for standing, walking, reaching and pushing a cart.

Right is +x, forward +y, up +z. Angles of the walking cycle follow the shape of those in D. A. Winter,
Biomechanics and Motor Control of Human Movement (natural cadence), rounded to a few points.
"""

from __future__ import annotations

import math

import numpy as np

LIMBS = {
    f"{bone}.{side}": f"{end}.{side}"
    for side in "LR"
    for bone, end in (
        ("upperarm01", "lowerarm01"), ("lowerarm01", "wrist"), ("wrist", "finger3-1"),
        ("upperleg01", "lowerleg01"), ("lowerleg01", "foot"), ("foot", "toe1-1"),
    )
}  # fmt: skip
"""Each limb's bone and the bone whose beginning is its end."""

PHASE = (0.0, 0.12, 0.3, 0.5, 0.62, 0.73, 0.87, 1.0)
"""Shares of a cycle that begins when the heel strikes; at 0.62 the toes leave the floor."""
HIP = (24, 20, 4, -12, -4, 14, 26, 24)
KNEE = (5, 16, 8, 12, 42, 60, 28, 5)
FOOT = (18, 0, 0, -14, -48, -40, -6, 18)
"""Degrees: thigh forward, knee bent, toes up against the floor."""

Goals = dict[str, tuple[float, ...]]


def limbs_of(name: str, lean: float) -> tuple[Goals, float, float]:
    """Return for a pose the direction of each limb (a foot: degrees that its toes point up), the degrees
    that the trunk leans forward and that the head looks down."""
    kind, phase = name.rstrip("0123456789"), name.lstrip("abcdefghijklmnopqrstuvwxyz-")
    if kind == "stand":
        return {**legs(0, 2, 0), **hanging(0, 0)}, lean, 4
    if kind == "walk":
        p = int(phase) / 6
        return {**walking(p), **hanging(18 * math.cos(2 * math.pi * p), 18)}, lean + 2, 6
    if kind == "push":
        return {**walking(int(phase) / 6), **on_handle()}, lean + 6, 8
    goals = {**legs(0, 3, 0), **hanging(0, 4)}
    if kind == "reach-middle":
        return {**goals, **arm((0.10, 0.92, -0.32), (0.02, 1.0, 0.06))}, lean + 5, 4
    if kind == "reach-high":
        return {**goals, **arm((0.14, 0.72, 0.62), (0.02, 0.75, 0.72))}, lean, -16
    return {**legs(62, 95, 0), **hanging(10, 40), **arm((0.10, 0.72, -0.75), (0.02, 0.9, -0.45))}, 34, 8


def legs(hip: float, knee: float, foot: float) -> Goals:
    """Both legs alike: thighs `hip` degrees forward, knees bent by `knee`, toes up by `foot`."""
    return {**leg("L", hip, knee, foot), **leg("R", hip, knee, foot)}


def leg(side: str, hip: float, knee: float, foot: float) -> Goals:
    out = 0.05 if side == "R" else -0.05
    a, b = math.radians(hip), math.radians(hip - knee)
    return {
        f"upperleg01.{side}": (out, math.sin(a), -math.cos(a)),
        f"lowerleg01.{side}": (out * 0.4, math.sin(b), -math.cos(b)),
        f"foot.{side}": (foot,),
    }


def walking(phase: float) -> Goals:
    """Legs at a phase of the walking cycle, 0 to 1, the right heel striking at 0."""
    goals: Goals = {}
    for side, p in (("R", phase % 1), ("L", (phase + 0.5) % 1)):
        goals |= leg(side, *(float(np.interp(p, PHASE, curve)) for curve in (HIP, KNEE, FOOT)))
    return goals


def hanging(swing: float, elbow: float) -> Goals:
    """Both arms down, the left one `swing` degrees forward and the right one back, elbows bent by 12 + `elbow`."""
    goals: Goals = {}
    for side, out, angle in (("L", -0.16, swing), ("R", 0.16, -swing)):
        a, b = math.radians(angle), math.radians(angle + 12 + elbow)
        goals[f"upperarm01.{side}"] = (out, math.sin(a), -math.cos(a))
        goals[f"lowerarm01.{side}"] = goals[f"wrist.{side}"] = (out * 0.4, math.sin(b), -math.cos(b))
    return goals


def on_handle() -> Goals:
    """Both hands in front, on the handle of a cart."""
    goals: Goals = {}
    for side, out in (("L", -1), ("R", 1)):
        goals[f"upperarm01.{side}"] = (0.14 * out, 0.10, -0.98)
        goals[f"lowerarm01.{side}"] = goals[f"wrist.{side}"] = (0.02 * out, 0.95, -0.12)
    return goals


def arm(upper: tuple[float, float, float], fore: tuple[float, float, float]) -> Goals:
    """The right arm."""
    return {"upperarm01.R": upper, "lowerarm01.R": fore, "wrist.R": fore}

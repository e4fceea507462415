"""What is handed over of a placement: its poses as a rig file, and its plan as a drawing."""

from __future__ import annotations

from collections.abc import Mapping

from bench.drawing import plan_svg
from scenarios import Layout, Rig

STYLE = (
    ".room { fill: #fbfbfc; stroke: #b7c0cb } .bay { fill: #dfe5ec; stroke: #8b97a6 } .camera { fill: #0072b2 } "
    ".cone { fill: #0072b2; fill-opacity: .13; stroke: #0072b2; stroke-opacity: .45 } "
    "text { font: 10px sans-serif; text-anchor: middle; fill: #333 }"
)


def rig_file(rig: Rig, keys: Mapping[str, str], command: str) -> str:
    """A file for conf/rig; `keys` has the key in conf/camera_models.yaml of each model's name."""
    lines = [f"# {command}", "defaults: [types, _self_]", "", f"name: {rig.name}", "cameras:"]
    for c in rig.cameras:
        poses = f"position: {_metres(c.position)}, target: {_metres(c.target)}"
        poses += f", roll: {c.roll:.4f}" if c.roll else ""
        lines.append(f'  - {{id: {c.id}, model: "${{camera_models.{keys[c.model.name]}}}", {poses}}}')
    return "\n".join(lines) + "\n"


def _metres(point: tuple[float, ...]) -> str:
    return f"[{', '.join(f'{v:.3f}' for v in point)}]"


def plan_file(layout: Layout, rig: Rig) -> str:
    """The plan of `bench.drawing` as a file of its own."""
    head, rest = plan_svg(layout, rig).split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>{rest}\n'

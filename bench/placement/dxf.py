"""The plan of a placement for CAD programs: DXF in metres, a layer for each kind of thing."""

from __future__ import annotations

import math
from pathlib import Path

import ezdxf
import ezdxf.units
from ezdxf.enums import TextEntityAlignment

from bench.drawing import footprint
from scenarios import Layout, Rig

LAYERS = {"ROOM": 8, "SHELVES": 7, "SHELF_NAMES": 8, "CAMERAS": 5, "CONES": 4, "CAMERA_NAMES": 5}
"""Layer -> AutoCAD colour."""
BODY = ((-0.12, -0.06), (0.06, -0.06), (0.06, 0.06), (-0.12, 0.06))
"""A camera seen from above, metres, looking along x."""
TEXT = 0.12
"""Height of letters, metres."""


def write_dxf(path: Path, layout: Layout, rig: Rig) -> None:
    """Write room, shelves, cameras and what each sees at the height that it aims at; cameras stand at their height."""
    drawing = ezdxf.new("R2010", units=ezdxf.units.M)  # type: ignore[attr-defined]
    for layer, colour in LAYERS.items():
        drawing.layers.add(layer, color=colour)
    space, room = drawing.modelspace(), layout.store.room
    corners = [(room.x[0], room.y[0]), (room.x[1], room.y[0]), (room.x[1], room.y[1]), (room.x[0], room.y[1])]
    space.add_lwpolyline(corners, close=True, dxfattribs={"layer": "ROOM"})
    for fixture in layout.store.fixtures:
        space.add_lwpolyline(fixture.footprint.tolist(), close=True, dxfattribs={"layer": "SHELVES"})
        x, y = fixture.footprint.mean(axis=0).tolist()
        _write(space, fixture.id, (x, y, 0.0), "SHELF_NAMES")
    for camera in rig.cameras:
        x, y, z = camera.position
        turn = math.atan2(camera.target[1] - y, camera.target[0] - x)
        cos, sin = math.cos(turn), math.sin(turn)
        body = [(x + cos * a - sin * b, y + sin * a + cos * b) for a, b in BODY]
        space.add_lwpolyline(body, close=True, dxfattribs={"layer": "CAMERAS", "elevation": z})
        space.add_line(camera.position, camera.target, dxfattribs={"layer": "CAMERAS"})
        space.add_lwpolyline(footprint(camera, layout), close=True, dxfattribs={"layer": "CONES"})
        _write(space, f"{camera.id}, {camera.model.name}, {z:.2f} m up", (x, y - 0.25, z), "CAMERA_NAMES")
    drawing.saveas(path)


def _write(space: ezdxf.layouts.Modelspace, text: str, at: tuple[float, float, float], layer: str) -> None:  # type: ignore[name-defined]
    words = space.add_text(text, height=TEXT, dxfattribs={"layer": layer})
    words.set_placement(at, align=TextEntityAlignment.MIDDLE_CENTER)

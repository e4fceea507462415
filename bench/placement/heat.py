"""Certainty as colour: every bay from the front, and outlines in a camera's picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Fixture, Layout, Position

SCALES, GAP, WIDEST = (150.0, 300.0), 24.0, 1300.0
"""Units of the drawing a metre, at least and at most; between bays; and in a row."""
LABEL = 18.0
COLOURS = matplotlib.colormaps["cividis"]
"""From dark blue, never known, to yellow, always: told apart by people with any kind of colour vision, and in grey."""
STEPS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Of the legend."""


def colour(known: float) -> str:
    """The colour of a certainty, for SVG and HTML."""
    return "#" + "".join(f"{v:02x}" for v in _rgb(known))


def _rgb(known: float) -> tuple[int, int, int]:
    red, green, blue, _ = COLOURS(known, bytes=True)
    return int(red), int(green), int(blue)


def heat_map(layout: Layout, certainty: Mapping[str, float]) -> str:
    """All bays seen from the front, chests from above, side by side; a rectangle for each position, in the colour of
    how often it is known (by position id)."""
    parts, x, y, tallest, widest = [], 0.0, 0.0, 0.0, 0.0
    scale = float(np.clip(WIDEST / sum(f.width for f in layout.store.fixtures), *SCALES))
    for fixture in layout.store.fixtures:
        width, height = fixture.width * scale, front_height(fixture) * scale
        if x and x + width > WIDEST:
            x, y, tallest = 0.0, y + tallest + LABEL + GAP, 0.0
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})">{_bay(layout, fixture, certainty, scale)}</g>')
        x, tallest = x + width + GAP, max(tallest, height)
        widest = max(widest, x - GAP)
    size = f"0 0 {max(widest, 1):.0f} {y + tallest + LABEL:.0f}"
    head = f'<svg viewBox="{size}" style="max-width:{widest:.0f}px" role="img" aria-label="certainty by position">'
    return f"{head}{''.join(parts)}</svg>"


def front_height(fixture: Fixture) -> float:
    return fixture.depth if fixture.kind == "freezer" else fixture.height


def _bay(layout: Layout, fixture: Fixture, certainty: Mapping[str, float], scale: float) -> str:
    width, height = fixture.width * scale, front_height(fixture) * scale
    parts = [f'<rect width="{width:.1f}" height="{height:.1f}" class="bay"/>']
    for position, box in position_boxes(layout, fixture):
        x0, z0, x1, z1 = (v * scale for v in box)
        known = certainty[position.id]
        words = f"{position.id}, {layout.product(position).name}: {100 * known:.0f} %"
        parts.append(
            f'<rect x="{x0:.1f}" y="{height - z1:.1f}" width="{x1 - x0:.1f}" height="{z1 - z0:.1f}" '
            f'fill="{colour(known)}" stroke="#fff" stroke-width="1"><title>{_escaped(words)}</title></rect>'
        )
    parts.append(f'<text x="{width / 2:.1f}" y="{height + 13:.1f}">{_escaped(fixture.id)}</text>')
    return "".join(parts)


def position_boxes(layout: Layout, fixture: Fixture) -> Iterator[tuple[Position, tuple[float, float, float, float]]]:
    """The positions of a bay with the box (x0, z0, x1, z1) of each on its front, of a chest on its top: metres from the
    lower left corner."""
    places = layout.places
    for number, position in enumerate(layout.planogram.positions):
        if position.fixture == fixture.id:
            own = places.position == number
            across, into, up = np.moveaxis(fixture.to_local(places.faces[own].reshape(-1, 3)), -1, 0)
            top = into if places.from_above[own][0] else up
            yield position, (float(across.min()), float(top.min()), float(across.max()), float(top.max()))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def outlined(
    image: NDArray[np.uint8], camera: Camera, layout: Layout, certainty: Mapping[str, float]
) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with the front of every position that a camera has in it outlined in its colour."""
    drawn, places = image.copy(), layout.places
    towards = np.subtract(camera.position, places.faces.mean(axis=1))
    normal = np.stack([np.sin(places.yaw), -np.cos(places.yaw), np.zeros(len(places))], axis=1)
    normal[places.from_above] = (0.0, 0.0, 1.0)
    pixels, depth = camera.project(places.faces)
    shown = (depth > 0).all(axis=1) & camera.in_frame(pixels).any(axis=1) & ((towards * normal).sum(axis=1) > 0)
    ids = [p.id for p in layout.planogram.positions]
    for n in np.flatnonzero(shown):
        corners = pixels[n].round().astype(np.int32)
        cv2.polylines(drawn, [corners], True, _rgb(certainty[ids[places.position[n]]]), 2, cv2.LINE_AA)
    return drawn

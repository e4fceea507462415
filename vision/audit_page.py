"""audit.html: a shelf audit as one page that needs nothing else, made for a phone."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios import Camera, Layout, ShelfState
from scenarios.files import write_csv
from vision.audit import audit
from vision.compliance import BayCompliance, Share, availability, bay_compliance, share_of_shelf, shelf_condition
from vision.findings import Finding, findings
from vision.fuse import fuse
from vision.pictures import Shown, jpeg, load_picture
from vision.readings import PlaceReadings, PlaceState, Reading
from vision.view import View, view_of

PICTURE_WIDTH = 1440
COLOURS = {
    "out": "#d55e00", "plugged": "#d55e00", "wrong": "#cc79a7", "low": "#e69f00", "refill": "#56b4e9",
    "unseen": "#7a7a7a", "fine": "#009e73",
}  # fmt: skip
"""Okabe and Ito's colour-blind-safe set."""
STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 12px; max-width: 900px; }
h1 { font-size: 1.35em; margin: .2em 0; } h2 { font-size: 1.1em; margin: 1.4em 0 .4em; }
p { margin: .3em 0; } .soft { opacity: .72; font-size: .88em; }
.tiles { display: flex; flex-wrap: wrap; gap: 8px; margin: 10px 0; }
.tiles div { flex: 1 1 84px; border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; }
.tiles b { display: block; font-size: 1.5em; line-height: 1.2; }
figure { margin: 10px 0; position: relative; } figure img { width: 100%; display: block; border-radius: 6px; }
figure svg { position: absolute; inset: 0; width: 100%; height: 100%; }
ol { list-style: none; padding: 0; margin: 0; }
li { border-left: 6px solid; border-radius: 4px; padding: 6px 10px; margin: 8px 0; background: #8881; }
li b { margin-right: .4em; } li .soft { display: block; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { text-align: right; padding: 4px 6px; border-bottom: 1px solid var(--line); font-weight: normal; }
td:first-child, th:first-child { text-align: left; overflow-wrap: anywhere; } th { opacity: .72; font-size: .88em; }
"""


def write_shelf_audit(
    folder: Path,
    layout: Layout,
    camera: Camera,
    paths: Sequence[Path],
    readings: Sequence[Reading],
    hide: Callable[[NDArray[np.uint8], Reading], Shown],
) -> list[Finding]:
    """Audit what one camera's pictures of one moment say together: audit.csv, and audit.html with the picture on which
    the most places were seen, after `hide` has taken the people out of it. Returns the findings, the worst first."""
    places = _together([r.places for r in readings if r.places is not None])
    states = audit(layout, places)
    found = findings(layout, states)
    write_csv(folder / "audit.csv", found)
    seen = [int((r.places.state != PlaceState.UNSEEN).sum()) if r.places is not None else 0 for r in readings]
    best = int(np.argmax(seen))
    others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    source = f"{paths[best].name}{others} · camera {camera.id}"
    view = view_of(layout, camera)
    image = hide(load_picture(paths[best]), readings[best])
    write_page(folder / "audit.html", layout, places, states, found, image, view, source)
    return found


def _together(places: Sequence[PlaceReadings]) -> PlaceReadings:
    """Fuse pictures of one camera. They look from the same side, so that what they say of the rows behind is one
    piece of evidence and not many."""
    fused = fuse(places)
    return fused if fused.behind is None else replace(fused, behind=fused.behind / np.float32(len(places) ** 0.5))


def write_page(
    path: Path, layout: Layout, places: PlaceReadings, states: Sequence[ShelfState], found: Sequence[Finding],
    image: Shown, view: View, source: str,
) -> None:  # fmt: skip
    """Write the audit of what was seen in `image`, through the camera of `view`."""
    todo = [f for f in found if f.kind not in ("unseen", "fine")]
    condition = shelf_condition(layout, places, states)
    unseen = sum(f.kind == "unseen" for f in found)
    parts = [
        f"<h1>Shelf audit: {escape(layout.store.name)}</h1>",
        f'<p class="soft">{escape(source)} · {len(found)} positions, {unseen} not seen</p>',
        _tiles(states, found, condition.gap_metres),
        _picture(layout, image, view, todo),
        f"<h2>To do: {len(todo)}, the worst first</h2>",
        _list(todo) if todo else "<p>Nothing: all that was seen is as planned.</p>",
        "<h2>Bays against the plan</h2>",
        _bays(bay_compliance(layout, places, states)),
        "<h2>Share of shelf, by category</h2>",
        _shares(share_of_shelf(layout, places, lambda p: p.category)),
        "<h2>Share of shelf, by brand</h2>",
        _shares(share_of_shelf(layout, places, lambda p: p.brand)),
        '<p class="soft">Shelves count from below, products from the left. Units are estimates; audit.csv has their '
        "90 % intervals. What stands behind the front row is seen from above only, or not at all.</p>",
    ]
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Shelf audit: {escape(layout.store.name)}</title><style>{STYLE}</style>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _tiles(states: Sequence[ShelfState], found: Sequence[Finding], gap_metres: float) -> str:
    count = {kind: sum(f.kind == kind for f in found) for kind in COLOURS}
    osa = availability(states)
    tiles = (
        ("on the shelf", "–" if osa is None else f"{100 * osa:.0f} %"),
        ("out", f"{count['out'] + count['plugged']}"),
        ("wrong product", f"{count['wrong'] + count['plugged']}"),
        ("low", f"{count['low']}"),
        ("to refill", f"{count['refill']}"),
        ("empty edge", f"{gap_metres:.1f} m"),
    )
    return '<div class="tiles">' + "".join(f"<div><b>{v}</b>{name}</div>" for name, v in tiles) + "</div>"


def _picture(layout: Layout, image: Shown, view: View, todo: Sequence[Finding]) -> str:
    """The picture with a numbered frame around each finding that lies in it."""
    height, width = image.shape[:2]
    index = {p.id: i for i, p in enumerate(layout.planogram.positions)}
    size = max(width, height) / 48
    shapes = []
    for number, finding in enumerate(todo, start=1):
        mine = (layout.places.position == index[finding.position]) & view.visible
        if not mine.any():
            continue
        x0, y0 = np.clip(view.box[mine, :2].min(axis=0), 0, (width, height))
        x1, y1 = np.clip(view.box[mine, 2:].max(axis=0), 0, (width, height))
        colour = COLOURS[finding.kind]
        shapes.append(
            f'<a href="#f{number}"><title>{number}. {escape(finding.words)}: {escape(finding.product)}</title>'
            f'<rect x="{x0:.0f}" y="{y0:.0f}" width="{x1 - x0:.0f}" height="{y1 - y0:.0f}" fill="{colour}" '
            f'fill-opacity=".18" stroke="{colour}" stroke-width="{size / 7:.1f}"/>'
            f'<circle cx="{(x0 + x1) / 2:.0f}" cy="{y0 + size * 0.7:.0f}" r="{size * 0.62:.0f}" fill="{colour}"/>'
            f'<text x="{(x0 + x1) / 2:.0f}" y="{y0 + size * 0.95:.0f}" font-size="{size * 0.75:.0f}" fill="#fff" '
            f'font-family="sans-serif" font-weight="700" text-anchor="middle">{number}</text></a>'
        )
    data = base64.b64encode(jpeg(image, 82, PICTURE_WIDTH)).decode()
    return (
        f'<figure><img alt="The shelves" src="data:image/jpeg;base64,{data}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none">{"".join(shapes)}</svg></figure>'
    )


def _list(todo: Sequence[Finding]) -> str:
    items = [
        f'<li id="f{number}" style="border-color:{COLOURS[f.kind]}"><b>{number}. {escape(f.words)}</b>'
        f"{escape(f.product)}<br>{escape(f.todo[:1].upper() + f.todo[1:])}"
        f'<span class="soft">{escape(f.where)} · {100 * f.sure:.0f} % sure</span></li>'
        for number, f in enumerate(todo, start=1)
    ]
    return f"<ol>{''.join(items)}</ol>"


def _bays(bays: Sequence[BayCompliance]) -> str:
    rows = [
        (b.bay, f"{b.kept} of {b.positions}", f"{b.right} of {b.facings}",
         "–" if b.edit_error is None else f"{100 * b.edit_error:.0f} %")
        for b in bays
    ]  # fmt: skip
    return _table(("bay", "positions as planned", "right facings", "order off by"), rows)


def _shares(shares: Sequence[Share]) -> str:
    facings, metres = (max(sum(getattr(s, name) for s in shares), 1e-9) for name in ("facings", "metres"))
    planned = max(sum(s.planned_metres for s in shares), 1e-9)
    rows = [
        (s.name, f"{100 * s.facings / facings:.0f} %", f"{100 * s.metres / metres:.0f} %",
         f"{100 * s.planned_metres / planned:.0f} %")
        for s in shares
    ]  # fmt: skip
    return _table(("", "of facings", "of length", "planned length"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"

"""Packs from the user's own photographs: cut out, fitted to the pack's dimensions, and put on its form.

Transparent or near-white surroundings are cut away. A picture whose proportions differ from those of the
pack by at most FIT is scaled to it. A box or carton that looks wider than it is stands turned in its
picture, as catalogue pictures do: the angle follows from the dimensions, and the front and the side that
is seen are taken apart. Any other picture is refused, for artwork is never stretched.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from scenarios import InputError, Product
from sim.meshes import Mesh
from sim.own_forms import FLAT_BUILDERS, round_pack

FIT = 0.15
"""How far the proportions of a picture may be from those of the pack."""
WHITE = 236
"""The least channel of a near-white pixel."""
TURNING_FORMS = ("box", "carton", "multipack")

Mask = NDArray[np.bool_]


def own_pack(product: Product, density: float) -> Mesh:
    """The pack of a product with its own pictures or mesh. Raises InputError that names the file."""
    if product.mesh:
        from sim.own_meshes import mesh_pack

        return mesh_pack(product)
    files = product.artwork_files
    cut = {side: _cut_out(_read(file, product)) for side, file in files.items()}
    size = {
        "front": (product.width, product.height), "back": (product.width, product.height),
        "left": (product.depth, product.height), "right": (product.depth, product.height),
        "top": (product.width, product.depth), "bottom": (product.width, product.depth),
    }  # fmt: skip
    if product.form not in FLAT_BUILDERS:
        for side in {"front", "back"} & set(cut):
            _check_fit(cut[side][0], size[side], files[side], product)
        return round_pack(product, cut, density)
    panels: dict[str, Image.Image] = {}
    if len(cut) == 1 and product.form in TURNING_FORMS:
        panels = _unturned(*cut["front"], product, files["front"])
    for side in cut:
        if side not in panels:
            _check_fit(cut[side][0], size[side], files[side], product)
            panels[side] = _filled(*cut[side])
    panels = _all_sides(panels)
    for side, (w, h) in size.items():
        panels[side] = panels[side].resize(
            (max(4, round(w * density)), max(4, round(h * density))), Image.Resampling.LANCZOS
        )
    return FLAT_BUILDERS[product.form](product, panels)


def _read(file: Path, product: Product) -> Image.Image:
    try:
        with Image.open(file) as picture:
            return ImageOps.exif_transpose(picture).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{file}: not a readable picture ({' '.join(str(error).split())}); pictures of sku {product.sku!r}"
        ) from None


def _cut_out(picture: Image.Image) -> tuple[Image.Image, Mask]:
    """The picture (RGB) cropped to the pack, and which of its pixels are the pack (H, W)."""
    pixels = np.asarray(picture)
    seen = pixels[..., 3] >= 128
    rgb = Image.alpha_composite(Image.new("RGBA", picture.size, (255, 255, 255, 255)), picture).convert("RGB")
    if seen.all():
        white = pixels[..., :3].min(axis=-1) >= WHITE
        edge = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
        if edge.mean() > 0.7:
            body = (~_connected_to_edge(white | _shadow(pixels[..., :3]))).astype(np.uint8)
            seen = np.asarray(cv2.morphologyEx(body, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))) > 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seen.astype(np.uint8))
    keep = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.002 * seen.size]
    seen = np.isin(labels, keep)
    if not seen.any():
        seen = np.ones_like(seen)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return rgb.crop((x0, y0, x1, y1)), seen[y0:y1, x0:x1]


def _shadow(rgb: NDArray[np.uint8]) -> Mask:
    """Pixels that may be a soft shadow on a white ground: grey, light, and without an edge."""
    grey = rgb.min(axis=-1)
    change = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray((grey >= 150) & (np.ptp(rgb, axis=-1) <= 12) & (change <= 14))


def _connected_to_edge(mask: Mask) -> Mask:
    padded = np.pad(mask, 1, constant_values=True)
    _, labels = cv2.connectedComponents(padded.astype(np.uint8), connectivity=4)
    return np.asarray((labels == labels[0, 0])[1:-1, 1:-1])


def _check_fit(picture: Image.Image, size: tuple[float, float], file: Path, product: Product) -> None:
    shown, planned = picture.width / picture.height, size[0] / size[1]
    if abs(math.log(shown / planned)) > math.log(1 + FIT):
        raise InputError(
            f"{file}: the pack of {product.sku!r} is {shown:.2f} as wide as high; its dimensions in the catalog say "
            f"{planned:.2f} ({size[0]:g} × {size[1]:g} m), expected within {FIT:.0%}"
        )


def _filled(picture: Image.Image, seen: Mask) -> Image.Image:
    """The picture with what is not the pack painted in the colours of the pack's edge."""
    points = cv2.findNonZero(seen.astype(np.uint8))
    hull = np.zeros(seen.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    body = np.asarray(cv2.erode(hull, np.ones((3, 3), np.uint8), borderValue=1), np.uint8)
    if body.all():
        return picture
    outside = (body == 0).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    pixels = np.asarray(picture)
    by_label = np.zeros((nearest.max() + 1, 3), np.uint8)
    by_label[nearest[body > 0]] = pixels[body > 0]
    around = Image.fromarray(by_label[nearest])
    soft = around.filter(ImageFilter.GaussianBlur(max(picture.size) / 60))
    return Image.composite(picture, soft, Image.fromarray(body * 255))


def _unturned(picture: Image.Image, seen: Mask, product: Product, file: Path) -> dict[str, Image.Image]:
    """Front, and the side that is seen, of a pack that stands turned in its picture; {} if it faces the camera.

    Seen from afar at an angle a, a pack looks w cos a + d sin a wide. Which side it shows is told by where
    the picture has its strongest upright edge.
    """
    w, h, d = product.width, product.height, product.depth
    reach = math.hypot(w, d)
    shown = picture.width / picture.height * h
    if shown <= w * (1 + FIT) or shown > reach * (1 + FIT):
        return {}
    angle = math.atan2(d, w) - math.acos(min(1.0, shown / reach))
    share = w * math.cos(angle) / (w * math.cos(angle) + d * math.sin(angle))
    whole = _filled(picture, seen)
    grey = np.asarray(whole.convert("L").filter(ImageFilter.GaussianBlur(1)), float)
    # Below the roof and above the foot, an edge between two faces is one step all the way.
    middle = grey[round(0.3 * len(grey)) : round(0.9 * len(grey))]
    steps = np.abs(np.diff(middle, axis=1))
    strength = np.median(steps, axis=0)
    slack = max(2, round(0.07 * whole.width))
    best: dict[str, tuple[float, int]] = {}
    for side, at in (("right", share), ("left", 1 - share)):
        middle_column = round(at * whole.width)
        window = np.arange(max(1, middle_column - slack), min(len(strength), middle_column + slack))
        column = int(window[np.argmax(strength[window])])
        best[side] = (float(strength[column]), column + 1)
    side = max(best, key=lambda s: best[s][0])
    if min(best.values())[0] > 0.9 * max(best.values())[0]:
        # Two edges alike: seen from above, the nearest corner of the foot is the lowest.
        side = max(best, key=lambda s: _foot(seen, best[s][1]))
    edge = best[side][1]
    parts = [_levelled(whole, seen, 0, edge), _levelled(whole, seen, edge, whole.width)]
    front, other = parts if side == "right" else parts[::-1]
    return {"front": front, side: other}


def _levelled(picture: Image.Image, seen: Mask, left: int, right: int) -> Image.Image:
    """The columns from `left` to `right`, drawn out downwards where the foot rises, as it does in perspective."""
    columns = np.arange(left, right)
    foot = np.array([_foot(seen, int(c)) for c in columns])
    # A white pack on white ground has gaps in its outline: the line must hold for most columns, from outside.
    slope, height = np.polyfit(columns, foot, 1) if len(columns) > 4 else (0.0, float(len(seen)))
    for _ in range(4):
        outer = foot >= slope * columns + height - 1
        if outer.sum() > 4:
            slope, height = np.polyfit(columns[outer], foot[outer], 1)
    line = np.clip(slope * columns + height, 0.85 * len(seen), len(seen))
    y = (np.arange(len(seen))[:, None] + 0.5) * line / len(seen) - 0.5
    x = np.repeat(columns[None], len(seen), axis=0)
    pixels = cv2.remap(np.asarray(picture), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return Image.fromarray(pixels)


def _foot(seen: Mask, column: int) -> float:
    """The lowest row of the pack about a column."""
    columns = seen[:, max(0, column - 2) : column + 3]
    return float(len(seen) - np.argmax(columns[::-1], axis=0).mean())


def _all_sides(panels: dict[str, Image.Image]) -> dict[str, Image.Image]:
    """The six sides; those that no picture shows continue the front's edges."""
    front = panels["front"]
    w, h = front.size
    a, b = max(2, w // 14), max(2, h // 20)
    strips = {
        "left": front.crop((0, 0, a, h)), "right": front.crop((w - a, 0, w, h)),
        "top": front.crop((0, 0, w, b)), "bottom": front.crop((0, h - b, w, h)),
    }  # fmt: skip
    made = {side: strip.filter(ImageFilter.GaussianBlur(max(w, h) / 40)) for side, strip in strips.items()}
    for seen, hidden in (("left", "right"), ("right", "left")):
        if seen in panels:
            made[hidden] = panels[seen]
    return {"back": front} | made | panels

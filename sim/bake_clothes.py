"""Paint the baked people: one texture with the body's front and back, the head's, a skirt's and long hair's.

The neutral body is projected along y onto charts, so that a painter sees it as on a paper pattern.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from scenarios import rng

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

SIZE = 512
OUTFITS = 3
BODY_SCALE, HEAD_SCALE = 220.0, 533.0
"""Pixels per metre of the body's and the head's charts."""
CHARTS = ((0, 0, 256, 352), (256, 0, 256, 352), (0, 352, 160, 160), (160, 352, 160, 160))
"""Body front, body back, head front, head back: left, top, width, height in pixels."""


def _rect(x: int, y: int, w: int, h: int) -> tuple[float, float, float, float]:
    """uv of a rectangle of pixels, two pixels inside it."""
    return (x + 2) / SIZE, 1 - (y + h - 2) / SIZE, (x + w - 2) / SIZE, 1 - (y + 2) / SIZE


SKIRT_RECT = _rect(320, 352, 96, 160)
HAIR_RECT = _rect(416, 352, 96, 160)

SKIN: dict[str, tuple[Colour, ...]] = {
    "light": ((232, 196, 172), (224, 182, 154), (214, 172, 142)),
    "asian": ((226, 188, 152), (214, 172, 134), (220, 180, 146)),
    "dark": ((112, 76, 56), (92, 62, 46), (134, 92, 68)),
}
HAIR: tuple[Colour, ...] = ((38, 28, 24), (72, 48, 32), (128, 92, 56), (92, 40, 26))
GREY: Colour = (190, 188, 184)
SHIRTS: tuple[Colour, ...] = (
    (40, 62, 112), (168, 38, 44), (226, 222, 212), (58, 96, 66), (90, 90, 96), (206, 150, 52), (116, 68, 124),
    (72, 140, 168), (30, 32, 36), (196, 116, 128),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = ((44, 58, 88), (34, 34, 38), (112, 100, 82), (70, 76, 84), (88, 102, 128))
SHOES: tuple[Colour, ...] = ((28, 26, 26), (84, 58, 40), (222, 222, 220), (60, 64, 90))


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Points (3,) of the neutral body: right and left eye, nose, mouth, and joints by name."""

    right_eye: Floats
    left_eye: Floats
    nose: Floats
    mouth: Floats
    joints: dict[str, Floats] = field(default_factory=dict)

    @property
    def head(self) -> Floats:
        """What lies in the middle of the head's charts."""
        return (self.right_eye + self.left_eye) / 2 - (0, 0, 0.01)


def canonical_uv(neutral: Floats, head: Floats, marks: Landmarks, normals: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """uv (4, V, 2) of the neutral body in every chart, and the chart (V,) that each vertex belongs to.

    `head` (V,) is the share of a vertex that the head carries.
    """
    uv = np.empty((4, len(neutral), 2))
    for k, (x0, y0, w, h) in enumerate(CHARTS):
        if k < 2:
            x = x0 + w / 2 + neutral[:, 0] * BODY_SCALE
            y = y0 + h - neutral[:, 2] * BODY_SCALE
        else:
            x = x0 + w / 2 + (neutral[:, 0] - marks.head[0]) * HEAD_SCALE
            y = y0 + h / 2 - (neutral[:, 2] - marks.head[2]) * HEAD_SCALE
        uv[k] = np.stack([x.clip(x0 + 1, x0 + w - 1), y.clip(y0 + 1, y0 + h - 1)], -1)
    uv = np.stack([uv[..., 0] / SIZE, 1 - uv[..., 1] / SIZE], -1)
    return uv, (normals[:, 1] < 0).astype(np.int64) + 2 * (head > 0.5)


def paint(body: Any, outfit: int, marks: Landmarks) -> Image.Image:
    """The texture of one body in one of its outfits."""
    random = rng(20, "outfit", body.name, outfit)
    kind = "dark" if body.origin[0] > 0.5 else "asian" if body.origin[1] > 0.5 else "light"
    skin = SKIN[kind][outfit % 3]
    dark = HAIR[int(random.integers(2 if kind != "light" else 4))]
    hair = GREY if body.age > 0.9 else dark
    picture = Image.new("RGB", (SIZE, SIZE), skin)
    shirt = SHIRTS[int(random.integers(len(SHIRTS)))]
    if body.name == "woman-staff":
        shirt = ((178, 24, 40), (20, 110, 70), (24, 60, 140))[outfit]
    look = {
        "skin": skin, "hair": hair, "shirt": shirt,
        "second": SHIRTS[int(random.integers(len(SHIRTS)))],
        "legs": TROUSERS[int(random.integers(len(TROUSERS)))],
        "shoes": SHOES[int(random.integers(len(SHOES)))],
    }  # fmt: skip
    for back in (False, True):
        picture.paste(_body_chart(body, outfit, look, back, marks, random), CHARTS[back][:2])
        picture.paste(_head_chart(body, outfit, look, back, marks), CHARTS[2 + back][:2])
    picture.paste(_cloth(look["legs"], (96, 160), outfit, look["second"]), (320, 352))
    strands = np.clip(np.array(hair) + random.normal(0, 9, (1, 96, 1)) + random.normal(0, 3, (160, 96, 1)), 0, 255)
    picture.paste(Image.fromarray(strands.astype(np.uint8)), (416, 352))
    grain = random.normal(0, 2.0, (SIZE, SIZE, 1))
    return Image.fromarray((np.asarray(picture, float) + grain).clip(0, 255).astype(np.uint8))


def _cloth(colour: Colour, size: tuple[int, int], pattern: int, second: Colour) -> Image.Image:
    """Plain, striped or checked cloth."""
    cloth = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(cloth)
    if pattern == 1:
        for y in range(0, size[1], 12):
            draw.rectangle((0, y, size[0], y + 4), fill=second)
    elif pattern == 2:
        soft = tuple((a * 2 + b) // 3 for a, b in zip(colour, second))
        for x in range(0, size[0], 14):
            draw.line((x, 0, x, size[1]), fill=soft, width=3)
        for y in range(0, size[1], 14):
            draw.line((0, y, size[0], y), fill=second, width=2)
    return cloth


def _body_chart(
    body: Any, outfit: int, look: dict[str, Colour], back: bool, marks: Landmarks, random: np.random.Generator
) -> Image.Image:
    w, h = CHARTS[0][2:]
    right = ((np.arange(w) + 0.5 - w / 2) / BODY_SCALE)[None].repeat(h, 0)
    x = np.abs(right)
    z = ((h - np.arange(h) - 0.5) / BODY_SCALE)[:, None].repeat(w, 1)
    j = marks.joints
    shoulder, wrist = (np.array([abs(j[n][0]), j[n][2]]) for n in ("upperarm01.R", "wrist.R"))
    axis = wrist - shoulder
    along = ((x - shoulder[0]) * axis[0] + (z - shoulder[1]) * axis[1]) / (axis @ axis)
    beside = np.abs((x - shoulder[0]) * axis[1] - (z - shoulder[1]) * axis[0]) / np.linalg.norm(axis)
    arm = (along > 0.28) & (x > shoulder[0]) & (beside < 0.11)
    hip, knee, ankle, neck = (j[n][2] for n in ("upperleg01.R", "lowerleg01.R", "foot.R", "neck02"))
    hem = hip - 0.03
    jacket = outfit == 2 and body.name != "woman-staff"
    sleeve = 0.97 if jacket or body.age > 0.9 else 0.40 if outfit == 0 else 0.95
    collar = neck - 0.035 - (0 if back else 0.05 * np.clip(1 - x / 0.075, 0, 1))
    top = np.asarray(_cloth(look["shirt"], (w, h), 0 if jacket or body.name == "woman-staff" else outfit,
                            look["second"]), float)  # fmt: skip
    chart = np.empty((h, w, 3))
    chart[:] = look["skin"]
    leg_end = knee - 0.06 if (body.name == "boy" and outfit == 0) else ankle + 0.015
    chart[(z < hem) & (z > leg_end) & ~arm] = look["legs"]
    if body.skirt:
        chart[(z < knee - 0.01) & (z > leg_end) & ~arm] = look["skin"]
    chart[z < ankle + 0.03 - (0.02 if body.skirt else 0)] = look["shoes"]
    chart[z < 0.02] = (np.array(look["shoes"]) * 0.5 + 60) * 0.6
    torso = (z >= hem) & (z < collar) & ~arm
    covered = torso | (arm & (along < sleeve))
    chart[covered] = top[covered]
    chart[covered & ((np.abs(z - hem) < 0.012) & ~arm)] *= 0.8
    chart[covered & arm & (along > sleeve - 0.05)] *= 0.82
    chart[torso & (z > collar - 0.018)] *= 0.78
    if jacket and not back:
        inside = torso & (x < 0.035 + 0.05 * np.clip((z - hem) / 0.5, 0, 1))
        chart[inside] = look["second"]
        chart[torso & ~inside & (x < 0.052 + 0.05 * np.clip((z - hem) / 0.5, 0, 1))] *= 0.7
    if body.name == "woman-staff":
        apron = torso & (x < 0.13) & (z < hem + 0.36)
        chart[apron if not back else torso & (np.abs(z - hem - 0.14) < 0.018)] = (36, 38, 42)
        if not back:
            chart[torso & (np.abs(right + 0.09) < 0.03) & (np.abs(z - hem - 0.43) < 0.013)] = (240, 240, 236)
    if not back and not body.skirt:  # fly, pockets and the shadow between the legs
        chart[(z < hem) & (z > hem - 0.10) & (x < 0.004)] *= 0.75
    chart[(z < hip - 0.08) & (z > ankle) & (x < 0.012)] *= 0.72
    folds = _folds(random, (h, w))
    cloth = covered | ((z < hem) & (z > leg_end) & ~arm)
    chart[cloth] *= folds[cloth]
    return Image.fromarray(chart.clip(0, 255).astype(np.uint8))


def _folds(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Soft light and dark places of worn cloth, about 1, (H, W, 1)."""
    coarse = Image.fromarray((random.normal(128, 46, (shape[0] // 14, shape[1] // 7)).clip(0, 255)).astype(np.uint8))
    soft = np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC), float)
    return 1 + 0.13 * (soft[..., None] - 128) / 46 * 0.8


def _head_chart(body: Any, outfit: int, look: dict[str, Colour], back: bool, marks: Landmarks) -> Image.Image:
    w, h = CHARTS[2][2:]
    scale = 4  # drawn large and made small, so that thin lines stay soft
    face = Image.new("RGB", (w * scale, h * scale), look["skin"])
    draw = ImageDraw.Draw(face)
    k = HEAD_SCALE * scale

    def place(x: float, z: float) -> tuple[float, float]:
        return w * scale / 2 + (x - marks.head[0]) * k, h * scale / 2 - (z - marks.head[2]) * k

    def ellipse(x: float, z: float, rx: float, rz: float, colour: Colour) -> None:
        (u, v) = place(x, z)
        draw.ellipse((u - rx * k, v - rz * k, u + rx * k, v + rz * k), fill=colour)

    def shade(factor: float, red: float = 1.0) -> Colour:
        r, g, b = look["skin"]
        return int(min(255, r * factor * red)), int(g * factor), int(b * factor)

    eye = (marks.left_eye[2] + marks.right_eye[2]) / 2
    if back:
        _, nape = place(0, marks.mouth[2] + 0.005)
        if body.hair == "bald":
            draw.rectangle((0, place(0, eye + 0.02)[1], w * scale, nape), fill=look["hair"])
        else:
            lobe, edge = place(0, eye - 0.02)[1], 0.052 * k
            draw.rectangle((0, 0, w * scale, lobe), fill=look["hair"])
            draw.rectangle((w * scale / 2 - edge, lobe, w * scale / 2 + edge, nape), fill=look["hair"])
        return _hairy(face, look["hair"]).resize((w, h), Image.Resampling.LANCZOS)
    for side in (-1, 1):
        ellipse(side * 0.038, marks.nose[2] - 0.006, 0.018, 0.014, shade(0.97, 1.06))
        at = marks.right_eye if side > 0 else marks.left_eye
        ellipse(at[0], at[2] + 0.002, 0.021, 0.014, shade(0.84))
    face = face.filter(ImageFilter.GaussianBlur(4 * scale))
    draw = ImageDraw.Draw(face)
    if body.gender < 0.5 and body.name != "boy" and outfit != 1:
        beard = tuple(int(0.72 * a + 0.28 * b) for a, b in zip(look["skin"], look["hair"]))
        for x in np.linspace(-0.075, 0.075, 41):
            rise = 0.030 * (x / 0.07) ** 2
            ellipse(x, marks.mouth[2] - 0.030 + rise, 0.012, 0.026, beard)  # type: ignore[arg-type]
        face = face.filter(ImageFilter.GaussianBlur(2 * scale))
        draw = ImageDraw.Draw(face)
    for at in (marks.right_eye, marks.left_eye):
        _eye(draw, place, k, at, look, old=body.age > 0.9)
    ellipse(-0.008, marks.nose[2] - 0.013, 0.0045, 0.0025, shade(0.5))
    ellipse(0.008, marks.nose[2] - 0.013, 0.0045, 0.0025, shade(0.5))
    lips = shade(0.74, 1.22) if body.gender > 0.5 else shade(0.78, 1.08)
    ellipse(0, marks.mouth[2], 0.025, 0.0085, lips)
    u, v = place(0, marks.mouth[2])
    draw.line((u - 0.024 * k, v, u + 0.024 * k, v), fill=shade(0.42), width=scale)
    _hairline(draw, body, look, marks, place, (w * scale, h * scale))
    return _hairy(face, look["hair"]).resize((w, h), Image.Resampling.LANCZOS)


def _eye(draw: ImageDraw.ImageDraw, place: Any, k: float, at: Floats, look: dict[str, Colour], old: bool) -> None:
    """White, iris, pupil, lids and brow; `k` pixels per metre."""
    u, v = place(at[0], at[2])
    draw.ellipse((u - 0.0155 * k, v - 0.0072 * k, u + 0.0155 * k, v + 0.0072 * k), fill=(238, 236, 232))
    draw.ellipse((u - 0.0066 * k, v - 0.0070 * k, u + 0.0066 * k, v + 0.0070 * k), fill=(66, 50, 38))
    draw.ellipse((u - 0.003 * k, v - 0.003 * k, u + 0.003 * k, v + 0.003 * k), fill=(8, 8, 8))
    draw.arc((u - 0.017 * k, v - 0.0085 * k, u + 0.017 * k, v + 0.011 * k), 190, 350, fill=(36, 26, 22), width=9)
    brow = tuple(int(c * 0.75) for c in look["hair"])
    draw.arc((u - 0.021 * k, v - 0.024 * k, u + 0.021 * k, v + 0.014 * k), 205, 335, fill=brow, width=12)
    if old:  # glasses
        draw.ellipse((u - 0.026 * k, v - 0.019 * k, u + 0.026 * k, v + 0.021 * k), outline=(40, 36, 34), width=7)


def _hairline(
    draw: ImageDraw.ImageDraw, body: Any, look: dict[str, Colour], marks: Landmarks, place: Any, size: tuple[int, int]
) -> None:
    """Hair above the forehead and down the temples."""
    eye = marks.head[2] + 0.01
    forehead = eye + (0.066 if body.gender < 0.5 else 0.060)
    if body.hair == "bald":
        forehead = eye + 0.3
    edge = 0.068
    points = [(-0.2, forehead), (-edge - 0.008, eye - 0.01), (-edge + 0.002, eye + 0.02), (-0.052, forehead - 0.008),
              (-0.02, forehead + 0.004), (0.02, forehead), (0.052, forehead - 0.010), (edge - 0.002, eye + 0.02),
              (edge + 0.008, eye - 0.01), (0.2, forehead)]  # fmt: skip
    if body.hair == "bald":
        for side in (-1, 1):
            corners = [(side * x, eye + z) for x, z in ((0.070, -0.01), (0.066, 0.035), (0.2, 0.035), (0.2, -0.01))]
            draw.polygon([place(*p) for p in corners], fill=look["hair"])
        return
    outline = [place(x, z) for x, z in points]
    draw.polygon([(0, 0), (0, outline[0][1]), *outline, (size[0], outline[-1][1]), (size[0], 0)], fill=look["hair"])


def _hairy(picture: Image.Image, hair: Colour) -> Image.Image:
    """Strands over all that has the colour of the hair."""
    random = rng(20, "strands")
    array = np.asarray(picture, float).copy()
    mask = np.abs(array - hair).max(-1) < 4
    strands = np.asarray(
        Image.fromarray(random.normal(128, 40, (8, array.shape[1])).clip(0, 255).astype(np.uint8)).resize(
            array.shape[1::-1], Image.Resampling.BILINEAR
        ),
        float,
    )
    array[mask] *= (1 + 0.25 * (strands - 128) / 128)[mask][:, None]
    return Image.fromarray(array.clip(0, 255).astype(np.uint8))

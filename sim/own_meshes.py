"""Packs from the user's own meshes (OBJ, GLB): checked against the catalog, stood on the shelf, and baked.

A file is y-up with its front towards +z, as glTF has it and OBJ files mostly do. Its unit is found from
the product's dimensions: metres, centimetres, millimetres or inches.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scenarios import InputError, Product
from sim.meshes import Floats, Mesh

UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254}
AGREE = 0.05
"""How far an extent of the mesh may be from the dimension of the product."""
MOST_TRIANGLES = 5000
"""A mesh with more is made coarser: every unit is drawn with all of them, and its silhouette is their union."""
LARGEST_TEXTURE = 1024
SWATCH = 4
"""Texels a side of a plain colour in the texture."""


def mesh_pack(product: Product) -> Mesh:
    """The pack of a product with a mesh. Raises InputError that names the file and what is wrong with it."""
    where = f"{product.mesh}: mesh of sku {product.sku!r}"
    corners, uv, normals, texture = _baked(_load(product, where), where)
    corners, normals = (np.stack([a[..., 0], -a[..., 2], a[..., 1]], axis=-1) for a in (corners, normals))
    corners = corners * _unit(corners, product, where)
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    corners = corners - [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    if len(corners) > MOST_TRIANGLES:
        warnings.warn(f"{where}: {len(corners)} triangles, made coarser to {MOST_TRIANGLES}", stacklevel=2)
        corners, uv, normals = _coarser(corners, uv, normals)
    triangles = np.arange(3 * len(corners)).reshape(-1, 3)
    pieces = (triangles.ravel(),) if _convex(corners) else tuple(triangles)
    return Mesh(corners.reshape(-1, 3), uv.reshape(-1, 2), normals.reshape(-1, 3), triangles, texture, pieces)


def _load(product: Product, where: str) -> list[Any]:
    """The parts of the file as trimesh meshes in the file's own frame; all of them together are closed."""
    import trimesh

    try:
        scene = trimesh.load_scene(product.artwork_files["mesh"])
        parts = [g for g in scene.dump() if isinstance(g, trimesh.Trimesh) and len(g.faces)]
    except InputError:
        raise
    except Exception as error:  # trimesh passes on whatever its readers meet
        raise InputError(
            f"{where}: not readable as OBJ or GLB ({' '.join(str(error).split()) or type(error).__name__})"
        ) from None
    if not parts:
        raise InputError(f"{where}: no triangles in it")
    # A seam of the texture, or between two materials, is no hole: what lies in one place is one vertex here.
    whole: Any = trimesh.util.concatenate([trimesh.Trimesh(p.vertices, p.faces, process=False) for p in parts])
    whole.merge_vertices(merge_tex=True, merge_norm=True)
    whole.update_faces(whole.nondegenerate_faces())
    _, uses = np.unique(whole.edges_sorted, axis=0, return_counts=True)
    if not len(whole.faces) or np.any(uses % 2):
        open_edges, crowded = int((uses == 1).sum()), int((uses % 2 * uses > 2).sum())
        raise InputError(
            f"{where}: not a closed surface: {open_edges} open edges, {crowded} edges "
            "of three or more triangles; expected a manifold mesh without holes"
        )
    return parts


def _baked(parts: list[Any], where: str) -> tuple[Floats, Floats, Floats, Image.Image]:
    """Corners (T, 3, 3), uv (T, 3, 2), normals (T, 3, 3) of all parts, and one texture for them."""
    pictures, spans = [], []
    for part in parts:
        picture, uv = _paint(part)
        picture.thumbnail((LARGEST_TEXTURE, LARGEST_TEXTURE))
        pictures.append(picture)
        spans.append(uv)
    width, height = sum(p.width for p in pictures), max(p.height for p in pictures)
    texture = Image.new("RGB", (width, height))
    x = 0
    for i, (picture, uv) in enumerate(zip(pictures, spans)):
        texture.paste(picture, (x, 0))
        u = (x + 0.5 + uv[..., 0] * (picture.width - 1)) / width
        v = 1 - (0.5 + (1 - uv[..., 1]) * (picture.height - 1)) / height
        spans[i] = np.stack([u, v], axis=-1)
        x += picture.width
    corners = np.concatenate([np.asarray(p.vertices)[p.faces] for p in parts])
    normals = np.concatenate([np.asarray(p.vertex_normals)[p.faces] for p in parts])
    flat = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) > 0
    if not np.isfinite(corners).all():
        raise InputError(f"{where}: a vertex is not a finite number")
    return corners[flat], np.concatenate(spans)[flat], normals[flat], texture


def _paint(part: Any) -> tuple[Image.Image, Floats]:
    """A part's picture and the uv (T, 3, 2) of its corners: its texture, or a swatch for each of its colours."""
    visual = part.visual
    if visual.kind == "texture" and visual.uv is not None:
        material = visual.material
        picture = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
        if picture is not None:
            uv = np.asarray(visual.uv, float)[part.faces]
            uv = uv - np.floor(uv.min(axis=1, keepdims=True) + 1e-6)
            return picture.convert("RGB"), np.clip(uv, 0, 1)
    colours = (
        np.asarray(visual.material.main_color)[None, :3] if visual.kind == "texture" else visual.face_colors[:, :3]
    )
    unique, which = np.unique(np.broadcast_to(colours, (len(part.faces), 3)) // 8 * 8 + 4, axis=0, return_inverse=True)
    side = int(np.ceil(np.sqrt(len(unique))))
    cells = np.zeros((side * side, 3), np.uint8)
    cells[:] = unique[-1]
    cells[: len(unique)] = unique
    picture = Image.fromarray(cells.reshape(side, side, 3)).resize((side * SWATCH,) * 2, Image.Resampling.NEAREST)
    row, column = np.divmod(which.ravel(), side)
    centre = np.stack([(column + 0.5) / side, 1 - (row + 0.5) / side], axis=-1)
    return picture, np.repeat(centre[:, None], 3, axis=1)


def _unit(corners: Floats, product: Product, where: str) -> float:
    """Metres for a unit of the file, so that its extents are the product's dimensions."""
    extents = np.ptp(corners.reshape(-1, 3), axis=0)
    wanted = np.array([product.width, product.depth, product.height])
    for factor in UNITS.values():
        if np.all(np.abs(extents * factor / wanted - 1) <= AGREE):
            return factor
    w, d, h = extents
    raise InputError(
        f"{where}: {w:.4g} × {h:.4g} × {d:.4g} (width × height × depth, y up) is {product.width:g} × "
        f"{product.height:g} × {product.depth:g} m in none of {', '.join(UNITS)}; expected to agree within {AGREE:.0%}"
    )


def _coarser(corners: Floats, uv: Floats, normals: Floats) -> tuple[Floats, Floats, Floats]:
    """Draw vertices that lie in one cell of a grid together, with the finest grid that leaves few enough triangles."""
    size = np.ptp(corners.reshape(-1, 3), axis=0).max()
    low = corners.min(axis=(0, 1))
    for cells in np.geomspace(400, 8, 24):
        cell = np.floor((corners - low) / size * cells + 0.5).astype(np.int64)
        _, where = np.unique(cell.reshape(-1, 3), axis=0, return_inverse=True)
        where = where.ravel()
        count = np.bincount(where)
        middle = np.stack([np.bincount(where, corners.reshape(-1, 3)[:, i]) / count for i in range(3)], axis=-1)
        index = where.reshape(-1, 3)
        kept = (index[:, 0] != index[:, 1]) & (index[:, 1] != index[:, 2]) & (index[:, 2] != index[:, 0])
        if kept.sum() <= MOST_TRIANGLES:
            break
    return middle[index[kept]], uv[kept], normals[kept]


def _convex(corners: Floats) -> bool:
    """Whether no vertex lies outside the plane of any triangle, by more than 0.2 mm."""
    vertices: NDArray[np.float64] = np.unique(corners.reshape(-1, 3).round(6), axis=0)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    offset = (normal * corners[:, 0]).sum(axis=1)
    return all(float((vertices @ n - o).max()) < 2e-4 for n, o in zip(normal, offset))

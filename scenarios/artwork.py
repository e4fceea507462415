"""The files that the user's own products are drawn from: pictures of their packs, and meshes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from scenarios.files import InputError

SIDES = ("front", "back", "left", "right", "top", "bottom")
"""Left and right as who stands before the pack sees them."""
PICTURE_TYPES = (".jpg", ".jpeg", ".png", ".webp")
MESH_TYPES = (".obj", ".glb")


def side_pictures(path: Path) -> dict[str, Path]:
    """The picture file of each side of a pack.

    `path` is one picture, of the front, or a folder with a picture named `front` alone or with all six
    SIDES. Raises InputError that names what is missing.
    """
    if path.is_file():
        _check_type(path, PICTURE_TYPES)
        return {"front": path}
    if not path.is_dir():
        raise InputError(f"{path}: no such picture or folder of pictures")
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        side = file.stem.lower()
        if side in SIDES and file.suffix.lower() in PICTURE_TYPES:
            if side in found:
                raise InputError(f"{path}: two pictures of {side}: {found[side].name} and {file.name}")
            found[side] = file
    missing = [side for side in SIDES if side not in found]
    if missing and list(found) != ["front"]:
        raise InputError(
            f"{path}: no picture of {', '.join(missing)}; expected front alone or all of {', '.join(SIDES)}, "
            f"as {', '.join(PICTURE_TYPES)}"
        )
    return found


def mesh_file(path: Path) -> Path:
    """The mesh file at `path`. Raises InputError when it is none."""
    if not path.is_file():
        raise InputError(f"{path}: no such mesh")
    _check_type(path, MESH_TYPES)
    return path


def digest(files: Iterable[Path]) -> str:
    """The SHA-256 of the names and bytes of files, an OBJ's materials and their textures included."""
    total = hashlib.sha256()
    for file in files:
        for part in [file, *_companions(file)]:
            total.update(part.name.encode() + b"\0" + hashlib.sha256(part.read_bytes()).digest())
    return total.hexdigest()


def _companions(file: Path) -> list[Path]:
    """What an OBJ file refers to: material libraries, and the textures that those name."""
    if file.suffix.lower() == ".obj":
        libraries = _referred(file, ("mtllib",))
        return libraries + [texture for library in libraries for texture in _referred(library, ("map_",))]
    return []


def _referred(file: Path, words: tuple[str, ...]) -> list[Path]:
    lines = (line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
    named = [file.parent / line.split(maxsplit=1)[1] for line in lines if line.startswith(words) and " " in line]
    return [path for path in named if path.is_file()]


def _check_type(path: Path, types: tuple[str, ...]) -> None:
    if path.suffix.lower() not in types:
        raise InputError(f"{path}: expected a file of type {', '.join(types)}")

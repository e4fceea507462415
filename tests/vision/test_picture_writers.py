"""There is one way for a picture to leave the pipeline, and it leads through `vision.privacy`.

`vision.pictures.Shown` is a type of its own: mypy (`make lint`) refuses to write any other picture. What mypy cannot
see is held here: that nobody else encodes pictures, and that nobody declares one fit to be shown by the way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vision

VISION = Path(vision.__file__).parent
WRITERS = {
    "imwrite": (), "imwritemulti": (), "imencodemulti": (), "imwriteanimation": (), "VideoWriter": (), "tofile": (),
    "imencode": ("pictures.jpeg", "training.augmentation._compressed"),  # the latter decodes it again
    "write_bytes": ("pictures.save_picture", "service.stored_pictures.look", "runtimes.engines.write_engine"),
    "b64encode": ("audit_page._picture", "service.webhooks.signature", "memory.packed"),
    "jpeg": ("pictures.save_picture", "audit_page._picture", "service.stored_pictures.look"),
    "with_people": ("cli.run_read",),
}  # fmt: skip
"""Calls by which a picture could be written, and the functions that may make them."""
NO_PICTURES = ("service.webhooks.signature", "memory.packed")
"""What of these encodes no picture."""
SAVERS = {"torch", "torch.jit", "onnx", "gallery", "calibration", "np"}
"""Whose `save` is no picture's."""


def calls(node: ast.AST, function: str = "", shown: bool = False) -> Iterator[tuple[str, ast.Call, bool]]:
    """Each call with the outermost function that it is in, and whether a function around it is given a `Shown`."""
    for child in ast.iter_child_nodes(node):
        inner, given = function, shown
        if isinstance(child, ast.FunctionDef):
            inner = function or child.name
            given = shown or any(a.annotation is not None and ast.unparse(a.annotation) == "Shown"
                                 for a in child.args.args)  # fmt: skip
        if isinstance(child, ast.Call):
            yield inner, child, given
        yield from calls(child, inner, given)


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def wrong_calls(path: Path, text: str) -> list[str]:
    """What a file of vision does that could write a picture past privacy."""
    module = ".".join(path.relative_to(VISION).with_suffix("").parts)
    wrong = []
    for function, call, shown in calls(ast.parse(text)):
        name, where = name_of(call), f"{module}.{function}"
        if name in WRITERS and where not in WRITERS[name]:
            wrong.append(f"{where} calls {name}")
        if (
            name == "b64encode"
            and where not in NO_PICTURES
            and not (isinstance(call.args[0], ast.Call) and name_of(call.args[0]) == "jpeg")
        ):
            wrong.append(f"{where} encodes something else than a shown picture")
        if name == "save" and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) not in SAVERS:
            wrong.append(f"{where} saves {ast.unparse(call.func.value)}")
        if name == "Shown" and module != "privacy" and not shown:
            wrong.append(f"{where} declares a picture fit to be shown")
    return wrong


@pytest.mark.parametrize("path", sorted(VISION.rglob("*.py")), ids=lambda p: p.stem)
def test_pictures_are_written_at_one_door_only(path: Path) -> None:
    assert wrong_calls(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(p, i):\n    cv2.imwrite(p, i)", "new.f calls imwrite"),
        ("def f(i):\n    return cv2.imencode('.png', i)", "new.f calls imencode"),
        ("def f(p, d):\n    p.write_bytes(d)", "new.f calls write_bytes"),
        ("def f(i):\n    return base64.b64encode(i.tobytes())", "new.f calls b64encode"),
        ("def f(p, i):\n    Image.fromarray(i).save(p)", "new.f saves Image.fromarray(i)"),
        ("def f(p, i):\n    save_picture(p, Shown(i))", "new.f declares a picture fit to be shown"),
        ("def f(p, i):\n    save_picture(p, with_people(i))", "new.f calls with_people"),
    ],
)
def test_what_is_forbidden_is_found(code: str, message: str) -> None:
    assert message in wrong_calls(VISION / "new.py", code)


def test_what_draws_on_a_shown_picture_may_give_it_back() -> None:
    assert wrong_calls(VISION / "new.py", "def f(image: Shown):\n    return Shown(image.copy())") == []

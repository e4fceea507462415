"""Packs from the user's own photographs and meshes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from scenarios import Camera, Catalog, Conditions, InputError, Layout, Planogram, Position, Product, Scenario
from scenarios.artwork import SIDES
from scenarios.products import load_catalog, save_catalog
from sim.meshes import Mesh
from sim.packs import pack_mesh
from sim.raster import render
from sim.truth import measure
from sim.world import World
from tests.layouts import MODEL, TIDY, small_layout

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 160, 60)
COLOURS = dict(zip(SIDES, (RED, BLUE, GREEN, (220, 200, 40), (160, 60, 160), (60, 60, 60))))
ICONIC = Path(__file__).parents[2].parent / "shared" / "grocery_store" / "iconic"


def own(pictures: Path | str = "", mesh: Path | str = "", form: str = "box", **size: float) -> Product:
    size = {"width": 0.1, "height": 0.2, "depth": 0.06} | size
    return Product(
        "own", "Mine", "Soup", "Classic", "Soup", "1 l", form, **size, pictures=str(pictures), mesh=str(mesh)
    )


def save(path: Path, colour: tuple[int, int, int], size: tuple[int, int], margin: int = 0) -> Path:
    """A plain pack on a white ground."""
    picture = Image.new("RGB", (size[0] + 2 * margin, size[1] + 2 * margin), (255, 255, 255))
    picture.paste(colour, (margin, margin, margin + size[0], margin + size[1]))
    path.parent.mkdir(exist_ok=True, parents=True)
    picture.save(path)
    return path


@pytest.fixture
def six(tmp_path: Path) -> Path:
    sizes = {"left": (60, 200), "right": (60, 200), "top": (100, 60), "bottom": (100, 60)}
    for side in SIDES:
        save(tmp_path / "six" / f"{side}.png", COLOURS[side], sizes.get(side, (100, 200)), margin=15)
    return tmp_path / "six"


def colour_towards(mesh: Mesh, direction: tuple[float, float, float]) -> tuple[int, ...]:
    """The texture's median colour on the triangles that face a direction."""
    corners = mesh.vertices[mesh.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    share = np.where(normal @ np.array(direction) > 0.9 * area, area, 0)
    random = np.random.default_rng(0)
    chosen = random.choice(len(share), 500, p=share / share.sum())
    uv = (random.dirichlet([1, 1, 1], 500)[:, :, None] * mesh.uv[mesh.triangles[chosen]]).sum(axis=1)
    pixels = np.asarray(mesh.texture)
    h, w = pixels.shape[:2]
    seen = pixels[((1 - uv[:, 1]) * h).astype(int), (uv[:, 0] * w).astype(int)]
    return tuple(int(v) for v in np.median(seen, axis=0))


def extents(mesh: Mesh) -> tuple[float, ...]:
    return tuple(float(v) for v in np.ptp(mesh.vertices, axis=0).round(4))


@pytest.mark.parametrize(
    ("side", "direction"),
    [("front", (0, -1, 0)), ("back", (0, 1, 0)), ("left", (-1, 0, 0)), ("right", (1, 0, 0)), ("top", (0, 0, 1)),
     ("bottom", (0, 0, -1))],
)  # fmt: skip
def test_each_of_six_pictures_is_on_its_side(six: Path, side: str, direction: tuple[float, float, float]) -> None:
    mesh = pack_mesh(own(six), 500)
    assert colour_towards(mesh, direction) == pytest.approx(COLOURS[side], abs=3)


@pytest.mark.parametrize("form", ["box", "carton", "pouch", "bag", "multipack", "can", "bottle", "jar", "tub", "tube"])
def test_a_front_alone_makes_a_whole_pack_of_every_form(tmp_path: Path, form: str) -> None:
    mesh = pack_mesh(own(save(tmp_path / "front.jpg", RED, (100, 200), margin=30), form=form, depth=0.1), 500)
    assert extents(mesh) == pytest.approx((0.1, 0.1, 0.2), abs=0.002)
    assert mesh.vertices[:, 2].min() == 0
    used = np.asarray(mesh.texture).reshape(-1, 3)
    assert used.min(axis=0)[0] > 120, "some of the texture is black"
    assert colour_towards(mesh, (0, -1, 0)) == pytest.approx(RED, abs=12)


def test_a_transparent_ground_is_cut_away(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (300, 300), (0, 255, 0, 0))
    picture.paste((*RED, 255), (100, 50, 200, 250))
    picture.save(tmp_path / "front.png")
    mesh = pack_mesh(own(tmp_path / "front.png"), 500)
    assert colour_towards(mesh, (0, -1, 0)) == pytest.approx(RED, abs=3)


def test_a_turned_carton_is_taken_apart_into_front_and_side(tmp_path: Path) -> None:
    """A catalogue picture at 30°: 0.1 cos + 0.06 sin wide; the side must not be printed on the front."""
    front, side = round(1000 * 0.1 * np.cos(np.pi / 6)), round(1000 * 0.06 * np.sin(np.pi / 6))
    picture = Image.new("RGB", (220, 260), (255, 255, 255))
    picture.paste(RED, (40, 30, 40 + front, 230))
    picture.paste(BLUE, (40 + front, 30, 40 + front + side, 230))
    picture.save(tmp_path / "turned.png")
    mesh = pack_mesh(own(tmp_path / "turned.png", depth=0.06), 500)
    assert colour_towards(mesh, (0, -1, 0)) == pytest.approx(RED, abs=5)
    assert colour_towards(mesh, (1, 0, 0)) == pytest.approx(BLUE, abs=5)


def test_a_bottle_has_the_outline_of_its_picture(tmp_path: Path) -> None:
    picture = Image.new("RGB", (140, 320), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 110, 119, 309), fill=GREEN)
    draw.polygon([(20, 110), (55, 60), (84, 60), (119, 110)], fill=GREEN)
    draw.rectangle((55, 10, 84, 60), fill=RED)
    picture.save(tmp_path / "bottle.png")
    mesh = pack_mesh(own(tmp_path / "bottle.png", form="bottle", width=0.1, height=0.3, depth=0.1), 500)
    neck = mesh.vertices[mesh.vertices[:, 2] > 0.27]
    assert np.ptp(neck[:, 0]) == pytest.approx(0.03, abs=0.004)
    assert np.ptp(mesh.vertices[mesh.vertices[:, 2] < 0.1][:, 0]) == pytest.approx(0.1, abs=0.002)


BAD_PICTURES = [
    ({"size": (200, 200)}, r"front\.png: the pack of 'own' is 1\.00 as wide as high; .* say 0\.50 \(0\.1 × 0\.2 m\)"),
    ({"size": (60, 200)}, r"is 0\.30 as wide as high"),
]


@pytest.mark.parametrize(("given", "message"), BAD_PICTURES)
def test_artwork_is_refused_rather_than_stretched(tmp_path: Path, given: dict, message: str) -> None:
    path = save(tmp_path / "front.png", RED, given["size"], margin=20)
    with pytest.raises(InputError, match=message):
        pack_mesh(own(path), 500)


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "front.jpg").write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(InputError, match=r"front\.jpg: not a readable picture .* sku 'own'"):
        pack_mesh(own(tmp_path / "front.jpg"), 500)


def catalog_with(folder: Path, columns: str, values: str) -> Path:
    path = folder / "catalog.csv"
    path.write_text(
        f"sku,brand,name,variant,category,size,form,width,height,depth,{columns}\n"
        f"own,Mine,Soup,Classic,Soup,1 l,box,0.1,0.2,0.06,{values}\n"
    )
    return path


def test_a_catalog_with_pictures_is_written_and_read_back(six: Path) -> None:
    catalog = load_catalog(catalog_with(six.parent, "pictures", "six"))
    (six.parent / "elsewhere").mkdir()
    save_catalog(catalog, six.parent / "elsewhere" / "catalog.csv")
    assert "../six" in (six.parent / "elsewhere" / "catalog.csv").read_text()
    assert load_catalog(six.parent / "elsewhere" / "catalog.csv") == catalog


def test_a_missing_side_missing_file_or_both_kinds_are_named_with_row_and_column(six: Path) -> None:
    (six / "top.png").unlink()
    with pytest.raises(
        InputError, match=r"catalog\.csv, row 2: pictures: .*six: no picture of top; expected front alone"
    ):
        load_catalog(catalog_with(six.parent, "pictures", "six"))
    with pytest.raises(InputError, match=r"catalog\.csv, row 2: pictures: .*none\.jpg: no such picture"):
        load_catalog(catalog_with(six.parent, "pictures", "none.jpg"))
    with pytest.raises(InputError, match=r"catalog\.csv, row 2: mesh: .*none\.obj: no such mesh"):
        load_catalog(catalog_with(six.parent, "mesh", "none.obj"))
    with pytest.raises(InputError, match=r"catalog\.csv, row 2: pictures and mesh of own are both given"):
        load_catalog(catalog_with(six.parent, "pictures,mesh", "six,none.obj"))


def test_the_hash_of_a_scenario_covers_the_bytes_of_the_pictures_and_not_their_place(six: Path) -> None:
    def hash_of(folder: Path) -> str:
        catalog = load_catalog(catalog_with(folder.parent, "pictures", folder.name))
        planogram = Planogram((Position("p", "bay-1", 0, 0.0, "own", 1, 1, 1, 1),))
        return Scenario(Layout(small_layout().store, catalog, planogram), Conditions("own")).hash

    first = hash_of(six)
    moved = six.rename(six.with_name("renamed"))
    assert hash_of(moved) == first
    save(moved / "front.png", GREEN, (100, 200), margin=15)
    assert hash_of(moved) != first


def block(size: tuple[float, float, float]) -> "trimesh.Trimesh":  # noqa: F821
    import trimesh

    return trimesh.creation.box(size)


@pytest.mark.parametrize("factor", [1.0, 100.0, 1000.0, 1 / 0.0254])
def test_a_mesh_is_scaled_by_its_unit_and_stood_on_the_shelf(tmp_path: Path, factor: float) -> None:
    mesh = block((0.1 * factor, 0.2 * factor, 0.06 * factor))
    mesh.apply_translation((5, 7, -3))
    mesh.export(tmp_path / "pack.obj")
    pack = pack_mesh(own(mesh=tmp_path / "pack.obj"), 500)
    assert extents(pack) == pytest.approx((0.1, 0.06, 0.2), abs=1e-4)
    assert pack.vertices[:, 2].min() == pytest.approx(0, abs=1e-9)
    assert np.abs(pack.vertices[:, :2].min(axis=0) + pack.vertices[:, :2].max(axis=0)).max() < 1e-9
    assert len(pack.pieces) == 1


def test_a_glb_faces_the_shopper_with_its_colours(tmp_path: Path) -> None:
    """glTF: y up, the front towards +z; here that face alone is red."""
    mesh = block((0.1, 0.2, 0.06))
    mesh.unmerge_vertices()
    mesh.visual.vertex_colors = np.repeat([RED if n[2] > 0.9 else BLUE for n in mesh.face_normals], 3, axis=0)
    mesh.export(tmp_path / "pack.glb")
    pack = pack_mesh(own(mesh=tmp_path / "pack.glb"), 500)
    assert colour_towards(pack, (0, -1, 0)) == pytest.approx(RED, abs=8)
    assert colour_towards(pack, (0, 1, 0)) == pytest.approx(BLUE, abs=8)


def test_a_textured_glb_keeps_its_picture(tmp_path: Path) -> None:
    import trimesh

    mesh = block((0.1, 0.2, 0.06))
    picture = Image.new("RGB", (64, 64), GREEN)
    uv = np.full((len(mesh.vertices), 2), 0.5)
    mesh.visual = trimesh.visual.TextureVisuals(uv, image=picture)
    mesh.export(tmp_path / "pack.glb")
    pack = pack_mesh(own(mesh=tmp_path / "pack.glb"), 500)
    assert colour_towards(pack, (0, -1, 0)) == pytest.approx(GREEN, abs=5)


def write_bad(folder: Path, kind: str) -> Path:
    path = folder / "pack.obj"
    if kind == "text":
        path.write_text("this is no mesh")
    elif kind == "binary":
        path = folder / "pack.glb"
        path.write_bytes(b"glTF" + bytes(40))
    else:
        mesh = block((0.1, 0.2, 0.06) if kind != "size" else (0.1, 0.2, 0.2))
        if kind == "hole":
            mesh.update_faces(np.arange(len(mesh.faces)) != 3)
        if kind == "fin":
            mesh.faces = np.vstack([mesh.faces, [*mesh.faces[0][:2], 7]])
        mesh.export(path)
    return path


BAD_MESHES = [
    ("text", r"no triangles|not readable"), ("binary", "not readable as OBJ or GLB"),
    ("hole", "not a closed surface: 3 open edges"), ("fin", "not a closed surface: .* [1-9] edges of three"),
    ("size", r"0\.1 × 0\.2 × 0\.2 .* is 0\.1 × 0\.2 × 0\.06 m in none of metres"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message"), BAD_MESHES)
def test_a_bad_mesh_is_one_clear_line(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        pack_mesh(own(mesh=write_bad(tmp_path, kind)), 500)
    assert "\n" not in str(caught.value)
    assert "pack." in str(caught.value)


def test_a_huge_mesh_is_made_coarser_and_says_so(tmp_path: Path) -> None:
    import trimesh

    trimesh.creation.capsule(height=0.1, radius=0.05, count=[96, 96]).export(tmp_path / "pack.obj")
    product = own(mesh=tmp_path / "pack.obj", width=0.1, height=0.1, depth=0.2)
    with pytest.warns(UserWarning, match="made coarser to 5000"):
        mesh = pack_mesh(product, 500)
    assert 1000 < len(mesh.triangles) <= 5000
    assert extents(mesh) == pytest.approx((0.1, 0.2, 0.1), rel=0.05)


def test_truth_of_a_bottle_and_a_concave_mesh_is_that_of_the_picture(tmp_path: Path) -> None:
    """Silhouettes of own packs are exact: from an oblique camera, units seen whole have visible fraction 1."""
    import trimesh

    body = trimesh.creation.box((0.1, 0.08, 0.06))
    arm = trimesh.creation.box((0.04, 0.12, 0.06))
    body.apply_translation((0, 0.04, 0))
    arm.apply_translation((0.03, 0.14, 0))
    trimesh.util.concatenate([body, arm]).export(tmp_path / "l.obj")
    picture = Image.new("RGB", (140, 320), (255, 255, 255))
    ImageDraw.Draw(picture).polygon(
        [(20, 309), (20, 120), (55, 60), (55, 10), (84, 10), (84, 60), (119, 120), (119, 309)], fill=RED
    )
    picture.save(tmp_path / "bottle.png")
    products = (
        dataclasses.replace(own(mesh=tmp_path / "l.obj"), sku="l"),
        dataclasses.replace(own(tmp_path / "bottle.png", form="bottle", height=0.3, depth=0.1), sku="bottle"),
    )
    positions = (Position("a", "bay-1", 0, 0.1, "l", 1, 1, 1, 1), Position("b", "bay-1", 0, 0.6, "bottle", 1, 1, 1, 1))
    layout = Layout(small_layout().store, Catalog(products), Planogram(positions))
    scenario = Scenario(layout, Conditions("own", mess=TIDY))
    camera = Camera("oblique", MODEL, (0.1, -1.0, 0.55), (0.45, 0.0, 0.45))
    with World(layout) as world:
        world.set(scenario)
        truth = measure(world, camera, render(world, camera, scenario))
    assert len(truth.visible_fraction) == 2
    assert np.abs(truth.visible_fraction - 1).max() < 0.01


@pytest.mark.skipif(not ICONIC.is_dir(), reason="the Grocery Store pictures are not here")
def test_catalogue_pictures_of_real_products_become_packs() -> None:
    """Two turned one way, one the other, one facing; each with dimensions measured on a real pack."""
    cases = [
        ("Juice/Tropicana-Juice-Smooth", "carton", (0.07, 0.235, 0.07)),
        ("Milk/Arla-Standard-Milk", "carton", (0.07, 0.235, 0.07)),
        ("Juice/God-Morgon-Orange-Juice", "carton", (0.07, 0.24, 0.07)),
        ("Sour-Cream/Arla-Sour-Cream", "box", (0.075, 0.115, 0.05)),
        ("Yoghurt/Yoggi-Strawberry-Yoghurt", "bottle", (0.072, 0.24, 0.072)),
    ]
    for folder, form, (w, h, d) in cases:
        picture = next((ICONIC / folder).glob("*.jpg"))
        mesh = pack_mesh(own(picture, form=form, width=w, height=h, depth=d), 900)
        assert extents(mesh) == pytest.approx((w, d, h), abs=0.003)
        # The blue side of the smooth juice is on its side, not on its front.
        if "Smooth" in folder:
            red, _, blue = colour_towards(mesh, (1, 0, 0))
            assert blue > red + 40

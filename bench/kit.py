"""What a device is measured with, where there is no simulator: `python -m bench.kit FOLDER` makes it.

FOLDER/pictures   simulated frames of one camera of the quickstart store
FOLDER/store      the store's files, FOLDER/camera.yaml the camera, FOLDER/packs pictures of its products

On the device: `shelfwatch enroll packs --output packs.npz`, then `shelfwatch latency pictures --planogram store
--camera camera.yaml --gallery packs.npz`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import scenarios
from bench.cli import load_experiment
from scenarios import InputError
from sim import World, capture, studio_pictures
from vision.calibrate import save_camera
from vision.pictures import save_picture
from vision.privacy import with_people

RIG = "angled"


def make_kit(folder: Path, pictures: int, first_seed: int = 1) -> None:
    """Write a kit with so many pictures, one of each scenario seed. Raises InputError where the folder is not empty."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; expected a folder that is made")
    (folder / "pictures").mkdir(parents=True)
    overrides = [f"scenarios={pictures}", f"first_seed={first_seed}"]
    experiment = load_experiment(["experiment=quickstart", *overrides])[0]
    camera = next(rig for rig in experiment.rigs if rig.name == RIG).cameras[0]
    drawn = experiment.draw()
    layout = drawn[0].layout
    with World(layout) as world:
        for i, scenario in enumerate(drawn):
            frame, _ = capture(world, scenario, camera)
            save_picture(folder / "pictures" / f"{i:03d}.jpg", with_people(frame.image), quality=92)
    shutil.copytree(Path(scenarios.__file__).parent / "quickstart", folder / "store")
    save_camera(camera, folder / "camera.yaml", f"{RIG} rig of the quickstart store, as simulated")
    for sku, images in studio_pictures(list(layout.catalog)).items():
        for n, image in enumerate(images):
            path = folder / "packs" / sku / f"{n}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_picture(path, with_people(image), quality=92)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures and files that a device is measured with.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=12)
    given = parser.parse_args()
    try:
        make_kit(given.folder, given.pictures)
    except InputError as error:
        parser.exit(2, f"bench.kit: {error}\n")


if __name__ == "__main__":
    main()

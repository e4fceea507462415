"""The folder of a service: all that `shelfwatch serve` needs to watch a scenario's store through a rig."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bench.experiment import check_rig
from scenarios import InputError, Rig, Scenario
from scenarios.files import write_yaml
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog
from vision import Gallery
from vision.calibrate import save_camera
from vision.service.settings import CameraSettings, Settings

SERVICE, STORE, GALLERY = "service.yaml", "store", "packs.npz"


def write_service_folder(folder: Path, scenario: Scenario, rig: Rig, gallery: Gallery, settings: Settings) -> Path:
    """Write store, gallery, cameras and service.yaml, and return the path of the latter. `settings` say all that does
    not follow from the others. Raises InputError where the folder is not empty, or the rig cannot hang in the store."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; expected a folder that is made")
    check_rig(rig, scenario.layout)
    store = folder / STORE
    store.mkdir(parents=True)
    note = f"{scenario.name}, as simulated"
    write_yaml(store / "store.yaml", scenario.layout.store, note, defaults=False)
    save_catalog(scenario.layout.catalog, store / "catalog.csv")
    save_planogram(scenario.layout.planogram, store / "planogram.csv")
    gallery.save(folder / GALLERY)
    cameras = []
    for camera in rig.cameras:
        save_camera(camera, folder / f"{camera.id}.yaml", f"{note}; rig {rig.name}")
        cameras.append(CameraSettings(f"{camera.id}.yaml"))
    whole = dataclasses.replace(settings, store=STORE, gallery=GALLERY, cameras=tuple(cameras))
    write_yaml(folder / SERVICE, whole, f"{note}, {len(cameras)} virtual cameras (docs/service.md)", defaults=False)
    return folder / SERVICE

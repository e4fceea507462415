"""Settings: what an arm of a study changes against the scenario and the cameras as they are described."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios import Camera, CameraModel, Conditions, Crowd, InputError, Lens, Lighting, Lookalikes, Mess, Rig, Sensor
from scenarios.files import build

DIALS: dict[str, type] = {"lighting": Lighting, "crowd": Crowd, "mess": Mess, "lookalikes": Lookalikes}
"""Groups of the scenario's dials."""
PARTS: dict[str, type] = {"lens": Lens, "sensor": Sensor}
"""Groups of a camera model's dials."""


@dataclass(frozen=True)
class Model:
    """One way to read a picture."""

    name: str
    detector: str
    recognizer: str


@dataclass(frozen=True)
class Settings:
    """Dials that are set; those that are left out stay as the scenario and the camera models have them.

    `scale` is of the cameras' width and height in pixels, 0.05 to 2.
    """

    lighting: Mapping[str, Any] = field(default_factory=dict)
    crowd: Mapping[str, Any] = field(default_factory=dict)
    mess: Mapping[str, Any] = field(default_factory=dict)
    lookalikes: Mapping[str, Any] = field(default_factory=dict)
    lens: Mapping[str, Any] = field(default_factory=dict)
    sensor: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0.05 <= self.scale <= 2:
            raise InputError(f"scale {self.scale}; expected 0.05 to 2 of the cameras' pixels")

    def conditions(self, own: Conditions) -> Conditions:
        """A scenario's conditions with the dials set. Raises InputError for a dial that is unknown or out of range."""
        turned = {
            group: turn(getattr(own, group), getattr(self, group), group) for group in DIALS if getattr(self, group)
        }
        return dataclasses.replace(own, **turned)

    def rig(self, rig: Rig) -> Rig:
        """A rig of cameras with lens, sensor and resolution set."""
        return Rig(rig.name, tuple(self._camera(camera) for camera in rig.cameras))

    def _camera(self, camera: Camera) -> Camera:
        changed: dict[str, Any] = {
            part: turn(getattr(camera.model, part), getattr(self, part), part) for part in PARTS if getattr(self, part)
        }
        if self.scale != 1:
            # The same lens, field of view and size of a pixel: a smaller or a larger sensor.
            changed |= {key: round(getattr(camera.model, key) * self.scale) for key in ("width", "height")}
        if not changed:
            return camera
        plain = {f.name: getattr(camera.model, f.name) for f in dataclasses.fields(CameraModel)} | changed
        try:
            return dataclasses.replace(camera, model=CameraModel(**plain))
        except ValueError as error:
            raise InputError(f"camera {camera.id}: {error}") from None


def turn(own: Any, given: Mapping[str, Any], where: str) -> Any:
    """A dataclass of dials with some of them set. Raises InputError that names what is allowed."""
    return build(type(own), dataclasses.asdict(own) | dict(given), where)

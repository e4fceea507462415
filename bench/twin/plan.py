"""What `shelfbench twin` is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.experiment import check_rig
from bench.studies.settings import Model, Settings
from scenarios import Camera, InputError, Rig, Scenario, load_scenario
from scenarios.files import build


@dataclass(frozen=True)
class TwinPlan:
    """conf/twin.yaml says what each key means."""

    scenario: str
    rig: Rig
    model: Model
    runtime: str = "onnxruntime-cpu"
    renderer: str = "raster"
    crowd: Mapping[str, Any] = field(default_factory=dict)
    target: str = ""
    client: str = ""
    secret_file: str = ""
    prepare: str | None = None
    port: int = 8443
    cameras: int | None = None
    width: int = 640
    every: float = 5.0
    speed: float = 1.0
    seconds: float | None = None
    sales: float = 1.0
    restock_after: float = 900.0
    seed: int = 1
    reuse: bool = True
    pictures: bool = True
    record: str | None = None
    replay: str | None = None
    outputs: str = "outputs"

    def __post_init__(self) -> None:
        if not (self.every > 0 and self.speed >= 0 and self.width >= 64 and self.restock_after > 0 and self.sales >= 0):
            raise ValueError(
                f"every {self.every}, speed {self.speed}, width {self.width}, restock_after {self.restock_after}, "
                f"sales {self.sales}; expected above 0, 0 or more, 64 or more, above 0, 0 or more"
            )
        if (self.seconds is not None and not self.seconds > 0) or (self.cameras is not None and self.cameras < 1):
            raise ValueError(f"seconds {self.seconds}, cameras {self.cameras}; expected null, or above 0")
        if self.prepare and (self.target or self.replay):
            raise ValueError("prepare writes a folder and plays nothing; expected neither target nor replay with it")

    def drawn(self) -> Scenario:
        """The scenario, with the crowd that was asked for. Raises InputError."""
        base = load_scenario(self.scenario, self.seed)
        conditions = Settings(crowd=self.crowd).conditions(base.conditions)
        return dataclasses.replace(base, conditions=conditions)

    def hung(self, scenario: Scenario) -> list[Camera]:
        """The cameras, each with an id of its own. Raises InputError for a rig that cannot hang in the store."""
        if not self.rig.cameras:
            raise InputError(f"rig {self.rig.name}: no cameras; expected at least one")
        first = self.rig.cameras[0].model.width
        rig = Settings(scale=self.width / first).rig(self.rig)
        check_rig(rig, scenario.layout)
        wanted, found = self.cameras or len(rig.cameras), []
        for n in range(wanted):
            again, k = divmod(n, len(rig.cameras))
            camera = rig.cameras[k]
            found.append(dataclasses.replace(camera, id=f"{camera.id}.{again + 1}") if again else camera)
        return found


def plan_of(config: Mapping[str, Any]) -> TwinPlan:
    """The plan of a composed configuration. Raises InputError."""
    kept = {key: value for key, value in config.items() if key not in ("camera_models", "crowd")}
    return dataclasses.replace(build(TwinPlan, kept, "twin"), crowd=config["crowd"] or {})

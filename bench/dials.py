"""The dials that `shelfbench render dials=true` turns, each at five settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scenarios import Camera, InputError, Scenario


@dataclass(frozen=True)
class Dial:
    """A dial of scenario.yaml, or of a camera model's lens or sensor: where it stands, five settings, and which of
    the derived views shows it best.

    `with_others`: dials of the same group that are set too, so that something shows; `shutter`: the longest
    exposure of the camera then, seconds.
    """

    group: str
    key: str
    settings: tuple[float, ...]
    unit: str = ""
    view: str = "near"
    ranged: bool = False
    with_others: tuple[tuple[str, float], ...] = ()
    shutter: float | None = None

    @property
    def name(self) -> str:
        return f"{self.group}.{self.key}"

    def turn(self, scenario: Scenario, camera: Camera, setting: float) -> tuple[Scenario, Camera]:
        """Scenario and camera with the dial at a setting; a range of the conditions becomes that one value."""
        owner = camera.model if self.group in ("lens", "sensor") else scenario.conditions
        value = (setting, setting) if self.ranged else setting
        group = replace(getattr(owner, self.group), **dict(self.with_others), **{self.key: value})
        if self.shutter is not None:
            sensor = replace(camera.model.sensor, max_exposure=self.shutter)
            camera = replace(camera, model=replace(camera.model, sensor=sensor))
        if owner is camera.model:
            return scenario, replace(camera, model=replace(camera.model, **{self.group: group}))
        return replace(scenario, conditions=replace(scenario.conditions, **{self.group: group})), camera

    def missing(self, scenario: Scenario) -> str | None:
        """Why the store cannot show the dial, or None."""
        if self.key == "hour" and not scenario.layout.store.windows:
            return "the store has no window"
        if self.key == "distance" and not any(product.family for product in scenario.layout.catalog):
            return "the store has no look-alike family"
        return None


NIGHT = (("hour", 22.0),)
"""Without daylight, so that the lamps alone are seen."""
DIALS = (
    Dial("lighting", "lux", (2, 20, 100, 500, 2000), "lx, by night", "opposite", True, NIGHT),
    Dial("lighting", "kelvin", (2700, 3500, 4500, 6500, 9000), "K, by night", "opposite", True, NIGHT),
    Dial("lighting", "failed", (0, 0.25, 0.5, 0.75, 1), "of the lamps, by night", "opposite", False, NIGHT),
    Dial(
        "lighting", "hour", (7, 10, 13, 16, 20), "h, half of the lamps on", "opposite", with_others=(("failed", 0.5),)
    ),
    Dial("lighting", "flicker", (0, 0.25, 0.5, 0.75, 1), "deep, by night, 1 ms", "opposite", False, NIGHT, 0.001),
    Dial("crowd", "density", (0, 0.1, 0.25, 0.5, 1), "shoppers a m²", "eye"),
    Dial(
        "crowd",
        "carts",
        (0, 0.25, 0.5, 0.75, 1),
        "of the shoppers",
        "eye",
        with_others=(("shoppers", 4), ("baskets", 0)),
    ),
    Dial("crowd", "pallets", (0, 1, 2, 3, 4), "in the aisle", "eye"),
    Dial("mess", "out", (0, 0.1, 0.25, 0.5, 0.8), "of the positions"),
    Dial("mess", "empty_column", (0, 0.1, 0.25, 0.5, 0.8), "of the columns"),
    Dial("mess", "receded", (0, 0.25, 0.5, 0.75, 1), "of the columns"),
    Dial("mess", "misplaced", (0, 0.1, 0.25, 0.5, 1), "of the positions"),
    Dial("mess", "turned", (0, 0.1, 0.25, 0.5, 1), "of the front units"),
    Dial("mess", "leaning", (0, 0.1, 0.25, 0.5, 1), "of the front units"),
    Dial("mess", "fallen", (0, 0.1, 0.25, 0.5, 1), "of the front units"),
    Dial("lookalikes", "distance", (0, 0.15, 0.35, 0.65, 1), "look-alike distance", "family"),
    Dial("lens", "k1", (0, -0.1, -0.2, -0.3, -0.4), "barrel distortion"),
    Dial("lens", "spread", (0, 0.5, 1, 2, 4), "px, standard deviation of the point spread"),
    Dial("sensor", "quality", (95, 75, 50, 25, 8), "JPEG"),
    Dial("sensor", "sharpening", (0, 0.4, 1, 2, 4), "unsharp mask"),
)


def dial(name: str) -> Dial:
    """The dial of a name, such as "lighting.lux". Raises InputError."""
    for known in DIALS:
        if known.name == name:
            return known
    raise InputError(f"dial {name!r}; expected one of {', '.join(d.name for d in DIALS)}")

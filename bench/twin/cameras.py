"""Virtual cameras: pictures of a scenario that goes on, of which only what has changed is rendered again."""

from __future__ import annotations

from collections.abc import Hashable

from scenarios import Camera, Frame, Scenario
from sim import World
from sim.lens import distort
from sim.motion import motions
from sim.render import Render, renderer
from sim.sensor import expose
from sim.world import FIRST_UNIT


class VirtualCameras:
    """Cameras that hang in one world. `rendered` and `kept` count pictures whose scene was drawn anew, and was not:
    the sensor's noise is drawn anew in each."""

    def __init__(self, world: World, by: str = "raster") -> None:
        self.world, self._draw = world, renderer(by)
        self.rendered = self.kept = 0
        self._last: dict[Camera, tuple[Hashable, Render]] = {}

    def frame(self, scenario: Scenario, camera: Camera, time: float) -> Frame:
        """The picture of a camera at a time, of a scenario of this world's layout as it then is."""
        self.world.set(scenario)
        scene = self._scene(camera, scenario)
        last = self._last.get(camera)
        if last is not None and last[0] == scene:
            render, self.kept = last[1], self.kept + 1
        else:
            render = distort(self._draw(self.world, camera.pinhole, scenario), camera)
            self._last[camera], self.rendered = (scene, render), self.rendered + 1
        return Frame(expose(render, scenario.at(time), camera, motions(self.world, camera)), camera, time)

    def render_of(self, camera: Camera) -> Render:
        """The scene of a camera's last picture, as it was drawn."""
        return self._last[camera][1]

    def _scene(self, camera: Camera, scenario: Scenario) -> Hashable:
        """All that decides a camera's picture but for the sensor: the bodies that it may see, and the light. A unit's
        number is none of it: that of all changes with each unit that is sold before it."""
        there = self.world.scene(camera.pinhole)
        bodies = [(i.body if i.body < FIRST_UNIT else -1, id(i.mesh), i.position, i.orientation) for i in there]
        return scenario.seed, scenario.conditions.lighting, tuple(bodies)

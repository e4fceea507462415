"""One picture of a scenario with its truth, as the pipeline and the judge get them."""

from __future__ import annotations

from scenarios import Camera, Frame, Scenario
from sim.lens import distort
from sim.motion import motions
from sim.render import renderer
from sim.sensor import expose
from sim.truth import Truth, measure
from sim.world import World


def capture(
    world: World, scenario: Scenario, camera: Camera, by: str = "raster", metered: Scenario | None = None
) -> tuple[Frame, Truth]:
    """Set the world to the scenario, render it once through `camera`, and measure what is in it.

    `by` names the renderer, one of `sim.render.RENDERERS`. `metered` is the scenario whose light exposure and white
    balance are still set for, where the light has changed within the sensor's `latency`.
    """
    world.set(scenario)
    render = distort(renderer(by)(world, camera.pinhole, scenario), camera)
    image = expose(render, scenario, camera, motions(world, camera), metered)
    return Frame(image, camera, scenario.time), measure(world, camera, render)

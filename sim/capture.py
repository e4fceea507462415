"""One picture of a scenario with its truth, as the pipeline and the judge get them."""

from __future__ import annotations

from scenarios import Camera, Frame, Scenario
from sim.raster import render
from sim.sensor import expose
from sim.truth import Truth, measure
from sim.world import World


def capture(world: World, scenario: Scenario, camera: Camera) -> tuple[Frame, Truth]:
    """Set the world to the scenario, render it once through `camera`, and measure what is in it."""
    world.set(scenario)
    raster = render(world, camera, scenario)
    return Frame(expose(raster.image, scenario, camera), camera), measure(world, camera, raster)

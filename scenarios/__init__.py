"""What a store is, what happens in it, and what is said about it: plain data and arithmetic."""

from scenarios.cameras import Camera, CameraModel, Rig
from scenarios.conditions import Crowd, Lighting, Lookalikes, Mess
from scenarios.files import InputError
from scenarios.frames import Frame
from scenarios.optics import Lens, Sensor
from scenarios.planogram import Layout, Places, Planogram, Position
from scenarios.products import Catalog, Product
from scenarios.randomness import rng
from scenarios.scenario import Conditions, Scenario, load_layout, load_scenario
from scenarios.states import Level, ShelfState
from scenarios.stock import Stock, Unit
from scenarios.store import Fixture, Luminaire, Room, Shelf, Store, Window

__all__ = [
    "Camera", "CameraModel", "Catalog", "Conditions", "Crowd", "Fixture", "Frame", "InputError", "Layout", "Lens",
    "Level", "Lighting", "Lookalikes", "Luminaire", "Mess", "Places", "Planogram", "Position", "Product", "Rig",
    "Room", "Scenario", "Sensor", "Shelf", "ShelfState", "Stock", "Store", "Unit", "Window", "load_layout",
    "load_scenario", "rng",
]  # fmt: skip

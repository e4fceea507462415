"""The simulator: pictures of a described store, and their exact truth."""

from sim.capture import capture
from sim.studio import studio_pictures
from sim.truth import PositionTruth, Truth, position_truths
from sim.world import World

__all__ = ["PositionTruth", "Truth", "World", "capture", "position_truths", "studio_pictures"]

"""The light of a scenario, drawn from its conditions, in physical units."""

from __future__ import annotations

from scenarios import Scenario, rng


def mean_illuminance(scenario: Scenario) -> float:
    """Mean illuminance on the shelf fronts in lux."""
    lux = scenario.conditions.lighting.lux or (500.0, 500.0)
    return float(rng(scenario.seed, "light", "sensor").uniform(*lux))


def colour_temperature(scenario: Scenario) -> float:
    """Mean colour temperature of the light in kelvin."""
    kelvin = scenario.conditions.lighting.kelvin or (4000.0, 4000.0)
    return float(rng(scenario.seed, "light", "kelvin").uniform(*kelvin))

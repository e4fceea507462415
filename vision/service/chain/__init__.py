"""A page over many services: the stores of a chain."""

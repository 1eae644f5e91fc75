"""A pretend Instagram and a pretend model, for the demo, the tests and the load test."""

from vestlus.simulator.config import SimulatorConfig
from vestlus.simulator.server import Simulator

__all__ = ["Simulator", "SimulatorConfig"]

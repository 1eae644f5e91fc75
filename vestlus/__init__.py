"""Vestlus answers Instagram direct messages and publishes Instagram posts."""

__version__ = "0.1.0"

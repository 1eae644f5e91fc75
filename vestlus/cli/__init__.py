"""The command ``vestlus``."""

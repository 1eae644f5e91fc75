"""Programs that measure. Each is run by ``python -m benchmarks.NAME`` and prints what it found."""

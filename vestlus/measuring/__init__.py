"""What is measured of each process, and how it comes to ``/metrics`` and to the console."""

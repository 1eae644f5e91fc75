"""The load test: starts what it needs, watches what everything costs, judges and reports.

Users, pretend Graph and pretend model are processes of the simulator, which nothing here imports.
"""

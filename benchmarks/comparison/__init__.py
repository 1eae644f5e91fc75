"""Vestlus beside what people would build instead, in one run: ``python -m benchmarks.comparison``.

Contestants take turns, several rounds; each run of one has its own virtual host on one RabbitMQ,
its own database on one PostgreSQL, and its own pretend Graph, pretend model and users. Ratios are
made within a round, so what else the machine does weighs on both sides alike.
"""

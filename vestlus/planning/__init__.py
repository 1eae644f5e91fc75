"""The scheduler's service: claims what is due, has drafts made, and hands posts over.

The rules are in :mod:`vestlus.scheduling`, the rows in the store; ``actors/scheduler_actor.py``
runs it.
"""

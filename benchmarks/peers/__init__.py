"""What people would build instead, each as its own documentation recommends.

They are measured beside Vestlus by ``benchmarks.comparison`` and do the part of its work that any
such program must do: check the signature, keep what came durably, know each user's history, ask the
model, send. They have no hand-over to people, no 24-hour window, no rate limits, no look before
sending again, no operators. No production code imports them; their dependencies are those of the
group ``bench``.
"""

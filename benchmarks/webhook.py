"""How long a webhook of 100 events takes to be parsed and grouped by partition.

::

    python -m benchmarks.webhook [--repeats 200]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

from vestlus.instagram.parsing import group_by_partition, parse_webhook

EVENTS = 100
PARTITIONS = 16


def payload() -> bytes:
    """One POST as Meta batches it: messages of as many users."""
    account = "17841400000000001"
    items = [
        {
            "sender": {"id": str(900_000_000_000 + number)},
            "recipient": {"id": account},
            "timestamp": 1_790_000_000_000 + number,
            "message": {"mid": "m" * 150 + str(number), "text": "Tere!"},
        }
        for number in range(EVENTS)
    ]
    entry = {"time": 1_790_000_000_000, "id": account, "messaging": items}
    return json.dumps({"object": "instagram", "entry": [entry]}).encode()


def main() -> int:
    """Prints milliseconds as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhook", description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    repeats = parser.parse_args().repeats
    raw, taken = payload(), []
    for _ in range(repeats):
        began = time.perf_counter()
        group_by_partition(parse_webhook(raw), PARTITIONS)
        taken.append((time.perf_counter() - began) * 1000)
    figures = {"events": EVENTS, "best_ms": min(taken), "median_ms": statistics.median(taken)}
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

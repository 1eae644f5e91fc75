"""Several Ray nodes: one is killed, then the head, while users write. ``make nodes`` does more.

In a process of its own: nodes have addresses of their own where the platform allows it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable


def test_a_killed_node_and_a_restarted_head_lose_and_double_nothing(
    say: Callable[[str], None],
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.nodes.run", "--short"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        say(line)
    assert done.returncode == 0, done.stdout + done.stderr

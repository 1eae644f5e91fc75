"""What samples of the service count for."""

from __future__ import annotations

import pytest

from benchmarks.costs import Part, cost_of, kind_of, read_stacks, summary, table

ROOT = "<module> (ray/_private/workers/default_worker.py:327);run (asyncio/runners.py:190)"


@pytest.mark.parametrize(
    ("inner", "cost"),
    [
        ("look (vestlus/hosting/turns.py:12)", "vestlus/hosting"),
        (
            "commit (vestlus/store/sql.py:4);execute (sqlalchemy/base.py:9);x (asyncpg/c.py)",
            "vestlus/store: sqlalchemy",
        ),
        (
            "ask (vestlus/hosting/a.py:1);ask (vestlus/assistant/b.py:2);create (openai/r.py:3)",
            "vestlus/assistant: openai",
        ),
        ("_read (/any/lib/site-packages/aiormq/connection.py:5)", "ray"),
        (
            "told (vestlus/measuring/r.py:1);send (ray/serve/h.py:7);send (uvicorn/h.py:5)",
            "vestlus/measuring: uvicorn",
        ),
        (
            "run_asgi (uvicorn/h.py:4);call (ray/serve/r.py:3);fetch (ray/serve/d.py:7)",
            "ray",
        ),
        (
            "round (conversation_registry.py:5);dumps (json/encoder.py:5)",
            "conversation_registry: json",
        ),
    ],
)
def test_a_stack_counts_for_the_innermost_room_and_what_it_calls(inner: str, cost: str) -> None:
    assert cost_of(f"{ROOT};{inner}") == cost


def test_what_an_actor_only_runs_in_is_no_room() -> None:
    shell = f"{ROOT};main (actors/shell.py:9);run (uvloop/__init__.py:2)"
    assert cost_of(shell) == "Python's event loop"
    assert cost_of(f"{shell};read (aiormq/connection.py:2)") == "aiormq"


def test_a_stack_without_a_room_counts_for_its_library() -> None:
    assert cost_of("run (asyncio/runners.py:1);read (/a/site-packages/aiormq/c.py:2)") == "aiormq"
    assert cost_of("run (asyncio/runners.py:1);select (selectors.py:2)") == "Python's event loop"


def test_microseconds_of_a_message_are_shared_out_by_samples() -> None:
    stacks = read_stacks("a (vestlus/bus/x.py:1) 30\nb (vestlus/store/y.py:1);z (json/d.py) 10\n")
    part = Part("webhook", cpu_seconds=4.0, seconds=10.0, stacks=stacks)
    # 0.4 of a processor at 100 a second.
    assert part.costs(100.0) == [("vestlus/bus", 3000.0), ("vestlus/store: json", 1000.0)]
    assert "| | `vestlus/bus` | 3,000 | 75% |" in table([part], 100.0)


@pytest.mark.parametrize(
    ("part", "cost", "kind"),
    [
        ("ConversationActor", "vestlus/store: sqlalchemy", "the store"),
        ("ConversationActor", "sqlalchemy", "the store"),
        ("ConversationActor", "aiohttp", "the model"),
        ("PublisherActor", "aiohttp", "Instagram"),
        ("PublisherActor", "publishers/lane", "sending"),
        ("webhook", "vestlus/measuring", "measures"),
        ("webhook", "vestlus/measuring: uvicorn", "uvicorn"),
        ("webhook", "vestlus/instagram: ray", "Ray Serve"),
        ("webhook", "rayleigh", "rayleigh"),
    ],
)
def test_a_cost_belongs_to_what_its_room_or_its_library_is_for(
    part: str, cost: str, kind: str
) -> None:
    assert kind_of(part, cost) == kind


def test_what_belongs_together_is_summed_up_before_the_dearest_are_told() -> None:
    stacks = read_stacks(
        "a (vestlus/hosting/x.py:1) 4\nb (vestlus/store/y.py:1) 3\nc (sqlalchemy/z.py:2) 3\n"
    )
    part = Part("ConversationActor", cpu_seconds=1.0, seconds=10.0, stacks=stacks)
    told = "| ConversationActor | 1,000 | the store, 600 | conversations, 400 |"
    assert told in summary([part], 100.0)

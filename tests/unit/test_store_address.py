from __future__ import annotations

from pathlib import Path

import pytest

from vestlus.store.open import open_store


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://user:hush@host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://user:hush@host:port/db",
    ],
)
def test_an_address_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="postgresql://") as refused:
        open_store(url, partitions=4, outbox_partitions=2)

    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hush@127.0.0.1:1/db?sslmode=require",
        "postgres://user@127.0.0.1/db",
        "sqlite:///some/store.db",
    ],
)
def test_a_store_is_made_without_touching_anything(url: str, tmp_path: Path) -> None:
    place = url.replace("sqlite:///", f"sqlite:///{tmp_path}/")

    open_store(place, partitions=4, outbox_partitions=2)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["sqlite:///some/store.db", "postgresql://user@127.0.0.1/db"])
def test_stores_of_one_kind_share_their_statements_and_nothing_else(place: str) -> None:
    one, two = (open_store(place, partitions=4, outbox_partitions=2) for _ in range(2))
    for_other_partitions = open_store(place, partitions=4, outbox_partitions=3)

    of_one, of_two, of_other = (vars(store) for store in (one, two, for_other_partitions))
    assert {name for name in of_one if of_one[name] is not of_two[name]} == {
        "_database",
        "_backend",
    }
    assert of_one["_epochs"] is not of_other["_epochs"]

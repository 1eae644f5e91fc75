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

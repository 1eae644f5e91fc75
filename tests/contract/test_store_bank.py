"""The image bank's catalogue, vectors of texts, and pictures that Instagram has."""

from __future__ import annotations

import asyncio

from tests.contract.store_support import ACCOUNT, another, rival, store
from vestlus.store.port import Store

__all__ = ["rival", "store"]


async def test_pictures_are_added_replaced_and_removed(store: Store) -> None:
    assert await store.catalogue() == {}

    await store.put_pictures({"maja": '{"alt": "Maja"}', "kaart": "{}"}, 1)
    await store.put_pictures({"maja": '{"alt": "Raekoda \\ud83c"}', "tamm": "1"}, 2)
    await store.put_pictures({}, 3)

    assert await store.catalogue() == {
        "kaart": "{}",
        "maja": '{"alt": "Raekoda \\ud83c"}',
        "tamm": "1",
    }
    assert await store.remove_pictures(["maja", "kaart", "unheard of"], 4) == {"maja", "kaart"}
    assert await store.remove_pictures(["maja"], 5) == frozenset()
    assert await store.remove_pictures([], 6) == frozenset()
    assert await store.catalogue() == {"tamm": "1"}


async def test_the_stamp_differs_after_every_change_even_at_the_same_moment(store: Store) -> None:
    stamps = [await store.catalogue_stamp()]
    for change in (
        lambda: store.put_pictures({"a": "1"}, 5),
        lambda: store.put_pictures({"a": "2"}, 5),
        lambda: store.put_pictures({"b": "1"}, 5),
        lambda: store.remove_pictures(["a"], 5),
        lambda: store.put_pictures({"a": "2"}, 5),
    ):
        await change()
        stamps.append(await store.catalogue_stamp())
        assert await store.catalogue_stamp() == stamps[-1]

    assert len(set(stamps)) == len(stamps)


async def test_changes_at_the_same_time_are_all_seen_by_the_stamp(
    store: Store, rival: Store
) -> None:
    await asyncio.gather(
        *(
            one.put_pictures({f"{n}": "{}", "shared": f"{n}"}, n)
            for n, one in enumerate((store, rival) * 8)
        )
    )

    assert len(await store.catalogue()) == 17
    assert await rival.catalogue_stamp() == "16"


async def test_the_catalogue_does_not_stand_in_the_way_of_opening(
    store: Store, store_url: str
) -> None:
    await store.put_pictures({"maja": "{}"}, 1)

    async with another(store_url) as again:
        assert await again.catalogue() == {"maja": "{}"}


async def test_vectors_are_kept_by_model_and_digest(store: Store) -> None:
    vectors = {f"digest-{n}": bytes(range(n, n + 12)) for n in range(20)}
    await store.put_embeddings("small", vectors)
    await store.put_embeddings("small", {"digest-1": b"other"})
    await store.put_embeddings("large", {"digest-1": b"\x00\xff"})
    await store.put_embeddings("large", {})

    asked = ["digest-1", "digest-19", "unheard of"]
    assert await store.embeddings("small", asked) == {
        "digest-1": vectors["digest-1"],
        "digest-19": vectors["digest-19"],
    }
    assert await store.embeddings("large", asked) == {"digest-1": b"\x00\xff"}
    assert await store.embeddings("none", asked) == {}
    assert await store.embeddings("small", []) == {}


async def test_processes_may_keep_the_same_vectors_at_once(store: Store, rival: Store) -> None:
    vectors = {f"digest-{n}": b"1" for n in range(50)}
    backwards = dict(reversed(vectors.items()))

    await asyncio.gather(
        *(one.put_embeddings("m", v) for one in (store, rival) for v in (vectors, backwards))
    )

    assert await store.embeddings("m", list(vectors)) == vectors


async def test_uploads_are_noted_by_account_and_forgotten(store: Store) -> None:
    await store.note_upload(ACCOUNT, "a.jpg", "att-1", 1)
    await store.note_upload(ACCOUNT, "b.jpg", "att-2", 1)
    await store.note_upload(ACCOUNT, "a.jpg", "att-3", 2)
    await store.note_upload("other", "a.jpg", "att-4", 2)

    files = ["a.jpg", "b.jpg", "c.jpg"]
    assert await store.uploaded(ACCOUNT, files) == {"a.jpg": "att-3", "b.jpg": "att-2"}
    await store.note_upload(ACCOUNT, "a.jpg", "", 3)
    await store.note_upload(ACCOUNT, "c.jpg", "", 3)

    assert await store.uploaded(ACCOUNT, files) == {"b.jpg": "att-2"}
    assert await store.uploaded("other", files) == {"a.jpg": "att-4"}
    assert await store.uploaded(ACCOUNT, []) == {}

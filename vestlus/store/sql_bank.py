"""The image bank's catalogue, vectors of texts, and what Instagram has already, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, cast, delete, select

from vestlus.store import schema
from vestlus.store.sql_codec import cleaned, rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_META: Final = schema.meta.c
_PICTURE: Final = schema.picture.c
_EMBEDDING: Final = schema.embedding.c
_UPLOADED: Final = schema.uploaded_picture.c

#: The row of the table ``meta`` that counts the catalogue's changes: times may repeat.
_STAMP: Final = "catalogue"


class SqlBank(SqlPart):
    """What belongs to no conversation. See :class:`~vestlus.store.port.Bank` and ``Ledger``."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._catalogue = select(_PICTURE.id, _PICTURE.data).order_by(_PICTURE.id)
        name = bindparam("of", type_=Text())
        self._stamp = select(_META.value).where(_META.name == name)
        raised = cast(_META.value, BigInteger) + 1
        # First in every change, so that two changes at a time wait for each other.
        self._raise_stamp = (
            dialect.insert(schema.meta)
            .values(name=_STAMP, value="1")
            .on_conflict_do_update(index_elements=["name"], set_={"value": cast(raised, Text)})
        )
        rows = dialect.rows({"id": Text(), "data": Text(), "changed_ms": BigInteger()})
        put = dialect.insert(schema.picture).from_select(
            ["id", "data", "changed_ms"],
            select(rows.c.id, rows.c.data, rows.c.changed_ms).order_by(rows.c.id),
        )
        self._put_pictures = put.on_conflict_do_update(
            index_elements=["id"],
            set_={"data": put.excluded.data, "changed_ms": put.excluded.changed_ms},
        )
        self._remove_pictures = (
            delete(schema.picture).where(dialect.one_of(_PICTURE.id, "ids")).returning(_PICTURE.id)
        )
        self._embeddings = select(_EMBEDDING.digest, _EMBEDDING.vector).where(
            _EMBEDDING.model == name, dialect.one_of(_EMBEDDING.digest, "digests")
        )
        # By themselves: JSON has no bytes.
        self._put_embedding = dialect.insert(schema.embedding).on_conflict_do_nothing()
        self._uploaded = select(_UPLOADED.file, _UPLOADED.attachment_id).where(
            _UPLOADED.account == name, dialect.one_of(_UPLOADED.file, "files")
        )
        upload = dialect.insert(schema.uploaded_picture)
        self._note_upload = upload.on_conflict_do_update(
            index_elements=["account", "file"],
            set_={
                "attachment_id": upload.excluded.attachment_id,
                "uploaded_ms": upload.excluded.uploaded_ms,
            },
        )
        self._forget_upload = delete(schema.uploaded_picture).where(
            _UPLOADED.account == name, _UPLOADED.file == bindparam("which", type_=Text())
        )

    async def catalogue(self) -> dict[str, str]:
        """See :meth:`vestlus.store.port.Bank.catalogue`."""
        rows = await self._database.fetch(self._catalogue)
        return {row.id: row.data for row in rows}

    async def catalogue_stamp(self) -> str:
        """See :meth:`vestlus.store.port.Bank.catalogue_stamp`."""
        rows = await self._database.fetch(self._stamp, {"of": _STAMP})
        return str(rows[0].value) if rows else "0"

    async def put_pictures(self, entries: Mapping[str, str], now_ms: int) -> None:
        """See :meth:`vestlus.store.port.Bank.put_pictures`."""
        if not entries:
            return
        rows = rows_parameter(
            [{"id": id_, "data": data, "changed_ms": now_ms} for id_, data in entries.items()]
        )

        def work(connection: Connection) -> None:
            connection.execute(self._raise_stamp)
            connection.execute(self._put_pictures, {"rows": rows})

        await self._database.write(work)

    async def remove_pictures(self, ids: Collection[str], now_ms: int) -> frozenset[str]:  # noqa: ARG002
        """See :meth:`vestlus.store.port.Bank.remove_pictures`."""
        if not ids:
            return frozenset()
        wanted = {"ids": self._dialect.value_set(ids)}

        def work(connection: Connection) -> frozenset[str]:
            connection.execute(self._raise_stamp)
            return frozenset(connection.execute(self._remove_pictures, wanted).scalars())

        return await self._database.write(work)

    async def embeddings(self, model: str, digests: Collection[str]) -> dict[str, bytes]:
        """See :meth:`vestlus.store.port.Bank.embeddings`."""
        if not digests:
            return {}
        wanted = {"of": cleaned(model), "digests": self._dialect.value_set(digests)}
        rows = await self._database.fetch(self._embeddings, wanted)
        return {row.digest: row.vector for row in rows}

    async def put_embeddings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """See :meth:`vestlus.store.port.Bank.put_embeddings`."""
        if not vectors:
            return
        rows = [
            {"model": cleaned(model), "digest": cleaned(digest), "vector": vector}
            for digest, vector in sorted(vectors.items())
        ]
        await self._database.write(
            lambda connection: connection.execute(self._put_embedding, rows).close()
        )

    async def uploaded(self, account: str, files: Collection[str]) -> dict[str, str]:
        """See :meth:`vestlus.store.port.Ledger.uploaded`."""
        if not files:
            return {}
        wanted = {"of": cleaned(account), "files": self._dialect.value_set(files)}
        rows = await self._database.fetch(self._uploaded, wanted)
        return {row.file: row.attachment_id for row in rows}

    async def note_upload(self, account: str, file: str, attachment_id: str, now_ms: int) -> None:
        """See :meth:`vestlus.store.port.Ledger.note_upload`."""
        place = {"account": cleaned(account), "file": cleaned(file)}

        def work(connection: Connection) -> None:
            if attachment_id:
                noted = {"attachment_id": cleaned(attachment_id), "uploaded_ms": now_ms}
                connection.execute(self._note_upload, place | noted)
            else:
                where = {"of": place["account"], "which": place["file"]}
                connection.execute(self._forget_upload, where)

        await self._database.write(work)

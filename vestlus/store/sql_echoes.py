"""Echoes in SQL: compared with what was sent, settled, claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    union,
    update,
)

from vestlus.conversation.events import EventKind
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.names import partition_number
from vestlus.store.rows import (
    EchoRow,
    EventState,
    Kind,
    Lease,
    RecentSend,
    RecordedEvent,
    Settled,
)
from vestlus.store.sql_changes import Changes
from vestlus.store.sql_codec import cleaned, event_of, indexed, rows_parameter
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import picture_ids
from vestlus.store.sql_sends import Mark
from vestlus.store.sql_standing import Occasion, Standing

_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c


class SqlEchoes(SqlPart):
    """Whose echoes are. See :class:`~vestlus.store.port.Turns` and ``Ledger``."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._settled_changes = Changes(dialect, outbox_partitions)
        since = bindparam("since", type_=BigInteger())
        self._recent = (
            select(
                _LEDGER.conversation,
                _LEDGER.id,
                _LEDGER.kind,
                _LEDGER.text,
                _LEDGER.pictures,
                _LEDGER.state,
                _LEDGER.attempted_ms,
                _LEDGER.changed_ms,
                _LEDGER.sent_mid,
                _LEDGER.echo_mid,
            )
            .where(
                dialect.one_of(_LEDGER.conversation, "conversations"),
                # For the index: every attempt is also a change.
                _LEDGER.changed_ms >= since,
                _LEDGER.attempted_ms > schema.ZERO,
                or_(_LEDGER.attempted_ms >= since, _LEDGER.sent_mid.is_not(None)),
            )
            .order_by(_LEDGER.attempted_ms, _LEDGER.position, _LEDGER.id)
        )
        is_undetermined = and_(
            _EVENT.state == literal_column(schema.UNDETERMINED, Text),
            _EVENT.partition == bindparam("of_partition", type_=Integer()),
        )
        self._undetermined = (
            select(_EVENT.seq, _EVENT.payload, _EVENT.recorded_ms)
            .where(is_undetermined)
            .order_by(_EVENT.seq)
        )
        self._still_undetermined = (
            select(_EVENT.conversation)
            .where(is_undetermined, dialect.one_of(_EVENT.conversation, "ids"))
            .distinct()
        )
        ended = dialect.rows({"seq": BigInteger(), "conversation": Text(), "state": Text()})
        self._settle = (
            update(schema.inbox_event)
            .where(
                dialect.one_of(_EVENT.seq, "seqs"),
                is_undetermined,
                _EVENT.seq == ended.c.seq,
                _EVENT.conversation == ended.c.conversation,
            )
            .values(state=ended.c.state)
            .returning(_EVENT.seq)
        )
        mid, account = _EVENT.mid, _EVENT.account
        own = bindparam("own", type_=Text())
        self._unclaimed = (
            select(_EVENT.mid, _EVENT.payload, _EVENT.timestamp_ms, _EVENT.recorded_ms)
            .where(
                _EVENT.kind == str(EventKind.ECHO),
                _EVENT.conversation == bindparam("of", type_=Text()),
                _EVENT.timestamp_ms >= since,
                _EVENT.mid.is_not(None),
                ~exists().where(_LEDGER.account == account, _LEDGER.sent_mid == mid),
                ~exists().where(
                    _LEDGER.account == account, _LEDGER.echo_mid == mid, _LEDGER.id != own
                ),
            )
            .order_by(_EVENT.timestamp_ms, _EVENT.seq)
        )
        is_accounts = _LEDGER.account == bindparam("of", type_=Text())
        self._claimed = union(
            *(
                select(column).where(is_accounts, dialect.one_of(column, "mids"))
                for column in (_LEDGER.sent_mid, _LEDGER.echo_mid)
            )
        )

    async def recent_sends(
        self, conversations: Collection[str], since_ms: int
    ) -> dict[str, tuple[RecentSend, ...]]:
        """See :meth:`vestlus.store.port.Turns.recent_sends`."""
        if not conversations:
            return {}
        values = {"conversations": self._dialect.value_set(conversations), "since": since_ms}
        found: defaultdict[str, list[RecentSend]] = defaultdict(list)
        for row in await self._database.fetch(self._recent, values):
            owner, id_, kind, text, pictures, state, *rest = row
            attempted_ms, changed_ms, sent_mid, echo_mid = rest
            send = RecentSend(
                id=id_,
                conversation=owner,
                kind=Kind(kind),
                text=text,
                pictures=len(picture_ids(pictures)),
                state=SendState(state),
                attempted_ms=attempted_ms,
                changed_ms=changed_ms,
                sent_mid=sent_mid,
                echo_mid=echo_mid,
            )
            found[send.conversation].append(send)
        return {conversation: tuple(sends) for conversation, sends in found.items()}

    async def undetermined(self, lease: Lease) -> tuple[RecordedEvent, ...]:
        """See :meth:`vestlus.store.port.Turns.undetermined`."""

        def work(connection: Connection) -> tuple[RecordedEvent, ...]:
            self._hold(connection, lease)
            partition = {"of_partition": partition_number(lease.name)}
            return tuple(
                RecordedEvent(seq, event_of(payload), EventState.UNDETERMINED, recorded_ms)
                for seq, payload, recorded_ms in connection.execute(self._undetermined, partition)
            )

        return await self._database.write(work)

    async def settle(self, lease: Lease, settled: Sequence[Settled], now_ms: int) -> None:
        """See :meth:`vestlus.store.port.Turns.settle`."""
        echoes = {one.seq: one for one in settled}
        if not echoes:
            return
        partition = {"of_partition": partition_number(lease.name)}
        rows: list[dict[str, str | int | None]] = [
            {"seq": seq, "conversation": one.conversation, "state": str(one.state)}
            for seq, one in echoes.items()
        ]

        def work(connection: Connection) -> None:
            self._hold(connection, lease)
            ids = {one.conversation for one in echoes.values()}
            standings = self._settled_changes.lock(connection, ids)
            ended = connection.execute(
                self._settle,
                partition | {"rows": rows_parameter(rows), "seqs": self._dialect.value_set(echoes)},
            )
            done = [echoes[seq] for seq in sorted(ended.scalars())]
            occasions = [
                Occasion(one.seq, one.conversation, one.change)
                for one in done
                if one.change is not None
            ]
            marks = _marks(done, standings)
            self._settled_changes.apply(connection, standings, occasions, marks, now_ms)
            held = connection.execute(
                self._still_undetermined, partition | {"ids": self._dialect.value_set(ids)}
            )
            for id_ in standings.keys() - set(held.scalars()):
                standings[id_].held_until_ms = 0
            self._settled_changes.write(connection, standings.values())

        await self._database.write(work)

    async def unclaimed_echoes(
        self, conversation: str, since_ms: int, of: str
    ) -> tuple[EchoRow, ...]:
        """See :meth:`vestlus.store.port.Ledger.unclaimed_echoes`."""
        rows = await self._database.fetch(
            self._unclaimed, {"of": conversation, "since": since_ms, "own": of}
        )
        return tuple(
            EchoRow(mid, event.text or "", timestamp_ms, recorded_ms, len(event.attachments))
            for mid, event, timestamp_ms, recorded_ms in (
                (row[0], event_of(row[1]), row[2], row[3]) for row in rows
            )
        )

    async def claimed_mids(self, account: str, mids: Collection[str]) -> frozenset[str]:
        """See :meth:`vestlus.store.port.Ledger.claimed_mids`."""
        if not mids:
            return frozenset()
        rows = await self._database.fetch(
            self._claimed, {"of": cleaned(account), "mids": self._dialect.value_set(mids)}
        )
        return frozenset(mid for (mid,) in rows)


def _marks(settled: Sequence[Settled], standings: Mapping[str, Standing]) -> dict[str, Mark]:
    """Whose echoes were settled, by the id of the send; the first one of each counts."""
    marks: dict[str, Mark] = {}
    for one in settled:
        standing = standings.get(one.conversation)
        if one.echo_of and one.mid and standing and indexed(one.mid, standing.account):
            marks.setdefault(one.echo_of, Mark(one.conversation, one.mid))
    return marks

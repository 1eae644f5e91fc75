"""What is looked at before Ray starts: store, bus and image bank."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import structlog

from image_bank.bank import ImageBank
from image_bank.catalogue import Picture
from image_bank.errors import CatalogueRefused, PictureRefused, StorageUnavailable
from image_bank.open import load_at_start, open_storage
from vestlus.assistant.picture_vectors import keep_picture_vectors
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.cli.not_started import NotStartedError
from vestlus.clock import system_clock
from vestlus.errors import (
    BusError,
    BusUnavailable,
    SettingsError,
    StoreError,
    StoreUnavailable,
    VestlusError,
)
from vestlus.planning.plan_checks import problems_of_plans
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.plan_rows import Keeper, ScheduleRow

_log = structlog.get_logger(__name__)


async def check_adapters(settings: Settings) -> None:
    """Opens the store and the bus once, so that what is wrong with them is told, of both, and
    before Ray starts. Brings the schema up to date, and the image bank. Raises NotStartedError.
    """
    problems: list[NotStartedError] = []
    for check in (_check_store, _check_bus):
        try:
            await check(settings)
        except NotStartedError as error:
            problems.append(error)
    if problems:
        raise NotStartedError("\n".join(map(str, problems))) from problems[0]


async def _check_store(settings: Settings) -> None:
    topology = Topology(inbox=settings.partitions)
    try:
        async with (
            open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            ) as store,
            open_storage(settings),
        ):
            _check_names(settings, await store.schedules())
            await load_at_start(settings, store, system_clock)
            pictures = await ImageBank(store, clock=system_clock).pictures()
            await keep_picture_vectors(settings, store, pictures.values(), system_clock)
            _tell_of_plans(settings, pictures)
    except (CatalogueRefused, PictureRefused, StorageUnavailable, SettingsError) as error:
        raise NotStartedError(str(error)) from error
    except StoreUnavailable as error:
        raise NotStartedError(
            _unusable("VESTLUS_DATABASE_URL", settings.database, error)
            or "the database of VESTLUS_DATABASE_URL does not answer: is it running, and are "
            "address, user and password right?"
        ) from error
    except StoreError as error:
        raise NotStartedError(str(error)) from error
    except (ValueError, OSError) as error:
        raise NotStartedError(f"VESTLUS_DATABASE_URL: {error}") from error


def _check_names(settings: Settings, known: Collection[ScheduleRow]) -> None:
    """A name is that of one schedule: a person's is not overwritten by the file's."""
    by_hand = {row.name for row in known if row.keeper is Keeper.HAND}
    taken = [one.name for one in settings.schedules if one.name in by_hand]
    if taken:
        lines = (
            f"schedules: {name}: somebody added a schedule of this name by hand: give that of "
            f"vestlus.toml another name, or take theirs out: `vestlus posts unschedule {name}`"
            for name in taken
        )
        raise NotStartedError("\n".join(lines))


def _tell_of_plans(settings: Settings, pictures: Mapping[str, Picture]) -> None:
    """What could not be posted as things are. It is no reason not to answer messages."""
    for plan, problem in problems_of_plans(settings, pictures, system_clock()):
        _log.warning("cannot_be_posted", plan=plan, problem=problem)


async def _check_bus(settings: Settings) -> None:
    try:
        async with open_bus(settings.bus, Topology(inbox=settings.partitions)) as bus:
            await bus.check()
    except BusUnavailable as error:
        raise NotStartedError(
            _unusable("VESTLUS_BUS_URL", settings.bus, error)
            or "the broker of VESTLUS_BUS_URL does not answer: is it running, and are address, "
            "user, password and virtual host right?"
        ) from error
    except SettingsError as error:
        raise NotStartedError(str(error)) from error
    except (BusError, ValueError, OSError) as error:
        raise NotStartedError(f"VESTLUS_BUS_URL: {error}") from error


def _unusable(name: str, url: str, error: VestlusError) -> str | None:
    """What is said of a file. A server's own words may hold its address, a file's do not."""
    if not url.startswith("sqlite:"):
        return None
    return f"the SQLite file of {name}, or of VESTLUS_DATA_DIR, cannot be used: {error}"

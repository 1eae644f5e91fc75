"""``vestlus restored``: a store that came from a backup is made ready to be served."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from vestlus.cli.beside import AsJson, print_json, say


def restored(*, as_json: AsJson = False) -> None:
    """Say that the store was restored from a backup, before the service starts on it.

    What the backup takes for unsent may have been sent since. So each message that was to be sent
    is looked for at Instagram before it is sent again, no account sends anything before it was
    looked through for what the backup does not know, posts whose time has come are left to people,
    and times of schedules that have passed are not made up for. It refuses while a service runs on
    the store. Twice is no harm.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.cli.noting import work_done
    from vestlus.clock import system_clock
    from vestlus.store.restoring import mark_restored

    found = asyncio.run(mark_restored(operator_settings().database, system_clock()))
    work_done()
    if as_json:
        print_json(asdict(found))
        return
    say(f"{found.sends} messages that were to be sent are looked for at Instagram first.")
    say(
        f"{found.posts} posts whose time has come are left to people: "
        "`vestlus posts list` shows them as unknown."
    )
    say(f"{found.occurrences} times of schedules that have passed are not made up for.")
    say("Now start the service. Each account sends again when it was looked through.")

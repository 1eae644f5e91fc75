"""Calls of the control API of the pretend Graph and the pretend model."""

from collections.abc import Sequence

import aiohttp

from vestlus.simulator.jsontypes import Json, JsonObject, as_list, as_object
from vestlus.simulator.load.plan import TimedFault


class Control:
    """Talks to one half of the simulator. Raises aiohttp's errors: they are on this machine."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = f"{url}/control/"

    async def get(self, path: str, **query: str | int) -> JsonObject:
        """Return what a GET gives."""
        async with self._session.get(self._url + path, params=query) as response:
            response.raise_for_status()
            return as_object(await response.json(), path)

    async def post(self, path: str, body: Json) -> Json:
        """Return what a POST gives."""
        async with self._session.post(self._url + path, json=body) as response:
            response.raise_for_status()
            value: Json = await response.json()
            return value

    async def upload(self, picture: bytes) -> str:
        """Keep a PNG and return the address that users send."""
        headers = {"Content-Type": "image/png"}
        async with self._session.post(
            self._url + "media", data=picture, headers=headers
        ) as response:
            response.raise_for_status()
            return str(as_object(await response.json(), "media")["url"])


class Faults:
    """Puts rules in force and takes them away again, each at its time."""

    def __init__(self, graph: Control, model: Control) -> None:
        self._at = {"graph": (graph, "faults", "rules"), "model": (model, "model", "faults")}
        self._graph = graph
        self._active: list[TimedFault] = []

    async def begin(self, fault: TimedFault) -> None:
        """Put one in force."""
        if fault.place == "webhooks":
            await self._graph.post("webhooks", fault.body)
            return
        self._active.append(fault)
        control, path, name = self._at[fault.place]
        await control.post(path, {name: [fault.body]})

    async def end(self, fault: TimedFault, usual: JsonObject) -> None:
        """Take one away; of webhooks' settings the `usual` ones come back."""
        if fault.place == "webhooks":
            await self._graph.post("webhooks", {name: usual[name] for name in fault.body})
            return
        self._active.remove(fault)
        control, path, name = self._at[fault.place]
        now = as_object(await control.post(path, {}), "rules")
        rules = as_list(now["rules"], "rules")
        # Rules for the next few calls stay with what they have left.
        kept = [_plain(each) for each in rules if "next" in as_object(each, "a rule")]
        others = [each.body for each in self._active if each.place == fault.place]
        await control.post(
            path, {"clear": True, name: [*kept, *(each for each in others if "next" not in each)]}
        )


def _plain(rule: Json) -> Json:
    return {name: each for name, each in as_object(rule, "a rule").items() if each is not None}


def events(faults: Sequence[TimedFault]) -> list[tuple[float, bool, TimedFault]]:
    """Return when what begins (true) or ends, in order."""
    begins = [(fault.at, True, fault) for fault in faults]
    ends = [(fault.until, False, fault) for fault in faults if fault.until is not None]
    return sorted((*begins, *ends), key=lambda each: each[0])

"""``/console/conversations``: the list, a conversation, and both as they change."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from vestlus.console import talk_words
from vestlus.console.content import account_name, page_zone, zone_of
from vestlus.console.conversations_acts import ConversationActs
from vestlus.console.conversations_pictures import ConversationPictures
from vestlus.console.guarding import Guard
from vestlus.console.live import Streams
from vestlus.console.people import Role
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit, text
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, window_end_ms
from vestlus.desk.looking import Looking, NoSuchConversation, place_of, place_word, silence_of
from vestlus.desk.transcripts import NEWEST_MS, Transcript
from vestlus.desk.writing import way_to_write
from vestlus.store.talk_rows import Place, Talk, TalkPage, Wanted

PATH: Final = "/console/conversations"

#: The lists in the order in which they are offered.
_LISTS: Final = (
    Wanted.NEWEST,
    Wanted.UNREAD,
    Wanted.WAITING,
    Wanted.DRAFTS,
    Wanted.CLOSING,
    Wanted.PAUSED,
    Wanted.FAILED,
)

#: Asked by a form: what users said and their numbers are in no address.
SEARCH: Final = f"{PATH}/search"

#: Characters of a search.
LONGEST_QUERY: Final = 200


class ConversationPages:
    """Conversations, for people to look at."""

    def __init__(self, tools: Tools, guard: Guard, streams: Streams) -> None:
        self._tools = tools
        self._guard = guard
        self._streams = streams
        self._acts = ConversationActs(tools, guard)
        self._pictures = ConversationPictures(tools, guard)

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        page = self._guard.page
        one = f"{PATH}/{{conversation}}"
        return [
            page(PATH, self._list),
            page(f"{PATH}/list", self._list_part),
            page(f"{PATH}/live", self._list_live),
            self._guard.asking(SEARCH, self._search),
            page(SEARCH, self._search_again),
            *self._pictures.routes,
            page(one, self._show),
            page(f"{one}/part", self._show_part),
            page(f"{one}/live", self._show_live),
            *self._acts.routes,
        ]

    async def _list(self, visit: Visit) -> Response:
        return await self._listed(visit, "conversations.html")

    async def _list_part(self, visit: Visit) -> Response:
        return await self._listed(visit, "conversations_list.html")

    async def _list_live(self, _: Visit) -> Response:
        return self._streams.follow(self._talks_stamp)

    async def _talks_stamp(self) -> str:
        # Asked for anew each time: the store may be open only later.
        return await self._tools.store.talks_stamp()

    async def _listed(self, visit: Visit, template: str) -> Response:
        looking = Looking(visit.tools.store, visit.tools.clock)
        wanted, account = _wanted(visit.query("list")), visit.query("account")
        behind = _behind(visit.query("behind"))
        found = await looking.page(wanted, account=account or None, behind=behind)
        return self._page(visit, template, found, wanted, account, is_first=behind is None)

    async def _search(self, visit: Visit, form: FormData) -> Response:
        looking = Looking(visit.tools.store, visit.tools.clock)
        query, account = text(form, "q").strip()[:LONGEST_QUERY], text(form, "account")
        if not query:
            wanted = _wanted(text(form, "list"))
            to = _address(list=str(wanted), account=account)
            return RedirectResponse(to, HTTPStatus.SEE_OTHER)
        accounts = [one.id for one in visit.tools.settings.accounts]
        behind = _behind(text(form, "behind"))
        found = await looking.found(query, accounts, account=account or None, behind=behind)
        return self._page(
            *(visit, "conversations.html", found, Wanted.NEWEST, account),
            query=query,
            is_first=behind is None,
        )

    async def _search_again(self, _: Visit) -> Response:
        """For whoever comes back to the page's address, of which it is not known what it found."""
        return RedirectResponse(PATH, HTTPStatus.SEE_OTHER)

    def _page(
        self,
        visit: Visit,
        template: str,
        found: TalkPage,
        wanted: Wanted,
        account: str,
        *,
        query: str = "",
        is_first: bool,
    ) -> Response:
        zone = page_zone(visit.tools.settings, account)
        return visit.page(
            template,
            zone=zone,
            title=visit.words("nav.conversations"),
            lists=_LISTS,
            wanted=wanted,
            query=query,
            account=account,
            accounts=visit.tools.settings.accounts,
            talks=[self._told(visit, one, zone) for one in found.talks],
            found=found,
            is_first=is_first,
            address=partial(_address, list=str(wanted), account=account),
            older=place_word(found.behind),
        )

    def _told(self, visit: Visit, talk: Talk, zone: ZoneInfo) -> dict[str, Any]:
        """A conversation as a list shows it."""
        last, account = talk.last, self._tools.settings.account(talk.row.account)
        at_ms = last.event.timestamp_ms if last else talk.row.user_ms
        return {
            "id": talk.row.id,
            "tail": talk_words.tail(talk.row.user),
            "account": account_name(self._tools, talk.row.account),
            "at_ms": at_ms,
            "at": talk_words.written(at_ms, zone_of(account)),
            "ours": last is not None and last.event.kind == "echo",
            "preview": talk_words.preview(visit, talk),
            "badges": talk_words.badges(visit, talk, zone),
            "unread": talk.unread,
        }

    async def _show(self, visit: Visit) -> Response:
        return await self._shown(visit, "conversation.html")

    async def _show_part(self, visit: Visit) -> Response:
        return await self._shown(visit, "conversation_part.html")

    async def _show_live(self, visit: Visit) -> Response:
        conversation = visit.param("conversation")
        return self._streams.follow(lambda: self._tools.store.talk_stamp(conversation))

    async def _shown(self, visit: Visit, template: str) -> Response:
        conversation = visit.param("conversation")
        before = visit.query("before")
        before_ms = int(before) if before.isdecimal() and len(before) <= _DIGITS else NEWEST_MS
        looking = Looking(visit.tools.store, visit.tools.clock)
        try:
            transcript = await looking.transcript(conversation, before_ms=before_ms)
        except NoSuchConversation:
            to = f"{PATH}?{urlencode({'problem': 'conversations.refused.no_such'})}"
            if "hx-request" in visit.request.headers:
                # An open page of one that was erased is left, and does not become the list.
                return Response(headers={"hx-redirect": to})
            return RedirectResponse(to, HTTPStatus.SEE_OTHER)
        return visit.page(
            template,
            zone=zone_of(self._tools.settings.account(transcript.talk.row.account)),
            is_newest=before_ms == NEWEST_MS,
            **await self._values(visit, transcript),
        )

    async def _values(self, visit: Visit, transcript: Transcript) -> dict[str, Any]:
        """What the templates of a conversation say."""
        row, now_ms = transcript.talk.row, visit.now_ms
        account = self._tools.settings.account(row.account)
        zone = zone_of(account)
        silence = silence_of(row, now_ms)
        holder = transcript.holder
        return {
            "id": row.id,
            "base": f"{PATH}/{row.id}",
            "row": row,
            "talk": transcript.talk,
            "tail": talk_words.tail(row.user),
            "account": account_name(self._tools, row.account),
            "silence": silence,
            "holder": talk_words.holder_words(visit, holder) if holder else "",
            "badges": talk_words.badges(visit, transcript.talk, zone),
            "language_name": talk_words.language_name(row.language or "", visit.language),
            "days": talk_words.by_day(transcript.lines, zone, visit.language),
            "drafts": transcript.drafts,
            "older_ms": transcript.older_ms,
            "way": way_to_write(row.user_ms, now_ms),
            "usual_until_ms": window_end_ms(row.user_ms) if row.user_ms else 0,
            "agent_until_ms": row.user_ms + HUMAN_AGENT_WINDOW_MS if row.user_ms else 0,
            "may_act": visit.may(Role.AGENT),
            #: The act's identity: a form that is sent twice is one act.
            "once": uuid4().hex,
            "hour": lambda at_ms: talk_words.hour(at_ms, zone, visit.language),
            "written": lambda at_ms: talk_words.written(at_ms, zone),
            "came": partial(talk_words.came_word, visit),
            "pictures": await self._pictures.alternatives(transcript),
        }


#: Of a time in an address.
_DIGITS: Final = 18


def _wanted(word: str) -> Wanted:
    return next((one for one in Wanted if one == word), Wanted.NEWEST)


def _behind(word: str) -> Place | None:
    try:
        return place_of(word)
    except ValueError:  # a word that somebody made up: the list begins at its start
        return None


def _address(path: str = PATH, **query: str) -> str:
    """The address of a list; what is empty, or as it is anyway, is left out."""
    given = {
        name: value
        for name, value in query.items()
        if value and (name, value) != ("list", str(Wanted.NEWEST))
    }
    return f"{path}?{urlencode(given)}" if given else path

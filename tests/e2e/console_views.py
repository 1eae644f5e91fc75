"""What of the console is looked at in the demo, and shown in ``docs/console.md``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Page

#: Where the documents have their pictures.
IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
PREFIX: Final = "console-"

#: Taken out of the environment, where Vestlus would take it for a setting.
_ARE_ASKED_FOR: Final = os.environ.pop("VESTLUS_SCREENSHOTS", "") == "1"

#: What of a long page is on its picture, in pixels.
_TALLEST: Final = 1_500


@dataclass(frozen=True, slots=True)
class View:
    """A page as somebody sees it."""

    #: The picture's name; that of the page's template, where it is a page's only picture.
    name: str
    #: The address, with what there is in the demo by its names.
    path: str
    phone: bool = False

    @property
    def picture(self) -> Path:
        """The file of its picture."""
        return IMAGES / f"{PREFIX}{self.name}.png"


#: Pages, in the order of the menu. The overview is the last one: by then there is most to see.
VIEWS: Final = (
    View("conversations", "/console/conversations"),
    View("conversation", "/console/conversations/{anna}"),
    View("conversation-taken-over", "/console/conversations/{bert}"),
    View("conversation-phone", "/console/conversations/{anna}", phone=True),
    View("user-data", "/console/conversations/{bert}/data"),
    View("erasures", "/console/erasures"),
    View("posts", "/console/posts"),
    View("post", "/console/posts/{post}"),
    View("post-failed", "/console/posts/{failed}"),
    View("post-write", "/console/posts/new?picture=opening-hours&picture=where-to-find-us"),
    View("schedules", "/console/posts/schedules"),
    View("schedule", "/console/posts/schedules/{schedule}"),
    View("images", "/console/images"),
    View("image", "/console/images/where-to-find-us"),
    View("image-add", "/console/images/add"),
    View("events", "/console/events"),
    View("event", "/console/events/{event}"),
    View("dead-letters", "/console/dead-letters"),
    View("dead-letter", "/console/dead-letters/{letter}"),
    View("settings", "/console/settings"),
    View("audit", "/console/audit"),
    View("overview", "/console"),
    View("overview-phone", "/console", phone=True),
)
#: The one page of those who are not signed in.
SIGN_IN: Final = View("sign-in", "/console/sign-in")


async def keep_picture(page: Page, view: View) -> None:
    """Keeps what the page looks like for the documents, where VESTLUS_SCREENSHOTS=1 asks."""
    if not _ARE_ASKED_FOR:
        return
    # Pictures of the image bank are fetched as they come into sight.
    await page.evaluate(
        """Promise.all([...document.images].map((one) => {
            one.loading = "eager"
            return one.decode()
        }))"""
    )
    wide, tall = await page.evaluate(
        "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
    )
    clip = {"x": 0, "y": 0, "width": wide, "height": min(tall, _TALLEST)}
    await page.screenshot(
        path=view.picture,
        full_page=True,
        animations="disabled",
        clip=clip,  # type: ignore[arg-type]  # its own dictionary type
    )

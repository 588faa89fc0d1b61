"""What comes in: a page of a feed made safe at the edge, and how a feed goes on after it. Pure.

A page is kept as a whole or not at all. An item that cannot be identified or classified could be
neither recognised when it comes again nor given to a handler, and skipping it would lose it (P5):
the page is then a breach of contract by this provider and stops this one feed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

from odoo.addons.finance_audit.core.entry import storable

from .conversation import Item, ItemKind, Page
from .finding import storable_text

KINDS: tuple[str, ...] = get_args(ItemKind)
#: Items of one page; a provider that sends more has no pages.
MAX_ITEMS = 1000
#: Bytes of one document that are kept; of a larger one only its hash and size are.
MAX_BYTES = 20 * 1024 * 1024
MAX_ID = 200
MAX_CURSOR = 32 * 1024
MAX_PARAMETERS = 16 * 1024
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_UNNAMED_TYPE = "application/octet-stream"
#: A page that claims there is more but brings nothing new is followed after this time.
EMPTY_PAGE_SECONDS = 2.0


@dataclass(frozen=True)
class Handler:
    """What processes inbound documents. ``code`` names it in the evidence.

    ``handle`` gets one ``finance.inbound`` record in the environment of its company and must be
    idempotent in whatever it does outside of the database. It returns nothing; an exception lets the
    document wait for a further attempt.
    """

    code: str
    handle: Callable[[Any], None]


class BadPage(Exception):
    """A page breaks the contract; the text says how and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One item as it is stored. ``content`` is None where it is larger than what is kept; size and
    hash are None as well where it is larger than what is received.

    ``received_sha256`` is the hash of what was received, where our secrets were hidden in it.
    """

    provider_id: str
    kind: str
    media_type: str
    content: bytes | None = field(repr=False)
    size: int | None
    sha256: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    received_sha256: str = ""

    @property
    def origin_sha256(self) -> str | None:
        """The hash by which a repetition is recognised."""
        return self.received_sha256 or self.sha256


def checked_page(page: Page) -> Page:
    """Return the page with bounded, storable values.

    :raises BadPage: it cannot be kept.
    """
    # Adapters build pages from a provider's bytes: nothing is taken for granted.
    cursor, items = cast("Any", page.cursor), cast("Any", page.items)
    if not isinstance(cursor, str) or len(cursor) > MAX_CURSOR or not _is_plain(cursor):
        raise BadPage("the position of the feed cannot be stored")
    if not isinstance(items, tuple):
        raise BadPage("the page has no list of items")
    if len(cast("tuple[Any, ...]", items)) > MAX_ITEMS:
        raise BadPage(f"the page has more than {MAX_ITEMS} items")
    return replace(
        page, items=checked_items(cast("tuple[Any, ...]", items)), more=page.more is True
    )


def checked_items(items: Iterable[Any]) -> tuple[Item, ...]:
    """Return items with bounded, storable values.

    :raises BadPage: one of them cannot be kept.
    """
    return tuple(_checked(item) for item in items)


def _checked(item: Any) -> Item:
    if not isinstance(item, Item):
        raise BadPage("an item is of another type")
    name, content = cast("Any", item.provider_id), cast("Any", item.content)
    if not isinstance(name, str) or not name.strip():
        raise BadPage("an item has no id")
    if len(name) > MAX_ID or not _is_plain(name):
        raise BadPage("the id of an item cannot be stored")
    if item.kind not in KINDS:
        raise BadPage("an item is of an unknown kind")
    if content is not None and not isinstance(content, bytes):
        raise BadPage("the content of an item is not bytes")
    return replace(
        item, media_type=_media_type(item.media_type), parameters=_parameters(item.parameters)
    )


def _is_plain(text: str) -> bool:
    """Return whether a text is stored as it is; a changed id could be that of another item."""
    return storable_text(text, len(text)) == text


def _media_type(given: Any) -> str:
    bare = str(given).partition(";")[0].strip().lower() if isinstance(given, str) else ""
    return bare if _MEDIA_TYPE.fullmatch(bare) else _UNNAMED_TYPE


def _parameters(given: Any) -> dict[str, Any]:
    try:
        text = json.dumps(storable(dict(given)), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise BadPage("the details of an item are no JSON values") from None
    if len(text) > MAX_PARAMETERS:
        raise BadPage("the details of an item are too large")
    return cast("dict[str, Any]", json.loads(text))


def arrival(item: Item) -> Arrival:
    """Return a checked item as it is stored."""
    if item.content is None:
        named = (item.provider_id, item.kind, item.media_type)
        return Arrival(*named, None, None, None, item.parameters)
    content = bytes(item.content)
    return Arrival(
        item.provider_id,
        item.kind,
        item.media_type,
        content if len(content) <= MAX_BYTES else None,
        len(content),
        hashlib.sha256(content).hexdigest(),
        item.parameters,
    )


def concealed(item: Arrival, conceal: Callable[[Any], Any]) -> Arrival:
    """Return an item without secrets of ours, which a provider may repeat; the hash of what was
    received stays.
    """
    item = replace(item, provider_id=conceal(item.provider_id), parameters=conceal(item.parameters))
    content = conceal(item.content)
    if content == item.content:
        return item
    return replace(
        item,
        content=content,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        received_sha256=item.sha256,
    )


def next_read(page: Page, cursor: str, new: int, every_seconds: float) -> float:
    """Return the seconds until a feed is read again.

    ``more`` is believed only where the cursor has moved, and followed at once only where the page
    brought something new: a provider that always claims more keeps no worker busy.

    :param cursor: the position from which the page was read
    :param new: the number of items that were not known before
    """
    if not page.more or page.cursor == cursor:
        return every_seconds
    return 0.0 if new else min(EMPTY_PAGE_SECONDS, every_seconds)

"""The feed of flows that come in: statuses (life-cycle messages), invoices and reports for the company.

``POST /v1/flows/search`` with ``flowDirection`` ``In`` lists flows by the time of their last change;
version 1.3.0 pages by ``nextCursor``, 1.1.0 by ``updatedAfter``, which is exclusive. ``GET
/v1/flows/{flowId}?docType=Original`` fetches each file.

The position moves on only when every file of a page was fetched; until then it names those that
were. Neither version promises that a change becomes visible in the order of its time, so each search
begins a little before the last change that was seen: what comes again is recognised by its id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, cast

from odoo.addons.finance_connector_base.core.conversation import (
    Ask,
    FeedConversation,
    Item,
    ItemKind,
    Page,
)
from odoo.addons.finance_connector_base.core.delivery.outcomes import ContractBroken, Outcome
from odoo.addons.finance_connector_base.core.finding import storable_text
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest, HttpResponse
from odoo.addons.finance_connector_base.core.inbound import MAX_BYTES
from odoo.addons.finance_connector_base.core.protocol import refusal_by_status, unreadable

FEED = "flows"
LIMIT, MOST = 25, 100
#: Files fetched for one page of the feed, by number and size: its time is limited.
_FILES, _FILE_BYTES = 8, 8 * 1024 * 1024
#: A file that is too large to be kept is still received, so that its hash is known. Of a larger one
#: only what the search says of it is known; the feed goes on behind it.
MAX_FILE = MAX_BYTES + 5 * 1024 * 1024
_OVERLAP = timedelta(seconds=30)
_INSTANT = timedelta(milliseconds=1)
_BEGINNING = "2024-01-01T00:00:00.000000Z"
_MAX_ID = 36
_MAX_TOKEN = 4096
_SEEN = 400
_OK = 200
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_ABOUT = (
    "flowType",
    "flowSyntax",
    "flowProfile",
    "processingRule",
    "name",
    "trackingId",
    "submittedAt",
    "updatedAt",
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the feed is: ``after`` bounds the search, ``token`` is the page of it (1.3.0), ``last``
    the latest change on the pages before, ``seen`` what was fetched after ``after``.
    """

    after: str = _BEGINNING
    token: str = ""
    last: str = ""
    limit: int = LIMIT
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, cursor: str) -> Position:
        """Return the position that ``text`` wrote; the beginning for an empty one."""
        if not cursor:
            return cls()
        values: dict[str, Any] = json.loads(cursor)
        values["seen"] = tuple(values["seen"])
        return cls(**values)

    @property
    def text(self) -> str:
        """The position as it is stored."""
        return json.dumps(asdict(replace(self, seen=self.seen[-_SEEN:])), separators=(",", ":"))

    def criteria(self) -> dict[str, Any]:
        """Return the body of the search."""
        where = {"flowDirection": ["In"], "updatedAfter": self.after}
        token = {"cursor": self.token} if self.token else {}
        return {"limit": self.limit, "where": where, **token}


@dataclass(frozen=True, slots=True)
class Found:
    """One flow of a search."""

    id: str
    updated_at: datetime
    status: str
    about: Mapping[str, str]


def read_flows(
    cursor: str,
    search: Callable[[dict[str, Any]], HttpRequest],
    fetch: Callable[[str], HttpRequest],
) -> FeedConversation:
    """Read one page of the feed: search, then fetch the files that were not fetched before."""
    position = Position.of(cursor)
    response = yield Ask(search(position.criteria()))
    listed = _read_search(response)
    if isinstance(listed, Outcome):
        return listed
    flows, token = listed
    seen, size = list(position.seen), 0
    items: list[Item] = []
    for flow in flows:
        if not _has_file(flow) or flow.id in seen:
            continue
        if len(items) >= _FILES or size >= _FILE_BYTES:
            return Page(tuple(items), replace(position, seen=tuple(seen)).text, more=True)
        answer = yield Ask(fetch(flow.id))
        content = _read_file(answer)
        if isinstance(content, Outcome):
            return content
        size += MAX_FILE if content is None else len(content)
        seen.append(flow.id)
        items.append(_item(flow, content))
    behind = _behind(replace(position, seen=tuple(seen)), flows, token)
    if isinstance(behind, Outcome):
        return behind
    more = bool(token) or len(flows) >= position.limit
    return Page(tuple(items), behind.text, more)


def _behind(position: Position, flows: list[Found], token: str) -> Position | Outcome:
    """Return the position behind a page whose files were all fetched."""
    times = [flow.updated_at for flow in flows]
    if position.last:
        times.append(_time(position.last) or times[-1])
    if not times:
        return position
    last = max(times)
    if token:
        return replace(position, token=token, last=_text(last))
    after = _time(position.after) or last
    if len(flows) < position.limit:
        return _after(position, max(after, last - _OVERLAP), flows)
    if [flow.updated_at for flow in flows] != sorted(flow.updated_at for flow in flows):
        return ContractBroken("the platform lists flows neither by time nor with a cursor")
    following = flows[-1].updated_at - _INSTANT
    if following > after:
        return _after(position, following, flows)
    if position.limit < MOST:
        return replace(position, limit=MOST)
    return ContractBroken("too many flows have the same time; the platform cannot page them")


def _after(position: Position, after: datetime, flows: list[Found]) -> Position:
    """Return a position whose search begins anew; what it will list again stays known."""
    old = {flow.id for flow in flows if flow.updated_at <= after}
    return Position(_text(after), seen=tuple(name for name in position.seen if name not in old))


def _has_file(flow: Found) -> bool:
    """Return whether a flow has a file to fetch now. What is pending changes once more; what the
    platform could not even classify is none.
    """
    return flow.status != "Pending" and flow.about.get("flowType") not in ("", "Undefined")


def _item(flow: Found, content: bytes | None) -> Item:
    is_pdf = flow.about.get("flowSyntax") == "Factur-X"
    media_type = "application/pdf" if is_pdf else "application/xml"
    about = {**flow.about, "ackStatus": flow.status}
    return Item(flow.id, kind_of(flow.about["flowType"]), content, media_type, about)


def kind_of(flow_type: str) -> ItemKind:
    """Return the kind of an inbound document. A type of a later version counts as a report: it is
    kept, and a person sees that nothing handles it.
    """
    if flow_type.endswith("LC"):
        return "status"
    return "invoice" if flow_type.endswith("Invoice") else "report"


# -- responses -------------------------------------------------------------------------------------


def _read_search(response: HttpResponse) -> tuple[list[Found], str] | Outcome:
    data = response.json_object()
    if response.status != _OK:
        return _refused(response)
    results = data.get("results") if data else None
    if not isinstance(results, list) or data is None:
        return unreadable(response)
    flows = [_found(result) for result in cast("list[Any]", results)]
    token = data.get("nextCursor") or ""
    if None in flows or not isinstance(token, str) or len(token) > _MAX_TOKEN:
        return unreadable(response)
    return [flow for flow in flows if flow], token


def _found(result: Any) -> Found | None:
    """Return a flow of a search, None where it is none that came in."""
    if not isinstance(result, dict):
        return None
    flow = cast("dict[str, Any]", result)
    name, updated_at = flow.get("flowId"), _time(flow.get("updatedAt"))
    acknowledgement = flow.get("acknowledgement")
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= _MAX_ID
        or updated_at is None
        or flow.get("flowDirection") != "In"
        or not isinstance(acknowledgement, dict)
    ):
        return None
    status = cast("dict[str, Any]", acknowledgement).get("status")
    return Found(name, updated_at, storable_text(status or "", _MAX_ID), _about(flow, _ABOUT))


def _about(flow: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    given = {name: flow.get(name) for name in names}
    return {name: storable_text(text, 255) for name, text in given.items() if isinstance(text, str)}


def _read_file(response: HttpResponse) -> bytes | Outcome | None:
    """Return the bytes of a file, None for one that is too large; a page of something in between is
    none.
    """
    if response.status != _OK:
        return _refused(response)
    if response.is_oversize and response.media_type != "text/html":
        return None
    if not response.body or response.media_type == "text/html":
        return unreadable(response)
    return bytes(response.body)


def _refused(response: HttpResponse) -> Outcome:
    data = response.json_object() or {}
    reason = f"HTTP {response.status} {data.get('errorCode') or ''}".strip()
    return refusal_by_status(response, reason) or ContractBroken(reason)


def _time(text: Any) -> datetime | None:
    """Return a time of RFC 3339, None where it is none."""
    parts = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not parts:
        return None
    moment, fraction, offset = parts.groups()
    offset = "+00:00" if offset == "Z" else offset
    try:
        known = datetime.fromisoformat(f"{moment}.{(fraction or '0')[:6]:0<6}{offset}")
        return known.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

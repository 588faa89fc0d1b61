"""What can be read back: the oracle's truth, the request journal, the webhooks."""

from __future__ import annotations

from aiohttp import web

from ..archive import FILTERS
from ..documents import Document
from .common import Refused, answer, core_of, provider_of, refuse

JOURNAL_FILTERS = ("provider", "operation", "method", "outcome", "tracking_id")


async def list_documents(request: web.Request) -> web.Response:
    core, provider = core_of(request), provider_of(request)
    refuse([f"no filter named {name}" for name in request.query if name not in FILTERS])
    core.oracle.settle()
    times = core.oracle.times_received(provider.name)
    found = core.oracle.documents(provider.name, **request.query)
    reports = [{**each.report(), "times_received": times[each.sha256]} for each in found]
    return answer(sorted(reports, key=lambda report: report["received_at"]))


async def summarise(request: web.Request) -> web.Response:
    core, provider = core_of(request), provider_of(request)
    core.oracle.settle()
    return answer(core.oracle.summary(provider.name))


async def list_issued(request: web.Request) -> web.Response:
    core, provider = core_of(request), provider_of(request)
    return answer([each.report() for each in core.oracle.documents(provider.name, issued=True)])


async def count_taken(request: web.Request) -> web.Response:
    core, provider = core_of(request), provider_of(request)
    core.oracle.settle()
    return answer(core.oracle.taken(provider.name))


async def show_document(request: web.Request) -> web.Response:
    core, document = core_of(request), document_of(request)
    times = core.oracle.times_received(document.provider)
    return answer({**document.report(), "times_received": times[document.sha256]})


async def download(request: web.Request) -> web.Response:
    content = core_of(request).oracle.content(document_of(request))
    return web.Response(body=content, content_type="application/octet-stream")


def document_of(request: web.Request) -> Document:
    core, provider = core_of(request), provider_of(request)
    core.oracle.settle()
    document = core.oracle.get(provider.name, request.match_info["reference"])
    if document is None:
        raise Refused(404, "no such document")
    return document


async def list_requests(request: web.Request) -> web.Response:
    """Return the newest requests that match, oldest of them first."""
    wanted = dict(request.query)
    limit = wanted.pop("limit", "1000")
    refuse([f"no filter named {name}" for name in wanted if name not in JOURNAL_FILTERS])
    if not (limit.isascii() and limit.isdigit() and int(limit)):
        raise Refused(400, "limit must be a whole number above zero")
    entries = list(core_of(request).journal.entries(**wanted))
    return answer(entries[-int(limit) :])


async def count_requests(request: web.Request) -> web.Response:
    return answer(core_of(request).journal.counts())


async def clear_requests(request: web.Request) -> web.Response:
    core_of(request).journal.clear()
    return web.Response(status=204)


async def list_webhooks(request: web.Request) -> web.Response:
    return answer(list(core_of(request).webhook_sender.deliveries))


ROUTES = (
    web.get("/control/oracle/{provider}", list_documents),
    web.get("/control/oracle/{provider}/summary", summarise),
    web.get("/control/oracle/{provider}/taken", count_taken),
    web.get("/control/issued/{provider}", list_issued),
    web.get("/control/oracle/{provider}/{reference}", show_document),
    web.get("/control/oracle/{provider}/{reference}/bytes", download),
    web.get("/control/requests", list_requests),
    web.get("/control/requests/counts", count_requests),
    web.delete("/control/requests", clear_requests),
    web.get("/control/webhooks", list_webhooks),
)

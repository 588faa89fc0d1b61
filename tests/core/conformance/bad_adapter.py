"""The reference adapter with defects, each a switch: what the conformance kit has to find."""

import dataclasses
import os
import time
from dataclasses import dataclass
from urllib.parse import quote

from odoo.addons.finance_connector_base.core.conversation import Answer, Ask, Obtained, Page
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    NotFound,
    Permanent,
    Transient,
    Unknown,
)
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_reference.core import reference_rest as rest
from odoo.addons.finance_connector_reference.core.reference_resources import SESSION

#: Defect → operation or step it shows in, and the code of the problem that names it.
DEFECTS = {
    "marks no effect": (rest.FILING, "effect_not_marked"),
    "marks two effects": (rest.FILING, "two_effects"),
    "marks an effect in a lookup": (rest.FILING, "effect_in_step"),
    "reads the clock": (rest.FILING, "not_pure"),
    "draws random numbers": (rest.FILING, "not_pure"),
    "returns nothing": (rest.FILING, "wrong_type"),
    "takes 502 as not sent": (rest.FILING, "doubt_denied"),
    "takes any 200 as accepted": (rest.FILING, "answer_believed"),
    "takes a redirect as refused for good": (rest.FILING, "answer_believed"),
    "takes 429 as a failure": (rest.FILING, "rate_limit_misread"),
    "ignores Retry-After": (rest.FILING, "retry_after_ignored"),
    "takes 404 of a proxy as not found": (rest.FILING, "answer_believed"),
    "finds nothing": (rest.FILING, "lost_not_found"),
    "always finds": (rest.FILING, "absence_misread"),
    "adopts other bytes": (rest.FILING, "other_adopted"),
    "declares a key the provider does not honour": (rest.NOTICE, "repeat_doubles"),
    "invents the reference": (rest.FILING, "wrong_reference"),
    "matches a batch by position": (rest.BATCH_ITEM, "batch_by_position"),
    "takes missing items as accepted": (rest.BATCH_ITEM, "missing_believed"),
    "takes rejected items as accepted": (rest.BATCH_ITEM, "rejection_lost"),
    "keeps no receipt": (rest.CERTIFIED, "receipt_not_kept"),
    "believes any receipt": (rest.CERTIFIED, "receipt_believed"),
    "keeps the receipt of other bytes": (rest.CERTIFIED, "receipt_of_another"),
    "needs what it cannot obtain": (rest.FILING, "resource_not_given"),
    "needs a text": (rest.FILING, "needs_no_names"),
    "has a resource that ends at once": (rest.SECRET_FILING, "resource_not_kept"),
    "never renews a session": (rest.SECRET_FILING, "not_renewed"),
    "shows a secret in the public part": (rest.SECRET_FILING, "secret_shown"),
    "shows the secret": (rest.FILING, "secret_shown"),
    "puts the secret into the address": (rest.FILING, "secret_in_address"),
    "sends without credentials": (rest.FILING, "no_credentials"),
    "reads bodies without end": (rest.FILING, "unbounded_body"),
    "waits for ever": (rest.FILING, "unbounded_time"),
    "has a query with an effect": ("query", "query_effect"),
    "answers a query from an error page": ("query", "answer_believed"),
    "never advances the cursor": ("feed", "cursor_stuck"),
    "skips items of a feed": ("feed", "items_skipped"),
    "takes an error page as an empty feed": ("feed", "answer_believed"),
    "moves the cursor beyond what it returns": ("feed", "items_skipped"),
    "delivers each item once": ("feed", "not_repeated"),
    "stamps items with the time": ("feed", "item_differs"),
    "names items by their place": ("feed", "id_reused"),
    "has an item without id": ("feed", "item_unnamed"),
    "has an item of an unknown kind": ("feed", "feed_fails"),
    "claims more on every page": ("feed", "feed_endless"),
    "acknowledges a feed with an effect": ("feed", "feed_effect"),
    "returns a list instead of a page": ("feed", "feed_fails"),
    "has a probe that cannot fail": (rest.FILING, "answer_believed"),
}
_OK = 200
#: Ids that the adapter with a memory has given out.
_GIVEN = set()


@dataclass(frozen=True)
class BadAdapter(rest.ReferenceRest):
    """The reference adapter with one defect."""

    defect: str = ""

    def __repr__(self):
        if self.defect == "shows the secret":
            return f"BadAdapter({self.api_key})"
        return "BadAdapter()"

    def has(self, defect):
        return self.defect == defect

    # -- resources

    def needs(self, step, call):
        if self.has("needs what it cannot obtain"):
            return ("passport",)
        if self.has("needs a text"):
            return "token"
        return super().needs(step, call)

    def obtain(self, name, old, context):
        if name == SESSION:
            return self._obtain_session(old, context)
        return super().obtain(name, old, context)

    def _obtain_session(self, old, context):
        if self.has("never renews a session") and old:
            return Obtained(old.secret, old.public, 3600)
        obtained = yield from super().obtain(SESSION, old, context)
        if not isinstance(obtained, Obtained):
            return obtained
        if self.has("has a resource that ends at once"):
            return dataclasses.replace(obtained, lifetime=0.0)
        if self.has("never renews a session"):
            return dataclasses.replace(obtained, lifetime=None)
        if self.has("shows a secret in the public part"):
            return dataclasses.replace(obtained, public={**obtained.public, **obtained.secret})
        return obtained

    def authorize(self, request, resource):
        if self.has("sends without credentials"):
            return request
        return super().authorize(request, resource)

    # -- sending

    def converse(self, step, call, context):
        if self.has("keeps the receipt of other bytes") and step == "receipt":
            call = self._of_the_receipt(call, context)
            return (yield from call)
        if self.has("never renews a session") and call.operation == rest.SECRET_FILING:
            outcome = yield from super().converse(step, call, context)
            return dataclasses.replace(outcome, ended=())
        if self.has("marks an effect in a lookup") and step == "lookup":
            response = yield Ask(self.build(step, call), effect=True)
            return self.interpret(step, call, response)
        if call.operation != rest.FILING or step != "send":
            return (yield from super().converse(step, call, context))
        return (yield from self._send_badly(call))

    def _send_badly(self, call):
        if self.has("marks two effects"):
            yield Ask(self.build("send", call), effect=True)
        response = yield Ask(self.build("send", call), effect=not self.has("marks no effect"))
        return self.interpret("send", call, response)

    def _of_the_receipt(self, call, context):
        request = self._get(f"receipts/{quote(call.reference)}", ("application/jose",))
        response = yield Ask(request)
        if response.status != _OK or response.body.count(b".") != 2:
            return Unknown("no receipt")
        from odoo.addons.finance_connector_base.core.delivery.outcomes import Artefact

        return Accepted(
            call.reference, artefacts=(Artefact("receipt", "application/jose", response.body),)
        )

    def build(self, step, call):
        request = super().build(step, call)
        if step == "send" and self.has("reads the clock"):
            request = request.with_header("X-Time", str(time.time()))
        if step == "send" and self.has("draws random numbers"):
            request = request.with_header("X-Request-Id", os.urandom(8).hex())
        if self.has("puts the secret into the address"):
            request = dataclasses.replace(request, url=f"{request.url}?key={self.api_key}")
        if self.has("reads bodies without end"):
            request = dataclasses.replace(request, max_body=2**40)
        if self.has("waits for ever"):
            request = dataclasses.replace(request, total=3600.0)
        return request

    def interpret(self, step, call, response):
        if step == "lookup":
            return self._interpret_lookup(call, response)
        if step != "send":
            return super().interpret(step, call, response)
        outcome = super().interpret(step, call, response)
        if self.has("returns nothing") and response.status == 204:
            return None
        if self.has("takes 502 as not sent") and response.status == 502:
            return Transient("bad gateway")
        if self.has("takes any 200 as accepted") and response.status == _OK:
            return Accepted("of somebody")
        if self.has("takes a redirect as refused for good") and response.status == 301:
            return rest.Rejected((Finding.of_provider("moved", "moved"),))
        if self.has("takes 429 as a failure") and response.status == 429:
            return Permanent(Finding.of_provider("429", "too many"))
        if self.has("ignores Retry-After") and response.status == 429:
            return rest.refusal_by_status(rest.HttpResponse(429, {}, b""), "429")
        if self.has("invents the reference") and isinstance(outcome, (Accepted, rest.Waiting)):
            return Accepted("one-of-ours")
        return outcome

    def _interpret_lookup(self, call, response):
        if self.has("takes 404 of a proxy as not found") and response.status == 404:
            return NotFound()
        if self.has("finds nothing") and response.status == _OK and response.json_object():
            return NotFound()
        if self.has("always finds") and response.status == _OK and response.json_object():
            return Accepted("something")
        if self.has("adopts other bytes"):
            results = (response.json_object() or {}).get("results")
            if isinstance(results, list) and results:
                return Accepted(results[0]["reference"])
        return super().interpret("lookup", call, response)

    # -- batches

    def converse_batch(self, calls, context):
        found = yield from super().converse_batch(calls, context)
        if not isinstance(found, dict):
            return found
        if self.has("matches a batch by position"):
            taken = [item for item in found.values() if isinstance(item, Accepted)]
            return {call.key: item for call, item in zip(calls, taken, strict=False)}
        if self.has("takes missing items as accepted"):
            return {call.key: found.get(call.key, Accepted("assumed")) for call in calls}
        if self.has("takes rejected items as accepted"):
            return {
                key: Accepted(item.reference) if isinstance(item, rest.Rejected) else item
                for key, item in found.items()
            }
        return found

    # -- receipts

    def _fetch_receipt(self, call, context):
        outcome = yield from super()._fetch_receipt(call, context)
        if self.has("keeps no receipt") and isinstance(outcome, Accepted):
            return Accepted(outcome.reference)
        if self.has("believes any receipt") and not isinstance(outcome, Accepted):
            return Accepted(call.reference)
        return outcome

    # -- without effect

    def probe(self, context):
        if self.has("has a probe that cannot fail"):
            yield Ask(self.build_probe())
            return Accepted("")
        return (yield from super().probe(context))

    def query(self, operation, payload, context):
        if self.has("has a query with an effect"):
            yield Ask(self._get("ping"), effect=True)
        if self.has("answers a query from an error page"):
            response = yield Ask(self._get("queries/parties/GOOD"))
            return Answer("registered" if b"true" in response.body else "not_registered")
        return (yield from super().query(operation, payload, context))

    def feed(self, name, cursor, context):
        page = yield from super().feed(name, cursor, context)
        if self.has("takes an error page as an empty feed") and not isinstance(page, Page):
            return Page((), cursor)
        if not isinstance(page, Page):
            return page
        if self.has("acknowledges a feed with an effect"):
            yield Ask(self._get("ping"), effect=True)
        if self.has("claims more on every page"):
            return dataclasses.replace(page, cursor=page.cursor or "x", more=True)
        if self.has("returns a list instead of a page"):
            return list(page.items)
        if self.has("moves the cursor beyond what it returns"):
            return dataclasses.replace(page, items=page.items[: len(page.items) // 2])
        return dataclasses.replace(
            page,
            cursor=cursor if self.has("never advances the cursor") else page.cursor,
            items=self._bad_items(page.items, context),
        )

    def _bad_items(self, items, context):
        if self.has("skips items of a feed"):
            return items[1:]
        if self.has("delivers each item once"):
            fresh = tuple(item for item in items if item.provider_id not in _GIVEN)
            _GIVEN.update(item.provider_id for item in items)
            return fresh
        if self.has("stamps items with the time"):
            stamp = repr(context.now).encode()
            return tuple(dataclasses.replace(item, content=stamp) for item in items)
        if self.has("names items by their place"):
            return tuple(dataclasses.replace(item, provider_id="item") for item in items)
        if self.has("has an item without id"):
            return tuple(dataclasses.replace(item, provider_id="") for item in items)
        if self.has("has an item of an unknown kind"):
            return tuple(dataclasses.replace(item, kind="parcel") for item in items)
        return items

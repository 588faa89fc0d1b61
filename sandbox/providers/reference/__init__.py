"""The reference provider: a protocol of its own in which every way a provider can behave is an operation.

Documents honour an idempotency key, filings know a repeat by their number and can be looked up, notices know nothing,
records of a chain name their predecessor (``documents``). Sign-in takes several requests (``signin``), sessions carry
encrypted documents (``sessions``, ``keys``), batches answer per key (``batches``), receipts are signed after acceptance,
feeds give statuses and documents by cursor, queries have no effect (``feeds``). ``docs/reference-provider.md`` describes
the interface, ``docs/reference-provider.openapi.json`` is the contract.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from ...checks import Field
from ...clock import to_text
from ...documents import Document
from ...values import Call, Operation, Reply, json_reply
from ...verdicts import PENDING
from ...webhooks import StandardSignature, is_loopback
from .batches import Batches
from .common import ACCOUNT, BODY, KINDS, WORDS, Refused, read_body, receipt
from .documents import Documents
from .feeds import ISSUE, Feeds
from .sessions import Sessions
from .signin import SignIn


class Reference(Documents, SignIn, Sessions, Batches, Feeds):
    name = "reference"
    title = "Reference provider 2.0"
    default_clients = {"reference": "reference-key"}
    default_settings = {
        "webhook_secret": "whsec_cmVmZXJlbmNlLXByb3ZpZGVyLXNlY3JldA==",
        "webhook_urls": {},
        "webhook_kinds": [],
        "webhook_copies": 1,
        "webhook_delay": 0,
        "api_keys": True,
        "public_keys": {},
        "sign_in_polls": 1,
        "certificate_required": False,
        "revoked_certificates": [],
        "encryption_key": 1,
        "session_seconds": 3600,
        "sessions_at_once": 100,
        "batch_max_items": 1000,
        "batch_repeats": "refused",
        "receipt_delay": 0,
        "feed_overlap": 0,
        "parties": {"GOOD": "Known party"},
    }
    settings_fields = {
        "webhook_secret": Field(pattern=r"whsec_[A-Za-z0-9+/]{32,}={0,2}"),
        "webhook_urls": Field(dict),
        "webhook_kinds": Field(list, items=Field(choices=KINDS)),
        "webhook_copies": Field(int, at_least=1, at_most=10),
        "webhook_delay": Field(float, at_least=0, at_most=3600),
        "api_keys": Field(bool),
        "public_keys": Field(dict),
        "sign_in_polls": Field(int, at_least=0, at_most=1000),
        "certificate_required": Field(bool),
        "revoked_certificates": Field(list, items=Field(pattern="[0-9a-f]{1,40}")),
        "encryption_key": Field(int, at_least=1, at_most=20),
        "session_seconds": Field(int, at_least=1, at_most=10_000_000),
        "sessions_at_once": Field(int, at_least=0, at_most=1000),
        "batch_max_items": Field(int, at_least=1, at_most=10_000),
        "batch_repeats": Field(choices=("refused", "taken")),
        "receipt_delay": Field(float, at_least=0, at_most=10_000_000),
        "feed_overlap": Field(int, at_least=0, at_most=1000),
        "parties": Field(dict),
    }
    reason_fields = {"code": Field(required=True), "message": Field(required=True)}
    default_reason = {"code": "refused", "message": "Refused on its merits"}
    issue_fields = ISSUE

    def operations(self) -> Sequence[Operation]:
        free = {"authenticated": False}
        found = (
            *((*entry, {}) for entry in self.document_operations()),
            *((*entry, free) for entry in self.sign_in_operations()),
            *((*entry, free) for entry in self.key_operations()),
            *((*entry, {}) for entry in self.session_operations()),
            *((*entry, {"items": entry[0] == "sendBatch"}) for entry in self.batch_operations()),
            *((*entry, {}) for entry in self.feed_operations()),
        )
        return tuple(
            Operation(name, method, path, self.answering(handler), self.error, group=group, **more)
            for name, method, path, handler, group, more in found
        )

    def error(
        self, status: int, code: str = "", message: str = "", about: Document | None = None
    ) -> Reply:
        usual_code, usual_message = WORDS.get(status, ("failed", "The request failed"))
        found = {} if about is None else {"reference": about.reference, "sha256": about.sha256}
        error = {"code": code or usual_code, "message": message or usual_message, **found}
        return json_reply({"error": error}, status)

    def authenticate(self, call: Call) -> Reply | None:
        """Check the access token or the API key, and the client certificate where it is required."""
        account = self.tokens.holder(call) or self.key_holder(call)
        if account is None:
            invalid = "Authorization" in call.headers
            return self.error(401, "token_invalid" if invalid else "")
        call.memo[ACCOUNT] = account
        refusal = self.certificate_refusal(call, account)
        return self.error(403, refusal) if refusal else None

    def key_holder(self, call: Call) -> str | None:
        """Return the client whose secret is the API key, where keys are accepted."""
        given = call.headers.get("X-Api-Key", "").encode()
        if not self.settings["api_keys"] or "Authorization" in call.headers:
            return None
        known = self.tokens.clients.items()
        return next((name for name, key in known if hmac.compare_digest(key.encode(), given)), None)

    def account(self, call: Call) -> str:
        return call.memo.get(ACCOUNT, "")

    def throttled(self, operation: Operation, window: str) -> Reply:
        text = f"The {window} window of the group {operation.group} is exhausted"
        return operation.error(429, message=text)

    def tracking_id(self, operation: str, call: Call) -> str | None:
        """Return the key or number a call is about, or that of the document whose reference it names."""
        if "key" in call.params or "key" in call.query:
            return call.params.get("key") or call.query["key"]
        if "reference" in call.params:
            document = self.core.oracle.get(self.name, call.params["reference"])
            return document and document.tracking_id
        body = call.once(BODY, read_body)
        number = body.get("number") if isinstance(body, dict) else None
        return number if isinstance(number, str) else None

    def notice(self, document: Document) -> Any:
        """Return the webhook's content, for decided documents only."""
        kinds = self.settings["webhook_kinds"] or KINDS
        if document.state == PENDING or document.kind not in kinds:
            return None
        kind = f"{document.kind}.{document.state}"
        return {"type": kind, "timestamp": to_text(document.updated_at), "data": receipt(document)}

    def change_settings(self, changes: Any) -> list[str]:
        """Change the settings; each account may have a webhook URL of its own."""
        urls = changes.get("webhook_urls", {}) if isinstance(changes, dict) else {}
        if isinstance(urls, dict) and not all(map(is_loopback, map(str, urls.values()))):
            return ["settings.webhook_urls: only loopback addresses are called"]
        return super().change_settings(changes)

    def announce(self, document: Document) -> None:
        """Send webhooks by the Standard Webhooks specification; copies are the same event again."""
        url = self.settings["webhook_urls"].get(document.seller) or self.settings["webhook_url"]
        content = self.notice(document) if url else None
        if content is None:
            return
        signature = StandardSignature(self.settings["webhook_secret"], f"msg_{uuid4().hex}")
        for _copy in range(self.settings["webhook_copies"]):
            self.core.webhook_sender.send(
                self.name, url, content, sign=signature, delay=self.settings["webhook_delay"]
            )

    def answering(self, handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """Return the handler, with refusals made replies."""

        def checked(call: Call) -> Reply:
            try:
                return handler(call)
            except Refused as refused:
                reply = self.error(refused.status, refused.code, str(refused), refused.about)
                if refused.retry_after is not None:
                    reply.headers["Retry-After"] = str(refused.retry_after)
                return reply

        return checked

    def reset(self) -> None:
        """Forget sign-ins and sessions; the keys stay, for they cost time to make."""
        super().reset()
        self.sign_ins.clear()
        self.refresh_tokens.clear()
        self.sessions.clear()

    def dump(self) -> dict[str, Any]:
        state = {"sessions": self.dump_sessions(), "keys": self.keys.dump()}
        return {**super().dump(), **state}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore sessions and keys; sign-ins and tokens end with the process."""
        super().load(state)
        self.load_sessions(state.get("sessions", {}))
        self.keys.load(state.get("keys", {}))

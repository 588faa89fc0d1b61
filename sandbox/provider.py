"""What a provider is to the sandbox: a name, operations, settings, and words for its states.

A provider's file subclasses this; the README in this folder shows how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .checks import Field, object_problems
from .documents import Document
from .limits import Bucket, Windows
from .oauth import TokenEndpoint
from .values import Call, Operation, Reply
from .webhooks import is_loopback

if TYPE_CHECKING:
    from .core import Core

COMMON_SETTINGS = {"webhook_url": Field(nullable=True)}


class Provider:
    """Base class. ``name`` is also the first segment of the provider's paths."""

    name = ""
    title = ""
    default_clients: Mapping[str, str] = {}
    default_settings: Mapping[str, Any] = {}
    settings_fields: Mapping[str, Field] = {}
    reason_fields: Mapping[str, Field] = {}
    default_reason: Mapping[str, Any] = {}
    #: Scopes that an access token may carry (RFC 6749 3.3).
    scopes: Sequence[str] = ()
    #: What the control API may issue to a client; empty where the provider issues nothing.
    issue_fields: Mapping[str, Field] = {}

    def __init__(self, core: Core) -> None:
        self.core = core
        self.tokens = TokenEndpoint(core.clock, self.default_clients, self.scopes)
        self.settings: dict[str, Any] = {"webhook_url": None, **self.default_settings}
        self.bucket: Bucket | None = None
        self.windows = Windows(core.clock)
        self.down = False

    # What a provider must say

    def operations(self) -> Sequence[Operation]:
        raise NotImplementedError

    def error(self, status: int, code: str = "", message: str = "") -> Reply:
        """Return the provider's error body for a status; the code and message are optional."""
        raise NotImplementedError

    # What a provider may say

    def authenticate(self, call: Call) -> Reply | None:
        """Return a refusal, or nothing if the call may pass."""
        return None

    def account(self, call: Call) -> str:
        """Return whose rate windows a call draws from."""
        return ""

    def throttled(self, operation: Operation, window: str) -> Reply:
        """Return the refusal of a call for which a rate window has nothing left."""
        return operation.error(429)

    def issue(self, spec: Mapping[str, Any]) -> Document:
        """Make a document that the provider has for a client; ``ValueError`` if it cannot be."""
        raise NotImplementedError

    def tracking_id(self, operation: str, call: Call) -> str | None:
        """Return the sender's own identifier of the document a call is about. Never raises."""
        return None

    def finish(self, call: Call, reply: Reply) -> Reply:
        """Last touch on every reply, errors included."""
        return reply

    def notice(self, document: Document) -> Any:
        """Return the content of the webhook that announces a change, or nothing."""
        return None

    # What the core does with it

    def announce(self, document: Document) -> None:
        url = self.settings["webhook_url"]
        content = self.notice(document) if url else None
        if content is not None:
            self.core.webhook_sender.send(self.name, url, content)

    def reason_problems(self, reasons: Sequence[Any]) -> list[str]:
        found = []
        for index, reason in enumerate(reasons):
            found += object_problems(reason, self.reason_fields, f"reasons[{index}]", closed=True)
        return found

    def change_settings(self, changes: Any) -> list[str]:
        """Apply the changes, or say what is wrong with them."""
        fields = {**COMMON_SETTINGS, **self.settings_fields}
        found = object_problems(changes, fields, "settings", closed=True)
        if not found and changes.get("webhook_url") and not is_loopback(changes["webhook_url"]):
            found.append("settings.webhook_url: only loopback addresses are called")
        if not found:
            self.settings.update(changes)
        return found

    def limit(self, per_second: float | None, burst: float | None = None) -> None:
        self.bucket = Bucket(per_second, burst or max(1, per_second)) if per_second else None

    def reset(self) -> None:
        self.tokens.reset()
        self.settings = {"webhook_url": None, **self.default_settings}
        self.bucket = None
        self.windows.reset()
        self.down = False

    def dump(self) -> dict[str, Any]:
        bucket = self.bucket
        return {
            "tokens": self.tokens.dump(),
            "settings": self.settings,
            "limit": [bucket.per_second, bucket.burst] if bucket else None,
            "windows": self.windows.limits,
            "down": self.down,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.tokens.load(state["tokens"])
        self.settings.update(state["settings"])
        self.limit(*(state["limit"] or (None,)))
        self.windows.limits.update(state.get("windows", {}))
        self.down = state["down"]

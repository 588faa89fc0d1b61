"""The values of a conversation between a protocol and its provider.

A step of a protocol is a conversation: a generator that yields requests (``Ask``), receives
responses and returns what they mean. It opens no socket, reads no clock and draws no random number;
what it needs of these is in its ``Context``. The client of the connection drives it
(``core.http.client``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from odoo.addons.finance_audit.core.entry import storable

from .delivery.outcomes import Outcome, bounded_seconds
from .finding import storable_text
from .http.wire import HttpRequest, HttpResponse

#: The resource whose credentials a request carries unless it names another.
TOKEN = "token"  # noqa: S105 (the name of a resource)

ItemKind = Literal["invoice", "status", "statement", "report"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a conversation.

    ``effect`` marks the request that carries the effect, at most one in a conversation. ``auth`` is
    the resource whose credentials go on it, empty for none (pre-signed URLs). ``limit`` is the
    group of the rate windows that a refusal for too many calls (429) concerns; empty for the one of
    the operation.
    """

    request: HttpRequest
    effect: bool = False
    auth: str = TOKEN
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """What a connection owns for a while: a token, a session, a public key, a certificate.

    ``secret`` is stored encrypted; ``public`` is what may be read and is noted on attempts, the
    reference of a session for instance. ``generation`` counts how often it was obtained.
    ``expires_at`` is a Unix time, None for no end.
    """

    name: str
    generation: int
    secret: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    public: Mapping[str, Any] = field(default_factory=dict[str, Any])
    expires_at: float | None = None


#: Characters of the public part of a resource, which each attempt repeats.
MAX_PUBLIC = 16 * 1024
_MAX_CODE = 255
#: A lifetime longer than a month is one of a month: after that the resource is obtained again.
MAX_LIFETIME_SECONDS = 31 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Obtained:
    """A resource as the provider gave it; ``lifetime`` in seconds, None for no end.

    ``secret`` holds texts by name, ``public`` JSON values; both are stored.
    """

    secret: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    public: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lifetime: float | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(item, str) for pair in self.secret.items() for item in pair):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("the secret part of a resource holds texts by name")
        text = json.dumps(storable(dict(self.public)), allow_nan=False)
        if len(text) > MAX_PUBLIC:
            raise ValueError("the public part of a resource is too large")
        object.__setattr__(self, "public", json.loads(text))
        if self.lifetime is not None:
            seconds = bounded_seconds(self.lifetime, MAX_LIFETIME_SECONDS) or 0.0
            object.__setattr__(self, "lifetime", seconds)


@dataclass(frozen=True, slots=True)
class Context:
    """What a conversation may use beside its call: the time (Unix), random bytes, resources.

    ``resources`` holds those that the step needs (``ProviderProtocol.needs``), by name.
    """

    now: float
    random: Callable[[int], bytes]
    resources: Mapping[str, Resource] = field(default_factory=dict[str, Resource])


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query. ``values`` are JSON values; ``proof`` is the provider's own reference
    of the answer, a consultation number for instance; ``valid_seconds`` how long it may be relied
    upon.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    proof: str = ""
    valid_seconds: float | None = None

    def __post_init__(self) -> None:
        """Make every text storable: the answer is kept as evidence in the transaction of its asker."""
        text = json.dumps(storable(dict(self.values)), allow_nan=False)
        object.__setattr__(self, "values", json.loads(text))
        object.__setattr__(self, "code", storable_text(self.code, _MAX_CODE))
        object.__setattr__(self, "proof", storable_text(self.proof, _MAX_CODE).strip())


@dataclass(frozen=True, slots=True)
class Item:
    """One document or status that came from a provider. ``provider_id`` is unique per connection.

    ``content`` is None where the document is larger than what is received: neither its size nor its
    checksum is known then.
    """

    provider_id: str
    kind: ItemKind
    content: bytes | None
    media_type: str = "application/json"
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a feed and the cursor behind it; ``more``: the next page may be read at once."""

    items: tuple[Item, ...]
    cursor: str
    more: bool = False


#: A protocol's step; it returns an outcome, or the value of its kind (see the protocol).
Conversation: TypeAlias = Generator[Ask, HttpResponse, Outcome]
ResourceConversation: TypeAlias = Generator[Ask, HttpResponse, "Obtained | Outcome"]
QueryConversation: TypeAlias = Generator[Ask, HttpResponse, "Answer | Outcome"]
FeedConversation: TypeAlias = Generator[Ask, HttpResponse, "Page | Outcome"]
BatchConversation: TypeAlias = Generator[Ask, HttpResponse, "Mapping[str, Outcome] | Outcome"]

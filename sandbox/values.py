"""The values that pass between the web server and a provider: a call comes in, a reply goes out.

Providers work on these and never on the web framework, so an operation is a plain function whose
effect cannot be interleaved with another's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"


@dataclass(frozen=True)
class Certificate:
    """What the client's certificate says, on a connection with mutual TLS."""

    common_name: str
    serial: str


@dataclass
class Call:
    """One request, fully read."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    certificate: Certificate | None = None
    fault: Any = None
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    def once(self, name: str, read: Callable[[Call], Any]) -> Any:
        """Return what ``read`` makes of the call, worked out only once."""
        if name not in self.memo:
            self.memo[name] = read(self)
        return self.memo[name]

    def mentions(self, text: str) -> bool:
        """Whether the text occurs anywhere in the request line or the body."""
        where = "&".join(f"{key}={value}" for key, value in self.query.items())
        return text in self.path or text in where or text.encode() in self.body


@dataclass
class Reply:
    """One answer, not yet delivered. An empty content type means there is no body."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def read_json(data: bytes) -> Any:
    """Strict RFC 8259: UTF-8, no NaN, no half surrogate pairs; ``ValueError`` otherwise."""
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(status, body, headers={name.replace("_", "-"): v for name, v in headers.items()})


@dataclass(frozen=True)
class Operation:
    """One operation of a provider's interface."""

    name: str
    method: str
    path: str
    handler: Callable[[Call], Reply]
    error: Callable[[int], Reply]
    authenticated: bool = True
    limited: bool = True
    #: The rate windows the operation draws from; empty for none.
    group: str = ""
    #: Whether one answer reports on many items, so that faults of single items apply.
    items: bool = False

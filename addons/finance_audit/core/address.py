"""Which addresses may be called: https, or plain http to the machine itself where that is permitted."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


class ForbiddenAddress(ValueError):
    """The address would send data over an unencrypted connection. The message omits path and credentials."""


def check_address(url: str, *, allow_loopback: bool) -> None:
    """Refuse every address but https, and http to a loopback host where `allow_loopback` is set.

    :raises ForbiddenAddress: the address is not permitted.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise ForbiddenAddress("the address is malformed") from error
    if parts.scheme == "https" and host:
        return
    if not (parts.scheme == "http" and allow_loopback and is_loopback(host)):
        raise ForbiddenAddress(f"{parts.scheme or 'no scheme'}://{host}: only https is allowed")


def is_loopback(host: str) -> bool:
    """Return whether a host is the machine itself: ``localhost`` (RFC 6761, section 6.3) or a loopback IP."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

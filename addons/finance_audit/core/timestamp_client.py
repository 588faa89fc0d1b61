"""Asks a time-stamping authority over HTTP. The one file of this addon that opens a socket.

Evidence lies below the door through which everything else leaves, so that it can be anchored without
it and watch it; the rules are the same: TLS with verification that cannot be switched off, plain HTTP
to a loopback address only, time-outs always, no redirects, no proxies or passwords of the machine, an
answer of limited size. RFC 3161, section 3.4.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import requests

from .timestamp_request import QUERY

# Seconds for connecting, and between two pieces of the answer.
TIMEOUT = 15
# A timestamp with its certificates is some kilobytes.
MAX_BODY = 256 * 1024


class NoTimestamp(Exception):
    """The authority was not reached or did not answer as it must. Asking again does no harm."""


def check_address(url: str) -> None:
    """Refuse an open wire.

    :raises NoTimestamp: neither https nor plain http to a loopback address.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        raise NoTimestamp(f"{url}: only https is allowed")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ask(url: str, question: bytes) -> bytes:
    """Send one question and return the answer's bytes.

    :raises NoTimestamp: no usable answer.
    """
    check_address(url)
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.post(
                url,
                data=question,
                headers={"Content-Type": QUERY},
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise NoTimestamp(f"{url} answered {response.status_code}")
                body = response.raw.read(MAX_BODY + 1, decode_content=True)
        except requests.RequestException as error:
            raise NoTimestamp(f"{url}: {type(error).__name__}") from error
    if len(body) > MAX_BODY:
        raise NoTimestamp(f"{url} answered more than {MAX_BODY} bytes")
    return body

"""Client of a time-stamping authority (RFC 3161). The only file of this addon that opens a connection.

The audit addon must be able to anchor without the connector, which it observes; the same rules apply: TLS with
verification that cannot be disabled, plain HTTP to a loopback address only, timeouts always, no redirects, no
proxies or passwords of the machine, responses of limited size.
"""

# asn1crypto and the verifier are without types.
# pyright: basic

from __future__ import annotations

import secrets
from hashlib import sha256

import requests
from asn1crypto import core as asn1
from asn1crypto import tsp

from . import verify_audit
from .address import ForbiddenAddress, check_address

QUERY = "application/timestamp-query"
# Seconds for connecting, and between two parts of the response.
TIMEOUT = 15
# A timestamp with its certificates is a few kilobytes.
MAX_BODY = 256 * 1024
_GRANTED = ("granted", "granted_with_mods")


class NoTimestamp(Exception):
    """The authority could not be reached or did not respond as required. Repeating the request is harmless."""


def stamp(url: str, note: str) -> tuple[bytes, verify_audit.Timestamp]:
    """Request a timestamp of the note; return the response and the timestamp in it.

    :raises NoTimestamp: there is no usable response.
    :raises verify_audit.Damage: the authority refused, or the response belongs to another request.
    """
    nonce = secrets.randbits(63) | 1
    answer = _post(url, _request(note, nonce))
    return answer, _accept(answer, note, nonce)


def _request(note: str, nonce: int) -> bytes:
    """Return a TimeStampReq (section 2.4.1) for the hash of the note that asks for the certificate."""
    algorithm = {"algorithm": "sha256", "parameters": asn1.Null()}
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": algorithm,
                "hashed_message": sha256(note.encode()).digest(),
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    return request.dump()


def _accept(answer: bytes, note: str, nonce: int) -> verify_audit.Timestamp:
    """Return the timestamp of a response (section 2.4.2). Signature and content are the verifier's to check."""
    try:
        # asn1crypto's TimeStampResp requires a token, which a refusal does not have.
        status = tsp.PKIStatusInfo.load(verify_audit.Der(answer).at(0).whole)["status"].native
    except (ValueError, TypeError) as error:
        raise verify_audit.Damage("timestamp.bad", "the response has no status") from error
    if status not in _GRANTED:
        raise verify_audit.Damage("timestamp.refused", f"the authority refused: {status}")
    timestamp = verify_audit.Timestamp(answer)
    if not timestamp.covers(note) or timestamp.nonce != nonce:
        raise verify_audit.Damage("timestamp.bad", "the response belongs to another request")
    return timestamp


def _post(url: str, request: bytes) -> bytes:
    """Send a request (section 3.4) and return the body of the response."""
    try:
        check_address(url, allow_loopback=True)
    except ForbiddenAddress as error:
        raise NoTimestamp(str(error)) from error
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.post(
                url,
                data=request,
                headers={"Content-Type": QUERY},
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise NoTimestamp(f"{url} responded with HTTP {response.status_code}")
                body = response.raw.read(MAX_BODY + 1, decode_content=True)
        except requests.RequestException as error:
            raise NoTimestamp(f"{url}: {type(error).__name__}") from error
    if len(body) > MAX_BODY:
        raise NoTimestamp(f"{url} responded with more than {MAX_BODY} bytes")
    return body

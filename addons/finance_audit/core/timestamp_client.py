"""Client of a time-stamping authority (RFC 3161).

The audit addon must be able to anchor without the connector, which it observes; the same rules apply
(``bounded_http``): TLS with verification that cannot be disabled, addresses checked as they are
dialled, an end of the whole call, no redirects, responses of limited size.
"""

# asn1crypto and the verifier are without types.
# pyright: basic

from __future__ import annotations

import secrets
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from asn1crypto import core as asn1
from asn1crypto import tsp
from urllib3.exceptions import HTTPError

from . import verify_audit
from .address import ForbiddenAddress, NetworkPolicy, check_address
from .bounded_http import HttpCaller, Limits, TooLarge

QUERY = "application/timestamp-query"
# A timestamp with its certificates is a few kilobytes.
MAX_BODY = 256 * 1024
LIMITS = Limits(connect=15, read=15, total=30, body=MAX_BODY)
#: How far the time of an authority may be from that of this server.
TOLERANCE = timedelta(days=1)
_OK = 200
_GRANTED = ("granted", "granted_with_mods")


class NoTimestamp(Exception):
    """The authority could not be reached or did not respond as required. Repeating the request is harmless."""


def stamp(url: str, note: str, policy: NetworkPolicy) -> tuple[bytes, verify_audit.Timestamp]:
    """Request a timestamp of the note; return the response and the timestamp in it.

    :raises NoTimestamp: there is no usable response.
    :raises verify_audit.Damage: the authority refused, or the response belongs to another request.
    """
    nonce = secrets.randbits(63) | 1
    answer = _post(url, _request(note, nonce), policy)
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
    try:
        timestamp = verify_audit.Timestamp(answer)
        belongs = timestamp.covers(note) and timestamp.nonce == nonce
    except verify_audit.UNREADABLE as error:
        why = f"the timestamp cannot be read ({type(error).__name__})"
        raise verify_audit.Damage("timestamp.bad", why) from error
    if not belongs:
        raise verify_audit.Damage("timestamp.bad", "the response belongs to another request")
    if abs(datetime.now(timezone.utc) - timestamp.time) > TOLERANCE:
        # Section 2.4.2: compared with a local time; a time far away proves nothing and is on no calendar.
        raise verify_audit.Damage("timestamp.bad", "the stated time is not that of this server")
    return timestamp


def _post(url: str, request: bytes, policy: NetworkPolicy) -> bytes:
    """Send a request (section 3.4) and return the body of the response."""
    headers = {"Content-Type": QUERY, "Accept": "*/*"}
    try:
        address = check_address(url, policy, loopback=True)
        caller = HttpCaller(policy, loopback=True, pool_size=1)
        try:
            answer = caller.call("POST", address, headers, request, LIMITS)
        finally:
            caller.close()
    except ForbiddenAddress as error:
        raise NoTimestamp(str(error)) from error
    except TooLarge as error:
        raise NoTimestamp(f"{address} responded with more than {MAX_BODY} bytes") from error
    except HTTPError as error:
        raise NoTimestamp(f"{address}: {type(error).__name__}") from error
    if answer.status != _OK:
        raise NoTimestamp(f"{address} responded with HTTP {answer.status}")
    return answer.body

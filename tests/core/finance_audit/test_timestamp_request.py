"""A5: the request to a time-stamping authority, byte for byte (RFC 3161, section 2.4.1; X.690)."""

from hashlib import sha256

import pytest
from odoo.addons.finance_audit.core import timestamp_client, verify_audit

NOTE = "origin\n7\nroot\n"


@pytest.mark.parametrize(
    ("nonce", "encoded"), [(1, "020101"), (255, "020200ff"), (2**63 - 1, "02087fffffffffffffff")]
)
def test_a5_the_request_is_the_der_of_the_standard(nonce, encoded):
    algorithm = bytes.fromhex("300d06096086480165030402010500")
    imprint = algorithm + b"\x04\x20" + sha256(NOTE.encode()).digest()
    body = b"\x02\x01\x01" + b"\x30\x31" + imprint + bytes.fromhex(encoded) + b"\x01\x01\xff"
    expected = bytes([0x30, len(body)]) + body
    assert timestamp_client._request(NOTE, nonce) == expected


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "timestamp.bad"),
        (b"no DER", "timestamp.bad"),
        (bytes.fromhex("3003020100"), "timestamp.bad"),
        (bytes.fromhex("30053003020102"), "timestamp.refused"),
        (bytes.fromhex("30053003020100"), "timestamp.bad"),
    ],
)
def test_a5_a_response_without_a_timestamp_is_refused(answer, code):
    with pytest.raises(verify_audit.Damage) as caught:
        timestamp_client._accept(answer, NOTE, 1)
    assert caught.value.code == code

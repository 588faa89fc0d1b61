"""F21: a timestamp counts only where its authority may issue it and it is one (RFC 3161, RFC 5652, RFC 5816, RFC 5280)."""

import datetime as dt
from hashlib import sha1, sha256, sha512

import pytest
from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from odoo.addons.finance_audit.core import timestamp_client, verify_audit

NOTE = "origin.example\n7\nAAAA\n"
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
OTHERS = (
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ExtendedKeyUsageOID.OCSP_SIGNING,
)
_keys = {}


def key(name):
    if name not in _keys:
        _keys[name] = ec.generate_private_key(ec.SECP256R1())
    return _keys[name]


def usage(*names):
    fields = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in names for name in fields})


def certificate(
    name, issuer=None, *, ca=False, path=None, eku=None, critical=True, use=None, days=(-1, 1), basic=True, public=None,
):  # fmt: skip
    """Return a certificate of `name`, signed with the key of `issuer` (itself by default)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or name)])
    builder = (
        x509.CertificateBuilder(above, subject)
        .public_key(public or key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + days[0] * DAY)
        .not_valid_after(NOW + days[1] * DAY)
    )
    if basic:
        builder = builder.add_extension(x509.BasicConstraints(ca, path), critical=True)
    if eku is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=critical)
    if use is not None:
        builder = builder.add_extension(use, critical=True)
    return builder.sign(key(issuer or name), hashes.SHA256())


ROOT = certificate("root", ca=True, use=usage("key_cert_sign"))
SIGNER = certificate("tsa", "root", eku=STAMPING)


def repr_of(values):
    return " ".join(
        f"{name}={getattr(value, 'critical', value)!s:.60}" for name, value in values.items()
    )


def der(one):
    return one.public_bytes(serialization.Encoding.DER)


def attribute(kind, value):
    return cms.CMSAttribute({"type": kind, "values": [value]})


def ess_v2(one, algorithm=None, digest=sha256):
    values = {"cert_hash": digest(der(one)).digest()}
    if algorithm:
        values["hash_algorithm"] = {"algorithm": algorithm}
    return attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [values]}))


def ess_v1(one):
    values = {"cert_hash": sha1(der(one)).digest()}
    return attribute("signing_certificate", tsp.SigningCertificate({"certs": [values]}))


def token(
    signer=SIGNER, *, chain=(), stated=None, content="tst_info", kind="tst_info", time=NOW, attributes=None,
    sign=None, message=NOTE, algorithm="sha256", signed_attributes=True,
):  # fmt: skip
    """Return a timestamp of the note, granted, with what is given in place of what is right."""
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": sha256(message.encode()).digest(),
            },
            "serial_number": 1,
            "gen_time": time,
            "nonce": 5,
        }
    ).dump()
    if attributes is None:
        attributes = [ess_v2(signer)]
    attributes = [
        attribute("content_type", kind),
        attribute("message_digest", sha256(info).digest()),
        *attributes,
    ]
    signed = cms.CMSAttributes(attributes)
    sign = sign or (lambda data: key("tsa").sign(data, ec.ECDSA(hashes.SHA256())))
    loaded = asn1_x509.Certificate.load(der(stated or signer))
    signer_info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": {
                    "issuer": loaded.issuer,
                    "serial_number": loaded.serial_number,
                }
            }
        ),
        "digest_algorithm": {"algorithm": algorithm},
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": sign(signed.dump()),
    }
    if signed_attributes:
        signer_info["signed_attrs"] = signed
    value = cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {
                    "content_type": content,
                    "content": cms.ParsableOctetString(info),
                },
                "certificates": [
                    cms.CertificateChoices("certificate", asn1_x509.Certificate.load(der(one)))
                    for one in (signer, *chain)
                ],
                "signer_infos": [signer_info],
            },
        }
    )
    return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": value}).dump()


def proves(data, authorities=(ROOT,), note=NOTE):
    """Return whether the bytes prove the time of the note to somebody who trusts these authorities."""
    try:
        stamp = verify_audit.Timestamp(data)
        return stamp.covers(note) and stamp.trusted(list(authorities))
    except (verify_audit.Damage, *verify_audit.UNREADABLE):
        return False


def test_f21_a_timestamp_in_good_order_is_proven():
    assert proves(token())
    assert proves(token(attributes=[ess_v1(SIGNER)]))
    assert proves(token(attributes=[ess_v2(SIGNER, "sha512", sha512)]))
    assert proves(token(), authorities=(SIGNER,))
    assert not proves(token(), note="another note")
    assert not proves(token(), authorities=())


@pytest.mark.parametrize(
    "values",
    [
        {"eku": STAMPING, "critical": False},
        *({"eku": (*STAMPING, other)} for other in OTHERS),
        *({"eku": (other,)} for other in OTHERS),
        {"eku": (*STAMPING, *STAMPING[:0], *OTHERS)},
        {"eku": None},
        {"eku": STAMPING, "use": usage("key_cert_sign")},
        {"eku": STAMPING, "use": usage("key_encipherment")},
        {"eku": STAMPING, "days": (-5, -2)},
        {"eku": STAMPING, "days": (2, 5)},
    ],
    ids=repr_of,
)
def test_f21_a_certificate_that_is_not_for_timestamps_alone_proves_nothing(values):
    """RFC 3161, section 2.3: critical, and no other purpose. Its own trust does not help."""
    signer = certificate("tsa", "root", **values)
    assert not proves(token(signer))
    assert not proves(token(signer), authorities=(ROOT, signer))


@pytest.mark.parametrize(
    "use", [usage("digital_signature"), usage("content_commitment"), usage("digital_signature", "content_commitment")]
)  # fmt: skip
def test_f21_a_certificate_that_may_sign_is_accepted(use):
    assert proves(token(certificate("tsa", "root", eku=STAMPING, use=use)))


@pytest.mark.parametrize(
    "content", ["data", "signed_data", "enveloped_data", "authenticated_data", "1.2.3.4"]
)
def test_f21_what_is_not_stated_to_be_a_timestamp_is_none(content):
    """RFC 5652, section 5.3: the signed attribute and the content both name id-ct-TSTInfo."""
    assert not proves(token(kind=content))
    data = token()
    assert proves(data)
    assert not proves(
        data.replace(
            bytes.fromhex("060b2a864886f70d0109100104"),
            bytes.fromhex("060b2a864886f70d0109100106"),
            1,
        )
    )


@pytest.mark.parametrize(
    "attributes",
    [
        list,
        lambda: [ess_v2(ROOT)],
        lambda: [ess_v1(ROOT)],
        lambda: [ess_v2(certificate("tsa", "root", eku=STAMPING))],
        lambda: [ess_v2(SIGNER, "sha512")],
        lambda: [ess_v2(SIGNER, "sha1", sha1)],
        lambda: [ess_v2(SIGNER, "md5")],
        lambda: [ess_v2(SIGNER), ess_v2(SIGNER)],
        lambda: [ess_v2(ROOT), ess_v1(SIGNER)],
        lambda: [attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": []}))],
    ],
    ids=["none", "root v2", "root v1", "same name", "sha512", "sha1", "md5", "twice", "contradiction", "empty"],
)  # fmt: skip
def test_f21_a_signature_that_does_not_name_its_certificate_by_hash_proves_nothing(attributes):
    assert not proves(token(attributes=attributes()))


def test_f21_a_certificate_replaced_by_one_of_the_same_key_and_name_is_noticed():
    """The hash in the signed attributes tells two certificates of one key apart."""
    other = certificate("tsa", "root", eku=STAMPING, days=(-100, 100))
    assert not proves(token(other, attributes=[ess_v2(SIGNER)]))


def _chain(*certificates, root=ROOT):
    """Return whether a signer under these authorities, nearest first, is proven by the root."""
    nearest = certificates[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    signer = certificate("tsa", nearest, eku=STAMPING)
    return proves(token(signer, chain=certificates), authorities=(root,))


def test_f21_a_chain_of_authorities_ends_at_the_trusted_one():
    middle = certificate("middle", "root", ca=True, use=usage("key_cert_sign"))
    assert _chain(middle)
    assert _chain(certificate("low", "middle", ca=True), middle)
    assert not _chain(middle, root=certificate("another", ca=True))


@pytest.mark.parametrize(
    "values",
    [
        {"ca": False}, {"basic": False}, {"ca": True, "use": usage("digital_signature")}, {"ca": True, "use": usage("crl_sign")},
        {"ca": True, "days": (-5, -2)}, {"ca": True, "days": (1, 5)},
    ],
    ids=repr_of,
)  # fmt: skip
def test_f21_what_may_not_issue_certificates_is_no_authority(values):
    assert not _chain(certificate("middle", "root", **values))


@pytest.mark.parametrize(("path", "below", "proven"), [(0, 0, True), (0, 1, False), (1, 1, True), (1, 2, False), (0, 3, False), (None, 3, True)])  # fmt: skip
def test_f21_the_length_of_a_path_is_respected(path, below, proven):
    """RFC 5280, section 4.2.1.9: so many authorities may stand between this one and the signer."""
    root = certificate("root", ca=True, path=path, use=usage("key_cert_sign"))
    above, certificates = "root", []
    for number in range(below):
        name = f"below{number}"
        certificates.insert(0, certificate(name, above, ca=True))
        above = name
    signer = certificate("tsa", above, eku=STAMPING)
    assert proves(token(signer, chain=certificates), authorities=(root,)) is proven


def test_f21_the_length_of_a_path_below_an_authority_inside_of_the_chain_is_respected():
    top = certificate("top", "root", ca=True, path=0)
    assert _chain(top)
    assert not _chain(certificate("low", "top", ca=True), top)


@pytest.mark.parametrize(
    "sign",
    [
        lambda data: key("mallory").sign(data, ec.ECDSA(hashes.SHA256())),
        lambda data: key("tsa").sign(data + b"x", ec.ECDSA(hashes.SHA256())),
        lambda data: key("tsa").sign(data, ec.ECDSA(hashes.SHA512())),
        lambda _data: b"",
        lambda _data: b"\x30\x06\x02\x01\x00\x02\x01\x00",
    ],
    ids=["another key", "another text", "another hash", "empty", "zeroes"],
)
def test_f21_a_signature_that_is_not_the_signers_proves_nothing(sign):
    assert not proves(token(sign=sign))


def test_f21_a_signature_over_the_bare_content_is_none():
    assert not proves(token(signed_attributes=False))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_f21_keys_of_other_kinds(kind):
    made = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(65537, 2048)
    )
    signer = certificate("tsa", "root", eku=STAMPING, public=made.public_key())
    sign = (
        made.sign
        if kind == "ed25519"
        else lambda d: made.sign(d, padding.PKCS1v15(), hashes.SHA256())
    )
    # RSA is accepted; what the verifier does not name is not.
    assert proves(token(signer, sign=sign)) is (kind == "rsa")


@pytest.mark.parametrize("hash_name", ["sha1", "md5"])
def test_f21_weak_hashes_are_refused(hash_name):
    assert not proves(token(algorithm=hash_name))


@pytest.mark.parametrize(
    "status", ["rejection", "waiting", "revocation_warning", "revocation_notification"]
)
def test_f21_what_was_not_granted_is_none(status):
    granted = tsp.TimeStampResp.load(token())
    refused = tsp.TimeStampResp(
        {"status": {"status": status}, "time_stamp_token": granted["time_stamp_token"]}
    )
    assert not proves(refused.dump())


@pytest.mark.filterwarnings("ignore")
def test_f21_no_changed_or_cut_byte_is_taken_for_another_time():
    data = token()
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            stamp = verify_audit.Timestamp(changed)
            proven = stamp.covers(NOTE) and stamp.trusted([ROOT])
        except (verify_audit.Damage, *verify_audit.UNREADABLE):
            continue
        assert not proven or stamp.time == NOW
    for place in range(0, len(data), 3):
        assert not proves(data[:place])


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"x", b"\x30\x80", b"\x30" * 5000, bytes.fromhex("30053003020102"), b"\x30\x84\xff\xff\xff\xff", b"\0" * 100_000,
        pytest.param(token(time=NOW.replace(year=9999)), id="year 9999"),
        pytest.param(token(time=NOW.replace(year=1950)), id="year 1950"),
        pytest.param(token(time=NOW + 3 * DAY), id="in three days"),
        pytest.param(token(message="another"), id="another note"),
    ],
    ids=lambda value: value[:6].hex() if isinstance(value, bytes) else None,
)  # fmt: skip
def test_f1_f10_an_answer_of_an_authority_that_cannot_be_used_is_damage(answer, monkeypatch):
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return NOW

    monkeypatch.setattr(timestamp_client, "datetime", Clock)
    with pytest.raises(verify_audit.Damage):
        timestamp_client._accept(answer, NOTE, 5)


@pytest.mark.filterwarnings("ignore")
def test_f1_every_changed_byte_of_an_answer_is_a_timestamp_or_damage():
    data = token()
    for place in range(len(data)):
        for bit in (1, 128):
            changed = data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
            try:
                timestamp_client._accept(changed, NOTE, 5)
            except verify_audit.Damage:
                continue

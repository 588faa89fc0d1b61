"""What must not be read in logs, dashboards and support exports: secrets whole, identifying values
in part.
"""

from __future__ import annotations

import logging
import re

#: Header and form names whose values are secrets (RFC 6749, RFC 6750, RFC 7617, common provider
#: headers).
SECRET_NAMES = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api_key",
    "apikey",
    "client_secret",
    "access_token",
    "refresh_token",
    "id_token",
    "password",
    "token",
    "secret",
)

_NAMES = "|".join(re.escape(name) for name in SECRET_NAMES)
_PAIR = re.compile(
    rf"""(?ix) (["']? \b(?:{_NAMES})\b ["']? \s*[:=]\s*) (?:(?:bearer|basic)\s+)? ["']? [^\s"',;&}}]+ ["']?"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
#: IBAN (ISO 13616) and VAT numbers (country letters and 8 to 12 characters with at least 7 digits).
_IBAN = re.compile(r"\b([A-Z]{2}\d{2})[A-Z0-9]{7,26}([A-Z0-9]{4})\b")
_VAT = re.compile(r"\b([A-Z]{2})(?=(?:[A-Z0-9]*\d){7})[A-Z0-9]{5,9}([A-Z0-9]{3})\b")
#: SIREN and SIRET: nine or fourteen digits on their own.
_DIGITS = re.compile(r"\b\d{6}(?:\d{5})?(\d{3})\b")
_HIDDEN = "***"


def mask_secrets(text: str) -> str:
    """``text`` without the values of secrets; identifiers stay."""
    text = _PAIR.sub(rf"\1{_HIDDEN}", text)
    return _BEARER.sub(rf"\1 {_HIDDEN}", text)


def mask(text: str) -> str:
    """``text`` without secrets, and with tax and bank identifiers shortened to their ends."""
    text = mask_secrets(text)
    text = _IBAN.sub(rf"\1{_HIDDEN}\2", text)
    text = _VAT.sub(rf"\1{_HIDDEN}\2", text)
    return _DIGITS.sub(rf"{_HIDDEN}\1", text)


class MaskingFilter(logging.Filter):
    """Masks the finished message of each record; attached to the suite's own loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        return True

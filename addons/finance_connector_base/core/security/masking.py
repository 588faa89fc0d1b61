"""What must not be read in logs, dashboards and support exports: secrets whole, identifying values
in part.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus
from weakref import WeakKeyDictionary

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
#: The token after the path of a webhook; four characters suffice to tell two addresses apart.
_WEBHOOK_PATH = re.compile(r"(/finance/(?:webhook|callback)/[^\s/?\"]{4})([^\s/?\"]+)")
#: Shorter values would also be found in texts that have nothing to do with them.
_SHORTEST_SECRET = 6


class _Forms:
    """The forms of the secrets of one owner. An object without a text: see ``remember``."""

    __slots__ = ("texts",)

    def __init__(self, texts: tuple[str, ...]):
        self.texts = texts


#: Keyed by objects, so that no format string of a template leads to an element.
_known: WeakKeyDictionary[object, _Forms] = WeakKeyDictionary()


def forms_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return how secrets may be written in a text: plain, in a URL or form, in JSON, in base64; longest first."""
    forms: set[str] = set()
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            plain = base64.b64encode(secret.encode()).decode()
            forms |= {secret, quote(secret, safe=""), quote_plus(secret), plain, plain.rstrip("=")}
            forms |= {json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    return tuple(sorted(forms, key=len, reverse=True))


def remember(owner: object, secrets: Iterable[str]) -> None:
    """Hide these secrets in every masked line of the log as long as the owner lives."""
    _known[owner] = _Forms(forms_of(secrets))


def known_forms() -> tuple[str, ...]:
    """Return the forms of all secrets that are hidden in logs: a provider may repeat one it gave before."""
    return tuple(text for known in list(_known.values()) for text in known.texts)


def hide(value: Any, forms: tuple[str, ...]) -> Any:
    """Return a value without the forms of secrets, in every text of it.

    Values that hold none are returned as they are.
    """
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, _HIDDEN) if form in value else value
        return value
    if isinstance(value, bytes):
        for form in forms:
            value = value.replace(form.encode(), _HIDDEN.encode())
        return value
    # Asked of the type, which leaves the parts as what they are: values of any type.
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if issubclass(kind, Mapping):
        return {hide(key, forms): hide(item, forms) for key, item in value.items()}
    if issubclass(kind, (tuple, list, frozenset, set)) and not hasattr(value, "_fields"):
        return kind(hide(item, forms) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _hide_in_fields(value, forms)
    return value


def _hide_in_fields(value: Any, forms: tuple[str, ...]) -> Any:
    kept = {item.name: getattr(value, item.name) for item in dataclasses.fields(value) if item.init}
    hidden = {name: hide(item, forms) for name, item in kept.items()}
    changed = {name: item for name, item in hidden.items() if item != kept[name]}
    return dataclasses.replace(value, **changed) if changed else value


def mask_secrets(text: str) -> str:
    """``text`` without the values of secrets; identifiers stay."""
    for known in list(_known.values()):
        text = hide(text, known.texts)
    text = _PAIR.sub(rf"\1{_HIDDEN}", text)
    return _BEARER.sub(rf"\1 {_HIDDEN}", text)


def mask(text: str) -> str:
    """``text`` without secrets, and with tax and bank identifiers shortened to their ends."""
    text = mask_secrets(text)
    text = _IBAN.sub(rf"\1{_HIDDEN}\2", text)
    text = _VAT.sub(rf"\1{_HIDDEN}\2", text)
    return _DIGITS.sub(rf"{_HIDDEN}\1", text)


class MaskingFilter(logging.Filter):
    """Masks the finished message of each record and its traceback; attached to the suite's own loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        if record.exc_info and record.exc_info[0] is not None:
            # Formatted here, so that no handler formats the exception itself.
            record.exc_text = mask(_FORMATTER.formatException(record.exc_info))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = mask(record.exc_text)
        if record.stack_info:
            record.stack_info = mask(record.stack_info)
        return True


class StatementFilter(logging.Filter):
    """Masks Odoo's own lines about refused statements, which show the values of the suite's tables."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "bad query" in text and "finance_" in text:
            record.msg, record.args = mask(text), None
        return True


class AddressFilter(logging.Filter):
    """Shortens the token of a webhook address in lines of the access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if found := _WEBHOOK_PATH.search(text):
            # Also where the same token stands again, in a query for instance.
            token = found[0].rpartition("/")[2]
            record.msg, record.args = text.replace(token, f"{token[:4]}{_HIDDEN}"), None
        return True


_FORMATTER = logging.Formatter()

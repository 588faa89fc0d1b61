"""What must not be read in logs, dashboards and support exports: secrets whole, identifying values
in part.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus
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
#: As people write them: an IBAN in groups of four or in lower case, a VAT number or SIREN in groups.
_IBAN_AS_WRITTEN = re.compile(
    r"(?i)\b[a-z]{2}\d{2}(?:[a-z0-9]{11,30}|(?:[ \u00a0-][a-z0-9]{4}){2,7}(?:[ \u00a0-][a-z0-9]{1,3})?)\b"
)
_VAT_LOWER = re.compile(r"\b([a-z]{2})(?=(?:[a-z0-9]*\d){8})\d[a-z0-9]{5,8}(\d{2,3})\b")
_GROUPED = re.compile(
    r"(?i)\b(?:[a-z]{2}[ \u00a0]?)?\d{2,4}(?:[ \u00a0.]\d{3}){2,3}(?:[ \u00a0.]\d{5})?\b"
)
_GROUP = re.compile(r"[ \u00a0.-]")
#: An Employer Identification Number of the United States.
_EIN = re.compile(r"\b\d{2}-\d{4}(\d{3})\b")
#: SIREN, SIRET, and numbers of tax or accounts that are digits alone.
_DIGITS = re.compile(r"\b\d{6,11}(\d{3})\b")
_LEAST_DIGITS, _IBAN_MODULUS = 9, 97
_HIDDEN = "***"
#: The token after the path of a webhook; four characters suffice to tell two addresses apart.
_WEBHOOK_PATH = re.compile(r"(/finance/(?:webhook|callback)/[^\s/?\"]{4})([^\s/?\"]+)")
#: Shorter values would also be found in texts that have nothing to do with them.
_SHORTEST_SECRET = 6
_SHORTEST_BASE64 = 8
#: Shorter secrets are not searched for in documents: they occur by chance, and the document would be
#: another one.
_SHORTEST_IN_DOCUMENT = 12
#: Longer texts are searched for the forms of secrets only, not for ones of which characters are escaped.
_MAX_ESCAPED = 1024 * 1024
_URL_SAFE = str.maketrans("+/", "-_")
#: One character as JSON (also twice), a URL, HTML or XML may write it.
_ESCAPED = re.compile(
    r"(?i)\\+u(?P<json>[0-9a-f]{4})|\\+x(?P<python>[0-9a-f]{2})|\\+(?P<plain>[^ux\\])|%(?:25)*(?P<url>[0-9a-f]{2})"
    r"|&\#0*(?P<decimal>\d{1,7});|&\#x0*(?P<hex>[0-9a-f]{1,6});|&(?P<name>amp|lt|gt|quot|apos);"
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class _Forms:
    """The forms of the secrets of one owner. An object without a text: see ``remember``."""

    __slots__ = ("texts",)

    def __init__(self, texts: tuple[str, ...]):
        self.texts = texts


#: Keyed by objects, so that no format string of a template leads to an element.
_known: WeakKeyDictionary[object, _Forms] = WeakKeyDictionary()


def forms_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return how secrets may be written in a text beside escapes, longest first: plain, in JSON, in
    base64 (also inside a longer text, as in HTTP Basic), in hexadecimal digits.
    """
    forms: set[str] = set()
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            content = secret.encode("utf-8", "surrogatepass")
            forms |= {secret, quote_plus(secret) if " " in secret else secret}
            forms |= {json.dumps(secret)[1:-1], repr(secret)[1:-1]}
            forms |= {content.hex(), content.hex().upper(), *_base64_forms(content)}
    # As they are after decoding, which is how escaped ones are searched for.
    for form in tuple(forms):
        with contextlib.suppress(UnicodeDecodeError):
            forms.add(_decoded(form)[0].decode("utf-8", "surrogatepass"))
    forms.discard("")
    return tuple(sorted(forms, key=len, reverse=True))


def _base64_forms(content: bytes) -> set[str]:
    """Return what base64 shows of bytes, alone and at each position inside of other bytes."""
    whole = base64.b64encode(content).decode()
    forms = {whole, whole.rstrip("=")}
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode()
        # The characters that depend on these bytes alone.
        inner = encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        if len(inner) >= _SHORTEST_BASE64:
            forms.add(inner)
    return forms | {form.translate(_URL_SAFE) for form in forms}


def remember(owner: object, secrets: Iterable[str]) -> None:
    """Hide these secrets in every masked line of the log as long as the owner lives."""
    _known[owner] = _Forms(forms_of(secrets))


def known_forms() -> tuple[str, ...]:
    """Return the forms of all secrets that are hidden in logs: a provider may repeat one it gave before."""
    return tuple(text for known in list(_known.values()) for text in known.texts)


def in_documents(forms: Iterable[str]) -> tuple[str, ...]:
    """Return the forms that are searched for in what a provider sends as a document, also in UTF-16."""
    long = [form for form in forms if len(form) >= _SHORTEST_IN_DOCUMENT]
    return (*long, *("\0".join(form) for form in long if form.isascii()))


def hide(value: Any, forms: tuple[str, ...]) -> Any:
    """Return a value without the forms of secrets, in every text of it.

    Values that hold none are returned as they are.
    """
    if isinstance(value, str):
        return _hide_in_text(value, forms)
    if isinstance(value, bytes):
        text = value.decode("utf-8", "surrogateescape")
        hidden = _hide_in_text(text, forms)
        return value if hidden == text else hidden.encode("utf-8", "surrogateescape")
    # Asked of the type, which leaves the parts as what they are: values of any type.
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if issubclass(kind, Mapping):
        return {hide(key, forms): hide(item, forms) for key, item in value.items()}
    if issubclass(kind, (tuple, list, frozenset, set)) and not hasattr(value, "_fields"):
        return kind(hide(item, forms) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _hide_in_fields(value, forms)
    return value


def _hide_in_text(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        text = text.replace(form, _HIDDEN) if form in text else text
    if not forms or len(text) > _MAX_ESCAPED or not _ESCAPED.search(text):
        return text
    return _hide_escaped(text, forms)


def _hide_escaped(text: str, forms: tuple[str, ...]) -> str:
    """Hide secrets of which characters are escaped: decode, search, and replace what was there."""
    decoded, places = _decoded(text)
    spans: list[tuple[int, int]] = []
    for form in forms:
        wanted = form.encode("utf-8", "surrogatepass")
        start = decoded.find(wanted)
        while start >= 0:
            spans.append((places[start], places[start + len(wanted)]))
            start = decoded.find(wanted, start + 1)
    end = len(text)
    for first, last in sorted(spans, reverse=True):
        # Forms of one secret overlap; what is hidden already is not cut again.
        text = text[:first] + _HIDDEN + text[max(min(last, end), first) :] if first < end else text
        end = first
    return text


def _decoded(text: str) -> tuple[bytes, list[int]]:
    """Return the bytes of a text without escapes, and where each of them began; the end is last."""
    content = bytearray()
    places: list[int] = []
    position = 0
    for found in _ESCAPED.finditer(text):
        _add_plain(content, places, text, position, found.start())
        character = _unescaped(found)
        content += character
        places.extend([found.start()] * len(character))
        position = found.end()
    _add_plain(content, places, text, position, len(text))
    places.append(len(text))
    return bytes(content), places


def _add_plain(content: bytearray, places: list[int], text: str, start: int, end: int) -> None:
    part = text[start:end]
    content += part.encode("utf-8", "surrogatepass")
    if part.isascii():
        places.extend(range(start, end))
        return
    for place, character in enumerate(part, start):
        places.extend([place] * len(character.encode("utf-8", "surrogatepass")))


def _unescaped(found: re.Match[str]) -> bytes:
    kind = found.lastgroup or ""
    value = found[kind]
    if kind == "plain":
        return _CONTROLS.get(value, value).encode("utf-8", "surrogatepass")
    if kind == "name":
        return _ENTITIES[value.lower()].encode()
    code = int(value, 10 if kind == "decimal" else 16)
    if kind in ("url", "python"):
        return bytes([code])
    return chr(code).encode("utf-8", "surrogatepass") if code <= sys.maxunicode else b"?"


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
    text = _IBAN_AS_WRITTEN.sub(_shorten_iban, text)
    text = _VAT.sub(rf"\1{_HIDDEN}\2", text)
    text = _VAT_LOWER.sub(rf"\1{_HIDDEN}\2", text)
    text = _GROUPED.sub(_shorten_groups, text)
    text = _EIN.sub(rf"{_HIDDEN}\1", text)
    return _DIGITS.sub(rf"{_HIDDEN}\1", text)


def _shorten_iban(found: re.Match[str]) -> str:
    """Shorten the longest part of a match whose check digits are right (ISO 7064, modulus 97)."""
    text, end = found[0], len(found[0])
    while end > 0:
        plain = _GROUP.sub("", text[:end])
        moved = plain[4:] + plain[:4]
        if int("".join(str(int(char, 36)) for char in moved)) % _IBAN_MODULUS == 1:
            return f"{plain[:4]}{_HIDDEN}{plain[-4:]}{text[end:]}"
        # Words that follow look like further groups.
        end = max(text.rfind(char, 0, end) for char in " \u00a0-")
    return text


def _shorten_groups(found: re.Match[str]) -> str:
    digits = "".join(char for char in found[0] if char.isdigit())
    return f"{_HIDDEN}{digits[-3:]}" if len(digits) >= _LEAST_DIGITS else found[0]


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
    """Masks Odoo's own lines about refused statements, which show the values of rows."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "bad query" in text:
            record.msg, record.args = mask(text), None
        return True


class TracebackFilter(MaskingFilter):
    """Masks those of Odoo's own lines that carry a traceback: the text of an exception may be ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        return super().filter(record) if record.exc_info or record.exc_text else True


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

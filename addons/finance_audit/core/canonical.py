"""Exact bytes of a value: canonical JSON according to RFC 8785 (JSON Canonicalization Scheme).

RFC 8785 defines JSON types only. Other types are written as strings, because a string has one form and a binary
float has many: Decimal as plain digits with its scale, times as ISO 8601 in UTC with the offset. A float is
refused: the caller must decide how it is rounded.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

import rfc8785

from .errors import FloatRefused, ValueRefused

# JSON readers recurse; evidence nested deeper than this is an error of the caller.
MAX_DEPTH = 64
# Beyond ±(2^53 - 1) a JSON number has no exact form (RFC 8785, section 3.2.2.3 and RFC 7493).
MAX_INTEGER = 2**53 - 1
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)
_FIRST_SURROGATE = "\ud800"
#: Most values of an entry: exactly these types (no subclass) are JSON as they are.
_AS_IT_IS = frozenset({str, bool, type(None)})


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of `value`."""
    return json_bytes(to_json(value))


def json_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of what `to_json` returned.

    Without floats the standard library's encoder, which is written in C, differs from RFC 8785 only
    in the order of names beyond the Basic Multilingual Plane: such text takes the slow path.
    """
    text = _ENCODER.encode(value)
    if text.isascii() or max(text) < _FIRST_SURROGATE:
        return text.encode()
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueRefused(f"text that is not valid Unicode ({error})") from error


def to_json(value: Any, path: str = "", depth: int = 0) -> Any:
    """Return `value` reduced to JSON types; refuse what has no unambiguous form."""
    if type(value) is int:
        return _integer(value, path)
    if depth > MAX_DEPTH:
        raise ValueRefused(f"nested more than {MAX_DEPTH} levels", path)
    if isinstance(value, Enum):
        return to_json(value.value, path, depth)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        return {
            _key(key, path): item
            if type(item) in _AS_IT_IS
            else to_json(item, f"{path}.{key}".lstrip("."), depth + 1)
            for key, item in mapping.items()
        }
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return [to_json(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(items)]
    return _scalar(value, path)


def iso_utc(moment: datetime) -> str:
    """Return a moment in UTC with offset. Naive moments are in UTC, as everywhere in Odoo."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).isoformat()


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise ValueRefused(f"key {key!r} is not a string", path)
    return str(key)


def _scalar(value: Any, path: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)  # a plain str also of Markup and other subclasses
    if isinstance(value, int):
        return _integer(value, path)
    if isinstance(value, float):
        raise FloatRefused(f"float {value!r}: pass a Decimal or a string", path)
    if isinstance(value, Decimal):
        return _decimal(value, path)
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise ValueRefused(f"{type(value).__name__} has no canonical form", path)


def _integer(value: int, path: str) -> int:
    if abs(value) > MAX_INTEGER:
        raise ValueRefused(f"integer {value} is not exact in JSON: pass a string", path)
    return int(value)


def _decimal(value: Decimal, path: str) -> str:
    if not value.is_finite():
        raise ValueRefused(f"{value} is not a number", path)
    return format(value, "f")

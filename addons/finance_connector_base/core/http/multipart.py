"""multipart/form-data bodies (RFC 7578) that are the same bytes every time they are built."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata


def encode_multipart(
    parts: Sequence[tuple[str, str | None, str, bytes]], seed: str
) -> tuple[bytes, str]:
    """Encode parts ``(name, file name or None, content type, data)``; returns body and content
    type.

    The boundary is derived from ``seed`` (an idempotency key) and the data instead of drawn at
    random, so that a
    retry sends identical bytes.
    """
    digest = hashlib.sha256(seed.encode())
    fields: list[RequestField] = []
    for name, filename, content_type, data in parts:
        digest.update(data)
        field = RequestField(name, data, filename=filename)
        field.make_multipart(content_type=content_type)
        fields.append(field)
    return encode_multipart_formdata(fields, boundary=f"part-{digest.hexdigest()[:40]}")

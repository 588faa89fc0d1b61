"""Parts of a ``multipart/form-data`` body that is already in memory (RFC 7578, RFC 2046 5.1).

Byte for byte: what stands between two boundaries is the part's content, whatever it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

BLANK = b"\r\n\r\n"
PARAMETER = re.compile(r';[ \t]*([\w.-]+\*?)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;\s]*)', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Part:
    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


def media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def parse(content_type: str, body: bytes) -> list[Part]:
    """Return the parts in order; ``ValueError`` says what is wrong with the body."""
    boundary = parameter(content_type, "boundary")
    if media_type(content_type) != "multipart/form-data" or not boundary:
        raise ValueError("the request is not multipart/form-data with a boundary")
    delimiter = b"\r\n--" + boundary.encode()
    _preamble, *sections = (b"\r\n" + body).split(delimiter)
    if not sections or not sections[-1].startswith(b"--"):
        raise ValueError("the closing boundary is missing")
    return [read_part(section) for section in sections[:-1]]


def read_part(section: bytes) -> Part:
    """One section: the rest of the boundary line, headers, an empty line, the content."""
    padding, newline, rest = section.partition(b"\r\n")
    if padding.strip(b" \t") or not newline:
        raise ValueError("a boundary line has trailing characters")
    head, blank, content = (b"\r\n" + rest).partition(BLANK)
    if not blank:
        raise ValueError("a part has no empty line after its headers")
    headers = read_headers(head)
    disposition = headers.get("content-disposition", "")
    name = parameter(disposition, "name")
    if media_type(disposition) != "form-data" or name is None:
        raise ValueError("a part has no form-data name")
    return Part(name, content, parameter(disposition, "filename"), headers.get("content-type"))


def read_headers(head: bytes) -> dict[str, str]:
    lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _colon, value in pairs}


def parameter(header: str, name: str) -> str | None:
    """Return a parameter of a structured header; ``name*`` (RFC 5987) wins over plain ``name``."""
    found = {key.lower(): value for key, value in PARAMETER.findall(header)}
    if f"{name}*" in found:
        charset, _language, text = f"{found[f'{name}*']}''".split("'", 3)[:3]
        return unquote(text, "latin-1" if charset.lower() == "iso-8859-1" else "utf-8")
    value = found.get(name)
    if value is None or not value.startswith('"'):
        return value
    return ESCAPED.sub(r"\1", value[1:-1])

"""Reads an invoice as untrusted input: no document type, no entities, no network, bounded size.

OWASP XML External Entity Prevention: an invoice never needs a DTD, so one is refused outright.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from lxml import etree

#: lxml has no public name for the class of its elements.
Element: TypeAlias = etree._Element  # pyright: ignore[reportPrivateUsage]

#: Not XML at all, or cut off.
MALFORMED = "XML-MALFORMED"
#: XML that requests the reader to fetch or expand something (document type, entities).
UNSAFE = "XML-UNSAFE"
#: Larger than any invoice has to be.
TOO_LARGE = "XML-SIZE"
#: Generous: an invoice of 10,000 lines has about 15 MB, attachments are not embedded.
SIZE_LIMIT = 30 * 1024 * 1024

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
#: Prefixes shown to people; the ones of the UBL specification.
PREFIXES = {
    f"{_UBL}CommonAggregateComponents-2": "cac:",
    f"{_UBL}CommonBasicComponents-2": "cbc:",
    f"{_UBL}CommonExtensionComponents-2": "ext:",
}
_STEP = re.compile(r"\*:([\w.-]+)\[namespace-uri\(\)='([^']*)'\]")


class Unreadable(ValueError):
    """The bytes cannot be checked at all."""

    def __init__(self, rule: str, reason: str, location: str = ""):
        self.rule = rule
        self.reason = reason
        self.location = location
        super().__init__(f"[{rule}] {reason}")


def read(content: bytes, limit: int = SIZE_LIMIT) -> Element:
    """Parse `content`.

    :raises Unreadable: too large, malformed, or with a document type.
    """
    if len(content) > limit:
        reason = f"The document has {len(content)} bytes; at most {limit} are accepted."
        raise Unreadable(TOO_LARGE, reason)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        where = f"line {line}, column {column}"
        raise Unreadable(MALFORMED, str(error.msg), where) from None
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise Unreadable(UNSAFE, "A document type declaration is not accepted.")
    return root


def element_location(element: Element) -> str:
    """Return the element's XPath with UBL prefixes and its positions among namesakes."""
    steps: list[str] = []
    node: Element | None = element
    while node is not None:
        name = etree.QName(node)
        before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        steps.append(f"{PREFIXES.get(name.namespace or '', '')}{name.localname}[{before + 1}]")
        node = node.getparent()
    return "/" + "/".join(reversed(steps)).replace("[1]", "", 1)


def readable_location(path: str) -> str:
    """Turn the namespace-proof XPath of a Schematron report into the same form."""
    text = _STEP.sub(lambda step: PREFIXES.get(step[2], "") + step[1], path)
    return text.replace("[1]", "", 1)

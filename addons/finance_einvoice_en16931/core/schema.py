"""UBL 2.1 structure (OASIS XSD): compiled once per process and kind of document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from .fork_safe import ForkSafeLock
from .rule_files import rule_file
from .xml_input import Element, element_location

_MAIN = "urn:oasis:names:specification:ubl:schema:xsd:"
#: Root element in Clark notation -> schema.
SCHEMAS = {
    f"{{{_MAIN}Invoice-2}}Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    f"{{{_MAIN}CreditNote-2}}CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_NAMESPACE = re.compile(r"\{urn:[^}]*\}")
_compiled: dict[str, etree.XMLSchema] = {}
# A schema keeps the log of its last run, so one run at a time; it takes about a millisecond.
_lock = ForkSafeLock()


def faults(root: Element) -> list[tuple[str, str]]:
    """Return message and location of every structural error of an invoice or credit note."""
    name = SCHEMAS[root.tag]
    with _lock:
        if name not in _compiled:
            _compiled[name] = _compile(name)
        schema = _compiled[name]
        return [] if schema.validate(root) else list(_entries(schema.error_log, root))


def _compile(name: str) -> etree.XMLSchema:
    """Compile a schema; the files refer to each other by relative path, never to the network."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    return etree.XMLSchema(etree.parse(str(rule_file(name)), parser))


def _entries(log: Any, root: Element) -> Iterator[tuple[str, str]]:
    prefixes = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    for entry in log:
        found: Any = root.xpath(entry.path, namespaces=prefixes) if entry.path else []
        where = element_location(found[0]) if found else f"line {entry.line}"
        yield _NAMESPACE.sub("", entry.message), where

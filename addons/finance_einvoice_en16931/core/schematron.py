"""Official business rules: Schematron compiled to XSLT 2, run by Saxon inside this process.

Each rule set is compiled once per process, when first needed; a compiled one is shared by threads
and survives a fork. saxonche 13 reserves 33 GB of address space, which Odoo's memory limit
refuses, hence "<13".
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

from .fork_safe import ForkSafeLock
from .rule_files import ValidationUnavailable, rule_file
from .sheet import prepare
from .xml_input import Element, readable_location

_REQUIREMENT = "saxonche<13"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_lock = ForkSafeLock()
_compiled: dict[str, Any] = {}
# Saxon has no type information.
_processors: list[Any] = []


class RulesAborted(ValueError):
    """The rules could not be evaluated on this document, such as for an amount that is not a number."""


class FailedAssertion(NamedTuple):
    """One failed assertion of a rule set; ``flag`` is the publisher's severity."""

    rule: str
    flag: str
    text: str
    location: str


def loaded(root: Element) -> Any:
    """Return a parsed document as Saxon reads it, for any number of rule sets.

    :raises ValidationUnavailable: Saxon is not installed.
    """
    with _lock:
        processor = _processor()
    # Text, not bytes or a path: no encoding to guess, no file name to escape.
    return processor.parse_xml(xml_text=etree.tostring(root, encoding="unicode"))


def failed_assertions(document: Any, stylesheet: str) -> list[FailedAssertion]:
    """Run the rule set of `stylesheet` (a name below the rule folder) on a document from `loaded`.

    :raises ValidationUnavailable: the rules are not installed.
    :raises RulesAborted: a value of the document is not of its kind.
    """
    with _lock:
        if stylesheet not in _compiled:
            _compiled[stylesheet] = _compile(stylesheet)
        executable = _compiled[stylesheet]
    try:
        report = executable.transform_to_string(xdm_node=document)
    except _api_error() as error:
        raise RulesAborted(str(error)) from None
    return list(_failed(etree.fromstring(report.encode())))


def _compile(stylesheet: str) -> Any:
    """Compile a published sheet; its rules stay as they are (see ``sheet``)."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    parsed = etree.parse(str(rule_file(stylesheet)), parser)
    prepare(parsed)
    text = etree.tostring(parsed, encoding="unicode")
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_text=text)


def _api_error() -> type[Exception]:
    return _saxon().PySaxonApiError


def _saxon() -> Any:
    try:
        return importlib.import_module("saxonche")
    except ImportError as error:
        raise ValidationUnavailable(_REQUIREMENT, str(error)) from None


def _processor() -> Any:
    """Return the Saxon of this process; a second one would be a second Java heap."""
    if not _processors:
        _processors.append(_saxon().PySaxonProcessor(license=False))
    return _processors[0]


def _failed(report: Element) -> Iterator[FailedAssertion]:
    for tag in ("failed-assert", "successful-report"):
        for node in report.iter(f"{_SVRL}{tag}"):
            text = "".join(map(str, node.itertext()))
            yield FailedAssertion(
                rule=node.get("id") or "",
                flag=node.get("flag") or "fatal",
                text=" ".join(text.split()),
                location=readable_location(node.get("location") or ""),
            )

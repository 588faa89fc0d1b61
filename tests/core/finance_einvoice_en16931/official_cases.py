"""Reads the official unit cases of EN 16931 (CEN/TC 434, EUPL 1.2), which stay outside the project.

A test set names the rules it is about; each test is a fragment of an invoice that must, or must
not, break one of them.
"""

from typing import NamedTuple

from lxml import etree

from tools.dev import specifications

UNIT = specifications.FOLDER / "en16931" / "unit" / "test"
FRENCH_EXAMPLES = specifications.FOLDER / "afnor" / "examples"
_NS = "{http://difi.no/xsd/vefa/validator/1.0}"


class Case(NamedTuple):
    name: str
    document: bytes
    expected: str
    rule: str


def unit_cases():
    """Yield every expectation: `expected` is success, error or warning of `rule`."""
    for path in sorted(UNIT.rglob("*.xml")):
        test_set = etree.parse(path).getroot()
        for number, test in enumerate(test_set.iterfind(f"{_NS}test"), 1):
            expectations = test.find(f"{_NS}assert")
            document = next(node for node in test if node is not expectations)
            document = etree.tostring(document, with_tail=False)
            for node in expectations if expectations is not None else ():
                kind = etree.QName(node).localname
                if kind in ("success", "error", "warning", "fatal"):
                    yield Case(
                        f"{path.parent.name}/{path.stem}#{number}", document, kind, node.text
                    )


def french_examples():
    """The UBL invoices of the official French use cases."""
    return sorted(FRENCH_EXAMPLES.rglob("*_UBL.xml"))

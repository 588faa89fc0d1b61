"""SOAP 1.1: envelopes written and read by zeep from a WSDL that the addon ships.

zeep never opens a connection here: its transport refuses every load, requests and responses are
values like any other. Responses are bounded and hold no document type, hence no entities. A fault
comes with status 500 (SOAP 1.1, section 6.2) and is returned as a value.

zeep cannot read an ``xsd:date`` with an offset; such a date is None and its text is that of
``element_text``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

from lxml import etree
from zeep import Client, Settings, helpers
from zeep.exceptions import Fault
from zeep.transports import Transport

from ..finding import storable_text
from .wire import HttpRequest, HttpResponse

#: Larger envelopes are not parsed.
MAX_ENVELOPE = 256 * 1024
_ENVELOPE_NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
_FAULT = f"{{{_ENVELOPE_NAMESPACE}}}Fault"
_MAX_TEXT = 500
# zeep's own hints are incomplete.
_client: Any = Client
_settings: Any = Settings
_helpers: Any = helpers
_reading: ContextVar[bool] = ContextVar("finance_soap_reading", default=False)


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A fault of the service: its code (``Client``, ``Server``) and its text."""

    code: str
    text: str


class Unreadable(Exception):
    """A response that is no answer of the service as its description says."""


class _NoNetwork(Transport):  # type: ignore[misc]
    """A WSDL that imports something is refused: what the addon ships is complete."""

    def load(self, url: str) -> bytes:
        raise Unreadable(f"the service description refers to {url}")


class _OffsetDates(logging.Filter):
    """Drop what zeep logs about dates with an offset while a response is read here."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _reading.get()


class SoapService:
    """One service as its WSDL describes it; safe to use from threads."""

    def __init__(self, wsdl: bytes):
        self._client: Any = _client(
            BytesIO(wsdl),
            transport=_NoNetwork(),
            settings=_settings(strict=True, forbid_dtd=True, forbid_entities=True),
        )

    def request(
        self, url: str, operation: str, values: Mapping[str, Any], **options: Any
    ) -> HttpRequest:
        """Return the request of one operation; ``values`` are the parts of its message."""
        envelope = self._client.create_message(self._client.service, operation, **values)
        body: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        action = self._operation(operation).soapaction or ""
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{action}"',
            "Accept": "text/xml",
        }
        return HttpRequest("POST", url, headers, body, **options)

    def read_response(self, operation: str, response: HttpResponse) -> dict[str, Any] | SoapFault:
        """Return the parts of the response by name, or the fault.

        :raises Unreadable: it is neither.
        """
        self._refuse_other(_parse(response.body), operation)
        answer = SimpleNamespace(
            status_code=response.status,
            content=response.body,
            headers={"Content-Type": response.headers.get("content-type", "")},
            encoding="utf-8",
        )
        marker = _reading.set(True)
        try:
            result = self._binding.process_reply(self._client, self._operation(operation), answer)
        except Fault as error:
            fault: Any = error
            code = storable_text(str(fault.code or ""), _MAX_TEXT).rpartition(":")[2]
            return SoapFault(code, storable_text(str(fault.message or ""), _MAX_TEXT).strip())
        except Exception as error:
            raise Unreadable(f"{type(error).__name__} in the SOAP response") from error
        finally:
            _reading.reset(marker)
        values: Any = _helpers.serialize_object(result, dict)
        if not isinstance(values, dict):
            raise Unreadable("the SOAP response holds no parts")
        return cast("dict[str, Any]", values)

    def _refuse_other(self, root: Any, operation: str) -> None:
        """Refuse a body that holds neither a fault nor the response of the operation; zeep would
        return its parts as empty.
        """
        body = root.find(f"{{{_ENVELOPE_NAMESPACE}}}Body")
        children = [] if body is None else [item.tag for item in body]
        wanted = (str(self._operation(operation).output.body.qname), _FAULT)
        if len(children) != 1 or children[0] not in wanted:
            raise Unreadable("the SOAP response is that of another operation")

    @property
    def _binding(self) -> Any:
        return self._client.service._binding

    def _operation(self, name: str) -> Any:
        return self._binding.get(name)


@lru_cache(maxsize=16)
def service(wsdl: bytes) -> SoapService:
    """Return the service of a WSDL; read once in a process."""
    return SoapService(wsdl)


def element_text(response: HttpResponse, name: str) -> str:
    """Return the text of the first element of this local name, empty where there is none."""
    for element in _parse(response.body).iter():
        if isinstance(element.tag, str) and etree.QName(element).localname == name:
            return storable_text(element.text or "", _MAX_TEXT).strip()
    return ""


def _parse(body: bytes) -> Any:
    """Return the envelope of a response.

    :raises Unreadable: it is too large, holds a document type, or is no SOAP 1.1 envelope.
    """
    if len(body) > MAX_ENVELOPE:
        raise Unreadable("the SOAP response is too large")
    if b"<!DOCTYPE" in body.replace(b"\0", b"").upper():
        raise Unreadable("the SOAP response holds a document type")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("the response is not well-formed XML") from error
    if root.tag != f"{{{_ENVELOPE_NAMESPACE}}}Envelope":
        raise Unreadable("the response is no SOAP 1.1 envelope")
    return root


logging.getLogger("zeep.xsd.types.simple").addFilter(_OffsetDates())

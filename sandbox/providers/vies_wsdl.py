"""The WSDL 1.1 document that the VIES services serve of themselves, built from a table of their messages."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

NAMESPACE = "urn:ec.europa.eu:taxud:vies:services:checkVat"
TYPES = f"{NAMESPACE}:types"
TEXT, DATE, BOOLEAN = "xsd:string", "xsd:date", "xsd:boolean"
COMPANY, MATCH = "types:companyTypeCode", "types:matchCode"
#: Name, type, whether it may be left out, whether it may be nil.
Part = tuple[str, str, bool, bool]


def needed(name: str, kind: str = TEXT) -> Part:
    return name, kind, False, False


def optional(name: str, kind: str = TEXT, *, nil: bool = False) -> Part:
    return name, kind, True, nil


NUMBER = (needed("countryCode"), needed("vatNumber"))
VERDICT = (*NUMBER, needed("requestDate", DATE), needed("valid", BOOLEAN))
ADDRESS = (optional("traderStreet"), optional("traderPostcode"), optional("traderCity"))
COMPARED = ("Name", "CompanyType", "Street", "Postcode", "City")
ELEMENTS: dict[str, Sequence[Part]] = {
    "checkVat": NUMBER,
    "checkVatResponse": (*VERDICT, optional("name", nil=True), optional("address", nil=True)),
    "checkVatApprox": (
        *NUMBER,
        optional("traderName"),
        optional("traderCompanyType", COMPANY),
        *ADDRESS,
        optional("requesterCountryCode"),
        optional("requesterVatNumber"),
    ),
    "checkVatApproxResponse": (
        *VERDICT,
        optional("traderName", nil=True),
        optional("traderCompanyType", COMPANY, nil=True),
        optional("traderAddress"),
        *ADDRESS,
        *(optional(f"trader{each}Match", MATCH) for each in COMPARED),
        needed("requestIdentifier"),
    ),
}
OPERATIONS = ("checkVat", "checkVatApprox")


def wsdl(service: str, location: str) -> bytes:
    """Return the description of a service at an address."""
    binding = service.replace("Service", "Binding")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions targetNamespace="{NAMESPACE}" xmlns:tns="{NAMESPACE}" xmlns:types="{TYPES}"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">
<wsdl:types>
<xsd:schema targetNamespace="{TYPES}" elementFormDefault="qualified" attributeFormDefault="qualified">
{"".join(element(name, parts) for name, parts in ELEMENTS.items())}
<xsd:simpleType name="companyTypeCode"><xsd:restriction base="xsd:string">
<xsd:pattern value="[A-Z]{{2}}\\-[1-9][0-9]?"/></xsd:restriction></xsd:simpleType>
<xsd:simpleType name="matchCode"><xsd:restriction base="xsd:string">
<xsd:enumeration value="1"/><xsd:enumeration value="2"/><xsd:enumeration value="3"/>
</xsd:restriction></xsd:simpleType>
</xsd:schema>
</wsdl:types>
{"".join(messages(name) for name in OPERATIONS)}
<wsdl:portType name="checkVatPortType">{"".join(port(name) for name in OPERATIONS)}</wsdl:portType>
<wsdl:binding name="{binding}" type="tns:checkVatPortType">
<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
{"".join(bound(name) for name in OPERATIONS)}
</wsdl:binding>
<wsdl:service name="{service}"><wsdl:port name="checkVatPort" binding="tns:{binding}">
<soap:address location={quoteattr(location)}/></wsdl:port></wsdl:service>
</wsdl:definitions>
""".encode()


def element(name: str, parts: Sequence[Part]) -> str:
    inner = "".join(map(declared, parts))
    return (
        f'<xsd:element name="{name}"><xsd:complexType><xsd:sequence>{inner}'
        "</xsd:sequence></xsd:complexType></xsd:element>\n"
    )


def declared(part: Part) -> str:
    name, kind, may_miss, nil = part
    marks = (' minOccurs="0"' if may_miss else "") + (' nillable="true"' if nil else "")
    return f'<xsd:element name="{name}" type="{kind}"{marks}/>'


def messages(name: str) -> str:
    pairs = ((f"{name}Request", name), (f"{name}Response", f"{name}Response"))
    return "".join(
        f'<wsdl:message name="{message}"><wsdl:part name="parameters" element="types:{part}"/>'
        "</wsdl:message>\n"
        for message, part in pairs
    )


def port(name: str) -> str:
    return (
        f'<wsdl:operation name="{name}">'
        f'<wsdl:input name="{name}Request" message="tns:{name}Request"/>'
        f'<wsdl:output name="{name}Response" message="tns:{name}Response"/></wsdl:operation>\n'
    )


def bound(name: str) -> str:
    body = '<soap:body use="literal"/>'
    return (
        f'<wsdl:operation name="{name}"><soap:operation soapAction=""/>'
        f'<wsdl:input name="{name}Request">{body}</wsdl:input>'
        f'<wsdl:output name="{name}Response">{body}</wsdl:output></wsdl:operation>\n'
    )

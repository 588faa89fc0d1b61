"""Which addresses may be called, decided once for every addon that opens a connection.

An address is parsed by the library that dials it, and the request is built from the parsed parts, so
that what was checked is what is called. A host is judged twice: by its name when the address is
entered, and by the IP addresses it resolves to when it is dialled (``check_ip``), since a name may
resolve to anything, and to something else a second later.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

#: Options of ``odoo.conf``.
NETWORKS_OPTION = "finance_connect_allowed_networks"
HOSTS_OPTION = "finance_connect_allowed_hosts"
SANDBOX_OPTION = "finance_connect_sandbox"
CA_OPTION = "finance_connect_ca_bundle"

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAX_LENGTH = 2048
_PORTS = {"http": 80, "https": 443}
# RFC 3986: a URL consists of these; anything else is read differently by different programs.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_SCHEME_AND_HOST = re.compile(r"(?i)https?://([^/?#]*)")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%(?:0[0-9A-Fa-f]|1[0-9A-Fa-f]|7[Ff])")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Last label of a host that some resolvers read as a number: 2130706433, 0x7f000001, 127.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Only addresses of global unicast (RFC 4291, section 2.4) are public, without those that embed an
# IPv4 address or are reserved there: Teredo and other IETF protocols, documentation, 6to4.
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_TRUE = frozenset({"1", "true", "yes", "on", "t"})


class ForbiddenAddress(ValueError):
    """The address may not be called. The message omits path, query and credentials."""


@dataclass(frozen=True, slots=True)
class Address:
    """The parsed parts of an address; ``host`` is lower case and ASCII, an IPv6 one without brackets."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a secret is given for (RFC 6454, section 4)."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What the administrator of the server permits beyond public https addresses."""

    networks: tuple[IpNetwork, ...] = ()
    hosts: tuple[str, ...] = ()
    sandbox: bool = False
    ca_bundle: str = ""

    @classmethod
    def of_options(cls, option: Callable[[str], object]) -> NetworkPolicy:
        """Return the policy of ``odoo.conf``.

        :raises ForbiddenAddress: an option cannot be read; nothing is called then.
        """
        try:
            networks = tuple(ipaddress.ip_network(text) for text in _items(option(NETWORKS_OPTION)))
        except ValueError as error:
            raise ForbiddenAddress(f"{NETWORKS_OPTION}: {error}") from error
        return cls(
            networks,
            tuple(host.lower() for host in _items(option(HOSTS_OPTION))),
            str(option(SANDBOX_OPTION) or "").strip().lower() in _TRUE,
            str(option(CA_OPTION) or "").strip(),
        )

    def names(self, host: str) -> bool:
        """Return whether the administrator named this host."""
        return matches(host, self.hosts)

    def check_ip(self, text: str, *, loopback: bool = False) -> None:
        """Refuse an IP address that is not public, unless the administrator allowed its network.

        :param loopback: the caller is a sandbox connection, which may reach this machine
        :raises ForbiddenAddress: the address is not permitted.
        """
        address = ipaddress.ip_address(text.partition("%")[0])
        if is_public(address) or any(
            address.version == network.version and address in network for network in self.networks
        ):
            return
        if loopback and self.sandbox and address.is_loopback:
            return
        raise ForbiddenAddress(f"{address} is not a public address ({NETWORKS_OPTION})")


def parse_address(url: str, *, query: bool = False) -> Address:
    """Return the parts of an http or https address.

    :param query: a query is permitted; the base address of a provider has none
    :raises ForbiddenAddress: the address has anything but scheme, host, port and path, or can be read
        in more than one way.
    """
    found = _SCHEME_AND_HOST.match(url) if len(url) <= _MAX_LENGTH else None
    if not found:
        raise ForbiddenAddress("the address must begin with https:// and a host name")
    authority = found.group(1)
    # A host name may be written in Unicode; everything else is ASCII.
    readable = url[: found.start(1)] + url[found.end(1) :]
    named = "".join(char for char in authority if char.isascii() or not char.isalnum())
    if not _PLAIN.fullmatch(readable + named) or _PERCENT.search(url) or "%" in authority:
        raise ForbiddenAddress("the address has characters that are not allowed in it")
    if "@" in authority or "#" in url or ("?" in url and not query):
        raise ForbiddenAddress("the address has a user name, a query or a fragment")
    try:
        parts = parse_url(url)
    except (LocationParseError, UnicodeError) as error:
        raise ForbiddenAddress("the address is malformed") from error
    scheme, port = parts.scheme or "", parts.port
    if scheme not in _PORTS or parts.auth or parts.fragment or authority.endswith(":") or port == 0:
        raise ForbiddenAddress("the address is malformed")
    host = _checked_host(parts.host or "", is_ascii=authority.isascii())
    return Address(scheme, host, port or _PORTS[scheme], parts.request_uri)


def check_address(
    url: str,
    policy: NetworkPolicy,
    *,
    loopback: bool = False,
    hosts: Iterable[str] | None = None,
    query: bool = False,
) -> Address:
    """Return the parts of an address that may be called, judged by what can be seen of it unresolved.

    :param loopback: this machine is permitted too, by plain http, where the server has a sandbox
    :param hosts: patterns of the hosts that may be called; None: any public one
    :raises ForbiddenAddress: the address is not permitted.
    """
    address = parse_address(url, query=query)
    here = loopback and policy.sandbox and is_loopback(address.host)
    if address.scheme != "https" and not here:
        raise ForbiddenAddress(f"{address}: only https is allowed")
    if _ip(address.host):
        policy.check_ip(address.host, loopback=loopback)
    elif address.host == "localhost" and not here:
        policy.check_ip("127.0.0.1")
    if not (here or hosts is None or matches(address.host, hosts) or policy.names(address.host)):
        raise ForbiddenAddress(f"{address} is no host of this provider ({HOSTS_OPTION})")
    return address


def matches(host: str, patterns: Iterable[str]) -> bool:
    """Return whether a host is one of the named ones; ``*.example.com`` names all below a domain."""
    return any(fnmatchcase(host, pattern) for pattern in patterns)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: ``localhost`` (RFC 6761, section 6.3) or a loopback IP."""
    address = _ip(host)
    return address.is_loopback if address else host == "localhost"


def is_public(address: IpAddress) -> bool:
    """Return whether an address is reachable by everybody and embeds no other address."""
    if any(address.version == net.version and address in net for net in _NOT_PUBLIC):
        return False
    return address.version == 4 or address in _GLOBAL_V6  # noqa: PLR2004 (the version of IP)


def _ip(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _checked_host(host: str, *, is_ascii: bool) -> str:
    """Return a host that every resolver reads in the same way."""
    host = host.lower()
    if host.startswith("[") and host.endswith("]") and "%" not in host:
        return str(ipaddress.IPv6Address(host[1:-1]))
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        address = _ip(host)
        if address is None or not is_ascii:
            raise ForbiddenAddress("the host is a number and not an address in its usual form")
        return str(address)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):  # noqa: PLR2004 (RFC 1035)
        raise ForbiddenAddress("the host is not a valid name")
    return host


def _items(option: object) -> list[str]:
    """Return the items of a list in ``odoo.conf``, separated by commas."""
    return [item.strip() for item in str(option or "").split(",") if item.strip()]

"""Which addresses may be called."""

import ipaddress

import pytest
from odoo.addons.finance_audit.core.address import (
    ForbiddenAddress,
    NetworkPolicy,
    check_address,
    parse_address,
)

SANDBOX = NetworkPolicy(sandbox=True)


@pytest.mark.parametrize("url", ["https://tsa.example/", "https://tsa.example:8443/x"])
@pytest.mark.parametrize("allow_loopback", [True, False])
def test_https_is_always_permitted(url, allow_loopback):
    check_address(url, SANDBOX, loopback=allow_loopback)


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/", "http://[::1]/", "http://localhost:8080/"])
def test_plain_http_reaches_the_machine_itself_where_permitted(url):
    check_address(url, SANDBOX, loopback=True)
    with pytest.raises(ForbiddenAddress):
        check_address(url, SANDBOX)


@pytest.mark.parametrize(
    "url",
    [
        "http://tsa.example/",
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "http://user:secret@10.0.0.1/path?key=secret",
        "ftp://127.0.0.1/",
        "https://",
        "//tsa.example",
        "http://[::1",
        "",
    ],
)
def test_everything_else_is_refused_without_repeating_secrets(url):
    with pytest.raises(ForbiddenAddress) as caught:
        check_address(url, SANDBOX, loopback=True)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example\\@good.example/",
        "https://good.example\\.evil.example/",
        "https://user@good.example/",
        "https://user:secret@good.example/",
        "https://good.example/?x=",
        "https://good.example?",
        "https://good.example/#x",
        "https://good.example#",
        "https://good.example/a b",
        " https://good.example/",
        "https://good.example/ ",
        "https://good.example/\r\nX: y",
        "https://good.example/\t",
        "https://good.example/\x00",
        "https://good.example/%00",
        "https://good.example/%0d%0a",
        "https://good.example/%zz",
        "https://good.example/é",
        "https://go%6fd.example/",
        "https://good.example:0/",
        "https://good.example:/",
        "https://good.example:99999/",
        "https://good.example:8_0/",
        "https://good.example./",
        "https://good..example/",
        "https://-good.example/",
        "https://good_example/",
        "https://[::1%25eth0]/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://xn--/",
        "https://\u202egood.example/",
        "https:good.example",
        "https:///good.example",
        "https:\\\\good.example",
        "https://" + "a" * 3000 + ".example/",
    ],
)
def test_f8_what_two_programs_could_read_differently_is_refused(url):
    with pytest.raises(ForbiddenAddress) as caught:
        check_address(url, SANDBOX, loopback=True)
    assert "secret" not in str(caught.value)


def test_f8_the_parsed_parts_are_those_of_the_library_that_dials():
    address = parse_address("HTTPS://BÜCHER.Example:8443/a/../b", query=True)
    assert address.origin == ("https", "xn--bcher-kva.example", 8443)
    assert address.target == "/b"


FORBIDDEN_IPS = [
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.8", "198.18.0.1", "203.0.113.7", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136::1", "fc00::1", "fd12::1", "fe80::1",
    "fec0::1", "ff02::1", "2001:db8::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORBIDDEN_IPS)
def test_f12_an_address_that_is_not_public_is_refused_unless_its_network_is_allowed(text):
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(ForbiddenAddress):
        NetworkPolicy().check_ip(text)
    with pytest.raises(ForbiddenAddress):
        check_address(f"https://{host}/", NetworkPolicy())
    NetworkPolicy((ipaddress.ip_network(text),)).check_ip(text)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111"]
)
def test_f12_a_public_address_is_permitted(text):
    NetworkPolicy().check_ip(text)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "0",
        "1.2.3.4.5",
        "127.0.0.0x1",
    ],
)
def test_f12_numbers_that_some_resolvers_take_for_addresses_are_refused(host):
    with pytest.raises(ForbiddenAddress):
        parse_address(f"https://{host}/")


def test_f12_this_machine_is_reached_in_the_sandbox_only_where_the_server_has_one():
    for url in (
        "http://127.0.0.1:8070",
        "http://localhost:8070",
        "https://127.0.0.1",
        "http://[::1]",
    ):
        check_address(url, SANDBOX, loopback=True)
        for policy, loopback in ((NetworkPolicy(), True), (SANDBOX, False)):
            with pytest.raises(ForbiddenAddress):
                check_address(url, policy, loopback=loopback)


def test_f12_only_hosts_of_the_provider_or_named_by_the_administrator_are_called():
    policy = NetworkPolicy(hosts=("extra.example",))
    hosts = ("api.example", "*.eu.example")
    for host in ("api.example", "a.eu.example", "extra.example"):
        check_address(f"https://{host}/v1", policy, hosts=hosts)
    for host in ("eu.example", "xapi.example", "api.example.evil.example"):
        with pytest.raises(ForbiddenAddress):
            check_address(f"https://{host}/v1", policy, hosts=hosts)


def test_f12_the_options_of_the_server_are_read():
    options = {
        "finance_connect_allowed_networks": "10.1.0.0/16, fd00::/8",
        "finance_connect_allowed_hosts": "A.example,*.b.example",
        "finance_connect_sandbox": "True",
    }
    policy = NetworkPolicy.of_options(options.get)
    policy.check_ip("10.1.2.3")
    policy.check_ip("fd00::1")
    assert policy.sandbox
    assert policy.names("a.example")
    assert not NetworkPolicy.of_options({"finance_connect_sandbox": "False"}.get).sandbox
    assert not NetworkPolicy.of_options({}.get).sandbox
    with pytest.raises(ForbiddenAddress):
        NetworkPolicy.of_options({"finance_connect_allowed_networks": "10.1.0.0/99"}.get)

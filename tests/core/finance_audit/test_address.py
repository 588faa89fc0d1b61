"""Which addresses may be called."""

import pytest
from odoo.addons.finance_audit.core.address import ForbiddenAddress, NetworkPolicy, check_address

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

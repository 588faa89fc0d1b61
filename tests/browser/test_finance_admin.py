"""A finance admin sets the company up, and enters a secret that is never shown again."""

import re
import uuid

import pytest
from customers import COMPANY
from playwright.sync_api import expect
from wire import Wire, shown

PROVIDER = "Approved platform, France (AFNOR Flow service)"


def test_the_settings_show_the_blocks_for_the_company(person):
    admin = person("admin")
    admin.choose("Finance Connect", "Configuration", "Settings")
    page = admin.page
    expect(page.locator(".o_switch_company_menu")).to_contain_text(COMPANY)
    expect(page.locator(".app_settings_block h2:visible")).to_have_text(
        ["Tax", "VAT numbers", "E-invoicing", "Connections", "Cases", "Retention"]
    )
    chosen = "input:checked + label"
    expect(page.locator(f"#finance_tax_engine {chosen}")).to_have_text("Embedded engine")
    expect(page.locator(f"#finance_einvoice_validation {chosen}")).to_have_text("Do not post")
    regime = page.locator("#finance_einvoice_regime_0, [name=finance_einvoice_regime] input").first
    expect(regime).to_have_value("France (approved platform)")
    row = admin.rows("finance_connection_ids").filter(has_text="Approved platform (sandbox)")
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text("Passed")


@pytest.fixture
def account(stack, control, records):
    """Provide an account at the platform for one test: what the form asks for."""
    given = {
        "name": f"Platform of test {uuid.uuid4().hex[:8]}",
        "base_url": f"{stack.sandbox_url}/afnor/flow-service",
        "afnor_token_url": f"{stack.sandbox_url}/afnor/oauth/token",
        "afnor_client_id": f"client-{uuid.uuid4().hex}",
        "afnor_client_secret": f"secret-{uuid.uuid4().hex}",
    }
    control.set_client("afnor", given["afnor_client_id"], given["afnor_client_secret"])
    yield given
    control.remove_client("afnor", given["afnor_client_id"])
    records.forget_connections(given["name"])


def test_a_wrong_secret_is_explained_and_the_right_one_works(person, account):
    admin = person("admin")
    _enter(admin, {**account, "afnor_client_secret": f"wrong-{uuid.uuid4().hex}"})
    admin.button("Test connection").click()
    alert = admin.page.locator(".alert-danger:visible")
    expect(alert).to_contain_text(re.compile("credentials|client secret", re.IGNORECASE))
    expect(admin.field("last_test_result")).to_have_text("Failed")
    expect(admin.button("Activate")).to_have_count(0)

    admin.enter("afnor_client_secret", account["afnor_client_secret"])
    admin.save()
    admin.button("Test connection").click()
    expect(admin.field("last_test_result")).to_have_text("Passed")
    expect(alert).to_have_count(0)
    expect(admin.button("Activate")).to_be_visible()


def test_a_stored_secret_never_comes_back_to_the_page(person, account):
    admin = person("admin")
    wire = Wire(admin.page)
    first, second = f"first-{uuid.uuid4().hex}", account["afnor_client_secret"]
    _enter(admin, {**account, "afnor_client_secret": first})
    admin.enter("afnor_client_secret", second)
    admin.save()
    admin.button("Test connection").click()
    expect(admin.field("last_test_result")).to_have_text("Passed")
    _assert_hidden(admin.page, wire, account["afnor_client_id"], first, second)
    admin.page.reload()
    expect(admin.field("last_test_result")).to_have_text("Passed")
    _assert_hidden(admin.page, wire, account["afnor_client_id"], first, second)


def _enter(admin, account):
    """Create and save a new connection."""
    admin.choose("Finance Connect", "Configuration", "Connections")
    admin.button("New").click()
    admin.field("provider").locator("input").click()
    admin.page.locator(".o-dropdown--menu").get_by_text(PROVIDER, exact=True).click()
    admin.field("environment").get_by_label("Sandbox", exact=True).check()
    for field, value in account.items():
        admin.enter(field, value)
    admin.save()
    expect(admin.page.get_by_text("Stored, encrypted")).to_be_visible()


def _assert_hidden(page, wire, visible, *secrets):
    """The secrets are neither on the page nor in an answer; that both are looked at, something visible shows."""
    seen = [shown(page), *wire.answers()]
    assert visible in seen[0]
    assert any(visible in answer for answer in seen[1:])
    for secret in secrets:
        assert not [text for text in seen if secret in text]

"""After the login each role has the overview of its own cards in front, in its language, and a number opens its list."""

import pytest
from playwright.sync_api import expect

from demo.demo_users import login

#: role → titles of its cards, in order
HEADINGS = {
    "accountant": ["E-invoices", "Taxes", "Documents", "Cases"],
    "operator": [
        *("E-invoices", "Taxes", "Documents", "Cases"),
        *("Connections", "Inbound documents", "Webhook events"),
    ],
    "admin": ["E-invoices", "Taxes", "Documents", "Cases", "Connections"],
    "auditor": [
        *("E-invoices", "Taxes", "Documents", "Cases"),
        *("Connections", "Inbound documents", "Webhook events", "Audit log"),
    ],
}


@pytest.mark.parametrize("role", [*HEADINGS, "comptable"])
def test_a_login_lands_on_the_overview(page, stack, role):
    user = login(role)
    page.goto(f"{stack.url}/web/login")
    page.locator("input[name=login]").fill(user["login"])
    page.locator("input[name=password]").fill(user["password"])
    page.locator("button[type=submit]:visible").first.click()
    overview = page.locator(".o_finance_overview")
    expect(overview).to_be_visible()
    if role in HEADINGS:
        titles = overview.locator(".o_kanban_record .fs-4:visible")
        expect(titles).to_have_text(HEADINGS[role])

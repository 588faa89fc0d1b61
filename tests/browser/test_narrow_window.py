"""The screens in a window as narrow as a telephone's: everything is inside it."""

import pytest
from pages import FILED
from playwright.sync_api import expect

WIDTH = 430

pytestmark = pytest.mark.nightly


@pytest.fixture
def narrow(page):
    page.set_viewport_size({"width": WIDTH, "height": 900})


@pytest.mark.usefixtures("narrow")
def test_the_strip_of_a_filed_invoice_fits(accountant, records):
    accountant.open_invoice(records.invoice(records.customer()))
    accountant.until_status(FILED)
    expect(accountant.field("einvoice_note")).to_be_visible()
    _fits(accountant.strip)
    _fits(accountant.strip.locator(":visible"))
    _page_does_not_scroll_sideways(accountant.page)


@pytest.mark.usefixtures("narrow")
def test_the_form_of_a_connection_fits(person):
    admin = person("admin")
    admin.open("action-finance_connector_base.finance_connection_action")
    admin.page.locator(".o_kanban_record, .o_data_row").filter(
        has_text="Approved platform"
    ).first.click()
    expect(admin.field("base_url")).to_be_visible()
    _fits(admin.page.locator(".o_form_sheet .o_field_widget:visible"))
    _fits(admin.page.locator(".o_form_statusbar button:visible"))
    _page_does_not_scroll_sideways(admin.page)


def _fits(places):
    boxes = [place.bounding_box() for place in places.all()]
    assert boxes
    outside = [box for box in boxes if box["x"] < 0 or box["x"] + box["width"] > WIDTH]
    assert not outside


def _page_does_not_scroll_sideways(page):
    assert page.evaluate("() => document.documentElement.scrollWidth") <= WIDTH

"""An auditor reads everything and changes nothing."""

from playwright.sync_api import expect

CHANGES = ("New", "Edit", "Save", "Delete", "Duplicate", "Archive", "Import records")


def test_the_audit_log_opens_filtered_and_offers_no_change(person, records):
    number = records.number(records.invoice(records.customer()))
    auditor = person("auditor")
    auditor.choose("Finance Connect", "Audit", "Audit log")
    expect(auditor.page.locator(".o_searchview_facet")).to_have_text(["This month"])
    expect(auditor.page.locator(".o_search_panel_section_header")).to_have_count(3)
    row = auditor.rows().filter(has_text=number).filter(has_text="E-invoice checked")
    expect(row).to_have_count(1)
    row.get_by_role("checkbox").check()
    expect(auditor.page.locator(".o_selection_box")).to_be_visible()
    _nothing_changes(auditor)

    row.get_by_role("checkbox").uncheck()
    row.locator("td[name=summary]").click()
    expect(auditor.field("summary")).to_contain_text("Checked against")
    expect(auditor.field("document_name").last).to_have_text(number)
    expect(auditor.field("details_html")).to_contain_text("SHA-256")
    _nothing_changes(auditor)
    expect(auditor.page.locator(".o_form_view input:visible, .o_form_view textarea")).to_have_count(
        0
    )


def test_the_auditor_is_offered_no_configuration(person):
    auditor = person("auditor")
    auditor.choose("Finance Connect")
    expect(auditor.menu("Audit")).to_be_visible()
    expect(auditor.menu("Configuration")).to_have_count(0)


def test_the_settings_refuse_an_auditor_who_knows_their_address(person):
    auditor = person("auditor")
    auditor.page.goto(auditor.address("action-finance_connector_base.res_config_settings_action"))
    expect(auditor.dialog()).to_contain_text("You are not allowed to access")
    expect(auditor.page.locator(".o_form_view")).to_have_count(0)


def test_the_connections_are_for_reading_only_to_an_auditor_who_knows_their_address(person):
    auditor = person("auditor")
    auditor.open("action-finance_connector_base.finance_connection_action")
    row = auditor.rows().filter(has_text="Approved platform (sandbox)")
    row.locator("td[name=name]").click()
    expect(auditor.field("name")).to_have_text("Approved platform (sandbox)")
    _nothing_changes(auditor)
    for action in ("Test connection", "Activate", "Pause"):
        expect(auditor.button(action)).to_have_count(0)


def _nothing_changes(person):
    """Neither buttons nor entries of the menu of actions, where there is one, change anything."""
    actions = person.page.locator(".o_cp_action_menus .dropdown-toggle:visible")
    for number in range(actions.count()):
        actions.nth(number).click()
        person.page.locator(".o-dropdown--menu").wait_for()
        _not_offered(person)
        person.page.keyboard.press("Escape")
    _not_offered(person)


def _not_offered(person):
    for name in CHANGES:
        expect(person.button(name)).to_have_count(0)
        # By their text: the name of an entry with an icon begins with the icon's character.
        entries = person.page.locator(".o-dropdown--menu .o-dropdown-item")
        expect(entries.filter(has_text=name)).to_have_count(0)

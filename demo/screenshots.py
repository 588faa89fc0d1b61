"""Pictures of every screen of the suite on the sample companies, for looking at them.

Wide and narrow, in English and in French, from the first line to the last; beside each picture the text of the screen, so
that languages can be compared.
"""

import re
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.dev import chromium

from .administration_screens import AdministrationScreens
from .demo_users import LOGINS, login
from .document_screens import DocumentScreens
from .sample_run import SampleRun
from .screen import Choice, Screen
from .state_samples import StateSamples

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 900}}
LANGUAGES = ("en_US", "fr_FR")
_READY = (
    ".o_action_manager > .o_action, .o_form_view, .o_list_view, .o_kanban_view, .modal .o_form_view"
)

#: Views whose data has arrived; a list is empty for a moment before.
_RENDERED = """() => [...document.querySelectorAll(".o_list_view, .o_kanban_view, .o_form_view")]
    .every(view => view.querySelector(".o_list_renderer, .o_kanban_renderer, .o_form_renderer"))"""
#: How much of the highest scrolled content lies below the fold.
_HIDDEN_HEIGHT = """() => Math.max(0, ...[...document.querySelectorAll("*")]
    .filter(part => ["auto", "scroll"].includes(getComputedStyle(part).overflowY))
    .map(part => part.scrollHeight - part.clientHeight))"""
_MAX_HEIGHT = 4000
_MENU = ".o-dropdown--menu"
#: Last request of a dialog that opens: its new or its stored record.
_OPENED = re.compile(r"/(onchange|web_read)$")
#: Where buttons of a form are that do not fit in a narrow window.
_MORE_BUTTONS = (
    ".o_statusbar_buttons .o-dropdown:visible, .o-form-buttonbox .o-dropdown:visible, "
    ".o_form_statusbar .o-dropdown:visible"
)
#: What a view consists of once its records are there.
_CONTENT = ".o_kanban_record, .o_data_row, .o_view_nocontent, .o_form_renderer, .o_form_sheet, .o_graph_renderer, .o_list_table"

_INVOICES = ("fr-mixed", "fr-rejected", "fr-lost-answer", "fr-reverse-charge", "us-nexus")

#: (name, role, path below /odoo)
_LISTS = (
    ("overview-accountant", "accountant", "finance-overview"),
    ("overview-operator", "operator", "finance-overview"),
    ("overview-admin", "admin", "finance-overview"),
    ("overview-auditor", "auditor", "finance-overview"),
    ("invoices", "accountant", "action-account.action_move_out_invoice"),
    ("einvoices", "accountant", "action-finance_einvoice.finance_einvoice_action"),
    ("determinations", "accountant", "action-finance_tax_engine.finance_tax_determination_action"),
    ("tax-simulation", "accountant", "action-finance_tax_embedded.finance_tax_try_action"),
    ("exchanges", "operator", "action-finance_connector_base.finance_exchange_action"),
    ("cases", "operator", "action-finance_connector_base.finance_case_action"),
    ("webhook-events", "operator", "action-finance_connector_base.finance_webhook_event_action"),
    ("attempts", "operator", "finance-attempts"),
    ("latency", "operator", "finance-latency"),
    ("connection-cards", "operator", "finance-connections"),
    ("dispatchers", "operator", "finance-dispatchers"),
    ("audit-log", "auditor", "action-finance_audit.action_entries"),
    ("verifications", "auditor", "action-finance_audit.action_verifications"),
    ("checkpoints", "auditor", "action-finance_audit.action_checkpoints"),
    ("anchors", "auditor", "action-finance_audit.action_anchors"),
    ("anchor-targets", "auditor", "action-finance_audit.action_anchor_targets"),
    ("protection", "auditor", "action-finance_audit.action_protection"),
    ("export", "auditor", "action-finance_audit.action_export"),
    ("connections", "admin", "action-finance_connector_base.finance_connection_action"),
    ("tax-rules", "admin", "action-finance_tax_embedded.finance_tax_rule_action"),
    ("tax-registrations", "admin", "action-finance_tax_embedded.finance_tax_registration_action"),
    ("tax-jurisdictions", "admin", "action-finance_tax_embedded.finance_tax_jurisdiction_action"),
    ("tax-categories", "admin", "action-finance_tax_embedded.finance_tax_category_action"),
    ("settings", "admin", "action-finance_connector_base.res_config_settings_action"),
)

#: (name, role, list, model, tabs): the newest record of the list in its form.
_FORMS = (
    ("exchange", "operator", "exchanges", "finance.exchange", ("attempts",)),
    ("exchange-accountant", "accountant", "exchanges", "finance.exchange", ()),
    ("case", "operator", "cases", "finance.case", ("attempts",)),
    ("attempt", "operator", "attempts", "finance.exchange.attempt", ()),
    ("webhook-event", "operator", "webhook-events", "finance.webhook.event", ()),
    ("einvoice", "accountant", "einvoices", "finance.einvoice", ("versions",)),
    (
        "determination",
        "accountant",
        "determinations",
        "finance.tax.determination",
        ("request", "answer"),
    ),
    ("tax-rule", "admin", "tax-rules", "finance.tax.rule", ()),
    ("tax-jurisdiction", "admin", "tax-jurisdictions", "finance.tax.jurisdiction", ("rules",)),
    ("verification", "auditor", "verifications", "finance.audit.verification", ("report",)),
    ("checkpoint", "auditor", "checkpoints", "finance.audit.checkpoint", ()),
    ("anchor", "auditor", "anchors", "finance.audit.anchor", ()),
    ("audit-entry", "auditor", "audit-log", "finance.audit.entry", ("details", "proof")),
    ("einvoice-version", "accountant", None, "finance.einvoice.version", ()),
)

_PATHS = {name: path for name, _role, path in _LISTS}


def main(stack, folder: Path, choice: Choice = Choice()) -> int:  # noqa: B008 (immutable)
    """Process the sample, then walk through the screens as each role."""
    screens = [screen for screen in _prepare(stack) if choice.has_screen(screen)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.ensure()), args=chromium.QUIET
        )
        for language in LANGUAGES:
            sizes = [size for size in SIZES if choice.has_variant(language, size)]
            if sizes:
                _set_language(stack, language)
            for size in sizes:
                camera = Camera(browser, stack, folder, f"{size}-{language[:2]}", SIZES[size])
                for screen in screens:
                    camera.take(screen, choice)
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
    return 0


def _prepare(stack):
    """Process the sample and bring about the states to look at; return every screen."""
    sample = SampleRun(stack)
    administration = AdministrationScreens(stack, sample)
    administration.listen()
    sample.run()
    shown = {key: sample.moves[key] for key in _INVOICES}
    administrative = administration.screens()
    shown |= StateSamples(stack, sample).invoices()
    documents = DocumentScreens(stack, sample).paths()
    _verify(stack)
    invoices = "action-account.action_move_out_invoice"
    return [
        *(Screen(*item) for item in _LISTS),
        *(Screen(f"invoice-{key}", "accountant", f"{invoices}/{shown[key]}") for key in shown),
        Screen(
            "invoice",
            "accountant",
            f"{invoices}/{shown['fr-lost-answer']}",
            tabs=("finance_timeline",),
        ),
        *_newest(stack),
        *(Screen(*item) for item in documents),
        *administrative,
        *administration.cases(),
    ]


def _verify(stack):
    """Let the auditor verify the log, so that there is a result to look at."""
    person = login("auditor")
    session = stack.rpc(person["login"], person["password"])
    session.call("finance.audit.verification", "action_verify")


def _newest(stack):
    """Return the newest record of each list, opened by its address; a list may be empty."""
    for name, role, listed, model, tabs in _FORMS:
        person = login(role)
        session = stack.rpc(person["login"], person["password"])
        for newest in session.call(model, "search", [], order="id desc", limit=1):
            path = _PATHS[listed] if listed else model
            yield Screen(name, role, f"{path}/{newest}", tabs=tabs)


def _set_language(stack, language):
    """Let everybody of the sample read Odoo in this language."""
    person = login("admin")
    admin = stack.rpc(person["login"], person["password"])
    users = admin.call("res.users", "search", [("login", "in", [item["login"] for item in LOGINS])])
    admin.call("res.users", "write", users, {"lang": language})


class Camera:
    """One window size; one browser context per role."""

    def __init__(self, browser, stack, folder, suffix, viewport):
        self._browser, self._stack = browser, stack
        self._folder, self._suffix, self._viewport = folder, suffix, viewport
        self._pages = {}

    def take(self, screen, choice):
        """Open a screen as its role and take its pictures, also those of its tabs."""
        page = self._page(screen.role)
        page.goto(f"{self._stack.url}/odoo/{screen.path}")
        page.locator(_READY).first.wait_for()
        self._wait(page)
        for selector in screen.clicks:
            self._click(page, selector)
        if screen.refused:
            page.locator(f"{screen.refused}:visible").first.click()
            page.locator(".modal .modal-body").first.wait_for()
        if choice.has_name(screen.name):
            self._shoot(page, screen.name)
        for tab, name in zip(screen.tabs, screen.names()[1:], strict=True):
            link = page.locator(f".o_notebook .nav-link[name={tab}]")
            if choice.has_name(name) and link.count():
                link.click()
                self._shoot(page, name)

    def _click(self, page, selector):
        """Click a button, in a narrow window perhaps after opening what holds the buttons that do not fit."""
        button = page.locator(f"{selector}:visible")
        for more in page.locator(_MORE_BUTTONS).all():
            if button.count():
                break
            more.click()
            page.locator(_MENU).first.wait_for()
            if not button.count():
                page.keyboard.press("Escape")
        with page.expect_response(_OPENED):
            button.first.click()
        page.locator(".modal .o_form_view .o_form_renderer").first.wait_for()

    def _wait(self, page):
        # The bus keeps a connection open, so the network is never idle: wait for the client's own sign of work.
        page.wait_for_function("() => !document.querySelector('.o_loading_indicator')")
        page.wait_for_function(_RENDERED)
        page.evaluate("() => document.fonts.ready")
        page.wait_for_function(
            "() => !document.querySelector('.o_kanban_view .o_view_sample_data')"
        )
        page.locator(_CONTENT).first.wait_for(state="attached")

    def _shoot(self, page, name):
        """Take the picture of everything, in a window as high as what is in it."""
        self._wait(page)
        height = self._viewport["height"] + page.evaluate(_HIDDEN_HEIGHT)
        page.set_viewport_size({**self._viewport, "height": min(height, _MAX_HEIGHT)})
        self._wait(page)
        page.screenshot(path=self._folder / f"{name}-{self._suffix}.png")
        text = page.locator("body").inner_text()
        (self._folder / f"{name}-{self._suffix}.txt").write_text(text)
        page.set_viewport_size(self._viewport)

    def _page(self, role):
        if role not in self._pages:
            page = self._browser.new_context(
                locale="en-US", timezone_id="Europe/Paris", viewport=self._viewport
            ).new_page()
            person = login(role)
            page.goto(f"{self._stack.url}/web/login")
            page.fill("input[name=login]", person["login"])
            page.fill("input[name=password]", person["password"])
            page.click("button[type=submit]")
            page.wait_for_url("**/odoo**")
            session = self._stack.rpc(person["login"], person["password"])
            own = [("login", "=", person["login"])]
            (user,) = session.search_read("res.users", own, ["company_ids"])
            ids = "-".join(str(company) for company in user["company_ids"])
            page.context.add_cookies([{"name": "cids", "value": ids, "url": self._stack.url}])
            self._pages[role] = page
        return self._pages[role]

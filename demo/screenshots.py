"""Pictures of every screen of the suite on the sample companies, for looking at them.

Wide and narrow, in English and in French; beside each picture the text of the screen, so that languages can be compared.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.dev import chromium

from .demo_users import LOGINS, login
from .document_screens import DocumentScreens
from .sample_run import SampleRun
from .state_samples import StateSamples

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 900}
LANGUAGES = ("en_US", "fr_FR")
_READY = (
    ".o_action_manager > .o_action, .o_form_view, .o_list_view, .o_kanban_view, .modal .o_form_view"
)

#: Views whose data has arrived; a list is empty for a moment before.
_RENDERED = """() => [...document.querySelectorAll(".o_list_view, .o_kanban_view, .o_form_view")]
    .every(view => view.querySelector(".o_list_renderer, .o_kanban_renderer, .o_form_renderer"))"""
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

#: (name, role, list, model): the newest record of the list in its form.
_FORMS = (
    ("connection", "admin", "connections", "finance.connection"),
    ("exchange", "operator", "exchanges", "finance.exchange"),
    ("case", "operator", "cases", "finance.case"),
    ("attempt", "operator", "attempts", "finance.exchange.attempt"),
    ("webhook-event", "operator", "webhook-events", "finance.webhook.event"),
    ("einvoice", "accountant", "einvoices", "finance.einvoice"),
    ("determination", "accountant", "determinations", "finance.tax.determination"),
    ("tax-rule", "admin", "tax-rules", "finance.tax.rule"),
    ("tax-jurisdiction", "admin", "tax-jurisdictions", "finance.tax.jurisdiction"),
    ("verification", "auditor", "verifications", "finance.audit.verification"),
    ("checkpoint", "auditor", "checkpoints", "finance.audit.checkpoint"),
    ("audit-entry", "auditor", "audit-log", "finance.audit.entry"),
)

_PATHS = {name: path for name, _role, path in _LISTS}


def main(stack, folder: Path) -> int:
    """Process the sample, then walk through the screens as each role."""
    sample = SampleRun(stack)
    sample.run()
    shown = {key: sample.moves[key] for key in _INVOICES}
    shown |= StateSamples(stack, sample).invoices()
    documents = DocumentScreens(stack, sample).paths()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.ensure()), args=chromium.QUIET
        )
        for language in LANGUAGES:
            _set_language(stack, language)
            for suffix, viewport in (("wide", WIDE), ("narrow", NARROW)):
                camera = Camera(browser, stack, folder, f"{suffix}-{language[:2]}", viewport)
                camera.take_all(shown)
                for name, role, path in documents:
                    camera.take(name, role, path)
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
    return 0


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

    def take_all(self, invoices):
        """Lists, the invoice in each state of its e-invoice, one connection, one exchange."""
        for name, role, path in _LISTS:
            self.take(name, role, path)
        for key, move in invoices.items():
            path = f"action-account.action_move_out_invoice/{move}"
            self.take(f"invoice-{key}", "accountant", path)
        page = self.take(
            "timeline",
            "accountant",
            f"action-account.action_move_out_invoice/{invoices['fr-lost-answer']}",
        )
        page.locator(".o_notebook .nav-link[name=finance_timeline]").click()
        self.shoot(page, "timeline")
        self._verify()
        for name, role, listed, model in _FORMS:
            self._newest(name, role, _PATHS[listed], model)

    def take(self, name, role, path):
        """Open a path as a role and take the picture."""
        page = self._page(role)
        page.goto(f"{self._stack.url}/odoo/{path}")
        page.locator(_READY).first.wait_for()
        self.shoot(page, name)
        return page

    def shoot(self, page, name):
        # The bus keeps a connection open, so the network is never idle: wait for the client's own sign of work.
        page.wait_for_function("() => !document.querySelector('.o_loading_indicator')")
        page.wait_for_function(_RENDERED)
        page.evaluate("() => document.fonts.ready")
        page.wait_for_function(
            "() => !document.querySelector('.o_kanban_view .o_view_sample_data')"
        )
        page.locator(_CONTENT).first.wait_for(state="attached")
        page.screenshot(path=self._folder / f"{name}-{self._suffix}.png")
        text = page.locator("body").inner_text()
        (self._folder / f"{name}-{self._suffix}.txt").write_text(text)

    def _verify(self):
        """Let the auditor verify the log, so that there is a result to look at."""
        person = login("auditor")
        self._stack.rpc(person["login"], person["password"]).call(
            "finance.audit.verification", "action_verify"
        )

    def _newest(self, name, role, path, model):
        """Take the newest record of a list, opened by its address; a list may be empty."""
        person = login(role)
        session = self._stack.rpc(person["login"], person["password"])
        for newest in session.call(model, "search", [], order="id desc", limit=1):
            self.take(name, role, f"{path}/{newest}")

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

"""What people do on the screens: log in, open something, fill in a form, read the strip of an invoice.

Nothing here waits for a time to pass: each step waits for what a person would see.
"""

import re
import time

from playwright.sync_api import Locator, Page, expect

from demo.demo_users import login

#: Milliseconds until something that ought to appear is missed; long, because machines of tests are busy.
PATIENCE = 60_000
FILED = "Filed"
INVOICES = "action-account.action_move_out_invoice"


class WebClient:
    """A person at the web client."""

    def __init__(self, page: Page, url: str, sessions: dict[str, list]) -> None:
        self.page = page
        self._url = url
        self._sessions = sessions
        page.set_default_timeout(PATIENCE)

    def log_in(self, role: str) -> "WebClient":
        """Through the form the first time in a run, then with the cookies got there."""
        if role in self._sessions:
            self.page.context.add_cookies(self._sessions[role])
            return self
        person = login(role)
        self.page.goto(f"{self._url}/web/login")
        self.page.get_by_label("Email").fill(person["login"])
        self.page.get_by_label("Password", exact=True).fill(person["password"])
        self.page.get_by_role("button", name="Log in", exact=True).click()
        self.page.locator(".o_navbar").wait_for()
        self._sessions[role] = self.page.context.cookies()
        return self

    def open(self, path: str) -> None:
        """Open an action, a record of it (``action-…/7``) or a new one (``action-…/new``) by its address."""
        self.page.goto(self.address(path))
        self.page.locator(".o_action_manager .o_control_panel").wait_for()

    def address(self, path: str) -> str:
        return f"{self._url}/odoo/{path}"

    def choose(self, app: str, *menus: str) -> None:
        """An app from the home menu, then its menus, each in the one before; the last opens a screen of its name."""
        self.page.goto(f"{self._url}/odoo")
        self.page.get_by_title("Home Menu").click()
        # The app that is open is also named on the bar.
        apps = self.page.locator(".o-dropdown--menu")
        apps.get_by_role("menuitem", name=app, exact=True).click()
        expect(self.page.locator(".o_menu_brand")).to_have_text(app)
        for menu in menus:
            self.menu(menu).click()
        if menus:
            # Until then the app's first screen may be in front.
            expect(self.page.locator(".o_last_breadcrumb_item")).to_have_text(menus[-1])

    def menu(self, name: str) -> Locator:
        """Return a menu of the app, on the bar or in an open one."""
        bar = self.page.locator(".o_menu_sections")
        opened = self.page.locator(".o-dropdown--menu")
        return bar.get_by_text(name, exact=True).or_(opened.get_by_text(name, exact=True))

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        """A field of the form, by its technical name: labels repeat; not the cells of a list inside the form."""
        return self.page.locator(f".o_form_view .o_field_widget[name={name}]:not(td *)")

    def enter(self, name: str, value: str) -> None:
        """Type into a field of the form."""
        self.field(name).locator("input, textarea").fill(value)

    def save(self) -> None:
        """Click the cloud beside the title and wait until it is gone: then the record is stored."""
        self.page.get_by_role("button", name="Save manually").click()
        expect(self.page.locator(".o_form_status_indicator_buttons")).to_have_class(
            re.compile("invisible")
        )

    def dialog(self) -> Locator:
        return self.page.locator(".o_dialog .modal-content").last

    def tab(self, name: str) -> None:
        tab = self.page.get_by_role("tab", name=name, exact=True)
        tab.click()
        expect(tab).to_have_class(re.compile(r"\bactive\b"))

    def reload_until(self, wanted: Locator) -> None:
        """Reload the page, as a user waiting for a change does, until something is visible."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not wanted.is_visible():
            assert time.monotonic() < deadline, f"never seen: {wanted}"
            self.page.reload()
            # Lists and forms are drawn with their records in one go.
            self.page.locator(
                ".o_list_renderer, .o_form_renderer, .o_kanban_renderer, .o_nocontent_help"
            ).first.wait_for()

    def rows(self, field: str = "") -> Locator:
        """Rows of the list in front, or of a list inside the form."""
        inside = f".o_field_widget[name={field}] " if field else ".o_list_view "
        return self.page.locator(f"{inside}.o_data_row")


class InvoiceForm(WebClient):
    """The form of an invoice, with its strip."""

    @property
    def strip(self) -> Locator:
        return self.page.locator("[name=finance_einvoice_strip]")

    @property
    def status(self) -> Locator:
        """The present step on the strip: an arrow, or in a narrow window the button that is left."""
        steps = self.strip.locator(".o_statusbar_status")
        return steps.locator("[aria-checked=true]:visible, .dropdown:not([aria-label]):visible")

    @property
    def reasons(self) -> Locator:
        """The red panel of a rejected invoice."""
        return self.page.locator("[name=finance_einvoice_reasons]")

    def open_invoice(self, invoice: int) -> None:
        self.open(f"{INVOICES}/{invoice}")
        self.field("name").wait_for()

    def new_invoice(self, customer: str, *lines: tuple[str, int, float]) -> None:
        """Fill in a new invoice and save it; ``lines`` are (product, quantity, price)."""
        self.open(f"{INVOICES}/new")
        self.pick(self.field("partner_id"), customer)
        self._show_columns("Product", "Quantity")
        for line in lines:
            self._add_line(*line)
        self.save()

    def pick(self, field: Locator, text: str) -> None:
        """Type into a field that proposes records, and take the one proposed."""
        field.locator("input").first.fill(text)
        self.page.locator(".o-autocomplete--dropdown-item a", has_text=text).first.click()

    def change_line(self, column: str, value: str) -> None:
        """Change the first line."""
        self.rows("invoice_line_ids").first.locator(f"[name={column}]").click()
        self.enter_in_line(column, value)

    def enter_in_line(self, column: str, value: str) -> None:
        self._line().locator(f"[name={column}] input").fill(value)

    def _line(self) -> Locator:
        return self.field("invoice_line_ids").locator(".o_selected_row")

    def _show_columns(self, *names: str) -> None:
        """Odoo hides product and quantity where nothing but invoices is installed."""
        self.field("invoice_line_ids").locator(".o_optional_columns_dropdown button").click()
        for name in names:
            self.page.locator(".o-dropdown--menu").get_by_label(name, exact=True).check()
        self.page.keyboard.press("Escape")

    def _add_line(self, product: str, quantity: int, price: float) -> None:
        before = self.rows("invoice_line_ids").count()
        self.button("Add a line").click()
        expect(self.rows("invoice_line_ids")).to_have_count(before + 1)
        self.pick(self._line().locator("[name=product_id]"), product)
        # The product's own price comes first; what is typed before that would be overwritten.
        expect(self._line().locator("[name=price_unit] input")).not_to_have_value("0.00")
        self.enter_in_line("quantity", f"{quantity}")
        self.enter_in_line("price_unit", f"{price:.2f}")

    def confirm(self) -> None:
        """Post it, and see that it is posted."""
        self.button("Confirm").click()
        self.until_posted()

    def until_posted(self) -> None:
        state = self.page.locator(".o_form_statusbar [aria-checked=true]")
        expect(state).to_have_text("Posted")

    @property
    def number(self) -> str:
        return self.field("name").inner_text().strip()

    def until_status(self, *wanted: str) -> str:
        """Load the page again until the strip shows one of these; the status seen."""
        words = "|".join(wanted)
        status = self.status.filter(has_text=re.compile(rf"^\s*({words})\s*$"))
        self.reload_until(status)
        return status.inner_text().strip()

    def timeline(self) -> list[str]:
        """Return the sentences of the timeline, the oldest first."""
        self.tab("Timeline")
        timeline = self.page.locator(".o_finance_audit_timeline")
        expect(timeline).to_be_visible()
        return timeline.locator("li > div > div").all_inner_texts()[::-1]

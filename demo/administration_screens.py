"""Samples for the screens of administrators and operators that the sample run leaves empty, and the paths of these screens."""

from .companies import COMPANIES, CUSTOMERS, DE, FR
from .demo_users import LOGINS, login
from .invoices import SALES
from .sample_run import INVOICE_DATE
from .screen import Screen

BEARER = "sample-webhook-bearer-0123456789abcdef"
_MAPPINGS = "action-finance_connector_base.finance_mapping_action"
_ROUTES = "action-finance_connector_base.finance_route_action"
_GAPS = "action-finance_connector_base.finance_mapping_gap_action"
_CASES = "action-finance_connector_base.finance_case_action"
_CONNECTIONS = "action-finance_connector_base.finance_connection_action"
_ENTRIES = "action-finance_audit.action_entries"


class AdministrationScreens:
    """Webhooks, checks of VAT numbers, routes, mappings, and what did not go well."""

    def __init__(self, stack, sample):
        self._url, self._sandbox = stack.url, stack.sandbox_url
        self._run = sample
        self._admin = _session(stack, "admin")
        self._accountant = _session(stack, "accountant")
        self._operator = _session(stack, "operator")
        self._auditor = _session(stack, "auditor")
        self._company = self._named("res.company", COMPANIES[FR]["name"])
        self._platform = self._newest(self._admin, "finance.connection", ("provider", "=", "afnor"))

    # -- samples -------------------------------------------------------------------------------------------------

    def listen(self):
        """Let the platform send webhooks, before anything is submitted."""
        connection = [self._platform]
        self._admin.call("finance.connection", "write", connection, {"webhook_secret": BEARER})
        self._admin.call("finance.connection", "action_renew_webhook_token", connection)
        (read,) = self._admin.read("finance.connection", connection, ["webhook_url"])
        token = read["webhook_url"].rpartition("/")[2]
        self._run.control.settings(
            "afnor", webhook_url=f"{self._url}/finance/webhook/{token}", webhook_bearer=BEARER
        )

    def screens(self):
        """Return the screens, after the samples for them were made."""
        vies, partners = self._vies()
        return [
            *self._configuration(vies),
            *self._registry(partners),
            *self._audit(),
        ]

    def _vies(self):
        """Check three VAT numbers: one is registered, one is not, one member state does not answer."""
        numbers = [CUSTOMERS[name]["vat"] for name in ("librairie", "ateliers", "buchhaus")]
        registered = {
            numbers[0]: {"name": CUSTOMERS["librairie"]["name"], "city": "Lyon"},
            COMPANIES[FR]["partner"]["vat"]: {"name": COMPANIES[FR]["name"], "city": "Lyon"},
        }
        self._run.control.settings("vies", registered=registered, unavailable=["DE"])
        values = {
            "name": "VIES (sandbox)",
            "company_id": self._company,
            "provider": "vies",
            "environment": "sandbox",
            "base_url": f"{self._sandbox}/vies/services/checkVatService",
        }
        connection = self._admin.create("finance.connection", values)
        self._admin.call("finance.connection", "action_test", [connection])
        self._admin.call("finance.connection", "action_activate", [connection])
        partners = [
            self._newest(self._accountant, "res.partner", ("vat", "=", number))
            for number in numbers
        ]
        for partner in partners:
            self._run.call("res.partner", "action_check_vat", [partner])
        return connection, partners

    def _routes(self):
        """Create a route that sends and one that does not."""
        values = {
            "name": "Businesses in France",
            "company_id": self._company,
            "purpose": "einvoice",
            "customer_kind": "business",
            "country_id": self._newest(self._admin, "res.country", ("code", "=", "FR")),
            "connection_id": self._platform,
            "regime": "fr",
        }
        self._admin.create("finance.route", values)
        values = {
            "name": "Consumers",
            "company_id": self._company,
            "purpose": "einvoice",
            "customer_kind": "consumer",
            "result": "skip",
        }
        return self._admin.create("finance.route", values)

    def _mapped_units(self):
        """Sell two units that have a code, of which one is then archived."""
        units = [
            self._admin.create("uom.uom", {"name": name, "relative_factor": 1})
            for name in ("Pallet", "Roll")
        ]
        mappings = [
            self._admin.create(
                "finance.mapping", {"kind": "uom", "source": f"uom.uom,{unit}", "code": code}
            )
            for unit, code in zip(units, ("XPX", "XRO"), strict=True)
        ]
        line = {"product_id": self._any_product(), "quantity": 2, "price_unit": 100}
        values = {
            "move_type": "out_invoice",
            "company_id": self._company,
            "partner_id": self._named("res.partner", CUSTOMERS[SALES[0].customer]["name"]),
            "invoice_date": INVOICE_DATE,
            "ref": "Order 4730",
            "invoice_line_ids": [(0, 0, {**line, "product_uom_id": unit}) for unit in units],
        }
        move = self._run.call("account.move", "create", [values])
        self._run.call("account.move", "action_post", move)
        self._admin.call("finance.mapping", "write", mappings[1:], {"active": False})

    def _retry_policy(self):
        values = {"connection_id": self._platform, "base_seconds": 5, "max_attempts": 8}
        self._admin.create("finance.retry.policy", values)

    def _unposted(self):
        """Confirm two documents of which no tax can be determined; return the result's id."""
        partner = self._run.call("res.partner", "create", [{"name": "Comptoir sans adresse"}])[0]
        line = {"product_id": self._any_product(), "quantity": 1, "price_unit": 100}
        values = {
            "move_type": "out_invoice",
            "company_id": self._named("res.company", COMPANIES[DE]["name"]),
            "partner_id": partner,
            "invoice_date": INVOICE_DATE,
            "invoice_line_ids": [(0, 0, line)],
        }
        moves = self._run.call("account.move", "create", [values, values])
        action = self._run.call("account.move", "action_post", moves)
        return action["res_id"] if isinstance(action, dict) else None

    # -- screens -------------------------------------------------------------------------------------------------

    def _configuration(self, vies):
        route = self._routes()
        self._mapped_units()
        self._retry_policy()
        users = self._admin.call(
            "res.users", "search", [("login", "=", login("operator")["login"])]
        )
        return [
            Screen("connection", "admin", f"{_CONNECTIONS}/{self._platform}", tabs=("limits",)),
            Screen("connection-vies", "admin", f"{_CONNECTIONS}/{vies}"),
            Screen("connection-new", "admin", f"{_CONNECTIONS}/new"),
            Screen("connection-operator", "operator", f"finance.connection/{self._platform}"),
            Screen("routes", "admin", _ROUTES),
            Screen("route", "admin", f"{_ROUTES}/{route}"),
            Screen("route-new", "admin", f"{_ROUTES}/new"),
            Screen("mappings", "admin", _MAPPINGS),
            Screen("mapping-gaps", "admin", _GAPS, clicks=("button[name=action_find]",)),
            Screen(
                "user", "admin", f"action-base.action_res_users/{users[0]}", tabs=("access_rights",)
            ),
        ]

    def _registry(self, partners):
        results = "action-finance_connector_base.finance_query_result_action"
        newest = self._newest(self._operator, "finance.query.result")
        valid = self._newest(self._operator, "finance.query.result", ("state", "=", "valid"))
        states = ("valid", "invalid", "unavailable")
        return [
            Screen("query-results", "operator", results),
            Screen("query-result", "operator", f"{results}/{newest}"),
            Screen("query-result-valid", "operator", f"{results}/{valid}"),
            Screen(
                "vat-checks", "operator", "action-finance_registry.finance_registry_check_action"
            ),
            *(
                Screen(
                    f"partner-vat-{state}",
                    "accountant",
                    f"res.partner/{partner}",
                    tabs=("accounting",),
                )
                for state, partner in zip(states, partners, strict=True)
            ),
        ]

    def cases(self):
        """Return the screens of what did not go well, once there is some."""
        cases = self._operator.call("finance.case", "search", [("state", "=", "open")], order="id")
        exchange = self._newest(self._operator, "finance.exchange", ("artefact_ids", "!=", False))
        unposted = self._unposted()
        screens = [
            Screen(f"case-{number}", "operator", f"{_CASES}/{case}", tabs=("attempts",))
            for number, case in enumerate(cases, 1)
        ]
        for number, case in enumerate(cases, 1):
            screens.append(
                Screen(
                    f"case-{number}-decision",
                    "operator",
                    f"{_CASES}/{case}",
                    clicks=("button[name=action_decide]",),
                )
            )
        if exchange:
            path = f"action-finance_connector_base.finance_exchange_action/{exchange}"
            tabs = ("timeline", "attempts", "artefacts")
            screens.append(Screen("exchange-receipt", "operator", path, tabs=tabs))
        if unposted:
            path = f"finance.posting.result/{unposted}"
            screens.append(Screen("posting-result", "accountant", path))
        return screens

    def _audit(self):
        kinds = ("connection.%", "exchange.%", "einvoice.%", "tax.%", "role.%", "registry.%")
        screens = [
            Screen("anchor-target-new", "admin", "action-finance_audit.action_anchor_targets/new"),
            Screen(
                "company-audit", "admin", f"res.company/{self._company}", tabs=("finance_audit",)
            ),
        ]
        for kind in kinds:
            entry = self._newest(self._auditor, "finance.audit.entry", ("action", "=like", kind))
            if entry:
                screens.append(
                    Screen(
                        f"audit-entry-{kind.partition('.')[0]}",
                        "auditor",
                        f"{_ENTRIES}/{entry}",
                        tabs=("proof",),
                    )
                )
        document = self._newest(self._auditor, "finance.audit.entry", ("document_id", "!=", False))
        export = ("button[name=action_export_evidence]",)
        screens.append(
            Screen("export-document", "auditor", f"{_ENTRIES}/{document}", clicks=export)
        )
        screens.append(Screen("erase", "auditor", "action-finance_audit.action_erase"))
        return screens

    # -- reading -------------------------------------------------------------------------------------------------

    def _newest(self, session, model, *domain):
        found = session.call(model, "search", list(domain), order="id desc", limit=1)
        return found[0] if found else None

    def _named(self, model, name):
        return self._newest(self._admin, model, ("name", "=", name))

    def _any_product(self):
        return self._run.call("product.product", "search", [("default_code", "=", "SHELF")])[0]


def _session(stack, role):
    person = next(person for person in LOGINS if person["login"].startswith(role))
    return stack.rpc(person["login"], person["password"])

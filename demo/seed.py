"""Fills a fresh database with the sample companies. No invoices yet: those are posted on the running server."""

from .companies import COMPANIES, CUSTOMERS, FR, PRODUCTS, US
from .demo_users import add_users, login


def seed(env):
    """Companies with charts, engine, regime and connection; customers, products, users."""
    _languages(env)
    # Prices of shared products are in the currency of the first company, which has no books here.
    env.ref("base.main_company").currency_id = env.ref("base.EUR")
    companies = {code: _company(env, values) for code, values in COMPANIES.items()}
    _exchange_rate(env, companies[FR])
    for values in CUSTOMERS.values():
        _partner(env, values)
    for code, product in PRODUCTS.items():
        _product(env, code, product)
    everyone = env["res.company"].concat(*companies.values())
    everyone.finance_tax_engine = "embedded"
    _registrations(env, companies)
    _french_einvoicing(env, companies[FR])
    add_users(env, everyone)
    operator = login("operator")["login"]
    everyone.finance_case_user_id = env["res.users"].search([("login", "=", operator)])


def _languages(env):
    """Load French with the texts of every installed addon, for the users who read it."""
    env["res.lang"]._activate_lang("fr_FR")
    installed = env["ir.module.module"].search([("state", "=", "installed")])
    installed._update_translations("fr_FR")


def _company(env, values):
    address = _address(env, values["partner"])
    currency = env.ref(f"base.{values['currency']}")
    currency.active = True
    # Without the key Odoo installs every addon of the country that exists, not the chart alone.
    companies = env["res.company"].with_context(chart_template_load=True)
    if "iap_enrich_auto_done" in companies._fields:
        # No external service is queried about a fictitious company.
        address["iap_enrich_auto_done"] = True
    company = companies.create({"name": values["name"], "currency_id": currency.id, **address})
    company = company.with_context(chart_template_load=False)
    env["account.chart.template"].try_loading(values["chart"], company, install_demo=False)
    return company


def _address(env, values):
    values = dict(values)
    country = env.ref(f"base.{values.pop('country').lower()}")
    state = values.pop("state", None)
    values["country_id"] = country.id
    if state:
        values["state_id"] = (
            env["res.country.state"]
            .search([("country_id", "=", country.id), ("code", "=", state)], limit=1)
            .id
        )
    return values


def _partner(env, values):
    return env["res.partner"].create({"is_company": True, **_address(env, values)})


def _product(env, code, values):
    name, price, kind, category = values
    return env["product.product"].create(
        {
            "default_code": code,
            "name": name,
            "list_price": price,
            "type": kind,
            "taxes_id": [(5, 0)],
            "finance_tax_category_id": env["finance.tax.category"]
            .search([("code", "=", category)], limit=1)
            .id,
        }
    )


def _exchange_rate(env, company):
    """Create a dated rate for invoices in US dollars: 1 EUR = 1.25 USD, easy to check by hand."""
    dollar = env.ref("base.USD")
    dollar.active = True
    env["res.currency.rate"].create(
        {
            "currency_id": dollar.id,
            "company_id": company.id,
            "name": "2026-01-01",
            "company_rate": 1.25,
        }
    )


def _registrations(env, companies):
    """Where the companies are registered beyond their home: nexus in Texas only."""
    env["finance.tax.registration"].create(
        {
            "company_id": companies[US].id,
            "kind": "nexus",
            "jurisdiction_id": env["finance.tax.jurisdiction"]
            .search([("code", "=", "US-TX")], limit=1)
            .id,
            "number": "TX-SAMPLE",
            "valid_from": "2024-01-01",
        }
    )


def _french_einvoicing(env, company):
    connection = env["finance.connection"].create(
        {
            "name": "Approved platform (sandbox)",
            "company_id": company.id,
            "provider": "afnor",
            "environment": "sandbox",
        }
    )
    company.write(
        {
            "finance_einvoice_regime": "fr",
            "finance_einvoice_connection_id": connection.id,
            "finance_einvoice_validation": "block",
        }
    )

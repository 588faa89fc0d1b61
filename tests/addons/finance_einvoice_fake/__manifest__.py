{
    "name": "Finance Connect: Fake Regime",
    "summary": "A regime, a format and a rule set without a country, for tests of the neutral e-invoice",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_einvoice"],
}

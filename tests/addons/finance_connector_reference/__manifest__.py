{
    "name": "Finance Connect: Reference Provider",
    "summary": "The sandbox's reference provider, for tests: every way a provider can behave",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_connector_base"],
    "data": [
        "security/ir.model.access.csv",
        "security/rules.xml",
    ],
}

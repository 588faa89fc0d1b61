{
    "name": "Finance Connect: Letterbox",
    "summary": "The toy provider of the documentation",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_connector_base"],
}

{
    "name": "Finance Connect: E-Invoicing EN 16931",
    "summary": "Official UBL rule sets of EN 16931, checked offline, with rules explained in the user's language",
    "version": "19.0.2.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_einvoice"],
    "external_dependencies": {"python": ["lxml", "saxonche<13", "factur-x==7.8"]},
}

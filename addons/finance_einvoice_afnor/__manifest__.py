{
    "name": "Finance Connect: E-Invoicing France",
    "summary": "French B2B e-invoicing through any approved platform (AFNOR Flow service)",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_einvoice", "l10n_fr_account"],
    "data": [
        "views/finance_connection_views.xml",
        "views/res_partner_views.xml",
        "views/res_company_views.xml",
        "views/account_move_views.xml",
    ],
}

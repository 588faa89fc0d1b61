{
    "name": "Finance Connect: French Approved Platforms",
    "summary": "Submits French e-invoices to any approved platform over the AFNOR Flow service",
    "version": "19.0.2.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_einvoice_fr"],
    "data": ["views/finance_connection_views.xml"],
    "uninstall_hook": "uninstall_hook",
}

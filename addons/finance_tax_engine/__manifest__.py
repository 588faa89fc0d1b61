{
    "name": "Finance Connect: Tax Engine",
    "summary": "Tax determinations with evidence, an engine's amounts to the cent in Odoo's tax lines",
    "version": "19.0.2.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_connector_base", "account"],
    "data": [
        "security/ir.model.access.csv",
        "security/rules.xml",
        "data/ir_cron.xml",
        "views/finance_tax_determination_views.xml",
        "views/account_move_views.xml",
        "views/res_config_settings_views.xml",
        "views/menus.xml",
    ],
}

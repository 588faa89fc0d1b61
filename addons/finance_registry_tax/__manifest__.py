{
    "name": "Finance Connect: Verified VAT Numbers for Taxes",
    "summary": "Demands a checked VAT number for exempt supplies and reverse charge",
    "version": "19.0.2.1.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_registry", "finance_tax_engine"],
    "auto_install": True,
    "data": ["views/res_config_settings_views.xml"],
}

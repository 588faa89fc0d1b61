{
    "name": "Finance Connect: E-Invoicing France",
    "summary": "French e-invoices: UBL (CIUS), local checks, mandatory texts and codes, official French rules",
    "version": "19.0.2.0.0",
    "category": "Accounting/Accounting",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["finance_einvoice_en16931", "account_edi_ubl_cii", "l10n_fr_account"],
    "data": [
        "views/res_partner_views.xml",
        "views/res_company_views.xml",
        "views/account_move_views.xml",
    ],
}

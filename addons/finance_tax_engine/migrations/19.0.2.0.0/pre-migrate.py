"""The embedded engine becomes an addon of its own; reasons are stored as codes and arguments.

Everything that described jurisdictions, categories, rules and registrations keeps its records and
changes its module, so that nothing is taken for an orphan. The shipped rule book is no longer
updated: what an administrator changed, ended or deleted stays as it is.
"""

OLD, NEW = "finance_tax_engine", "finance_tax_embedded"
#: External ids by the models they are named after: fields, selections, views, access rights, ….
MODELS = "category|jurisdiction|registration|rule|rulebook_mixin|try|engine_embedded"
NAMED_AFTER_MODEL = (
    f"^(model_|field_|selection__|constraint_|access_|model_inherit__)?finance_tax_({MODELS})(_|$)"
)
#: External ids of what moves along on Odoo's own models.
OTHERS = (
    "^(field_product_(template|product|category)__finance_tax_(category_id|supply)"
    "|selection__product_template__finance_tax_supply__.*"
    "|field_res_company__finance_tax_registration_ids"
    "|field_res_config_settings__finance_tax_(problem|registration_count)"
    "|selection__res_company__finance_tax_engine__embedded"
    "|product_(template|category)_view_form"
    "|menu_(try|rules|registrations|jurisdictions|categories))$"
)
RULE_BOOK = ("finance.tax.category", "finance.tax.jurisdiction", "finance.tax.rule")
CONSTRAINTS = (
    f"^(finance_tax_({MODELS})_.*|product_(template|category)_finance_tax_category_id_fkey)$"
)


def migrate(cr, version):
    if not version:
        return
    _install_embedded(cr)
    _move_records(cr)
    _rename_service(cr)
    _store_findings(cr)
    _rename_cron(cr)


def _install_embedded(cr):
    """Have the new addon installed by this very upgrade."""
    cr.execute("SELECT state FROM ir_module_module WHERE name = %s", [NEW])
    row = cr.fetchone()
    if not row or row[0] == "uninstallable":
        raise RuntimeError(
            f"The addon {NEW} is missing from the addons path. Add it and upgrade again."
        )
    cr.execute(
        "UPDATE ir_module_module SET state = 'to install' WHERE name = %s AND state = 'uninstalled'",
        [NEW],
    )


def _move_records(cr):
    cr.execute(
        """
        UPDATE ir_model_data data
        SET module = %(new)s, noupdate = noupdate OR model IN %(rule_book)s
        WHERE module = %(old)s
          AND (model IN %(rule_book)s OR name ~ %(named_after_model)s OR name ~ %(others)s)
          AND NOT EXISTS (
              SELECT 1 FROM ir_model_data other
              WHERE other.module = %(new)s AND other.name = data.name
          )
        """,
        {
            "old": OLD,
            "new": NEW,
            "rule_book": RULE_BOOK,
            "named_after_model": NAMED_AFTER_MODEL,
            "others": OTHERS,
        },
    )
    cr.execute(
        """
        UPDATE ir_model_constraint moved
        SET module = new.id
        FROM ir_module_module old, ir_module_module new
        WHERE old.name = %s AND new.name = %s AND moved.module = old.id AND moved.name ~ %s
          AND NOT EXISTS (
              SELECT 1 FROM ir_model_constraint other
              WHERE other.module = new.id AND other.name = moved.name
          )
        """,
        [OLD, NEW, CONSTRAINTS],
    )


def _rename_service(cr):
    """``finance.tax.fallback`` orchestrated everything: it is ``finance.tax.service`` now."""
    names = {"old": "finance.tax.fallback", "new": "finance.tax.service"}
    cr.execute("SELECT 1 FROM ir_model WHERE model = %(new)s", names)
    if cr.fetchone():
        return
    cr.execute("UPDATE ir_model SET model = %(new)s WHERE model = %(old)s", names)
    cr.execute("UPDATE ir_model_fields SET model = %(new)s WHERE model = %(old)s", names)
    cr.execute(
        """
        UPDATE ir_model_data
        SET name = regexp_replace(name, '^(model_|field_)finance_tax_fallback', '\\1finance_tax_service')
        WHERE module = %s AND name ~ '^(model_|field_)finance_tax_fallback(__|$)'
        """,
        [OLD],
    )


def _store_findings(cr):
    """Keep the texts of reasons readable: as findings that carry the text itself."""
    cr.execute(
        """
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'account_move'
          AND column_name = 'finance_tax_message'
        """
    )
    if not cr.fetchone():
        return
    cr.execute("ALTER TABLE account_move ADD COLUMN IF NOT EXISTS finance_tax_findings jsonb")
    cr.execute(
        """
        UPDATE account_move
        SET finance_tax_findings = jsonb_build_array(jsonb_build_object(
            'code', 'FT000.text', 'severity', 'error',
            'args', jsonb_build_object('text', finance_tax_message)
        ))
        WHERE finance_tax_message IS NOT NULL AND finance_tax_findings IS NULL
        """
    )
    cr.execute("ALTER TABLE account_move DROP COLUMN finance_tax_message")


def _rename_cron(cr):
    """Rename the scheduled action unless it was renamed."""
    old, new = "Tax engine: put fallbacks right", "Tax engine: re-check fallback taxes"
    cr.execute(
        """
        UPDATE ir_act_server SET name = jsonb_set(name, '{en_US}', to_jsonb(%s::text))
        WHERE name->>'en_US' = %s
        """,
        [new, old],
    )
    cr.execute("UPDATE ir_cron SET cron_name = %s WHERE cron_name = %s", [new, old])

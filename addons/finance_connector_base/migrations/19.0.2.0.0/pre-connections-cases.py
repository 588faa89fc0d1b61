"""Renames of webhook events, and texts that become findings. Every statement may run twice."""

import logging

_logger = logging.getLogger(__name__)

_OLD_MODEL, _NEW_MODEL = "finance.callback", "finance.webhook.event"
_OLD_TABLE, _NEW_TABLE = "finance_callback", "finance_webhook_event"
_CONSTRAINT = (f"{_NEW_TABLE}_unique_news", f"{_NEW_TABLE}_unique_event")

#: (model, old field, new field)
_FIELDS = (
    ("finance.connection", "callback_token", "webhook_token"),
    ("finance.connection", "callback_token_sha256", "webhook_token_sha256"),
    ("finance.connection", "callback_scheme", "webhook_scheme"),
    ("finance.connection", "callback_url", "webhook_url"),
    ("finance.connection", "callback_secret", "webhook_secret"),
    ("finance.connection", "callback_secret_is_set", "webhook_secret_is_set"),
    ("finance.connection", "callback_previous_is_set", "webhook_previous_is_set"),
    ("finance.connection", "callback_ids", "webhook_event_ids"),
)
#: (table, column with a text, new column with a finding)
_TEXTS = (
    ("finance_connection", "last_block", "blocking_finding"),
    ("finance_connection", "last_test_message", "last_test_finding"),
    ("finance_webhook_event", "reason", "result"),
    ("finance_case", "what_happened", "finding"),
)
#: External ids of records whose name does not follow from the model's.
_XML_IDS = (
    ("menu_callbacks", "menu_webhook_events"),
    ("finance_callback_view_search", "finance_webhook_event_view_search"),
    ("finance_callback_view_list", "finance_webhook_event_view_list"),
    ("finance_callback_view_form", "finance_webhook_event_view_form"),
    ("finance_callback_action", "finance_webhook_event_action"),
    ("finance_callback_company_rule", "finance_webhook_event_company_rule"),
)


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Rename model, table, columns and external ids; keep every record."""
    _rename_model(cr)
    _rename_constraint(cr, *_CONSTRAINT)
    for model, old, new in _FIELDS:
        _rename_field(cr, model, old, new)
    for table, old, new in _TEXTS:
        _text_to_finding(cr, table, old, new)
    _add_subject_keys(cr)
    for old, new in _XML_IDS:
        _rename_xml_id(cr, old, new)
    _remove_views(cr)


def _rename_model(cr):
    if not _exists(cr, _OLD_TABLE) or _exists(cr, _NEW_TABLE):
        return
    _logger.info("renaming %s to %s", _OLD_MODEL, _NEW_MODEL)
    cr.execute(f"ALTER TABLE {_OLD_TABLE} RENAME TO {_NEW_TABLE}")
    cr.execute(f"ALTER SEQUENCE IF EXISTS {_OLD_TABLE}_id_seq RENAME TO {_NEW_TABLE}_id_seq")
    _rename_constraints(cr)
    _rename_indexes(cr, _NEW_TABLE, _OLD_TABLE, _NEW_TABLE)
    cr.execute("UPDATE ir_model SET model = %s WHERE model = %s", (_NEW_MODEL, _OLD_MODEL))
    cr.execute("UPDATE ir_model_fields SET model = %s WHERE model = %s", (_NEW_MODEL, _OLD_MODEL))
    cr.execute(
        "UPDATE ir_model_fields SET relation = %s WHERE relation = %s", (_NEW_MODEL, _OLD_MODEL)
    )
    cr.execute(
        "UPDATE ir_model_constraint SET name = REPLACE(name, %s, %s) WHERE name LIKE %s",
        (_OLD_TABLE, _NEW_TABLE, _OLD_TABLE + r"\_%"),
    )
    cr.execute(
        """
        UPDATE ir_model_data SET name = REPLACE(name, %(old)s, %(new)s)
         WHERE name = 'model_' || %(old)s OR name LIKE 'field\\_' || %(old)s || '\\_\\_%%'
            OR name LIKE 'constraint\\_' || %(old)s || '\\_%%'
            OR name LIKE 'selection\\_\\_' || %(old)s || '\\_\\_%%'
        """,
        {"old": _OLD_TABLE, "new": _NEW_TABLE},
    )
    for table in ("ir_attachment", "mail_message", "mail_activity", "mail_followers"):
        column = "model" if table == "mail_message" else "res_model"
        cr.execute(
            f"UPDATE {table} SET {column} = %s WHERE {column} = %s", (_NEW_MODEL, _OLD_MODEL)
        )


def _rename_constraints(cr):
    cr.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND conname LIKE %s",
        (_NEW_TABLE, _OLD_TABLE + r"\_%"),
    )
    for (name,) in cr.fetchall():
        new = name.replace(_OLD_TABLE, _NEW_TABLE, 1)
        cr.execute(f'ALTER TABLE {_NEW_TABLE} RENAME CONSTRAINT "{name}" TO "{new}"')


def _rename_constraint(cr, old, new):
    cr.execute(
        "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s",
        (_NEW_TABLE, old),
    )
    if cr.fetchone():
        cr.execute(f"ALTER TABLE {_NEW_TABLE} RENAME CONSTRAINT {old} TO {new}")
    cr.execute("UPDATE ir_model_constraint SET name = %s WHERE name = %s", (new, old))
    cr.execute(
        "UPDATE ir_model_data SET name = %s WHERE model = 'ir.model.constraint' AND name = %s",
        (f"constraint_{new}", f"constraint_{old}"),
    )


def _rename_indexes(cr, table, old, new):
    cr.execute(
        "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexname LIKE %s",
        (table, f"%{old}%"),
    )
    for (name,) in cr.fetchall():
        cr.execute(f'ALTER INDEX "{name}" RENAME TO "{name.replace(old, new, 1)}"')


def _rename_field(cr, model, old, new):
    table = model.replace(".", "_")
    if _has_column(cr, table, old) and not _has_column(cr, table, new):
        cr.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
        _rename_indexes(cr, table, old, new)
    cr.execute(
        "UPDATE ir_model_fields SET name = %s WHERE model = %s AND name = %s", (new, model, old)
    )
    cr.execute(
        "UPDATE ir_model_data SET name = %s WHERE model = 'ir.model.fields' AND name = %s",
        (f"field_{table}__{new}", f"field_{table}__{old}"),
    )


def _text_to_finding(cr, table, old, new):
    """Keep a text that was stored in one language as the argument of the code ``text``."""
    if not _has_column(cr, table, old):
        return
    cr.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {new} jsonb")
    cr.execute(
        f"""
        UPDATE {table}
           SET {new} = jsonb_build_object(
                   'code', 'text', 'severity', 'warning', 'args', jsonb_build_object('text', {old}))
         WHERE {old} IS NOT NULL AND {old} != '' AND {new} IS NULL
        """
    )
    cr.execute(f"ALTER TABLE {table} DROP COLUMN {old}")


def _add_subject_keys(cr):
    """Cases had exactly one exchange each; the key names the subject of any case."""
    cr.execute("ALTER TABLE finance_case ADD COLUMN IF NOT EXISTS subject_key varchar")
    cr.execute(
        "UPDATE finance_case SET subject_key = 'finance.exchange,' || exchange_id WHERE subject_key IS NULL"
    )


def _rename_xml_id(cr, old, new):
    cr.execute(
        "UPDATE ir_model_data SET name = %s WHERE module = 'finance_connector_base' AND name = %s",
        (new, old),
    )


def _remove_views(cr):
    """Remove extensions that the views of the connection and the settings contain now.

    Their arch refers to renamed fields, so it must not be applied while the new views are loaded.
    """
    cr.execute(
        """
        DELETE FROM ir_ui_view USING ir_model_data d
         WHERE d.model = 'ir.ui.view' AND d.res_id = ir_ui_view.id AND d.module = 'finance_connector_base'
           AND d.name IN ('finance_connection_callback_view_form', 'finance_connection_view_form_cases',
                          'finance_connection_view_form_health', 'res_config_settings_view_form_cases')
        """
    )
    cr.execute(
        """
        DELETE FROM ir_model_data
         WHERE model = 'ir.ui.view' AND module = 'finance_connector_base'
           AND name IN ('finance_connection_callback_view_form', 'finance_connection_view_form_cases',
                        'finance_connection_view_form_health', 'res_config_settings_view_form_cases')
        """
    )


def _exists(cr, table):
    cr.execute("SELECT to_regclass(%s)", (table,))
    return cr.fetchone()[0] is not None


def _has_column(cr, table, column):
    cr.execute(
        "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
        (table, column),
    )
    return cr.fetchone() is not None

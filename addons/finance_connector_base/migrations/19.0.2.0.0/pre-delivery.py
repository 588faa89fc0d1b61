"""Rename what the delivery of exchanges is stored in; every record and its evidence stays.

* ``finance.connection.gate`` becomes ``finance.throttle``.
* ``finance.exchange``: ``tries`` becomes ``failed_attempts``, ``owner_pending`` and
  ``owner_next_at`` become ``notification_pending`` and ``notification_next_at``.
* ``finance.dispatcher.worker``: ``lane`` becomes ``cron_number``, also in the code of the scheduled
  actions.
* Sentences in ``reason`` of exchanges and attempts become the argument of the code ``text``, which
  shows them as they are: they were written in one language and stay in it.

Every statement can be run again.
"""

_MODEL = ("finance.connection.gate", "finance.throttle")
_FIELDS = (
    ("finance.exchange", "tries", "failed_attempts"),
    ("finance.exchange", "owner_pending", "notification_pending"),
    ("finance.exchange", "owner_next_at", "notification_next_at"),
    ("finance.dispatcher.worker", "lane", "cron_number"),
)
#: Table, column of the code, column of the arguments.
_SENTENCES = (
    ("finance_exchange", "status_code", "status_args"),
    ("finance_exchange_attempt", "reason_code", "reason_args"),
)
_XML_IDS = (
    ("finance_connection_gate_company_rule", "finance_throttle_company_rule"),
    ("access_finance_connection_gate_accountant", "access_finance_throttle_accountant"),
    ("access_finance_connection_gate_admin", "access_finance_throttle_admin"),
    ("access_finance_connection_gate_auditor", "access_finance_throttle_auditor"),
)
_ADDON = "finance_connector_base"


def migrate(cr, version):
    if not version:
        return
    _rename_model(cr, *_MODEL)
    for model, old, new in _FIELDS:
        _rename_field(cr, model, old, new)
    for old, new in _XML_IDS:
        _rename_xml_id(cr, old, new)
    for table, code, args in _SENTENCES:
        _keep_sentences(cr, table, code, args)
    cr.execute("DROP INDEX IF EXISTS finance_exchange_owner_pending")
    cr.execute(
        """
        UPDATE ir_act_server SET code = replace(code, 'lane=', 'cron_number=')
         WHERE code LIKE 'model.\\_cron\\_dispatch(lane=%'
        """
    )
    cr.execute(
        """
        UPDATE ir_act_server a
           SET name = replace(a.name::text, '(lane ', '(')::jsonb
          FROM ir_model_data d, ir_cron c
         WHERE d.module = %s AND d.model = 'ir.cron' AND d.name LIKE 'ir\\_cron\\_dispatcher%%'
           AND c.id = d.res_id AND a.id = c.ir_actions_server_id AND a.name::text LIKE '%%(lane %%'
        """,
        (_ADDON,),
    )
    cr.execute(
        """
        UPDATE ir_cron c SET cron_name = replace(c.cron_name, '(lane ', '(')
          FROM ir_model_data d
         WHERE d.module = %s AND d.model = 'ir.cron' AND d.name LIKE 'ir\\_cron\\_dispatcher%%'
           AND c.id = d.res_id AND c.cron_name LIKE '%%(lane %%'
        """,
        (_ADDON,),
    )


def _rename_model(cr, old, new):
    old_table, new_table = old.replace(".", "_"), new.replace(".", "_")
    if not _has_table(cr, old_table) or _has_table(cr, new_table):
        return
    cr.execute(f"ALTER TABLE {old_table} RENAME TO {new_table}")
    cr.execute(f"ALTER SEQUENCE IF EXISTS {old_table}_id_seq RENAME TO {new_table}_id_seq")
    _rename_objects(cr, old_table, new_table)
    cr.execute("UPDATE ir_model SET model = %s WHERE model = %s", (new, old))
    cr.execute("UPDATE ir_model_fields SET model = %s WHERE model = %s", (new, old))
    cr.execute("UPDATE ir_model_fields SET relation = %s WHERE relation = %s", (new, old))
    cr.execute(
        "UPDATE ir_model_constraint SET name = %s || substr(name, %s) WHERE name LIKE %s",
        (new_table, len(old_table) + 1, f"{old_table}%".replace("_", r"\_")),
    )
    for prefix, separator in (
        ("model_", ""),
        ("field_", "__"),
        ("selection__", "__"),
        ("constraint_", "_"),
    ):
        begin = f"{prefix}{old_table}{separator}"
        cr.execute(
            """
            UPDATE ir_model_data SET name = %s || substr(name, %s)
             WHERE module = %s AND (name = %s OR (%s <> '' AND name LIKE %s))
            """,
            (
                f"{prefix}{new_table}{separator}",
                len(begin) + 1,
                _ADDON,
                begin,
                separator,
                f"{begin}%".replace("_", r"\_"),
            ),
        )


def _rename_objects(cr, old_table, new_table):
    """Rename the indexes and constraints that carry the name of the table."""
    cr.execute(
        "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexname LIKE %s",
        (new_table, f"{old_table}%".replace("_", r"\_")),
    )
    for (name,) in cr.fetchall():
        cr.execute(f'ALTER INDEX "{name}" RENAME TO "{new_table}{name[len(old_table) :]}"')
    cr.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND conname LIKE %s",
        (new_table, f"{old_table}%".replace("_", r"\_")),
    )
    for (name,) in cr.fetchall():
        cr.execute(
            f'ALTER TABLE {new_table} RENAME CONSTRAINT "{name}" TO "{new_table}{name[len(old_table) :]}"'
        )


def _rename_field(cr, model, old, new):
    table = model.replace(".", "_")
    if not _has_column(cr, table, old) or _has_column(cr, table, new):
        return
    cr.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    cr.execute(
        "UPDATE ir_model_fields SET name = %s WHERE model = %s AND name = %s", (new, model, old)
    )
    _rename_xml_id(cr, f"field_{table}__{old}", f"field_{table}__{new}")


def _rename_xml_id(cr, old, new):
    cr.execute(
        """
        UPDATE ir_model_data SET name = %(new)s
         WHERE module = %(addon)s AND name = %(old)s
           AND NOT EXISTS (SELECT 1 FROM ir_model_data WHERE module = %(addon)s AND name = %(new)s)
        """,
        {"addon": _ADDON, "old": old, "new": new},
    )


def _keep_sentences(cr, table, code, args):
    """Copy stored sentences before the ORM drops their column."""
    if not _has_column(cr, table, "reason"):
        return
    cr.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {code} varchar")
    cr.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {args} jsonb")
    cr.execute(
        f"""
        UPDATE {table} SET {code} = 'text', {args} = jsonb_build_object('text', reason)
         WHERE reason <> '' AND {code} IS NULL
        """
    )


def _has_table(cr, table):
    cr.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))
    return cr.fetchone()[0]


def _has_column(cr, table, column):
    cr.execute(
        """
        SELECT EXISTS (SELECT 1 FROM information_schema.columns
                        WHERE table_schema = current_schema() AND table_name = %s AND column_name = %s)
        """,
        (table, column),
    )
    return cr.fetchone()[0]

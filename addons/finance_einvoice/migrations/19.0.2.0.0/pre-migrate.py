"""What France was in one addon becomes two; a status line becomes code and arguments. Nothing is lost, and it may run again.

The French records move before their new addon is loaded, so that it finds them as its own. This addon's migration is
the first that runs: the new ones are installed after it, and have none.
"""

from odoo.tools.sql import column_exists

_OLD, _NEW = "finance_einvoice_afnor", "finance_einvoice_fr"
#: What stays with the protocol: the provider's own fields, selection, adapter and view.
_STAYS = (
    "field_finance_connection__%",
    "selection__finance_connection__%",
    "model_finance_connection",
    "field_finance_adapter_afnor__%",
    "model_finance_adapter_afnor",
    "model_inherit__finance_adapter_afnor__%",
    "finance_connection_view_form",
    "module_%",
)


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Move records and columns of version 1 to where version 2 looks for them."""
    _move_to_france(cr)
    _forget_listed_regimes(cr)
    _keep_status_lines(cr)
    _fill_current_einvoice(cr)


def _move_to_france(cr):
    """Give models, fields, selections and views to the addon that defines them now."""
    cr.execute(
        """
        UPDATE ir_model_data old
           SET module = %(new)s
         WHERE module = %(old)s
           AND NOT name LIKE ANY(%(stays)s)
           AND NOT EXISTS (SELECT 1 FROM ir_model_data WHERE module = %(new)s AND name = old.name)
        """,
        {"old": _OLD, "new": _NEW, "stays": [name.replace("_", r"\_") for name in _STAYS]},
    )
    cr.execute(
        """
        UPDATE ir_ui_view view
           SET key = data.module || '.' || data.name
          FROM ir_model_data data
         WHERE data.model = 'ir.ui.view' AND data.res_id = view.id AND data.module = %s AND view.key IS NOT NULL
        """,
        [_NEW],
    )
    for table in ("ir_model_constraint", "ir_model_relation"):
        cr.execute(
            f"UPDATE {table} item SET module = new.id FROM ir_module_module new, ir_module_module old "
            "WHERE new.name = %s AND old.name = %s AND item.module = old.id",
            [_NEW, _OLD],
        )


def _forget_listed_regimes(cr):
    """The regimes of a company are no longer a list of values but those that are registered; values stay."""
    cr.execute(
        """
        DELETE FROM ir_model_data data
              USING ir_model_fields_selection selection, ir_model_fields field
              WHERE data.model = 'ir.model.fields.selection' AND data.res_id = selection.id
                AND selection.field_id = field.id
                AND (field.model, field.name) IN (('res.company', 'finance_einvoice_regime'))
        """
    )
    cr.execute(
        """
        DELETE FROM ir_model_fields_selection selection
              USING ir_model_fields field
              WHERE selection.field_id = field.id
                AND (field.model, field.name) IN (('res.company', 'finance_einvoice_regime'))
        """
    )


def _keep_status_lines(cr):
    """The sentence that was stored becomes the text of the arguments; the code follows from the state."""
    if not column_exists(cr, "finance_einvoice", "status_note"):
        return
    cr.execute(
        "ALTER TABLE finance_einvoice ADD COLUMN IF NOT EXISTS status_code varchar, "
        "ADD COLUMN IF NOT EXISTS status_args jsonb"
    )
    cr.execute(
        """
        UPDATE finance_einvoice einvoice
           SET status_code = CASE state WHEN 'draft' THEN 'einvoice.withdrawn' ELSE 'einvoice.' || state END,
               status_args = jsonb_strip_nulls(jsonb_build_object(
                   'text', status_note,
                   'reference', reference,
                   'connection', (SELECT connection.name
                                    FROM finance_exchange exchange
                                    JOIN finance_connection connection ON connection.id = exchange.connection_id
                                   WHERE exchange.id = einvoice.exchange_id),
                   'version', (SELECT max(number)::text
                                 FROM finance_einvoice_version
                                WHERE einvoice_id = einvoice.id)))
         WHERE status_code IS NULL AND status_note IS NOT NULL
        """
    )
    cr.execute("ALTER TABLE finance_einvoice DROP COLUMN status_note")


def _fill_current_einvoice(cr):
    """Fill the new column here: Odoo would compute it for every journal entry of the database."""
    cr.execute("ALTER TABLE account_move ADD COLUMN IF NOT EXISTS einvoice_id integer")
    cr.execute(
        """
        UPDATE account_move move
           SET einvoice_id = latest.id
          FROM (SELECT move_id, max(id) AS id FROM finance_einvoice GROUP BY move_id) latest
         WHERE latest.move_id = move.id AND move.einvoice_id IS DISTINCT FROM latest.id
        """
    )

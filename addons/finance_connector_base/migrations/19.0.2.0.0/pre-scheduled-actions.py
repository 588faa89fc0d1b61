"""Scheduled actions keep the name that a user gave them; those with a former default name get the present one."""

# xml id → former names and the present one
NAMES = {
    "ir_cron_cases": (
        "Finance Connect: remind and escalate cases",
        "Finance Connect: review stalls and cases",
    ),
}


def migrate(cr, version):  # noqa: ARG001
    """Rename; translations are loaded afterwards."""
    for xml_id, (former, present) in NAMES.items():
        cr.execute(
            """
            UPDATE ir_act_server AS action SET name = jsonb_build_object('en_US', %(present)s::text)
              FROM ir_cron AS job, ir_model_data AS data
             WHERE action.id = job.ir_actions_server_id AND data.model = 'ir.cron' AND data.res_id = job.id
               AND data.module = 'finance_connector_base' AND data.name = %(xml_id)s
               AND action.name->>'en_US' = %(former)s
            """,
            {"xml_id": xml_id, "former": former, "present": present},
        )
        cr.execute(
            "UPDATE ir_cron SET cron_name = %(present)s WHERE cron_name = %(former)s",
            {"former": former, "present": present},
        )

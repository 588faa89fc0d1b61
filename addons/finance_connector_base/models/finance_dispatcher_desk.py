"""What people see of the dispatchers at work."""

from odoo import fields, models


class FinanceDispatcherWorker(models.Model):
    _inherit = "finance.dispatcher.worker"

    is_alive = fields.Boolean("Alive", compute="_compute_desk")
    call_count = fields.Integer(
        "Calls it carries",
        compute="_compute_desk",
        help="Steps it has claimed and not brought back.",
    )

    def _compute_desk(self):
        now = fields.Datetime.now()
        # Dispatchers serve every company; how many calls one carries tells nothing about any of them.
        counts = dict(
            self.env["finance.exchange"]
            .sudo()
            ._read_group(
                [("worker_id", "in", self.ids), ("claim_token", "!=", False)],
                ["worker_id"],
                ["__count"],
            )
        )
        for worker in self:
            worker.is_alive = bool(worker.alive_until and worker.alive_until > now)
            worker.call_count = counts.get(worker.id, 0)

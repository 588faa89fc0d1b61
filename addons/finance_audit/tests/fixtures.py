"""Models that inherit the mixins, for tests only.

They belong to a module name that is never installed, so that no registry loads them by itself;
`FixtureCase` adds them to the registry for the time of one test class.
"""

from odoo import api, fields, models

FIXTURE_MODULE = "finance_audit_fixture"


class FixtureSetting(models.Model):
    _name = "finance.audit.fixture.setting"
    _description = "Fixture setting"
    _inherit = ["finance.audit.tracked.mixin"]
    _module = FIXTURE_MODULE
    _audit_tracked = (
        "name",
        "rate",
        "is_open",
        "company_id",
        "journal",
        "tag_ids",
        "document",
        "loud_name",
    )
    _audit_secret = ("secret", "secret_input")
    _audit_topic = "setting"

    name = fields.Char()
    note = fields.Char()
    rate = fields.Float(digits=(16, 4))
    is_open = fields.Boolean()
    company_id = fields.Many2one("res.company")
    journal = fields.Selection([("sales", "Sales"), ("bank", "Bank")])
    tag_ids = fields.Many2many("res.partner.category")
    document = fields.Binary(attachment=False)
    secret = fields.Char(groups="base.group_system")
    secret_input = fields.Char(compute="_compute_secret_input", inverse="_inverse_secret_input")
    loud_name = fields.Char(compute="_compute_loud_name", store=True)

    def _compute_secret_input(self):
        self.secret_input = False

    def _inverse_secret_input(self):
        """Where a real model would encrypt."""

    @api.depends("name")
    def _compute_loud_name(self):
        for setting in self:
            setting.loud_name = (setting.name or "").upper()


class FixtureDocument(models.Model):
    _name = "finance.audit.fixture.document"
    _description = "Fixture document"
    _inherit = ["finance.audit.timeline.mixin"]
    _module = FIXTURE_MODULE

    name = fields.Char()
    company_id = fields.Many2one("res.company")


class FixtureReceipt(models.Model):
    """Everything is evidence but the note."""

    _name = "finance.audit.fixture.receipt"
    _description = "Fixture receipt"
    _inherit = ["finance.evidence.mixin"]
    _module = FIXTURE_MODULE
    _evidence_open = frozenset({"note"})

    name = fields.Char()
    note = fields.Char()


class FixtureAttempt(models.Model):
    """Nothing is evidence but the answer."""

    _name = "finance.audit.fixture.attempt"
    _description = "Fixture attempt"
    _inherit = ["finance.evidence.mixin"]
    _module = FIXTURE_MODULE
    _evidence_fixed = frozenset({"answer"})

    answer = fields.Char()
    note = fields.Char()

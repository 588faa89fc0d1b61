"""Signed checkpoints and their anchors, read through views of the database."""

from odoo import api, fields, models


class FinanceAuditCheckpoint(models.Model):
    _name = "finance.audit.checkpoint"
    _description = "Audit checkpoint"
    _auto = False
    _log_access = False
    _order = "id desc"
    _rec_name = "origin"

    company_id = fields.Many2one("res.company", readonly=True)
    log_id = fields.Integer("Log ID", readonly=True)
    signed_at = fields.Datetime("Signed on", readonly=True)
    size = fields.Integer("Entries", readonly=True)
    root = fields.Char("Root hash", readonly=True)
    origin = fields.Char(readonly=True)
    key_ids = fields.Char("Signing keys", readonly=True)
    note = fields.Text("Signed text", readonly=True)
    anchor_count = fields.Integer("Number of anchors", readonly=True)
    anchor_ids = fields.One2many("finance.audit.anchor", "checkpoint_id", "Anchors", readonly=True)

    @api.depends("company_id.name", "size")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for checkpoint in self:
            log = checkpoint.sudo().company_id.name or self.env._("No company")
            checkpoint.display_name = f"{log} · {checkpoint.size}"


class FinanceAuditAnchor(models.Model):
    _name = "finance.audit.anchor"
    _description = "Audit anchor"
    _auto = False
    _log_access = False
    _order = "id desc"
    _rec_name = "target"

    checkpoint_id = fields.Many2one("finance.audit.checkpoint", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    log_id = fields.Integer("Log ID", readonly=True)
    size = fields.Integer("Entries", readonly=True)
    kind = fields.Selection(
        [("rfc3161", "Timestamp (RFC 3161)"), ("mail", "Email"), ("folder", "Folder")],
        "Type",
        readonly=True,
    )
    target = fields.Char(readonly=True)
    token_bytes = fields.Integer("Timestamp (bytes)", readonly=True)
    stated_at = fields.Datetime("Stated time", readonly=True)
    created_at = fields.Datetime("Anchored on", readonly=True)

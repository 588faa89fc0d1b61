"""Tax category and kind of supply of products; product categories provide a default."""

from odoo import fields, models

from .finance_tax_rule import SUPPLIES

STANDARD = "standard"


class ProductTemplate(models.Model):
    _inherit = "product.template"

    finance_tax_category_id = fields.Many2one(
        "finance.tax.category",
        "Tax category",
        ondelete="restrict",
        help="Determines which tax rules apply. Empty: the product category's, else “Standard”.",
        groups="base.group_user",
    )
    finance_tax_supply = fields.Selection(
        SUPPLIES,
        "Kind of supply",
        help="Determines where the sale is taxed. Empty: by product type, services or goods.",
        groups="base.group_user",
    )

    def _finance_tax_category_code(self):
        """Return the code of the tax category; every product has one."""
        category = self.finance_tax_category_id or self.categ_id._finance_tax_category()
        return category.code or STANDARD


class ProductCategory(models.Model):
    _inherit = "product.category"

    finance_tax_category_id = fields.Many2one(
        "finance.tax.category",
        "Tax category",
        ondelete="restrict",
        help="Applies to products without a tax category of their own, also in subcategories.",
        groups="base.group_user",
    )

    def _finance_tax_category(self):
        """Return the tax category of this product category or of the nearest one above."""
        category = self
        while category and not category.finance_tax_category_id:
            category = category.parent_id
        return category.finance_tax_category_id

"""Bytes that somebody else has sent are shown by no browser as a page of this server."""

from odoo import models

#: What a browser shows without running anything of it.
_SHOWN = frozenset({"application/pdf", "application/json", "text/plain"})
_DOWNLOADED = "application/octet-stream"


class IrBinary(models.AbstractModel):
    _inherit = "ir.binary"

    def _get_stream_from(self, record, *args, **kwargs):
        """Serve the content of evidence as a file to save, whatever type the address asks for.

        It came from providers: as HTML, XML or SVG it would be a page under the address of this
        server, with forms and links of its own.
        """
        stream = super()._get_stream_from(record, *args, **kwargs)
        if isinstance(record, self.env.registry["finance.evidence.mixin"]):
            bare = (stream.mimetype or "").partition(";")[0].strip().lower()
            stream.mimetype = bare if bare in _SHOWN else _DOWNLOADED
        return stream

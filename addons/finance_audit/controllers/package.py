"""Download of an evidence package: written to a temporary file and sent from it, never held in memory."""

import tempfile

from odoo import fields, http
from odoo.http import request
from werkzeug.wsgi import wrap_file


class PackageController(http.Controller):
    @http.route("/finance_audit/package/<int:export_id>", type="http", auth="user", methods=["GET"])
    def package(self, export_id):
        """Send the package of an export that the same user created."""
        export = request.env["finance.audit.export"].browse(export_id).exists()
        if not export:
            raise request.not_found()
        stream = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the response)
        try:
            export._write(stream)
        except BaseException:
            stream.close()
            raise
        length = stream.tell()
        stream.seek(0)
        name = f"evidence-{fields.Datetime.now():%Y%m%d-%H%M%S}.zip"
        headers = [
            ("Content-Type", "application/zip"),
            ("Content-Length", str(length)),
            ("Content-Disposition", http.content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return request.make_response(wrap_file(request.httprequest.environ, stream), headers)

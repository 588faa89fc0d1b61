"""``odoo-bin finance_keys -d DATABASE``: encrypt all secrets again under the newest key."""

import argparse
import sys

from odoo import SUPERUSER_ID, api
from odoo.addons.finance_audit.core.keyring import KeyRingError
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config


class FinanceKeys(Command):
    """Encrypt the secrets of connections again, after a new key was put first in the ring."""

    name = "finance_keys"

    def run(self, cmdargs):
        """Run in batches of their own transactions. A run that was stopped is continued by the next."""
        parser = argparse.ArgumentParser(prog="odoo-bin finance_keys", description=self.__doc__)
        parser.add_argument("-d", "--database", required=True)
        parser.add_argument("-c", "--config", help="odoo.conf of the server")
        parser.add_argument("--addons-path")
        options = parser.parse_args(cmdargs)
        given = {"-c": options.config, "-d": options.database}
        given["--addons-path"] = options.addons_path
        words = [word for name, value in given.items() if value for word in (name, value)]
        config.parse_config([*words, "--no-http"], setup_logging=True)
        from .. import secret_store

        with Registry(options.database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                done, failed = secret_store.reencrypt(env, _show, cr.commit)
            except KeyRingError as error:
                sys.exit(f"no key can be used: {error}")
        sys.stdout.write(f"re-encrypted: {done}, unreadable: {len(failed)}\n")
        sys.exit(1 if failed else 0)


def _show(done, total, failed):
    sys.stdout.write(f"{done} of {total} re-encrypted, {failed} unreadable\n")
    sys.stdout.flush()

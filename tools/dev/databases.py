"""Databases made once and copied: installing Odoo's modules takes a minute, copying a database a second.

Three layers, each a copy of the one below: `base` holds Odoo's own modules, `suite` adds the project's
addons, `sample` adds the sample companies. Beside them stands `reference`: the engine on `base` with the test
addon of a provider that behaves in every possible way, and `peppol`: the suite with Odoo's own electronic
senders. A template's name carries the hash of what it was made from.
"""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

from . import build, console, locks, odoo_run, paths, run
from .errors import Problem
from .odoo_run import Runtime, project_addons

PREFIX = "fc_tpl_"
BASE_MODULES = (
    "account",
    "account_edi_ubl_cii",
    "certificate",
    "l10n_de",
    "l10n_fr_account",
    "l10n_us_account",
    "mail",
)
SUITE_MODULES = (
    "finance_audit",
    "finance_connector_base",
    "finance_tax_engine",
    "finance_tax_embedded",
    "finance_einvoice",
    "finance_einvoice_en16931",
    "finance_einvoice_fr",
    "finance_einvoice_afnor",
    "finance_registry",
    "finance_registry_tax",
)
#: Odoo's own electronic senders, which a document must not leave by as well.
PEPPOL_MODULES = ("account_peppol", "account_edi")
REFERENCE_MODULES = (
    "finance_audit",
    "finance_connector_base",
    "finance_einvoice",
    "finance_connector_reference",
    "finance_connector_letterbox",
    "finance_einvoice_fake",
)
# Parts of an addon that leave no trace in a database.
_NOT_INSTALLED = frozenset({"tests", "readme"})
_SEED = "demo/seed.py"
# Compiled once here, the pages' scripts and styles come with every copy: the first page of a server is fast.
_WARM_PAGES = """
bundles = ("web.assets_web", "web.assets_frontend", "web.assets_frontend_minimal",
           "web.assets_frontend_lazy", "web.assets_web_print", "web.report_assets_common")
for name in bundles:
    env["ir.qweb"]._get_asset_bundle(name, css=False, js=True).js()
    env["ir.qweb"]._get_asset_bundle(name, css=True, js=False).css()
env.cr.commit()
"""
_SEED_DATABASE = f"""
import sys
sys.path.insert(0, {str(paths.PROJECT)!r})
from demo.seed import seed
seed(env)
env.cr.commit()
"""
_NEEDED_MB = 600
# Odoo as a command that ends: one process, no scheduled actions.
ALONE = {"workers": "0", "max_cron_threads": "0"}


@dataclasses.dataclass(frozen=True)
class Template:
    """A layer: what is installed on top of which other layer, the code then run in it, and a key
    that names all of this.
    """

    kind: str
    key: str
    modules: tuple[str, ...]
    parent: "Template | None" = None
    code: str = ""
    test_addons: bool = False

    @property
    def name(self) -> str:
        """Name of the template database."""
        return f"{PREFIX}{self.kind}_{self.key}"


def base(runtime: Runtime) -> Template:
    """Odoo's own modules; made anew only when Odoo changes."""
    key = paths.digest(runtime.odoo.version(), _WARM_PAGES, *BASE_MODULES)
    return Template("base", key, BASE_MODULES, code=_WARM_PAGES)


def suite(runtime: Runtime) -> Template:
    """Return the project's addons, those that exist."""
    below = base(runtime)
    present = project_addons()
    modules = tuple(name for name in SUITE_MODULES if name in present)
    hashes = [paths.content_hash(paths.ADDONS / name, _NOT_INSTALLED) for name in modules]
    return Template("suite", paths.digest(below.key, *modules, *hashes), modules, below)


def sample(runtime: Runtime) -> Template:
    """Return the sample companies, once there is a seed for them."""
    below = suite(runtime)
    seeded = (paths.PROJECT / _SEED).exists()
    content = paths.content_hash((paths.PROJECT / _SEED).parent) if seeded else "none"
    code = _SEED_DATABASE if seeded else ""
    return Template("sample", paths.digest(below.key, content), (), below, code)


def reference(runtime: Runtime) -> Template:
    """Return the connector and the e-invoice with test addons: a provider of every kind, a regime of no country."""
    below = base(runtime)
    candidates = [
        root / name for name in REFERENCE_MODULES for root in (paths.ADDONS, paths.TEST_ADDONS)
    ]
    folders = [folder for folder in candidates if folder.is_dir()]
    hashes = [paths.content_hash(folder, _NOT_INSTALLED) for folder in folders]
    key = paths.digest(below.key, *hashes)
    return Template("reference", key, REFERENCE_MODULES, below, test_addons=True)


def peppol(runtime: Runtime) -> Template:
    """The suite with Odoo's own electronic senders, for tests of one route per document."""
    below = suite(runtime)
    return Template("peppol", paths.digest(below.key, *PEPPOL_MODULES), PEPPOL_MODULES, below)


KINDS = {"base": base, "suite": suite, "sample": sample, "reference": reference, "peppol": peppol}


def runtime_of(kind: str, runtime: Runtime) -> Runtime:
    """Odoo as a database of this kind needs it: only those of tests see the addons of tests."""
    return odoo_run.testing(runtime) if KINDS[kind](runtime).test_addons else runtime


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def exists(runtime: Runtime, name: str) -> bool:
    """Return whether there is such a database."""
    query = f"SELECT 1 FROM pg_database WHERE datname = {_literal(name)}"
    return runtime.server.psql(query) == "1"


def drop(runtime: Runtime, name: str) -> None:
    """Remove a database with its attachments; connections to it are closed."""
    if exists(runtime, name):
        runtime.server.psql(f"ALTER DATABASE {_quoted(name)} IS_TEMPLATE false")
        runtime.server.psql(f"DROP DATABASE {_quoted(name)} WITH (FORCE)")
    build.remove(runtime.filestore(name))


def _copy(runtime: Runtime, source: str, target: str) -> None:
    """Copy a database without connections; attachments are never rewritten, so links suffice."""
    drop(runtime, target)
    runtime.server.psql(f"CREATE DATABASE {_quoted(target)} TEMPLATE {_quoted(source)}")
    if runtime.filestore(source).exists():
        shutil.copytree(runtime.filestore(source), runtime.filestore(target), copy_function=os.link)


def create_empty(runtime: Runtime, name: str) -> None:
    """Make a database without anything; an older one of that name is replaced."""
    drop(runtime, name)
    arguments = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    runtime.server.psql(f"CREATE DATABASE {_quoted(name)} {arguments}")


def _seal(runtime: Runtime, built: str, name: str) -> None:
    """Give a finished database its name, and refuse connections to it from now on."""
    store = runtime.filestore(built)
    build.remove(runtime.filestore(name))
    if store.exists():
        store.rename(runtime.filestore(name))
    runtime.server.psql(f"ALTER DATABASE {_quoted(built)} RENAME TO {_quoted(name)}")
    runtime.server.psql(f"ALTER DATABASE {_quoted(name)} IS_TEMPLATE true ALLOW_CONNECTIONS false")


def install(runtime: Runtime, database: str, modules: tuple[str, ...]) -> None:
    """Install modules into a database (no demo data: that is Odoo 19's default)."""
    config = runtime.write_config(runtime.alone, ALONE)
    arguments = [
        "--database",
        database,
        "--init",
        ",".join(modules),
        "--stop-after-init",
        "--no-http",
    ]
    output = run.logged(
        f"install-{database}",
        runtime.command(*arguments, "--log-level=warn", config=config),
        cwd=paths.PROJECT,
        env=runtime.environment(),
    )
    for text in output.splitlines():
        if " ERROR " in text or " CRITICAL " in text:
            raise Problem(f"Installing {','.join(modules)}: {text}")


def shell(runtime: Runtime, database: str, code: str, *, show: bool = False) -> str:
    """Run code in an Odoo shell, with `env`; the code commits what it wants to keep.

    Return what it prints, or show it as it comes.
    """
    config = runtime.write_config(runtime.alone, ALONE)
    arguments = ["shell", "--database", database, "--no-http", "--log-level=warn"]
    result = subprocess.run(
        runtime.command(*arguments, config=config),
        input=code,
        cwd=paths.PROJECT,
        env=runtime.environment(),
        stdout=None if show else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Problem(f"The Odoo shell on {database} failed:\n{result.stderr.strip()[-3000:]}")
    return result.stdout or ""


def _fill(runtime: Runtime, template: Template, built: str) -> None:
    if template.parent:
        _copy(runtime, template.parent.name, built)
    else:
        create_empty(runtime, built)
    if template.test_addons:
        runtime = odoo_run.testing(runtime)
    if template.modules:
        install(runtime, built, template.modules)
    if template.code:
        shell(runtime, built, template.code)


def _build(runtime: Runtime, template: Template) -> None:
    """Build under another name: a database with the template's name is always complete."""
    built = f"{template.name}_new"
    try:
        _fill(runtime, template, built)
    except BaseException:
        drop(runtime, built)
        raise
    _seal(runtime, built, template.name)


def drop_abandoned(runtime: Runtime) -> None:
    """Remove databases of test runs that were killed; their names end with the process id."""
    names = runtime.server.psql("SELECT datname FROM pg_database WHERE datname LIKE 'fc_test_%'")
    for name in names.splitlines():
        if not Path("/proc", name.rsplit("_", 1)[-1]).exists():
            drop(runtime, name)


def test_database(purpose: str) -> str:
    """A name that no other run uses."""
    return f"fc_test_{purpose}_{os.getpid()}"


def _drop_older(runtime: Runtime, template: Template) -> None:
    pattern = _literal(f"{PREFIX}{template.kind}_%")
    names = runtime.server.psql(f"SELECT datname FROM pg_database WHERE datname LIKE {pattern}")
    for name in names.splitlines():
        if name != template.name:
            drop(runtime, name)


def _lock(template: Template) -> Path:
    return paths.cache() / f".template-{template.kind}.lock"


def _ensure(runtime: Runtime, template: Template) -> None:
    """Build a template unless it exists; its lock is held by the caller."""
    if exists(runtime, template.name):
        return
    console.need_space(paths.cache(), _NEEDED_MB, f"Template database {template.kind}")
    if template.parent:
        with locks.exclusive(_lock(template.parent), f"template {template.parent.kind}"):
            _ensure(runtime, template.parent)
            with console.step(f"Template database {template.name}"):
                _build(runtime, template)
    else:
        with console.step(f"Template database {template.name}"):
            _build(runtime, template)
    _drop_older(runtime, template)


def ensure_template(runtime: Runtime, kind: str) -> str:
    """Name of an up-to-date template, built now when there is none."""
    template = KINDS[kind](runtime)
    with locks.exclusive(_lock(template), f"template {kind}"):
        _ensure(runtime, template)
    return template.name


def copy_database(runtime: Runtime, kind: str, target: str) -> None:
    """Make a fresh database from a template; an older one of that name is replaced."""
    if target.startswith(PREFIX):
        raise Problem(f"{target}: the prefix {PREFIX} is kept for templates.")
    template = KINDS[kind](runtime)
    with locks.exclusive(_lock(template), f"template {kind}"):
        _ensure(runtime, template)
        _copy(runtime, template.name, target)

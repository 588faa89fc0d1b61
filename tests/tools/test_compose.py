"""The two compose files: the product alone, and the sandbox on top of it."""

import configparser

import yaml

from tools.dev.paths import PROJECT

PRODUCT = yaml.safe_load((PROJECT / "compose.yml").read_text())
OVERLAY = yaml.safe_load((PROJECT / "compose.sandbox.yml").read_text())


def test_the_product_starts_no_sandbox_and_publishes_no_port_to_the_network():
    assert set(PRODUCT["services"]) == {"db", "odoo"}
    assert "ports" not in PRODUCT["services"]["db"]
    assert PRODUCT["services"]["odoo"]["ports"] == ["127.0.0.1:8069:8069", "127.0.0.1:8072:8072"]


def test_odoo_trusts_the_proxy_that_the_ports_are_reserved_for():
    config = configparser.ConfigParser()
    config.read(PROJECT / "odoo.conf")
    assert config.getboolean("options", "proxy_mode")


def test_every_image_has_a_version_and_every_secret_a_file():
    for service in (PRODUCT["services"] | OVERLAY["services"]).values():
        image = service.get("image")
        assert image is None or image.partition(":")[2][:1].isdigit()
    used = {name for service in PRODUCT["services"].values() for name in service["secrets"]}
    assert used == set(PRODUCT["secrets"])


def test_the_overlay_adds_the_sandbox_and_its_port_alone():
    assert set(OVERLAY["services"]) == {"odoo", "sandbox"}
    assert OVERLAY["services"]["odoo"] == {"ports": ["127.0.0.1:8070:8070"]}


def test_every_build_target_is_a_stage_and_its_packages_are_locked():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    services = PRODUCT["services"] | OVERLAY["services"]
    for service in services.values():
        if "build" in service:
            assert f" AS {service['build']['target']}\n" in dockerfile
    installs = dockerfile.count("pip3 install")
    assert installs == dockerfile.count("--require-hashes -r") == 2

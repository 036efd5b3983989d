"""Facts of the board from its kernel: its name, clock and temperature, and whether it was slowed down.

Sources: Documentation/admin-guide/pm/cpufreq.rst and Documentation/driver-api/thermal/sysfs-api.rst of Linux; for the
flags "vcgencmd get_throttled" in Raspberry Pi's documentation of its operating system.
"""

from __future__ import annotations

import glob
import os
import platform
import subprocess

# Bits 0 to 3 of a Raspberry Pi's word are of now, bits 16 to 19 are of any time since it was started.
THROTTLED_NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
SINCE_BOOT = 16
CPU_ZONES = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "soc_thermal")
VCGENCMD_TIMEOUT_S = 5


def board_facts(root: str = "/") -> dict[str, object]:
    """Return what does not change while it runs; what the kernel does not know is absent."""
    facts: dict[str, object] = {
        **_cpu_facts(_read(root, "proc/cpuinfo")),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
    }
    machine = _read(root, "proc/device-tree/model").rstrip("\0")
    if machine:
        facts["machine"] = machine
    for line in _read(root, "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            facts["os"] = line.partition("=")[2].strip('"')
    governors = {_text(path) for path in _policies(root, "scaling_governor")} - {""}
    if governors:
        facts["governor"] = ", ".join(sorted(governors))
    return facts


def _cpu_facts(cpuinfo: str) -> dict[str, object]:
    """Return the name of the CPU, which x86 has, and implementers and parts of its cores, which Arm has."""
    facts: dict[str, object] = {}
    implementer, parts = "", set()
    for line in cpuinfo.splitlines():
        key, _, value = (word.strip() for word in line.partition(":"))
        if key == "model name" and value:
            facts["cpu"] = value[:200]
        elif key == "CPU implementer":
            implementer = value
        elif key == "CPU part":
            parts.add(f"{implementer}:{value}")
    if parts:
        facts["cpu_part"] = ", ".join(sorted(parts))[:200]
    return facts


def sensors(root: str = "/") -> dict[str, object]:
    """Return what changes: `cpu_hz` of each clock domain, `temperature_c`, `throttled_word`, `throttle_count`."""
    state: dict[str, object] = {}
    clocks = [_number(path) for path in _policies(root, "scaling_cur_freq")]
    if clocks and None not in clocks:
        state["cpu_hz"] = [1000 * khz for khz in clocks if khz is not None]
    temperature = _temperature(root)
    if temperature is not None:
        state["temperature_c"] = temperature
    word = _throttled_word(root)
    if word is not None:
        state["throttled_word"] = word
    counts = [_number(path) for path in _all(root, "sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")]
    if counts and None not in counts:
        state["throttle_count"] = sum(count for count in counts if count is not None)
    return state


def _temperature(root: str) -> float | None:
    """Return the CPU's temperature; other zones are of a battery or a radio."""
    for zone in _all(root, "sys/class/thermal/thermal_zone*"):
        if _text(os.path.join(zone, "type")) in CPU_ZONES:
            millidegrees = _number(os.path.join(zone, "temp"))
            return None if millidegrees is None else millidegrees / 1000
    return None


def _throttled_word(root: str) -> int | None:
    """Return a Raspberry Pi's flags from the kernel, else from the firmware's own tool."""
    text = _read(root, "sys/devices/platform/soc/soc:firmware/get_throttled")
    if not text:
        for program in ("usr/bin/vcgencmd", "opt/vc/bin/vcgencmd"):
            path = os.path.join(root, program)
            if os.path.exists(path):
                text = _vcgencmd(path).partition("=")[2]
                break
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


def _vcgencmd(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "get_throttled"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=VCGENCMD_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace")


def _policies(root: str, name: str) -> list[str]:
    return _all(root, f"sys/devices/system/cpu/cpufreq/policy*/{name}")


def _all(root: str, pattern: str) -> list[str]:
    return sorted(glob.glob(os.path.join(glob.escape(root), pattern)))


def _read(root: str, name: str) -> str:
    return _text(os.path.join(root, name))


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _number(path: str) -> int | None:
    try:
        return int(_text(path))
    except ValueError:
        return None

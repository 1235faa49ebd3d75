"""The operating system and the machine, against the claim."""

import os
import platform
import re

from inside.check import Check, failed, inapplicable, judged, passed, warned

RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


def release(paths=RELEASE_FILES):
    """/etc/os-release as a dict; empty where there is none."""
    for path in paths:
        try:
            with open(path, "rb") as stream:
                lines = stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        pairs = (re.match(r"\s*([A-Z_]+)=(.*)$", line) for line in lines)
        return {pair.group(1): pair.group(2).strip().strip("\"'") for pair in pairs if pair}
    return {}


def os_name(words):
    """The name in envbuild's tables: `ubuntu22.04`, `centos7`, `centos-stream9`, `rocky9`, `alma9` ..."""
    name, version = words.get("ID", ""), words.get("VERSION_ID", "")
    whole = version.split(".")[0]
    if name == "centos":
        return ("centos-stream" if "stream" in words.get("NAME", "").lower() else "centos") + whole
    if name == "debian" and not version:
        return "debian" + words.get("VERSION_CODENAME", "")
    families = {"rocky": "rocky", "almalinux": "alma", "rhel": "ubi", "debian": "debian"}
    return families[name] + whole if name in families else name + version


def check_release(bench):
    """/etc/os-release says what the tag says."""
    words = release()
    values = {"found": os_name(words), "name": words.get("PRETTY_NAME", "")}
    claimed = bench.claim.get("os")
    if not claimed:
        return inapplicable("nothing is claimed about the operating system", values)
    if not words:
        return failed("there is no /etc/os-release; %s is claimed" % claimed, values, {"os": claimed})
    if values["found"] != claimed:
        return failed("this is %s, not %s" % (values["found"], claimed), values, {"os": claimed})
    return passed(values, {"os": claimed})


def check_machine(bench):
    """The processor is of the claimed kind, and so is the interpreter."""
    machine = platform.machine()
    values = {"machine": machine, "bits": platform.architecture()[0]}
    claimed = bench.claim.get("arch")
    if not claimed:
        return inapplicable("nothing is claimed about the architecture", values)
    claimed = ARCHITECTURES.get(claimed, claimed)
    wrong = [] if machine == claimed else ["the machine is %s, not %s" % (machine, claimed)]
    return judged(wrong, values, {"machine": claimed})


def check_shm(_bench):
    """/dev/shm is there and large enough for the workers of a DataLoader."""
    try:
        facts = os.statvfs("/dev/shm")
    except OSError as error:
        return warned("/dev/shm: %s" % error, hint="start containers with --shm-size=1g or --ipc=host")
    size = facts.f_blocks * facts.f_frsize // 1024**2
    limits = {"megabytes": ">=64"}
    if size < 64:
        return warned(
            "/dev/shm has %d MB; workers hand batches over through it" % size, {"megabytes": size}, limits,
            hint="start containers with --shm-size=1g or --ipc=host",
        )  # fmt: skip
    return passed({"megabytes": size}, limits)


CHECKS = (
    Check("os.release", "the operating system is the claimed one", "static", True, check_release),
    Check("os.arch", "the processor architecture is the claimed one", "static", True, check_machine),
    Check("shm.size", "/dev/shm is large enough", "static", False, check_shm),
)

"""Facts about the image for the report; none of them is judged here."""

import locale
import os
import platform
import shutil
import ssl
import sys

from inside import architectures, cuda, fingerprint, installed, interpreter, quotas, system
from inside.check import UnreadyError


def quietly(ask):
    """What `ask` gives, or None if it cannot tell."""
    try:
        return ask()
    except Exception:
        return None


def about_torch(torch):
    """What torch says about itself."""
    shown = (quietly(torch.__config__.show) or "").splitlines()
    return {
        "torch": torch.__version__,
        "torch_git": torch.version.git_version,
        "cuda": torch.version.cuda,
        "cudnn": quietly(lambda: [".".join(map(str, one)) for one in cuda.cudnn_versions(torch)])
        if torch.version.cuda
        else None,
        "nccl": quietly(torch._C._nccl_version) if hasattr(torch._C, "_nccl_version") else None,
        "architectures": quietly(lambda: architectures.arch_list(torch)),
        "cpu_capability": quietly(lambda: fingerprint.capability(torch)),
        "build": [line.strip(" -") for line in shown if "Build settings" not in line][:12],
        "quantized_engines": quietly(lambda: list(torch.backends.quantized.supported_engines)),
        "threads": torch.get_num_threads(),
    }


def certificates():
    """The number of certificates that are trusted from the start, and the folder that others come from."""
    stats, paths = ssl.create_default_context().cert_store_stats(), ssl.get_default_verify_paths()
    return {"loaded": stats.get("x509_ca"), "file": paths.cafile, "folder": paths.capath}


def environment(bench):
    """Everything that is worth knowing when two images differ."""
    found, _ = installed.everything()
    values = {
        "python": interpreter.version(),
        "executable": sys.executable,
        "os": system.os_name(system.release()),
        "kernel": platform.release(),
        "libc": " ".join(quietly(platform.libc_ver) or ()),
        "machine": platform.machine(),
        "processor": fingerprint.processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "cpu_quota": quietly(quotas.cpu_quota),
        "memory_limit_mb": quietly(quotas.memory_limit),
        "uid": os.getuid(),
        "home": os.environ.get("HOME"),
        "locale": "%s %s" % (locale.getpreferredencoding(False), os.environ.get("LANG", "")),
        "time_zone": os.environ.get("TZ"),
        "pythonpath": os.environ.get("PYTHONPATH"),
        "certificates": quietly(certificates),
        "compiler": shutil.which("g++") or shutil.which("clang++"),
        "packages": {name: found[name].version for name in sorted(found)},
        "gpu": bench.gpu,
    }
    if bench.asked("torch"):
        try:
            values.update(about_torch(bench.torch))
        except UnreadyError as error:
            values["torch_error"] = str(error)
    return values

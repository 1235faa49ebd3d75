"""CUDA and cuDNN: what torch was built with, against the claim. None of it needs a GPU."""

import os
import re
import shutil
import subprocess

from inside.check import Check, failed, inapplicable, judged, passed, warned


def short(text):
    """Major and minor of a version: `12.6` for `12.6.1`."""
    return ".".join(text.split(".")[:2])


def check_cuda(bench):
    """torch.version.cuda is the claimed one; for a CPU image there must be none."""
    found = bench.torch.version.cuda
    values = {"found": found}
    if not bench.claim:
        return inapplicable("nothing is claimed about CUDA", values)
    claimed = bench.claim.get("cuda")
    limits = {"cuda": claimed}
    if claimed is None:
        return (
            passed(values, limits)
            if found is None
            else failed("torch is built for CUDA %s, not for CPUs" % found, values, limits)
        )
    if found is None:
        return failed("torch is built for CPUs, not for CUDA %s" % claimed, values, limits)
    if short(found) != short(claimed):
        return failed("torch is built for CUDA %s, not %s" % (found, claimed), values, limits)
    return passed(values, limits)


def cudnn_versions(torch):
    """(compiled, at run time) as tuples of three numbers. Reads the library; needs no GPU."""
    module = torch._C._cudnn
    compiled = getattr(module, "getCompileVersion", None) or module.get_compile_version
    running = getattr(module, "getRuntimeVersion", None) or module.get_runtime_version
    return tuple(compiled()), tuple(running())


def check_cudnn(bench):
    """The cuDNN found at run time has the major version that torch was compiled with, and is not older.

    Official wheels are allowed a newer one: 2.8.0 for CUDA 12.8 was compiled with 9.8.0 and brings 9.10.2.
    """
    torch = bench.torch
    if torch.version.cuda is None:
        return inapplicable("torch is built without CUDA")
    if not hasattr(torch._C, "_cudnn"):
        return warned("torch is built without cuDNN")
    compiled, running = cudnn_versions(torch)
    values = {"compiled": ".".join(map(str, compiled)), "running": ".".join(map(str, running))}
    limits = {"running": ">=%s, <%d" % (values["compiled"], compiled[0] + 1)}
    fits = running[0] == compiled[0] and running >= compiled
    wrong = (
        []
        if fits
        else ["cuDNN %s was found, torch was compiled with %s" % (values["running"], values["compiled"])]
    )
    return judged(wrong, values, limits, "is there another cuDNN on LD_LIBRARY_PATH?")


def nvcc_version(path):
    """The version that nvcc tells, such as `12.6`, or None."""
    ended = subprocess.run(
        [path, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )
    match = re.search(r"release (\d+\.\d+)", ended.stdout.decode("ascii", "replace"))
    return match.group(1) if match else None


def check_toolkit(bench):
    """A devel image has nvcc of its CUDA; a runtime image has no toolkit beside the wheels' libraries."""
    flavor, claimed = bench.claim.get("flavor"), bench.claim.get("cuda")
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    values = {"nvcc": nvcc}
    if not flavor or not claimed:
        return inapplicable("nothing is claimed about the CUDA toolkit", values)
    if flavor != "devel":
        if nvcc or os.path.isdir("/usr/local/cuda"):
            return warned("a CUDA toolkit is in a runtime image: CUDA is shipped twice", values)
        return passed(values)
    if not nvcc:
        return failed("there is no nvcc in a devel image", values, {"nvcc": short(claimed)})
    values["version"] = nvcc_version(nvcc)
    wrong = (
        []
        if values["version"] == short(claimed)
        else ["nvcc is %s, not %s" % (values["version"], short(claimed))]
    )
    return judged(wrong, values, {"nvcc": short(claimed)})


CHECKS = (
    Check("torch.cuda", "torch is built for the claimed CUDA, or for none", "static", True, check_cuda),
    Check("torch.cudnn", "cuDNN is the one that torch was compiled for", "static", True, check_cudnn),
    Check(
        "cuda.toolkit", "the CUDA compiler is there exactly in devel images", "static", True, check_toolkit
    ),
)

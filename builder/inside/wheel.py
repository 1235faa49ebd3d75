"""torch itself: imports, is the claimed release, and is the build that its tag promises."""

import os
import re
import traceback

from inside import installed, interpreter
from inside.check import Check, UnreadyError, failed, inapplicable, judged, passed, warned


def check_import(bench):
    """torch imports, from the environment."""
    try:
        torch = bench.torch
    except UnreadyError as error:
        lines = traceback.format_exc().strip().splitlines()[-6:]
        return failed(str(error), {"traceback": lines}, hint="libs.resolve and torch.files tell more")
    values = {"file": torch.__file__, "version": torch.__version__, "git": torch.version.git_version}
    prefix = bench.claim.get("prefix")
    if prefix and not interpreter.below(torch.__file__, prefix):
        return failed("torch comes from %s, outside %s" % (os.path.dirname(torch.__file__), prefix), values)
    return passed(values)


def check_version(bench):
    """torch's release and its local version are the claimed ones."""
    found, claimed = str(bench.torch.__version__), bench.claim.get("torch")
    values, limits = {"found": found}, {"torch": claimed}
    if not claimed:
        return inapplicable("nothing is claimed about torch", values)
    if found == claimed or ("+" not in claimed and found.split("+", maxsplit=1)[0] == claimed):
        return passed(values, limits)
    if "+" not in found and found == claimed.split("+")[0]:
        return warned("torch names no build after its version; torch.cuda tells which it is", values, limits)
    return failed("torch is %s, not %s" % (found, claimed), values, limits)


def cuda_folders(torch):
    """Libraries of CUDA that lie in torch's own folder."""
    names = os.listdir(os.path.join(os.path.dirname(torch.__file__), "lib"))
    return sorted(name for name in names if re.match(r"lib(torch_cuda|cudnn|cublas|nccl|cudart)", name))


def check_pure(bench):
    """A CPU image holds no CUDA: neither in torch nor beside it."""
    claim, torch = bench.claim, bench.torch
    if claim.get("cuda") is not None or (not claim and torch.version.cuda is not None):
        return inapplicable("this image is one for CUDA")
    found = sorted(
        name for name in installed.everything()[0] if re.match(r"nvidia-|cuda-|pytorch-triton$|triton$", name)
    )
    wrong = []
    if torch.version.cuda is not None:
        wrong.append("torch was built for CUDA %s" % torch.version.cuda)
    if cuda_folders(torch):
        wrong.append("torch/lib holds " + ", ".join(cuda_folders(torch)[:5]))
    if found:
        wrong.append("CUDA's distributions are installed: " + ", ".join(found[:20]))
    if os.path.isdir("/usr/local/cuda"):
        wrong.append("/usr/local/cuda is there")
    values = {"distributions": found}
    if wrong and not claim:
        return warned("; ".join(wrong), values)
    return judged(wrong, values, hint="install torch with its +cpu version, from PyTorch's CPU index")


def check_openmp(bench):
    """One OpenMP runtime is loaded, not two that fight over the processor."""
    assert bench.torch
    with open("/proc/self/maps") as stream:
        paths = {
            line.split(None, 5)[-1].strip()
            for line in stream
            if re.search(r"/lib(g|i|)omp[0-9-]*[.a-z0-9-]*so", line)
        }
    values, limits = {"libraries": paths}, {"copies": "<=1"}
    if len({os.path.realpath(path) for path in paths}) > 1:
        return warned("%d OpenMP runtimes are loaded" % len(paths), values, limits)
    return passed(values, limits)


CHECKS = (
    Check("torch.import", "torch imports from the environment", "static", True, check_import),
    Check("torch.version", "torch is the claimed release and build", "static", True, check_version),
    Check("cpu.pure", "a CPU image holds no CUDA", "static", True, check_pure),
    Check("openmp.copies", "one OpenMP runtime is loaded", "static", False, check_openmp),
)

"""Which GPUs the build has kernels for: told by the library, without a GPU."""

import re

from inside.check import Check, inapplicable, judged

NAME = re.compile(r"(sm|compute)_(\d+)(\d)([a-z]?)$")


def arch_list(torch):
    """Names such as `sm_86`. `torch.cuda.get_arch_list` is empty without a GPU up to torch 2.10."""
    flags = getattr(torch._C, "_cuda_getArchFlags", None)
    return (flags() or "").split() if flags else []


def covers(name, device):
    """Whether kernels of that name run on a device of capability (major, minor).

    Machine code runs on its own major version from its minor version on; code marked `a` on exactly its own,
    `f` within its family; PTX on everything that is not older.
    """
    match = NAME.match(name)
    if match is None:
        return False
    capability, mark = (int(match.group(2)), int(match.group(3))), match.group(4)
    if mark == "a":
        return capability == device
    if match.group(1) == "compute":
        return capability <= device
    return capability[0] == device[0] and capability[1] <= device[1]


def check_architectures(bench):
    """Each GPU that the matrix names has kernels in this torch."""
    torch = bench.torch
    wanted = sorted(set(bench.claim.get("gpus") or ()) | set(bench.config.get("gpus") or ()))
    found = arch_list(torch)
    values = {"architectures": found}
    if not wanted:
        return inapplicable("no GPUs are named to compare with", values)
    if torch.version.cuda is None and bench.claim.get("cuda") is None:
        return inapplicable("torch is built without CUDA", values)
    wrong = []
    for text in wanted:
        device = tuple(int(number) for number in text.split("."))
        if not any(covers(name, device) for name in found):
            wrong.append("no kernels for GPUs of capability %s" % text)
    return judged(wrong, values, {"gpus": wanted}, "take another CUDA variant or another release of torch")


CHECKS = (
    Check(
        "arch.list",
        "there are kernels for each GPU that the matrix names",
        "static",
        True,
        check_architectures,
    ),
)

"""The same work on a GPU."""

from inside import driver, mlp
from inside.accounts import settings
from inside.check import Check, UnreadyError, failed, judged, passed, warned
from inside.gpus import cuda_only
from inside.precision import errors, precise, verdict
from inside.training import compared
from inside.training import distance as far_from_known

TOLERANCE = 3e-5  # TF32 as emulated makes 2.5e-4 at least, another order of additions 1e-7
DECLARED = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
DECLARED_TOLERANCE = 5e-3


def ready(bench):
    """torch with a GPU that it can use, reduced precision turned off."""
    torch = bench.torch
    if not torch.cuda.is_available():
        raise UnreadyError("torch cannot use the GPU; gpu.driver tells more")
    precise(torch)
    return torch


def reduced(bench):
    """Whether the recipe itself asks for TF32 everywhere: then nothing can turn it off."""
    claimed = settings(bench)
    return any(claimed.get(name) == "1" for name in DECLARED)


def check_train(bench):
    """Training on the GPU gives the known losses."""
    torch = ready(bench)
    losses = mlp.train(torch, mlp.fresh(torch).to("cuda:0"), bench.digits, bench.epochs, "cuda:0")
    values = {"losses": losses, "gpu": torch.cuda.get_device_name(0)}
    if reduced(bench) and TOLERANCE < far_from_known(losses) <= DECLARED_TOLERANCE:
        return warned(
            "TF32 is on, as the recipe's settings ask", dict(values, distance=far_from_known(losses))
        )
    return compared(losses, TOLERANCE, values)


def check_matmul(bench):
    """Products on the GPU are as exact as float32 is, with TF32 turned off."""
    torch = ready(bench)
    found = errors(torch, "cuda:0")
    if reduced(bench) and max(found.values()) <= DECLARED_TOLERANCE:
        return passed({"errors": found}, {"errors": "<=%g (TF32 is asked for)" % DECLARED_TOLERANCE})
    return verdict(
        found, {"gpu": torch.cuda.get_device_name(0), "capability": torch.cuda.get_device_capability(0)}
    )


def check_exceptions(bench):
    """An assertion that fails on the GPU comes back as a Python exception."""
    torch = ready(bench)
    try:
        rows = torch.zeros(4).to("cuda:0")
        rows[torch.tensor([9]).to("cuda:0")] = 1.0
        torch.cuda.synchronize()
    except RuntimeError as error:
        found = str(error).splitlines()[0]
        return judged(
            [] if "assert" in found.lower() else ["another error came back: " + found], {"error": found}
        )
    return failed("an index out of range on the GPU raised nothing")


CHECKS = driver.CHECKS + (
    Check(
        "gpu.train", "training on the GPU gives the known losses", "basic", True, check_train, 180, cuda_only
    ),
    Check(
        "gpu.matmul",
        "matrix products on the GPU have float32's precision",
        "basic",
        True,
        check_matmul,
        120,
        cuda_only,
    ),
    Check(
        "gpu.exceptions",
        "a failure on the GPU becomes an exception",
        "deep",
        True,
        check_exceptions,
        120,
        cuda_only,
    ),
)

"""NVIDIA's driver, asked through its own library before torch touches it."""

import ctypes

from inside.check import Check, failed, judged
from inside.gpus import cuda_only

MEANING = {
    35: "the driver is older than this CUDA needs",
    100: "the driver sees no GPU",
    101: "a GPU that was asked for does not exist",
    802: "the fabric manager of the machine is not ready yet",
    803: "driver and its library differ: the machine was upgraded and not restarted",
    804: "CUDA's compatibility package is in the image, and this GPU does not allow it",
    999: "unknown error; the machine may need a restart or nvidia-modprobe",
}


def opened():
    """The driver's library, or None."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None


def enough(driver, built):
    """Whether a driver for CUDA (major, minor) runs code for `built`: from 11 on the major decides."""
    wanted = tuple(int(number) for number in built.split(".")[:2])
    return driver[0] >= wanted[0] if wanted[0] >= 11 else driver >= wanted


def check_driver(bench):
    """The driver's library is there, starts, sees a GPU, and is new enough."""
    library = opened()
    if library is None:
        return failed(
            "libcuda.so.1 was not found",
            hint="install NVIDIA's container toolkit and pass the GPU with --gpus all",
        )
    code = library.cuInit(0)
    if code != 0:
        return failed(
            "cuInit gives %d: %s" % (code, MEANING.get(code, "see CUDA's list of results")), {"code": code}
        )
    number, count = ctypes.c_int(), ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(number))
    library.cuDeviceGetCount(ctypes.byref(count))
    driver = (number.value // 1000, number.value % 1000 // 10)
    built = bench.torch.version.cuda or bench.claim.get("cuda")
    values = {"driver": "%d.%d" % driver, "gpus": count.value, "built": built}
    wrong = []
    if count.value < 1:
        wrong.append("the driver sees no GPU")
    if not enough(driver, built):
        wrong.append("the driver supports CUDA %d.%d, torch was built for %s" % (driver + (built,)))
    return judged(wrong, values, {"driver": ">=%s" % built.split(".")[0]}, "update the machine's driver")


CHECKS = (
    Check(
        "gpu.driver", "the GPU's driver is there and new enough", "basic", True, check_driver, 60, cuda_only
    ),
)

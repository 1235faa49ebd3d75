"""Faults that need no torch."""

import os
import shutil

FOLDER = "/usr/local/cuda"


def no_toolkit():
    """This machine's own CUDA toolkit, if it has one, is no part of the test."""
    isdir, which = os.path.isdir, shutil.which
    os.path.isdir = lambda path: path != FOLDER and isdir(path)
    shutil.which = lambda name, *rest, **more: (
        None if name == "nvcc" and not os.environ.get("ENVBUILD_NVCC") else which(name, *rest, **more)
    )


def toolkit():
    isdir = os.path.isdir
    os.path.isdir = lambda path: path == FOLDER or isdir(path)


def small_shm():
    real = os.statvfs

    class Facts:
        f_blocks, f_frsize = 1024, 1024

    os.statvfs = lambda path: Facts if path == "/dev/shm" else real(path)


def no_temporary_folder():
    import tempfile

    def refuse(*_, **__):
        raise OSError("Read-only file system")

    tempfile.mkdtemp = refuse


class Driver:
    """A libcuda.so.1 that answers as told: cuInit's code, the driver's CUDA version, the number of GPUs."""

    def __init__(self, code, version, count):
        self.answers = (code, version, count)

    def cuInit(self, flags):  # noqa: N802
        return self.answers[0]

    def cuDriverGetVersion(self, number):  # noqa: N802
        number._obj.value = self.answers[1]

    def cuDeviceGetCount(self, number):  # noqa: N802
        number._obj.value = self.answers[2]


def driver(code, version, count):
    import ctypes

    real = ctypes.CDLL
    answers = Driver(code, version, count)
    ctypes.CDLL = lambda name, *rest, **more: answers if name == "libcuda.so.1" else real(name, *rest, **more)


def driver_sound():
    driver(0, 12080, 1)


def driver_mismatch():
    driver(803, 0, 0)


def driver_old():
    driver(0, 11040, 1)


def driver_blind():
    driver(0, 12080, 0)


def no_driver():
    import ctypes

    real = ctypes.CDLL

    def refuse(name, *rest, **more):
        if name == "libcuda.so.1":
            raise OSError("libcuda.so.1: cannot open shared object file")
        return real(name, *rest, **more)

    ctypes.CDLL = refuse


def has_compiler():
    """A compiler and headers by name; nothing calls them."""
    which, isfile = shutil.which, os.path.isfile
    shutil.which = lambda name, *rest, **more: "/usr/bin/g++" if name == "g++" else which(name, *rest, **more)
    os.path.isfile = lambda path: str(path).endswith("/Python.h") or isfile(path)


def half_a_processor():
    """A cgroup that grants half a processor, in either version's files."""
    import builtins
    import io

    real = builtins.open
    granted = {"cpu.max": "50000 100000\n", "cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}

    def read(path, *rest, **more):
        name = str(path).rpartition("/")[2]
        return io.StringIO(granted[name]) if name in granted else real(path, *rest, **more)

    builtins.open = read

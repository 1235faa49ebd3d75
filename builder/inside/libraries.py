"""Shared libraries: whether those of torch find all that they need, without importing torch."""

import glob
import importlib.util
import os
import shutil
import subprocess

from inside.check import Check, broken, failed, judged

# The driver's own library comes from the host of the GPU, at run time.
FROM_THE_HOST = ("libcuda.so.1", "libnvidia-ml.so.1")

# torch's own. A library that a wheel merely carries along counts when one of these needs it (ldd follows
# them); some are needed by none and cannot be loaded: libgfortran.so.5 of torch 2.15+cu132 is one.
OWN = ("_C", "libtorch", "libc10", "libcaffe2", "libshm")
LOADERS = ("/lib*/ld-linux*.so.*", "/usr/lib*/ld-linux*.so.*", "/lib/*/ld-linux*.so.*", "/lib/ld-musl-*.so.1")


def torch_folder():
    """The folder of the torch package, or None."""
    try:
        spec = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return places[0] if places else None


def torch_libraries(folder):
    """torch's own libraries and extension modules; those of other packages give many false alarms."""
    patterns = ("lib/*.so", "lib/*.so.*", "_C*.so")
    return sorted({path for pattern in patterns for path in glob.glob(os.path.join(folder, pattern))})


def resolver():
    """The command before a library's path, and variables for it: ldd, or the loader in its tracing mode."""
    ldd = shutil.which("ldd")
    if ldd:
        return [ldd], {}
    loaders = sorted(path for pattern in LOADERS for path in glob.glob(pattern))
    if not loaders:
        return None, {}
    return [loaders[0]], {"LD_TRACE_LOADED_OBJECTS": "1"}


def missing(path, command, extra):
    """What the library needs and does not find: names, or the loader's complaint about the file itself."""
    ended = subprocess.run(
        command + [path], env=dict(os.environ, LC_ALL="C", **extra), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    lines = [line.strip() for line in ended.stdout.decode("utf-8", "replace").splitlines()]
    names = [line.split(" => ")[0] for line in lines if line.endswith("=> not found")]
    names += [line for line in lines if "not found (required by" in line]
    if ended.returncode != 0 and not names:
        names = [" ".join(lines)[-200:] or "exit code %d" % ended.returncode]
    return names


def check_libraries(_bench):
    """Every library that torch's libraries name can be found."""
    folder = torch_folder()
    if folder is None:
        return failed("torch is not installed")
    paths = torch_libraries(folder)
    command, extra = resolver()
    if command is None:
        return broken("neither ldd nor the dynamic loader was found")
    unresolved, from_host, unused = [], set(), set()
    for path in paths:
        carrier = os.path.basename(path)
        for name in missing(path, command, extra):
            if name in FROM_THE_HOST:
                from_host.add(name)
            elif carrier.startswith(OWN):
                unresolved.append("%s: %s" % (carrier, name))
            else:
                unused.add("%s: %s" % (carrier, name))
    values = {"libraries": len(paths), "from_the_host": from_host, "tool": os.path.basename(command[0])}
    values["unused_and_unresolved"] = unused
    wrong = sorted(set(unresolved)) if paths else ["%s holds no libraries" % folder]
    hint = "install the system package that holds it, or the wheel that torch asks for"
    return judged(wrong, values, {"unresolved": 0, "allowed": FROM_THE_HOST}, hint)


CHECKS = (
    Check("libs.resolve", "torch's libraries find all that they need", "static", True, check_libraries),
)

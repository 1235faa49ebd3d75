"""Why a cell cannot exist: one function per rule, each of the fewest axes that it depends on.

A rule is silent about what another one answers for: an unknown torch misses no wheels, it is unknown.
"""

from __future__ import annotations

from collections.abc import Callable

from packaging.version import Version

from builder.cell.circumstances import Circumstances
from builder.cell.values import Reason, Weight
from builder.facts import Facts, ProviderRow, TorchRow
from builder.names import variant

Reasons = tuple[Reason, ...]
ReasonsFor = Callable[[str], Reasons]  # of a torch release
NONE: Reasons = ()
INFERRED = " (concluded from other builds, not measured)"


def reason(facts: Facts, rule: str, weight: Weight, message: str, source: str) -> Reasons:
    """One reason with its sources in words; `source` as the rows of the tables hold it."""
    title, date = facts.cited(source)
    return (Reason(rule=rule, weight=weight, message=message, source=title, date=date),)


def known_torch(facts: Facts, torch: str) -> Reasons:
    """Whether the tables know the release."""
    if torch in facts.torch:
        return NONE
    known = f"{next(iter(facts.torch))} to {facts.newest_torch}"
    message = f"torch {torch} is unknown to these tables as of {facts.date}; they know {known}"
    return reason(facts, "unknown_torch", "unknown", message, "pypi")


def known_cuda(facts: Facts, cuda: str) -> Reasons:
    """Whether the tables know the CUDA release, or know that there was none.

    A torch that was built for it is proof enough that there is one.
    """
    if cuda == "cpu" or cuda in facts.cuda or facts.built_for(cuda):
        return NONE
    if cuda in facts.cuda_never:
        return reason(facts, "no_variant", "impossible", facts.cuda_never[cuda], "S8 S11")
    newest = list(facts.cuda)[-1]
    message = f"CUDA {cuda} is unknown to these tables as of {facts.date}; the newest they know is {newest}"
    return reason(facts, "unknown_cuda", "unknown", message, "S8")


def python_wheel(facts: Facts, around: Circumstances, torch: str, python: str) -> Reasons:
    """Whether torch has a wheel for the interpreter."""
    row = facts.torch.get(torch)
    if row is None:
        return NONE
    minor, wheels = minor_of(python), row.python.get(around.arch, ())
    if minor in wheels:
        return NONE
    if minor in row.python_unconfirmed and around.arch == "x86_64":
        message = f"torch {torch} for Python {minor} was experimental and is not on the package index"
        return reason(facts, "python_unconfirmed", "unknown", message, "S1 pypi")
    if not wheels:
        return reason(
            facts, "no_python_wheel", "impossible", f"torch {torch} has no {around.arch} wheels", row.source
        )
    message = f"torch {torch} has no cp{minor.replace('.', '')} wheel; it has Python {spread(wheels)}"
    return reason(facts, "no_python_wheel", "impossible", message, row.source)


def build(facts: Facts, around: Circumstances, torch: str, cuda: str) -> Reasons:
    """Whether PyTorch's index has the build."""
    row, name = facts.torch.get(torch), variant(cuda)
    if row is None or not row.builds(around.arch) or name in row.builds(around.arch):
        return NONE
    if known_cuda(facts, cuda):
        return NONE
    if name in row.variants_unconfirmed or (around.arch == "aarch64" and name in row.variants):
        note = (
            row.note
            if name in row.variants_unconfirmed
            else f"the tables do not know of it for {around.arch}"
        )
        message = f"torch {torch}+{name} is not confirmed: {note or 'not seen on the stable index'}"
        return reason(facts, "variant_unconfirmed", "unknown", message, row.variants_source)
    message = f"{_lifetime(facts, around.arch, name)}; torch {torch} has {', '.join(row.builds(around.arch))}"
    return reason(facts, "no_variant", "impossible", message, row.variants_source)


def _lifetime(facts: Facts, arch: str, name: str) -> str:
    having = [version for version, row in facts.torch.items() if name in row.builds(arch)]
    if not having:
        return f"no torch release has {name} wheels"
    if len(having) == 1:
        return f"{name} wheels exist for torch {having[0]} only"
    return f"{name} wheels exist for torch {having[0]} to {having[-1]} only"


def glibc(facts: Facts, around: Circumstances, os: str, torch: str, cuda: str) -> Reasons:
    """Whether the OS has the glibc that the build needs, and one that loads it."""
    row, system, name = facts.torch.get(torch), facts.os[os], variant(cuda)
    floor = row.floor(around.arch, name) if row else None
    if row is None or floor is None:
        return NONE
    if Version(system.glibc) < Version(floor):
        message = f"torch {torch}+{name} needs glibc {floor}; {os} has {system.glibc}"
        return reason(facts, "glibc_too_old", "impossible", message, f"{row.source} S12")
    if row.executable_stack and system.executable_stack_refused and around.arch == "x86_64":
        message = f"torch {torch} asks for an executable stack, which glibc {system.glibc} of {os} refuses"
        if facts.index_has_build(torch, cuda, around.arch):  # the one whose headers were read
            return reason(facts, "exec_stack", "impossible", message, "wheel execstack S12")
        return reason(facts, "exec_stack", "impossible", message + INFERRED, "inferred execstack S12")
    if name in row.glibc_inferred and Version(system.glibc) < Version(_highest_floor(row)):
        message = f"that torch {torch}+{name} runs on glibc {floor} was concluded, not measured"
        return reason(facts, "glibc_inferred", "warning", message, "inferred general")
    return NONE


def _highest_floor(row: TorchRow) -> str:
    return max(row.glibc_by_variant.values(), key=Version)


def interpreter(facts: Facts, around: Circumstances, os: str, python: str) -> Reasons:
    """Whether the provider can give this Python on this OS."""
    if around.provider == "system":
        return _packaged(facts, os, python)
    provider, minor = facts.providers[around.provider], minor_of(python)
    if minor in provider.python:
        return _patch(facts, provider, python)
    if minor in provider.python_unconfirmed:
        message = f"that {provider.title} offers Python {minor} is not confirmed as of {facts.date}"
        return reason(facts, "python_unconfirmed", "unknown", message, provider.source)
    message = f"{provider.title} has no Python {minor}; it has {spread(provider.python)}"
    return reason(facts, "provider_python", "impossible", message, provider.source)


def _packaged(facts: Facts, os: str, python: str) -> Reasons:
    row = facts.os[os]
    packaged = (row.system_python, *row.extra_python)
    if minor_of(python) not in packaged:
        message = f"{os} packages Python {', '.join(packaged)}, not {python} (provider: system)"
        return reason(facts, "provider_python", "impossible", message, row.source)
    if python not in packaged:
        message = f"the tables do not know which patch of Python {minor_of(python)} {os} packages"
        return reason(facts, "python_patch", "unknown", message, row.source)
    return NONE


def _patch(facts: Facts, provider: ProviderRow, python: str) -> Reasons:
    parts = python.rstrip("t").split(".")
    if len(parts) < 3:
        return NONE
    newest = provider.newest_patch.get(".".join(parts[:2]))
    if newest is None or int(parts[2]) <= newest:
        return NONE
    message = (
        f"Python {python} is unknown to these tables as of {facts.date}; {provider.title} had up to .{newest}"
    )
    return reason(facts, "python_patch", "unknown", message, provider.source)


def devel_image(facts: Facts, around: Circumstances, os: str, cuda: str) -> Reasons:
    """Whether NVIDIA has an image with a compiler for a devel cell, and whether that compiler fits."""
    row = facts.cuda.get(cuda)
    if around.flavor != "devel" or (row is None and not facts.built_for(cuda)):
        return NONE
    if row is None:
        message = f"the tables do not know whether there is an nvidia/cuda devel image for CUDA {cuda}"
        return reason(facts, "devel_unconfirmed", "unknown", message, "S11")
    reasons = NONE
    if os in row.devel_unconfirmed:
        message = f"the tables do not know the tag of an nvidia/cuda devel image for CUDA {cuda} on {os}"
        reasons += reason(facts, "devel_unconfirmed", "unknown", message, row.source)
    elif os not in row.devel_images:
        having = ", ".join(row.devel_images) or "no OS of these tables"
        message = f"there is no nvidia/cuda devel image for CUDA {cuda} on {os}; there is one for {having}"
        reasons += reason(facts, "no_base_image", "impossible", message, "S11")
    elif not row.listed:
        message = f"{row.devel_images[os]} is no longer on NVIDIA's list and may have been deleted"
        reasons += reason(facts, "devel_unlisted", "warning", message, "S11")
    gcc = facts.os[os].gcc
    if row.gcc_below is not None and gcc is not None and int(gcc.split(".")[0]) >= row.gcc_below:
        message = f"nvcc of CUDA {cuda} takes GCC below {row.gcc_below}; {os} has {gcc}"
        reasons += reason(facts, "host_gcc", "impossible", message, "wheel general")
    return reasons


def gpu(facts: Facts, around: Circumstances, torch: str, cuda: str) -> Reasons:
    """Whether the build has kernels for the GPUs that the matrix names."""
    row, build_name = facts.kernels(torch, cuda, around.arch), f"torch {torch}+{variant(cuda)}"
    if cuda == "cpu" or not around.gpus or torch not in facts.torch:
        return NONE
    if row is None:
        message = f"for which GPUs {build_name} has kernels is not in these tables"
        return reason(facts, "gpu_unknown", "warning", message, "S1 S6 S7")
    reasons = NONE
    for wanted in around.gpus:
        if any(_serves(have, wanted) for have in row.archs):
            continue
        lowest = Version(row.archs[0].removesuffix("+PTX"))
        rule = "gpu_too_old" if Version(wanted) < lowest else "gpu_too_new"
        has = f"it has {', '.join(row.archs)}" + (INFERRED if row.inferred else "")
        message = f"{build_name} has no kernels for compute capability {wanted}; {has}"
        reasons += reason(facts, rule, "impossible", message, row.source)
    return reasons


def driver(facts: Facts, around: Circumstances, cuda: str) -> Reasons:
    """Whether a machine's driver runs a build for this CUDA, and starts NVIDIA's image."""
    row, there = facts.cuda.get(cuda), around.driver
    if row is None and there and facts.built_for(cuda):
        message = f"which driver CUDA {cuda} needs is not in these tables, and there is {there}"
        return reason(facts, "driver_unknown", "warning", message, "S8")
    if row is None or not there:
        return NONE
    support = row.support(there)
    if support == "none":
        message = f"CUDA {cuda} needs driver {row.min_driver} or newer, and there is {there}"
        return reason(facts, "driver_too_old", "impossible", message, "S8 S21")
    if support == "full":
        return NONE
    if around.flavor == "devel" and there.partition(".")[0] not in row.driver_branches:
        branches = f", or a branch of {', '.join(row.driver_branches)}" if row.driver_branches else ""
        message = (
            f"NVIDIA's image of CUDA {cuda} starts on driver {row.toolkit_driver} and newer{branches},"
            f" and there is {there}"
        )
        return reason(facts, "driver_refused", "impossible", message, "S11")
    message = f"driver {there} runs CUDA {cuda} by minor version compatibility; {row.toolkit_driver} fully"
    return reason(facts, "driver_below_toolkit", "warning", message, "S8 S21")


def gpu_driver(facts: Facts, around: Circumstances, cuda: str) -> Reasons:
    """Whether a machine's driver runs its GPUs at all."""
    if cuda == "cpu" or not around.driver:
        return NONE
    rows = [facts.capabilities[gpu] for gpu in around.gpus if gpu in facts.capabilities]
    found = [(row.refusal(around.driver), row.source) for row in rows]
    return tuple(
        one
        for message, source in found
        if message
        for one in reason(facts, "driver_and_gpu", "impossible", message, source)
    )


def _serves(have: str, wanted: str) -> bool:
    """A kernel serves its own major from its minor on; PTX is compiled for whatever comes later."""
    built, asked = Version(have.removesuffix("+PTX")), Version(wanted)
    return asked >= built and (have.endswith("+PTX") or asked.major == built.major)


def minor_of(python: str) -> str:
    """The minor that a Python is judged by: `3.11.7` → `3.11`, `3.13.2t` → `3.13t`."""
    parts = python.rstrip("t").split(".")
    return ".".join(parts[:2]) + ("t" if python.endswith("t") else "")


def spread(minors: tuple[str, ...]) -> str:
    """Minors in words: `3.9 to 3.13, 3.13t`. The plain ones come in order and without holes."""
    plain = [minor for minor in minors if not minor.endswith("t")]
    threaded = [minor for minor in minors if minor.endswith("t")]
    ends = list(dict.fromkeys((plain[0], plain[-1]))) if plain else []
    return ", ".join([*([" to ".join(ends)] if ends else []), *threaded])

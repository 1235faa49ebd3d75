"""All checks in the order in which they run: first what can be told even when torch does not import."""

from inside import (
    accelerator,
    accounts,
    architectures,
    bridge,
    companions,
    compiled,
    consistency,
    cuda,
    interpreter,
    libraries,
    loader,
    parallel,
    precision,
    quantization,
    quantization_deep,
    quotas,
    saving,
    system,
    training,
    wheel,
)
from inside.check import LEVELS

ROOMS = (
    system, interpreter, accounts, consistency, libraries, wheel, cuda, architectures, quotas, companions,
    bridge, training, saving, precision, quantization, loader, parallel, accelerator, compiled,
    quantization_deep,
)  # fmt: skip


def catalogue(level):
    """The checks of a level, those of the levels below it included."""
    reach = LEVELS[: LEVELS.index(level) + 1]
    return tuple(check for room in ROOMS for check in room.CHECKS if check.level in reach)


def chosen(level, only):
    """The checks to run: those of the level, or those named, whatever their level."""
    if not only:
        return catalogue(level)
    return tuple(check for check in catalogue("deep") if check.id in only)


def found(name):
    """The check of that id."""
    return next(check for check in catalogue("deep") if check.id == name)

"""How many processors this container may use, and how many torch thinks it may."""

import os

from inside.check import Check, passed, warned


def text(path):
    """The file's text, or None."""
    try:
        with open(path) as stream:
            return stream.read().strip()
    except OSError:
        return None


def cpu_quota():
    """Processors that the cgroup grants, such as 1.5, or None for no bound."""
    words = (text("/sys/fs/cgroup/cpu.max") or "").split()
    if not words:
        words = [
            text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or "-1",
            text("/sys/fs/cgroup/cpu/cpu.cfs_period_us") or "100000",
        ]
    if words[0] in ("max", "-1"):
        return None
    return int(words[0]) / int(words[1])


def memory_limit():
    """The cgroup's memory limit in megabytes, or None."""
    found = text("/sys/fs/cgroup/memory.max") or text("/sys/fs/cgroup/memory/memory.limit_in_bytes") or "max"
    if not found.isdigit() or int(found) > 1 << 60:
        return None
    return int(found) // 1024**2


def check_threads(bench):
    """torch starts no more threads than there are processors: they would wait for one another, spinning."""
    assert bench.torch
    quota, allowed = cpu_quota(), len(os.sched_getaffinity(0))
    granted = min(allowed, quota) if quota else allowed
    threads = bench.default_threads
    values, limits = (
        {"threads": threads, "quota": quota, "affinity": allowed},
        {"threads": "<=%g" % max(granted, 1)},
    )
    if threads > max(granted, 1):
        reason = "torch would start %d threads on %g processors" % (threads, granted)
        return warned(reason, values, limits, "set OMP_NUM_THREADS=%d" % max(granted, 1))
    return passed(values, limits)


CHECKS = (
    Check("threads.quota", "torch's threads fit the processors granted", "static", False, check_threads),
)

"""A run request → what the engine is told: a container with nothing that it was not given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.engine import owner
from builder.engine.api import RunRequest

if TYPE_CHECKING:
    from docker import APIClient

GPU = "nvidia.com/gpu=all"
# What root needs to install packages: owners and modes of any file, apt's downloads as another user (whose
# processes it also ends), devices and capabilities of files, and rpm's scripts, which run in a changed root.
PACKAGES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "SETFCAP",
    "SETGID",
    "SETUID",
    "SYS_CHROOT",
)


def configuration(request: RunRequest, *, init: bool, devices: dict[str, Any]) -> dict[str, Any]:
    """The body of `POST /containers/create`."""
    return {
        "Image": request.image,
        # All of it as the entry point: then neither the image's entry point nor its command takes part.
        "Entrypoint": [*request.entrypoint, *request.command],
        "Cmd": [],
        "User": request.user or "",
        "Env": [f"{name}={value}" for name, value in request.env.items()],
        "WorkingDir": request.work_dir or "",
        "Labels": {owner.LABEL: owner.mine()},
        "Healthcheck": {"Test": ["NONE"]},
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "HostConfig": {**_limits(request), **devices, "Init": init},
    }


def _limits(request: RunRequest) -> dict[str, Any]:
    return {
        "NetworkMode": request.network,
        "ReadonlyRootfs": not request.writable,
        "Tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={request.tmpfs}"},  # noqa: S108  # in the container
        "CapDrop": ["ALL"],
        "CapAdd": list(PACKAGES) if request.writable else [],
        "SecurityOpt": ["no-new-privileges"],
        "Memory": request.memory,
        "MemorySwap": request.memory,  # memory and swap together: no swap
        "PidsLimit": request.pids,
        "ShmSize": request.shm,
        # Not the engine's default log, which would write every byte of a flood to the disk. Attached streams
        # work all the same.
        "LogConfig": {"Type": "none"},
        # Not Binds: those create a missing source as an empty folder, and split paths at colons.
        "Mounts": [
            {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}
            for source, target in request.mounts
        ],
    }


def gpu_devices(client: APIClient, *, podman: bool) -> dict[str, Any]:
    """The host configuration that hands over all GPUs: by CDI where spoken, else by NVIDIA's runtime."""
    if podman:
        return {"Devices": [{"PathOnHost": GPU, "PathInContainer": GPU, "CgroupPermissions": "rwm"}]}
    engine = client.info()
    if "nvidia" not in (engine.get("Runtimes") or {}) and _discovered(engine):
        return {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": [GPU]}]}
    return {"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]}


def can_pass_gpus(engine: dict[str, Any], *, podman: bool, local: bool) -> bool:
    """Whether the engine can hand GPUs over: NVIDIA's runtime, CDI devices, or (locally) their files."""
    if not podman and ("nvidia" in (engine.get("Runtimes") or {}) or _discovered(engine)):
        return True
    specs = [spec for folder in ("/etc/cdi", "/var/run/cdi") for spec in Path(folder).glob("*nvidia*")]
    hook = Path("/usr/bin/nvidia-container-runtime-hook")
    return local and (bool(specs) if podman else hook.exists())


def _discovered(engine: dict[str, Any]) -> bool:
    return any(
        str(device.get("ID", "")).startswith("nvidia.com/gpu")
        for device in engine.get("DiscoveredDevices") or ()
    )

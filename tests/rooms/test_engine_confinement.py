"""What the engine is told about a container; that it keeps to it is seen in tests/real."""

import pytest

from builder.engine import confinement
from builder.engine.api import RunRequest

CDI = {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}], "Runtimes": {"runc": {}}}
HOOK = {"Runtimes": {"nvidia": {}, "runc": {}}}


class Client:
    """Answers with what an engine says of itself."""

    def __init__(self, said):
        self.said = said

    def info(self):
        return self.said


def configured(**changes):
    request = RunRequest(image="image", command=("a", "b"), **changes)
    return confinement.configuration(request, init=True, devices={})


def test_swap_does_not_widen_the_memory():
    host = configured(memory=123_000_000)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (123_000_000, 123_000_000)


def test_nothing_of_the_images_own_start_takes_part():
    told = configured()
    assert (told["Entrypoint"], told["Cmd"]) == (["a", "b"], [])
    assert told["Healthcheck"] == {"Test": ["NONE"]}
    assert configured(entrypoint=("sh", "-c"))["Entrypoint"] == ["sh", "-c", "a", "b"]


def test_a_writable_root_has_what_a_package_manager_needs_and_no_more():
    host = configured(writable=True)["HostConfig"]
    assert not host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert {"CHOWN", "DAC_OVERRIDE", "SETUID", "SETGID"} <= set(host["CapAdd"])
    assert not {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYS_MODULE"} & set(host["CapAdd"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["NetworkMode"] == "none"


def test_the_network_is_the_hosts_only_where_it_is_asked_for():
    assert configured(network="host")["HostConfig"]["NetworkMode"] == "host"
    told = configured()["HostConfig"]
    assert (told["NetworkMode"], told["ReadonlyRootfs"], told["CapAdd"]) == ("none", True, [])


def test_no_output_reaches_the_engines_disk():
    assert configured()["HostConfig"]["LogConfig"] == {"Type": "none"}


def test_gpus_are_asked_for_only_when_wanted():
    assert not {"DeviceRequests", "Devices"} & set(configured()["HostConfig"])


@pytest.mark.parametrize(
    ("said", "podman", "devices"),
    [
        (HOOK, False, {"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]}),
        ({}, False, {"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]}),
        (CDI, False, {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}]}),
    ],
)
def test_the_way_gpus_are_asked_for(said, podman, devices):
    assert confinement.gpu_devices(Client(said), podman=podman) == devices


def test_podman_takes_gpus_as_a_device():
    (device,) = confinement.gpu_devices(Client({}), podman=True)["Devices"]
    assert device["PathOnHost"] == "nvidia.com/gpu=all"


@pytest.mark.parametrize(
    ("said", "able"), [(HOOK, True), (CDI, True), ({"Runtimes": {"runc": {}}}, False), ({}, False)]
)
def test_whether_a_distant_engine_has_gpus(said, able):
    assert confinement.can_pass_gpus(said, podman=False, local=False) is able

"""Verdicts on cells: what cannot exist and why, what is unknown, and what a user should be told anyway."""

from __future__ import annotations

import pytest
from cell_matrices import cell, cells, reason, rules


def test_a_possible_cell_is_selected_and_named() -> None:
    judged = cell("ubuntu22.04", "3.10", "12.6", "2.8")
    assert judged.id == "ubuntu22.04-py3.10-cu126-torch2.8.0"
    assert (judged.verdict, judged.status, judged.selected) == ("possible", "kept", True)
    assert judged.tags == ("example.com/t:ubuntu22.04-py3.10-cu126-torch2.8.0",)
    assert judged.python == "3.10"


def test_the_quickstart_cell_is_possible_with_the_systems_python() -> None:
    assert cell("debian12", "3.11", "cpu", "2.13", provider="system").selected


def test_python_3_13_with_torch_1_13_is_impossible() -> None:
    judged = cell("ubuntu22.04", "3.13", "cpu", "1.13")
    why = reason(judged, "no_python_wheel")
    assert judged.verdict == "impossible"
    assert why.message == "torch 1.13.1 has no cp313 wheel; it has Python 3.7 to 3.11"
    assert why.date == "2026-11-23"
    assert "package index" in (why.source or "")
    assert why.nearest == (
        "ubuntu22.04-py3.13-cpu-torch2.5.1",
        "ubuntu22.04-py3.11-cpu-torch1.13.1",
        "ubuntu22.04-py3.13-cpu-torch2.5.0",
    )


def test_cuda_11_8_with_torch_2_9_is_impossible() -> None:
    why = reason(cell("ubuntu22.04", "3.11", "11.8", "2.9"), "no_variant")
    assert why.message == (
        "cu118 wheels exist for torch 2.0.0 to 2.7.1 only; torch 2.9.1 has cpu, cu126, cu128, cu130"
    )
    assert why.nearest[:2] == ("ubuntu22.04-py3.11-cu118-torch2.7.1", "ubuntu22.04-py3.11-cu126-torch2.9.1")


def test_centos_7_with_torch_2_7_is_impossible() -> None:
    judged = cell("centos7", "3.11", "cpu", "2.7")
    why = reason(judged, "glibc_too_old")
    assert why.message == "torch 2.7.1+cpu needs glibc 2.28; centos7 has 2.17"
    assert why.nearest[:2] == ("centos7-py3.11-cpu-torch2.6.0", "centos-stream9-py3.11-cpu-torch2.7.1")


def test_centos_7_takes_torch_2_6_but_for_its_cu126_build() -> None:
    by_cuda = {judged.cuda: judged for judged in cells("centos7", "3.12", "cpu 11.8 12.4 12.6", "2.6")}
    assert {cuda: judged.verdict for cuda, judged in by_cuda.items()} == {
        "cpu": "possible",
        "11.8": "possible",
        "12.4": "possible",
        "12.6": "impossible",
    }
    assert rules(by_cuda["12.6"], "impossible") == ["glibc_too_old"]
    assert "glibc_inferred" in rules(by_cuda["cpu"], "warning")
    assert "glibc_inferred" not in rules(by_cuda["12.4"], "warning")
    assert cell("centos7", "3.12", "cpu", "2.6", platform="linux/arm64").verdict == "impossible"
    assert cell("centos7", "3.12", "cpu", "2.5", platform="linux/arm64").verdict == "possible"


def test_an_unknown_torch_is_unknown_and_not_impossible() -> None:
    judged = cell("ubuntu24.04", "3.12", "cpu", "9.9")
    why = reason(judged, "unknown_torch")
    assert (judged.verdict, judged.torch, judged.selected) == ("unknown", "9.9", False)
    assert "unknown to these tables as of 2026-11-23" in why.message
    assert why.nearest[0] == "ubuntu24.04-py3.12-cpu-torch2.15.0"


@pytest.mark.parametrize(
    ("axes", "rule", "verdict"),
    [
        (("ubuntu24.04", "3.12", "14.1", "2.8"), "unknown_cuda", "unknown"),
        (("ubuntu24.04", "3.12", "12.7", "2.8"), "no_variant", "impossible"),
        (("ubuntu24.04", "3.12", "13.4", "2.14"), "variant_unconfirmed", "unknown"),
        (("ubuntu24.04", "3.12", "12.9", "2.12.1"), "variant_unconfirmed", "unknown"),
        (("ubuntu24.04", "3.12", "12.9", "2.12.0"), "no_variant", "impossible"),
        (("ubuntu24.04", "3.12", "12.6", "2.15"), "no_variant", "impossible"),
        (("ubuntu24.04", "3.13t", "cpu", "2.6"), "python_unconfirmed", "unknown"),
        (("ubuntu24.04", "3.13t", "cpu", "2.12.1"), "no_python_wheel", "impossible"),
        (("debian13", "3.10", "cpu", "1.12"), "exec_stack", "impossible"),
        (("ubuntu26.04", "3.9", "10.2", "1.10.0"), "exec_stack", "impossible"),
        (("ubuntu22.04", "3.7", "cpu", "1.13"), "provider_python", "impossible"),
        (("ubuntu22.04", "3.11.99", "cpu", "2.8"), "python_patch", "unknown"),
    ],
)
def test_a_rule_blocks(axes: tuple[str, str, str, str], rule: str, verdict: str) -> None:
    judged = cell(*axes)
    assert judged.verdict == verdict
    assert [why.rule for why in judged.reasons if why.blocks] == [rule]


@pytest.mark.parametrize(
    ("axes", "rest"),
    [
        (("debian12", "3.10", "cpu", "1.12"), {}),
        (("debian13", "3.10", "cpu", "1.13"), {}),
        (("debian13", "3.9", "cpu", "1.10.0"), {"platform": "linux/arm64"}),
        (("ubuntu24.04", "3.13t", "cpu", "2.12.0"), {}),
        (("ubuntu22.04", "3.7", "cpu", "1.13"), {"provider": "conda"}),
        (("centos7", "3.6", "10.2", "1.10.1"), {"provider": "conda"}),
        (("ubuntu22.04", "3.11.7", "cpu", "2.8"), {}),
        (("rocky9", "3.12", "cpu", "2.8"), {"provider": "system"}),
        (("centos7", "3.6", "cpu", "1.10.2"), {"provider": "system"}),
    ],
)
def test_what_looks_like_a_blocked_cell_and_is_none(
    axes: tuple[str, str, str, str], rest: dict[str, str]
) -> None:
    assert cell(*axes, **rest).verdict == "possible"


@pytest.mark.parametrize(
    ("os", "python", "provider", "verdict"),
    [
        ("debian12", "3.12", "system", "impossible"),
        ("debian12", "3.11.2", "system", "unknown"),
        ("ubuntu24.04", "3.13t", "conda", "unknown"),
        ("ubuntu24.04", "3.6", "standalone", "impossible"),
        ("ubuntu24.04", "3.5", "conda", "impossible"),
    ],
)
def test_a_provider_gives_what_it_has(os: str, python: str, provider: str, verdict: str) -> None:
    torch = "1.8" if python in ("3.5", "3.6") else "2.8"
    judged = cell(os, python, "cpu", torch, provider=provider)
    assert judged.verdict == verdict
    assert {"provider_python", "python_patch", "python_unconfirmed"} & {why.rule for why in judged.reasons}


def test_a_devel_cell_needs_nvidias_image() -> None:
    judged = cell("debian12", "3.11", "12.6", "2.8", flavor="devel")
    why = reason(judged, "no_base_image")
    assert judged.verdict == "impossible"
    assert why.date == "2025-12-15", "the day on which NVIDIA's list was read"
    assert why.nearest[0] == "ubuntu22.04-py3.11-cu126-torch2.8.0"
    assert cell("debian12", "3.11", "12.6", "2.8").verdict == "possible"
    assert cell("debian12", "3.11", "cpu", "2.8", flavor="devel").verdict == "possible"
    assert cell("ubuntu22.04", "3.11", "12.6", "2.8", flavor="devel").verdict == "possible"


def test_nvcc_takes_no_newer_gcc() -> None:
    judged = cell("ubuntu24.04", "3.11", "11.8", "2.6", flavor="devel")
    assert "nvcc of CUDA 11.8 takes GCC below 12; ubuntu24.04 has 13" in reason(judged, "host_gcc").message


def test_a_devel_tag_that_nobody_named_is_unknown() -> None:
    judged = cell("ubuntu24.04", "3.12", "13.4", "2.15", flavor="devel")
    assert {"devel_unconfirmed", "variant_unconfirmed"} == {why.rule for why in judged.reasons if why.blocks}


@pytest.mark.parametrize(
    ("gpu", "cuda", "torch", "rule"),
    [
        ("12.0", "12.6", "2.8", "gpu_too_new"),
        ("7.0", "13.0", "2.9", "gpu_too_old"),
        ("3.7", "12.6", "2.7", "gpu_too_old"),
        ("8.9", "12.6", "2.7", None),
        ("12.1", "12.8", "2.8", None),
        ("11.0", "12.8", "2.8", "gpu_too_new"),
        ("13.0", "13.0", "2.9", None),
        ("8.0", "cpu", "2.9", None),
    ],
)
def test_named_gpus_need_kernels(gpu: str, cuda: str, torch: str, rule: str | None) -> None:
    from builder.matrix import VerifySettings

    judged = cell("ubuntu22.04", "3.12", cuda, torch, verify=VerifySettings(gpus=(gpu,)))
    assert [why.rule for why in judged.reasons if why.blocks] == ([rule] if rule else [])


def test_an_arm_cell_has_what_is_known_for_arm() -> None:
    verdicts = {
        (judged.cuda, judged.torch): judged.verdict
        for judged in cells("ubuntu22.04", "3.11", "cpu 12.6 13.0", "2.8 2.13", platform="linux/arm64")
    }
    assert verdicts == {
        ("cpu", "2.8.0"): "possible",
        ("12.6", "2.8.0"): "unknown",
        ("13.0", "2.8.0"): "impossible",
        ("cpu", "2.13.0"): "possible",
        ("12.6", "2.13.0"): "possible",
        ("13.0", "2.13.0"): "possible",
    }
    assert (
        "aarch64"
        in reason(cell("ubuntu22.04", "3.9", "cpu", "1.7", platform="linux/arm64"), "no_python_wheel").message
    )


@pytest.mark.parametrize(
    ("axes", "rest", "rule"),
    [
        (("ubuntu18.04", "3.11", "cpu", "2.5"), {}, "eol"),
        (("debian12", "3.11", "cpu", "2.8"), {}, "eol"),
        (("ubuntu24.04", "3.9", "cpu", "2.8"), {}, "eol"),
        (("ubuntu24.04", "3.12", "12.6", "2.8"), {}, "driver_floor"),
        (("ubuntu24.04", "3.11", "cpu", "1.13"), {"pip": ("torchvision>=0.1",)}, "no_torchvision"),
        (("ubuntu24.04", "3.13", "cpu", "2.5"), {"pip": ("TorchAudio",)}, "no_torchaudio"),
        (("ubuntu24.04", "3.11", "cpu", "2.4"), {"pip": ("torchao",)}, "no_torchao"),
        (("ubuntu24.04", "3.12", "cpu", "2.3"), {}, "no_triton_312"),
        (("ubuntu24.04", "3.13", "cpu", "2.5"), {}, "no_triton_313"),
        (("ubuntu22.04", "3.12", "12.6", "2.8"), {"flavor": "devel"}, "require_cuda"),
        (("ubuntu20.04", "3.9", "11.3", "1.11"), {"flavor": "devel"}, "devel_unlisted"),
        (("centos7", "3.8", "10.2", "1.11"), {"flavor": "devel"}, "cuda_repo_key"),
        (("ubuntu24.04", "3.12", "cpu", "2.6"), {"pip": ("sympy==1.12",)}, "sympy_pin"),
    ],
)
def test_a_possible_cell_comes_with_warnings(
    axes: tuple[str, str, str, str], rest: dict[str, object], rule: str
) -> None:
    judged = cell(*axes, **rest)
    assert judged.verdict == "possible"
    warned = [why for why in judged.reasons if why.rule == rule]
    assert warned
    assert all(why.weight == "warning" and why.source and why.date for why in warned)


@pytest.mark.parametrize(
    ("axes", "rest", "rule"),
    [
        (("ubuntu24.04", "3.11", "cpu", "1.13"), {}, "no_torchvision"),
        (("ubuntu24.04", "3.12", "cpu", "2.6"), {"pip": ("sympy",)}, "sympy_pin"),
        (("ubuntu24.04", "3.12", "cpu", "2.8"), {"flavor": "devel"}, "require_cuda"),
        (("ubuntu24.04", "3.12", "cpu", "2.8"), {}, "driver_floor"),
        (("ubuntu24.04", "3.12", "cpu", "2.8"), {}, "eol"),
    ],
)
def test_no_warning_without_its_cause(
    axes: tuple[str, str, str, str], rest: dict[str, object], rule: str
) -> None:
    assert rule not in [why.rule for why in cell(*axes, **rest).reasons]


def test_what_blocks_comes_before_what_warns() -> None:
    weights = [why.weight for why in cell("centos7", "3.8", "11.8", "9.9", flavor="devel").reasons]
    assert weights == sorted(weights, key=["impossible", "unknown", "warning"].index)
    assert len(set(weights)) > 1


@pytest.mark.parametrize(
    ("os", "torch", "wanted", "limit"),
    [
        ("debian12", "2.2", "numpy>=2", "numpy<2"),
        ("debian12", "2.2", "NumPy==2.1.*", "numpy<2"),
        ("debian12", "2.2", "numpy~=2.0", "numpy<2"),
        ("centos7", "2.5", "numpy>2.2.6", None),
        ("centos7", "2.5", "numpy>=2.3", "numpy<=2.2.6"),
        ("debian12", "2.2", "numpy>=1.26", None),
        ("debian12", "2.2", "numpy<3", None),
        ("debian12", "2.2", "numpy", None),
        ("debian12", "2.2", "scipy>=2", None),
        ("debian12", "2.2", 'numpy>=2; python_version < "3.9"', None),
        ("debian12", "2.8", "numpy>=2", None),
    ],
)
def test_a_release_that_the_tables_rule_out_is_told(
    os: str, torch: str, wanted: str, limit: str | None
) -> None:
    judged = cell(os, "3.10", "cpu", torch, pip=(wanted,))
    assert judged.verdict == "possible"
    if limit is None:
        assert "bounds" not in rules(judged, "warning")
    else:
        told = reason(judged, "bounds")
        assert (
            told.message == f"torch {judged.torch} on {os} needs {limit}, and packages.pip asks for {wanted}"
        )
        assert told.source

"""The verifier against broken claims and environments: for each check, break one thing and see it fail."""

import shutil

import pytest
from inside_faults.folders import distribution, package, record, torch_libraries
from inside_faults.harness import Case, configuration, run, start, surroundings, torch_python, truth

pytestmark = pytest.mark.torch

CUDA = {"cuda": "12.8"}

CASES = (
    Case("os.release", "another system", reason="not centos7", claim={"os": "centos7"}),
    Case("os.arch", "another processor", reason="not ppc64le", claim={"arch": "ppc64le"}),
    Case("shm.size", "too small", "warn", "1 MB", faults=("small_shm",)),
    Case("python.version", "another minor version", reason="not 3.6", claim={"python": "3.6"}),
    Case("python.version", "free-threaded", reason="not", claim={"python": "3.11t"}),
    Case("python.prefix", "another place", reason="not /opt/env", claim={"prefix": "/opt/env"}),
    Case("python.prefix", "another Python first on PATH", reason="outside", env={"PATH": "/usr/bin:/bin"}),
    Case("python.prefix", "no Python on PATH", reason="no python on PATH", env={"PATH": "/nonexistent"}),
    Case("user.account", "another uid", reason="not 4711", claim={"uid": 4711}),
    Case("user.account", "another name", reason="not somebody", claim={"user": "somebody"}),
    Case("user.account", "another home", reason="HOME is /elsewhere", env={"HOME": "/elsewhere"}),
    Case("settings.env", "not set", reason="A_SETTING is not set", claim={"settings": [["A_SETTING", "1"]]}),
    Case("settings.env", "another value", reason="'no'", env={"ENVBUILD_TEST_SETTING": "no"}),
    Case(
        "settings.folders", "no such folder", reason="there is no folder",
        claim={"settings": [["TORCH_HOME", "{folder}/missing"]]},
    ),
    Case(
        "settings.folders", "not a path", reason="not an absolute path",
        claim={"settings": [["TORCH_HOME", "~/models"]]},
    ),
    Case(
        "packages.versions", "another version", reason="not 0.0.1",
        claim={"packages": [["numpy", "0.0.1"]]},
    ),
    Case("packages.versions", "missing", reason="not installed", claim={"packages": [["no-such", "1.0"]]}),
    Case("torch.import", "from elsewhere", reason="outside /opt/env", claim={"prefix": "/opt/env"}),
    Case("torch.version", "another release", reason="not 2.12.0", claim={"torch": "2.12.0+cpu"}),
    Case("torch.version", "another build", reason="+cu126", claim={"torch": "2.13.0+cu126"}),
    Case("cpu.pure", "a CUDA build", reason="built for CUDA 12.8", faults=("cuda_build",)),
    Case("cpu.pure", "a toolkit", reason="/usr/local/cuda is there", faults=("toolkit",)),
    Case("torch.cuda", "a CPU build", reason="not for CUDA 12.6", claim={"cuda": "12.6"}),
    Case("torch.cuda", "a CUDA build", reason="not for CPUs", faults=("cuda_build",)),
    Case("torch.cuda", "another CUDA", reason="not 12.6", claim={"cuda": "12.6"}, faults=("cuda_build",)),
    Case("torch.cudnn", "older than compiled", reason="9.7.1", claim=CUDA, faults=("cudnn_older",)),
    Case("torch.cudnn", "another major version", reason="8.9.2", claim=CUDA, faults=("cudnn_other",)),
    Case("cuda.toolkit", "none in devel", reason="no nvcc", claim={**CUDA, "flavor": "devel"}),
    Case("cuda.toolkit", "one in runtime", "warn", "twice", claim=CUDA, faults=("toolkit",)),
    Case("arch.list", "an old GPU", reason="7.5", claim={**CUDA, "gpus": ["7.5"]}, faults=("cuda_build",)),
    Case(
        "arch.list", "one of two", reason="6.1", claim=CUDA, config={"gpus": ["8.6", "6.1"]},
        faults=("cuda_build",),
    ),
    Case("arch.list", "a CPU build in a CUDA cell", reason="8.6", claim={**CUDA, "gpus": ["8.6"]}),
    Case(
        "threads.quota", "too many", "warn", "8 threads on 0.5",
        faults=("half_a_processor", "many_threads"),
    ),
    Case("numpy.bridge", "refused", reason="Numpy is not available", faults=("no_numpy_bridge",)),
    Case("numpy.bridge", "wrong numbers", reason="numpy to torch gave", faults=("numpy_garbled",)),
)  # fmt: skip

GOOD = (
    Case("torch.cudnn", "newer within the major version", "pass", claim=CUDA, faults=("cudnn_newer",)),
    Case("torch.cuda", "the claimed CUDA", "pass", claim=CUDA, faults=("cuda_build",)),
    Case(
        "arch.list", "all covered", "pass", claim={**CUDA, "gpus": ["8.6", "9.0", "12.0"]},
        faults=("cuda_build",),
    ),
    Case("settings.folders", "writable", "pass", claim={"settings": [["TORCH_HOME", "{folder}"]]}),
    Case(
        "packages.versions", "spelled otherwise", "pass",
        claim={"packages": [["Typing.Extensions", "4.16.0"]]},
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES + GOOD, ids=str)
def test_the_check_sees_it(tmp_path, case):
    ended = run(tmp_path, case)
    check = ended.check(case.id)
    assert check["status"] == case.status, check
    assert case.reason in (check["reason"] or ""), check
    assert ended.code == (1 if case.status == "fail" and check["required"] else 0)


def lone(tmp_path, name, status, reason, **more):
    """Run one check with `tmp_path / "site"` before the environment's own packages."""
    more.setdefault("env", {})["PYTHONPATH"] = str(tmp_path / "site")
    ended = run(tmp_path, Case(name, "", **more))
    check = ended.check(name)
    assert (check["status"], reason in (check["reason"] or "")) == (status, True), check
    return check


def test_pip_check_sees_what_is_missing(tmp_path):
    distribution(tmp_path / "site", "a-tool", "1.0", "Requires-Dist: no-such>=2")
    lone(tmp_path, "pip.check", "fail", "a-tool 1.0 needs no-such >=2, which is not installed")


def test_pip_check_sees_a_version_that_does_not_fit(tmp_path):
    distribution(tmp_path / "site", "a-tool", "1.0", "Requires-Dist: numpy (<1)")
    lone(tmp_path, "pip.check", "fail", "a-tool 1.0 needs numpy <1, but")


def test_pip_check_follows_extras_and_leaves_out_what_does_not_apply(tmp_path):
    distribution(tmp_path / "site", "a-tool", "1.0", "Requires-Dist: b-tool[fast]")
    lines = ["Provides-Extra: fast", "Provides-Extra: slow"]
    lines += ["Requires-Dist: no-such; extra == 'slow'", "Requires-Dist: no-such; sys_platform == 'win32'"]
    place = distribution(tmp_path / "site", "b-tool", "1.0", *lines)
    lone(tmp_path, "pip.check", "pass", "")
    with (place / "METADATA").open("a") as stream:
        stream.write("")
    text = (
        (place / "METADATA").read_text().replace("\n\nText", "\nRequires-Dist: gone; extra == 'fast'\n\nText")
    )
    (place / "METADATA").write_text(text)
    lone(tmp_path, "pip.check", "fail", "b-tool 1.0 [fast] needs gone, which is not installed")


def test_pip_check_sees_a_python_that_does_not_fit(tmp_path):
    distribution(tmp_path / "site", "a-tool", "1.0", "Requires-Python: <3")
    lone(tmp_path, "pip.check", "fail", "wants Python <3")


def test_pip_check_warns_of_two_of_a_kind(tmp_path):
    distribution(tmp_path / "site", "a-tool", "1.0")
    distribution(tmp_path / "site", "a-tool", "2.0")
    lone(tmp_path, "pip.check", "warn", "a-tool is there twice")


def test_a_changed_file_of_torch_is_seen(tmp_path):
    site = tmp_path / "site"
    (site / "torch" / "lib").mkdir(parents=True)
    library = site / "torch" / "lib" / "libtorch_cpu.so"
    library.write_bytes(b"0123456789")
    record(distribution(site, "torch", "2.13.0"), {"torch/lib/libtorch_cpu.so": b"0123456789"})
    lone(tmp_path, "torch.files", "pass", "")
    library.write_bytes(b"012345678X")
    lone(tmp_path, "torch.files", "fail", "was changed")
    library.write_bytes(b"01234")
    lone(tmp_path, "torch.files", "fail", "has 5 bytes")
    library.unlink()
    lone(tmp_path, "torch.files", "fail", "is missing")


def test_the_deep_level_hashes_every_file_of_torch(tmp_path):
    site = tmp_path / "site"
    (site / "torch").mkdir(parents=True)
    (site / "torch" / "version.py").write_bytes(b"x = 2")
    record(distribution(site, "torch", "2.13.0"), {"torch/version.py": b"x = 1"})
    lone(tmp_path, "torch.files", "pass", "")
    lone(tmp_path, "torch.files", "fail", "was changed", config={"level": "deep"})


@pytest.mark.parametrize("env", [{}, {"PATH": "/nonexistent"}], ids=["ldd", "the loader itself"])
def test_a_library_that_misses_another_is_seen(tmp_path, env):
    lone(tmp_path, "libs.resolve", "pass", "", env=dict(env))
    package(tmp_path / "site", "torch", "")
    (tmp_path / "site" / "torch" / "lib").mkdir()
    shutil.copy(torch_libraries() / "libtorch_python.so", tmp_path / "site" / "torch" / "lib")
    check = lone(tmp_path, "libs.resolve", "fail", "libtorch_python.so: libtorch_cpu.so", env=dict(env))
    assert check["values"]["tool"].startswith("ld")


def test_a_library_that_torch_carries_and_none_needs_is_only_told(tmp_path):
    package(tmp_path / "site", "torch", "")
    (tmp_path / "site" / "torch" / "lib").mkdir()
    folder = tmp_path / "site" / "torch" / "lib"
    shutil.copy(torch_libraries() / "libtorch_python.so", folder / "libfortran.so.5")
    shutil.copy(torch_libraries() / "libc10.so", folder)
    check = lone(tmp_path, "libs.resolve", "pass", "")
    assert "libfortran.so.5: libtorch_cpu.so" in check["values"]["unused_and_unresolved"]


def test_a_library_that_is_none_is_seen(tmp_path):
    package(tmp_path / "site", "torch", "")
    (tmp_path / "site" / "torch" / "lib").mkdir()
    (tmp_path / "site" / "torch" / "lib" / "libtorch_cpu.so").write_bytes(b"\x7fELF and then nothing")
    lone(tmp_path, "libs.resolve", "fail", "libtorch_cpu.so")


def test_cuda_in_a_cpu_image_is_seen(tmp_path):
    distribution(tmp_path / "site", "nvidia-cublas-cu12", "12.8.4.1")
    lone(tmp_path, "cpu.pure", "fail", "nvidia-cublas-cu12")


def test_another_compiler_of_cuda_is_seen(tmp_path):
    nvcc = tmp_path / "bin" / "nvcc"
    nvcc.parent.mkdir()
    nvcc.write_text("#!/bin/sh\necho Cuda compilation tools, release 12.4, V12.4.99\n")
    nvcc.chmod(0o755)
    env = {"PATH": f"{nvcc.parent}:/usr/bin:/bin", "ENVBUILD_NVCC": "1"}
    claim = {"cuda": "12.8", "flavor": "devel"}
    lone(tmp_path, "cuda.toolkit", "fail", "nvcc is 12.4, not 12.8", claim=claim, env=dict(env))
    lone(tmp_path, "cuda.toolkit", "pass", "", claim={**claim, "cuda": "12.4"}, env=dict(env))


def test_two_openmp_runtimes_are_seen(tmp_path):
    second = tmp_path / "libgomp-second.so.1"
    shutil.copy(next(torch_libraries().glob("libgomp*")), second)
    env = {"ENVBUILD_SECOND_OPENMP": str(second)}
    lone(tmp_path, "openmp.copies", "warn", "2 OpenMP", faults=("second_openmp",), env=env)


def companion(tmp_path, nms, version="0.28.0"):
    place = package(
        tmp_path / "site", "torchvision", f"from torchvision import ops\n__version__ = {version!r}\n"
    )
    (place / "ops.py").write_text(nms)


SOUND = "import torch\ndef nms(boxes, scores, limit): return torch.tensor([0, 2])\n"
CLAIMED = {"packages": [["torchvision", "0.28.0+cpu"]]}


@pytest.mark.parametrize(
    ("nms", "status", "reason"),
    [
        (SOUND, "pass", ""),
        (SOUND.replace("[0, 2]", "[0, 1]"), "fail", "kept [0, 1]"),
        ("raise ImportError('undefined symbol')\n", "fail", "ImportError: undefined symbol"),
        ("import ctypes\ndef nms(*_): ctypes.string_at(0)\n", "error", "SIGSEGV"),
        ("import os\ndef nms(*_): os._exit(0)\n", "error", "left no result"),
    ],
)
def test_a_broken_companion_is_seen(tmp_path, nms, status, reason):
    companion(tmp_path, nms)
    lone(tmp_path, "companions", status, reason, claim=CLAIMED)


def test_another_companion_is_seen(tmp_path):
    companion(tmp_path, SOUND, "0.27.1")
    lone(tmp_path, "companions", "fail", "not 0.28.0", claim=CLAIMED)


@pytest.mark.parametrize("built", ["11080", "'11.8'"])
def test_a_companion_for_another_cuda_is_seen(tmp_path, built):
    companion(tmp_path, SOUND)
    with (tmp_path / "site" / "torchvision" / "__init__.py").open("a") as stream:
        stream.write(f"class version: cuda = {built}\n")
    faults = ("cuda_build",)
    lone(tmp_path, "companions", "fail", "built for CUDA 11, torch for 12.8", claim=CLAIMED, faults=faults)


def test_a_missing_companion_is_seen(tmp_path):
    lone(
        tmp_path,
        "companions",
        "fail",
        "No module named 'torchaudio'",
        claim={"packages": [["torchaudio", "1.0"]]},
    )


def test_numpy_that_does_not_import_is_seen(tmp_path):
    package(tmp_path / "site", "numpy", "raise ImportError('numpy is broken')\n")
    lone(tmp_path, "numpy.bridge", "error", "numpy is broken")  # torch itself does not import then
    lone(tmp_path, "torch.import", "fail", "numpy is broken")


def test_torch_that_does_not_import_fails_and_takes_its_dependants_along(tmp_path):
    package(tmp_path / "site", "torch", "raise OSError('libtorch_cpu.so: invalid ELF header')\n")
    config = configuration(level="deep")
    env = surroundings(torch_python(), {"PYTHONPATH": str(tmp_path / "site")})
    ended = start(tmp_path, config, env=env)
    assert ended.code == 1
    assert ended.check("torch.import")["status"] == "fail"
    assert "invalid ELF header" in ended.check("torch.import")["reason"]
    assert ended.check("train.curve")["status"] == "error"
    assert ended.of("summary")[0]["complete"] is True


def test_without_a_claim_nothing_is_compared(tmp_path):
    ended = start(tmp_path, configuration(level="static", claim=None), env=surroundings(torch_python()))
    assert ended.code == 0
    for name in (
        "os.release",
        "python.version",
        "torch.version",
        "torch.cuda",
        "user.account",
        "settings.env",
    ):
        assert (ended.check(name)["status"], ended.check(name)["required"]) == ("skip", False), name


def test_the_claim_of_these_tests_is_true(tmp_path):
    ended = start(tmp_path, configuration(level="static"), env=surroundings(torch_python()))
    assert {name for name, check in ended.checks.items() if check["status"] not in ("pass", "skip")} == set()
    assert ended.code == 0
    assert truth()["torch"] == ended.check("torch.version")["values"]["found"]

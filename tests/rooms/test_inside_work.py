"""The verifier at work on a broken torch: for each check, break that one thing and see it fail."""

import pytest
from inside_faults.folders import mnist
from inside_faults.harness import Case, configuration, run, start, surroundings, torch_python

pytestmark = pytest.mark.torch

GPU = {"claim": {"cuda": "12.8"}, "config": {"gpu": True}}
TWO = {"config": {"epochs": 2}}

CASES = (
    Case("data.digits", "other pixels", reason="sha256 is another", faults=("clamp",)),
    Case("train.curve", "TF32", reason="away from the known", faults=("tf32",)),
    Case("train.curve", "the learning rate 1 % off", reason="away from the known", faults=("rate_off",)),
    Case("train.curve", "no learning", reason="the loss does not fall", faults=("no_learning",)),
    Case("train.curve", "not a number", reason="not a number", faults=("loss_nan",), **TWO),
    Case("train.curve", "other initial weights", reason="initial weights", faults=("other_weights",), **TWO),
    Case("train.accuracy", "wrong answers", reason="it is right on", faults=("wrong_answers",)),
    Case("save.load", "a changed weight", reason="outputs differ", faults=("saves_garbled",), **TWO),
    Case("save.load", "a missing weight", reason="is missing from the file", faults=("loads_less",), **TWO),
    Case("save.load", "nothing is loaded", reason="outputs differ", faults=("loads_nothing",), **TWO),
    Case("save.load", "nowhere to save", "error", "tmpfs at /tmp", faults=("no_temporary_folder",), **TWO),
    Case("quantize.dynamic", "does nothing", reason="nothing was quantized", faults=("quantize_idle",)),
    Case("quantize.dynamic", "gets it wrong", reason="share of right answers", faults=("quantize_coarse",)),
    Case("quantize.dynamic", "cannot be loaded", reason="other outputs", faults=("loads_nothing",)),
    Case("quantize.dynamic", "the API is gone", "warn", "built-in stand-in", faults=("quantize_gone",)),
    Case("quantize.engines", "one gets it wrong", reason="qnnpack", faults=("quantize_coarse_qnnpack",)),
    Case("quantize.static", "does nothing", reason="nothing was quantized", faults=("convert_idle",)),
    Case("matmul.precision", "TF32", reason="float32 products are off", faults=("tf32",)),
    Case("loader.workers", "no workers", reason="not 0 and 1", faults=("loader_alone",)),
    Case("loader.workers", "another order", reason="other samples", faults=("loader_garbled",)),
    Case("loader.workers", "a worker is killed", "error", "DataLoader worker", faults=("loader_crash",)),
    Case("parallel.ddp", "gradients are not shared", reason="different gradients", faults=("ddp_apart",)),
    Case(
        "parallel.ddp", "weights are not broadcast", reason="different weights",
        faults=("ddp_no_broadcast",),
    ),
    Case("parallel.ddp", "nothing is reduced", reason="wrong sums", faults=("no_reduction",)),
    Case("parallel.ddp", "a rank dies", reason="SIGABRT", faults=("rank_dies",)),
    Case(
        "parallel.ddp", "a rank hangs", "error", "in time", faults=("rank_hangs",),
        config={"time_limit": 12},
    ),
    Case(
        "parallel.data", "other outputs", reason="away from one GPU",
        faults=("fake_gpu", "replicas_wrong"), **GPU,
    ),
    Case(
        "parallel.nccl", "no NCCL", reason="rank 0 left no result",
        faults=("cuda_build", "gpu_count"), **GPU,
    ),
    Case(
        "parallel.nccl", "nothing is reduced", reason="wrong sums",
        faults=("fake_gpu", "no_reduction"), **GPU,
    ),
    Case(
        "gpu.driver", "mismatch", reason="cuInit gives 803",
        faults=("cuda_build", "driver_mismatch"), **GPU,
    ),
    Case("gpu.driver", "too old", reason="supports CUDA 11.4", faults=("cuda_build", "driver_old"), **GPU),
    Case("gpu.driver", "no GPU", reason="sees no GPU", faults=("cuda_build", "driver_blind"), **GPU),
    Case("gpu.train", "TF32", reason="away from the known", faults=("fake_gpu", "tf32"), **GPU),
    Case("gpu.train", "no GPU", "error", "cannot use the GPU", faults=("fake_gpu", "gpu_lost"), **GPU),
    Case("gpu.matmul", "TF32", reason="float32 products are off", faults=("fake_gpu", "tf32"), **GPU),
    Case("gpu.exceptions", "silence", reason="raised nothing", faults=("fake_gpu", "gpu_silent"), **GPU),
    Case("compile", "other outputs", reason="outputs are up to", faults=("has_compiler", "compile_wrong")),
    Case(
        "amp.train", "no mixed precision", reason="not of reduced precision",
        faults=("no_mixed_precision",),
    ),
)  # fmt: skip

# The same surroundings without the fault: what fails above fails because of the fault.
GOOD = (
    Case("parallel.data", "like one GPU", "pass", faults=("fake_gpu",), **GPU),
    Case("parallel.nccl", "like one process", "pass", faults=("fake_gpu",), **GPU),
    Case("gpu.driver", "sound", "pass", faults=("cuda_build", "driver_sound"), **GPU),
    Case("gpu.train", "sound", "pass", faults=("fake_gpu",), **GPU),
    Case("gpu.matmul", "sound", "pass", faults=("fake_gpu",), **GPU),
    Case("gpu.exceptions", "an exception", "pass", faults=("fake_gpu", "gpu_asserts"), **GPU),
    Case("compile", "the same outputs", "pass", faults=("has_compiler", "compile_same")),
    Case("train.curve", "three epochs", "pass", config={"epochs": 3}),
    Case("train.curve", "twelve epochs", "pass", config={"epochs": 12}),
    Case("train.accuracy", "three epochs", "pass", config={"epochs": 3}),
    Case(
        "parallel.ddp", "variables of a launcher outside", "pass",
        env={"MASTER_ADDR": "nowhere.invalid", "RANK": "7", "WORLD_SIZE": "9", "GLOO_SOCKET_IFNAME": "eth9"},
    ),
)  # fmt: skip

EXIT = {"fail": 1, "error": 3, "pass": 0, "warn": 0}


@pytest.mark.parametrize("case", CASES + GOOD, ids=str)
def test_the_check_sees_it(tmp_path, case):
    ended = run(tmp_path, case)
    check = ended.check(case.id)
    assert check["status"] == case.status, check
    assert case.reason in (check["reason"] or ""), check
    assert ended.code == EXIT[case.status]


def test_a_missing_driver_is_seen(tmp_path):
    check = run(tmp_path, Case("gpu.driver", "", faults=("cuda_build", "no_driver"), **GPU)).check(
        "gpu.driver"
    )
    assert (check["status"], check["reason"]) == ("fail", "libcuda.so.1 was not found")
    assert "--gpus" in check["hint"]


def test_tf32_is_named_as_the_likely_cause(tmp_path):
    check = run(tmp_path, Case("train.curve", "", faults=("tf32",))).check("train.curve")
    assert "TF32" in check["hint"]
    assert 1e-5 < check["values"]["distance"] < 5e-3


def test_tf32_that_the_recipe_asks_for_is_a_warning(tmp_path):
    claim = {"cuda": "12.8", "settings": [["NVIDIA_TF32_OVERRIDE", "1"]]}
    case = Case("gpu.train", "", claim=claim, config={"gpu": True}, faults=("fake_gpu", "tf32"))
    assert run(tmp_path, case).check("gpu.train")["status"] == "warn"


def test_what_needs_a_gpu_waits_for_one_in_a_cuda_image(tmp_path):
    names = ["gpu.driver", "gpu.train", "gpu.matmul", "gpu.exceptions", "parallel.data", "parallel.nccl"]
    env = surroundings(torch_python(), faults=("cuda_build",))
    ended = start(tmp_path, configuration(level="deep", claim={"cuda": "12.8"}, only=names), env=env)
    for name in names:
        check = ended.check(name)
        assert (check["status"], check["needs"], check["required"]) == ("skip", "gpu", True), check
    assert ended.code == 0


def test_what_needs_a_gpu_does_not_apply_to_a_cpu_image(tmp_path):
    names = ["gpu.driver", "gpu.train", "parallel.data", "parallel.nccl"]
    ended = start(tmp_path, configuration(only=names), env=surroundings(torch_python()))
    assert {(check["status"], check["required"]) for check in ended.checks.values()} == {("skip", False)}
    assert ended.check("parallel.data")["reason"] == "0 GPUs (API present)"


@pytest.mark.parametrize(("folder", "needs"), [("", "compiler")])
def test_compiling_waits_for_a_compiler(tmp_path, folder, needs):
    env = surroundings(torch_python(), {"PATH": "/nonexistent"})
    check = start(tmp_path, configuration(only=["compile"]), env=env).check("compile")
    assert (check["status"], check["needs"], check["required"]) == ("skip", needs, False)


def test_mnist_is_learned_from_where_it_is_mounted(tmp_path):
    folder = mnist(tmp_path / "mnist")
    names = ["data.mnist", "train.curve", "train.accuracy", "save.load", "quantize.dynamic"]
    config = configuration(only=names, mnist=str(folder), epochs=12)
    ended = start(tmp_path, config, env=surroundings(torch_python()))
    assert {name: check["status"] for name, check in ended.checks.items()} == dict.fromkeys(names, "pass")
    assert ended.check("train.curve")["values"]["source"] == "mnist"
    assert ended.of("fingerprint")[0]["source"] == "mnist"


def broken_mnist(tmp_path):
    folder = mnist(tmp_path / "mnist")
    return folder, folder / "train-images-idx3-ubyte"


def mnist_check(tmp_path, folder, name="data.mnist"):
    config = configuration(only=[name], mnist=str(folder), epochs=3)
    return start(tmp_path, config, env=surroundings(torch_python())).check(name)


def test_mnist_that_is_cut_off_is_seen(tmp_path):
    folder, images = broken_mnist(tmp_path)
    images.write_bytes(images.read_bytes()[:-1])
    check = mnist_check(tmp_path, folder)
    assert check["status"] == "error"
    assert "holds 501759 bytes where its header says 501760" in check["reason"]


def test_mnist_that_is_something_else_is_seen(tmp_path):
    folder, images = broken_mnist(tmp_path)
    images.write_bytes(b"<html>not found</html>")
    assert "not an IDX file" in mnist_check(tmp_path, folder)["reason"]


def test_mnist_that_is_not_there_is_seen(tmp_path):
    assert "train-images-idx3-ubyte" in mnist_check(tmp_path, tmp_path / "nowhere")["reason"]


def test_mnist_that_teaches_nothing_is_seen(tmp_path):
    folder = mnist(tmp_path / "mnist", learnable=False)
    check = mnist_check(tmp_path, folder, "train.accuracy")
    assert check["status"] == "fail"
    assert "0.8000 are expected" in check["reason"]


def test_nothing_else_can_print_among_the_records(tmp_path):
    env = surroundings(torch_python(), faults=("prints",))
    ended = start(tmp_path, configuration(only=["torch.import", "torch.version"]), env=env)
    assert len(ended.stdout.splitlines()) == len(ended.records)
    assert [record["record"] for record in ended.records].count("summary") == 1
    assert "hello from torch" in ended.stderr
    assert '"complete": true' in ended.stderr


def test_a_crash_leaves_the_records_before_it(tmp_path):
    env = surroundings(torch_python(), faults=("crash_in_optimizer",))
    ended = start(tmp_path, configuration(only=["torch.import", "data.digits", "train.curve"]), env=env)
    assert ended.code == -11
    assert ended.check("data.digits")["status"] == "pass"
    assert ended.of("start")[-1]["id"] == "train.curve"
    assert "train.curve" not in ended.checks
    assert ended.of("summary") == []


def test_a_sound_environment_passes_the_deep_level(tmp_path):
    ended = start(tmp_path, configuration(level="deep"), env=surroundings(torch_python()))
    wrong = {name: check for name, check in ended.checks.items() if check["status"] not in ("pass", "skip")}
    assert wrong == {}
    assert [
        name for name, check in ended.checks.items() if check["status"] == "skip" and check["required"]
    ] == []
    assert ended.code == 0
    assert ended.of("fingerprint")[0]["data_sha256"] == ended.check("data.digits")["values"]["sha256"]
    assert ended.of("environment")[0]["torch"] == ended.check("torch.version")["values"]["found"]


def test_two_runs_are_equal_to_the_last_bit(tmp_path):
    prints = []
    for _ in range(2):
        ended = start(tmp_path, configuration(only=["train.curve"]), env=surroundings(torch_python()))
        prints.append(ended.of("fingerprint"))
    assert prints[0] == prints[1]
    assert len(prints[0][0]["loss_curve"]) == 10

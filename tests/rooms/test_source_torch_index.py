"""PyTorch's own index: asked where it answers, done without where it does not, and no other variant taken."""

import pytest
from source_orders import ABROAD, bare_machine, names, only, order, resolve
from source_server import Server, status, wheel

from builder.errors import CellError
from builder.source.host import HostSource


@pytest.fixture
def env(tmp_path):
    return bare_machine(tmp_path)


@pytest.fixture
def index():
    with Server() as server:
        yield server


def test_pytorch_s_index_is_asked_when_it_answers(tmp_path, env, index):
    index.publish(*wheel("torch", "2.8.0"))
    with Server() as pytorch:
        pytorch.publish(*wheel("torch", "2.8.0+cpu"))
        wanted = order("torch==2.8.0+cpu", index=f"{pytorch.url}/simple")
        source = HostSource(root=tmp_path / "store", env=only(env, index))
        assert [names(source.resolve(wanted)) for _ in range(2)] == [["torch==2.8.0+cpu"]] * 2
        probes = [h for path, h in pytorch.asked if "python-requests" in h.get("user-agent", "")]
    assert len(probes) == 1
    assert source.resolve(order("torch==2.8.0", index=ABROAD)).wheels[0].version == "2.8.0"


@pytest.mark.parametrize("answer", [status(403), status(503), None])
def test_without_pytorch_s_index_the_error_names_what_to_do(tmp_path, env, index, answer):
    index.publish(*wheel("torch", "2.8.0"))
    with Server(routes={"/whl/cpu/torch/": answer} if answer else {}) as pytorch:
        with pytest.raises(CellError) as caught:
            resolve(tmp_path, only(env, index), order("torch==2.8.0+cpu", index=f"{pytorch.url}/whl/cpu"))
        url = f"{pytorch.url}/whl/cpu"
    (problem,) = caught.value.problems
    assert problem.message == "no torch 2.8.0+cpu for Python 3.12 on the reachable indexes"
    for word in (url, "extra-index-url", "find-links"):
        assert word in problem.hint


def test_find_links_offer_pytorch_s_build(tmp_path, env, index):
    folder = tmp_path / "the team's wheels, all"
    folder.mkdir()
    name, content = wheel("torch", "2.8.0+cpu")
    (folder / name).write_bytes(content)
    own = only(env, index) | {"UV_FIND_LINKS": folder.as_uri().replace(",", "%2C")}
    supplies = resolve(tmp_path, own, order("torch==2.8.0+cpu"))
    assert names(supplies) == ["torch==2.8.0+cpu"]
    assert "127.0.0.1:9/whl/cpu does not answer" in supplies.notes[0]
    assert str(tmp_path) not in supplies.notes[0]


def test_offline_nothing_is_said_of_an_index_that_nobody_asks(tmp_path, env):
    name, content = wheel("torch", "2.8.0+cpu")
    (tmp_path / name).write_bytes(content)
    own = env | {"UV_FIND_LINKS": tmp_path.as_uri(), "ENVBUILD_OFFLINE": "1"}
    supplies = resolve(tmp_path, own, order("torch==2.8.0+cpu"))
    assert (names(supplies), supplies.notes) == (["torch==2.8.0+cpu"], ())


def test_the_package_index_s_build_serves_where_it_is_the_same(tmp_path, env, index):
    index.publish(*wheel("torch", "2.8.0", requires=("nvidia-x",)))
    index.publish(*wheel("nvidia_x", "1"))
    wanted = order("torch==2.8.0+cu128", fallback=("torch==2.8.0",))
    supplies = resolve(tmp_path, only(env, index), wanted)
    assert names(supplies) == ["nvidia-x==1", "torch==2.8.0"]
    assert len(supplies.notes) == 1


def test_another_variant_that_lies_about_is_not_taken(tmp_path, env, index):
    """`torch==2.8.0` is met, and even preferred, by a local 2.8.0+cpu: a CUDA cell must not get that."""
    for version in ("2.8.0", "2.8.0+cpu", "2.8.0+rocm6"):
        index.publish(*wheel("torch", version))
    wanted = order("torch==2.8.0+cu128", fallback=("torch==2.8.0",))
    assert names(resolve(tmp_path, only(env, index), wanted)) == ["torch==2.8.0"]
    index.routes.clear()
    index.publish(*wheel("torch", "2.8.0+cpu"))
    with pytest.raises(CellError, match="torch"):
        resolve(tmp_path, only(env, index), wanted)


@pytest.mark.parametrize("package", ["nvidia_cublas", "cuda_toolkit", "triton"])
def test_a_cpu_cell_never_gets_cuda(tmp_path, env, index, package):
    index.publish(*wheel("torch", "2.8.0+cpu", requires=(package,)))
    index.publish(*wheel(package, "1"))
    with pytest.raises(
        CellError, match=f"this CPU cell would get CUDA packages: {package.replace('_', '-')} 1"
    ):
        resolve(tmp_path, only(env, index), order("torch==2.8.0+cpu"))


def test_no_index_keeps_everything_at_home(tmp_path, env, index):
    folder = tmp_path / "wheels"
    folder.mkdir()
    name, content = wheel("tiny", "1.0")
    (folder / name).write_bytes(content)
    own = only(env, index) | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    assert names(resolve(tmp_path, own, order("tiny", index=f"{index.url}/whl/cpu"))) == ["tiny==1.0"]
    assert index.asked == []

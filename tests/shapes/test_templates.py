"""Files of a family of templates have the same macros with the same arguments, and write good shell."""

import re
import subprocess
from pathlib import Path

import pytest

from builder.recipe import templates_folder
from builder.recipe.dockerfile import Instruction, instructions
from builder.recipe.page import Pages

FAMILIES = ("os", "python", "cuda", "env")
MACRO = re.compile(r"{%-?\s*macro\s+(\w+)\(([^)]*)\)")
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "dockerfiles"


def macros(path: Path) -> list[tuple[str, str]]:
    return MACRO.findall(path.read_text())


def steps() -> dict[str, Instruction]:
    """The different RUN instructions of all golden Dockerfiles, each with the name of one that has it."""
    return {
        step.text: (path.name, step)
        for path in sorted(GOLDEN.iterdir())
        for step in instructions(path.read_text())
        if step.keyword == "RUN"
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_files_of_a_family_have_one_shape(family: str) -> None:
    files = sorted((templates_folder() / family).glob("*.j2"))
    assert files
    first = macros(files[0])
    assert first
    assert {path.name: macros(path) for path in files} == {path.name: first for path in files}


def test_there_are_no_other_families() -> None:
    assert {path.name for path in templates_folder().iterdir()} == {*FAMILIES, "Dockerfile.j2"}


def test_the_page_never_branches() -> None:
    page = (templates_folder() / "Dockerfile.j2").read_text()
    tags = re.findall(r"{%-?\s*(\w+)", page)
    assert set(tags) == {"import", "for", "endfor"}


def test_the_page_names_no_distribution() -> None:
    code = re.sub(
        r"{#.*?#}|^#.*?$", "", (templates_folder() / "Dockerfile.j2").read_text(), flags=re.S | re.M
    )
    assert not re.search(r"debian|ubuntu|centos|rocky|alma|rhel|apt|dnf|yum|conda|nvidia", code, re.I)


def test_every_placed_value_is_quoted() -> None:
    """A value is what is not a macro's text and not the name of a setting."""
    for path in sorted(templates_folder().rglob("*.j2")):
        placed = re.findall(r"{{-?\s*(.*?)\s*-?}}", path.read_text())
        macros_and_names = r"\w+\.\w+\(.*\)|lists\(\)|name|list|interpreter|arch|release|sums\[arch\]"
        allowed = rf".* \| (quoted|reference)|{macros_and_names}"
        raw = [text for text in placed if not re.fullmatch(allowed, text)]
        assert raw == [], path


def test_every_run_line_is_good_shell() -> None:
    found = steps()
    assert len(found) > 10
    for text, (name, _) in found.items():
        script = re.sub(r"^(--\S+\s+)+", "", text)
        done = subprocess.run(["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), f"{name}: {script}"
        assert script.startswith("set -eu; umask 022;"), name


@pytest.mark.parametrize("os", ["debian", "ubuntu"])
def test_what_asks_for_packages_is_good_shell(os: str) -> None:
    script = Pages((templates_folder(),)).question(os)
    assert "--print-uris" in script
    done = subprocess.run(["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("os", ["rhel", "centos7", "centos-vault"])
def test_who_cannot_tell_is_not_asked(os: str) -> None:
    assert Pages((templates_folder(),)).question(os) == ""


def test_nothing_needs_a_newer_frontend_than_docker_20_10_has() -> None:
    """Heredocs, COPY --link, RUN --network and a `# syntax=` line came later, or need a client session."""
    for path in sorted(GOLDEN.iterdir()):
        text = path.read_text()
        assert not re.search(
            r"<<|--link|--network|--security|--checksum|^#\s*(syntax|escape|check)\s*=", text, re.M
        ), path
        mounts = re.findall(r"--mount=type=(\w+)", text)
        assert set(mounts) == {"bind"}, path


def test_the_environment_says_nothing_about_the_distribution() -> None:
    """The same last stage on every distribution, for one provider: what it builds is the same."""
    for provider in ("standalone", "system", "conda"):
        ends = set()
        for path in GOLDEN.glob(f"*-cpu-*-{provider}-runtime.Dockerfile"):
            text = path.read_text()
            ends.add(
                tuple(
                    step.text
                    for step in instructions(text[text.index("FROM ${OS_IMAGE}") :])
                    if step.keyword == "RUN"
                )
            )
        assert len(ends) == 1, provider


def test_dead_mirrors_are_left_for_the_vault() -> None:
    for path in GOLDEN.iterdir():
        dead = path.name.startswith(("centos7", "centos8", "centos-stream8"))
        assert ("vault.centos.org" in path.read_text()) == dead, path.name

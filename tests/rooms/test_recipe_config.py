"""A page's last stage → what the image's config says; and whether a user's page does more than envbuild's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builder.errors import InputError
from builder.facts import Facts, load
from builder.recipe import configured, templates_folder, write
from builder.recipe.config import PATH, executed
from tests.golden.cells import cell, team_matrix

PAGE = """\
ARG BASE_IMAGE="debian:12"
ARG NAME=outer
FROM ${BASE_IMAGE} AS os
ENV LOST=1
LABEL lost=1
RUN apt-get install
FROM os AS image
"""
BASE = (("PATH", "/base/bin"), ("KEPT", "yes"))


def of(*lines: str, env=BASE, labels=()):
    return configured(PAGE + "\n".join(lines), env, labels)


def test_the_environment_is_the_bases_then_the_stages_own_in_its_order():
    found = of('ENV PATH="/opt/env/bin:${PATH}"', "ENV B=2 A='one two'", "ENV KEPT=no")
    told = {"PATH": "/opt/env/bin:/base/bin", "KEPT": "no", "B": "2", "A": "one two"}
    assert found.env == tuple(told.items())


def test_a_base_without_a_path_has_dockers():
    assert of('ENV PATH="/a:$PATH"', env=()).env == (("PATH", f"/a:{PATH}"),)
    assert of("ENV A=1", env=()).env == (("PATH", PATH), ("A", "1"))


def test_variables_are_those_of_before_and_unknown_ones_are_empty():
    found = of("ENV A=1", "ENV A=2 B=$A C=${NOBODY}x", "ENV D=${A}${B}")
    assert dict(found.env) == {**dict(BASE), "A": "2", "B": "1", "C": "x", "D": "21"}


def test_arguments_are_known_where_the_stage_asks_for_them():
    asked = "ARG NAME\nARG OTHER=own\nARG BASE_IMAGE=mine"
    found = of(*asked.splitlines(), 'LABEL a="$NAME" b="$OTHER" c="$BASE_IMAGE"', "USER ${NAME}")
    assert found.labels == (("a", "outer"), ("b", "own"), ("c", "mine"))
    assert found.user == "outer"
    assert of('LABEL a="$NAME"').labels == (("a", ""),)
    assert dict(of("ARG NAME", "ENV NAME=env", "ENV A=$NAME").env)["A"] == "env"


def test_labels_are_sorted_and_stand_over_the_bases():
    found = of('LABEL b="2" c="a b"', "LABEL b=3", labels=(("z", "base"), ("b", "base")))
    assert found.labels == (("b", "3"), ("c", "a b"), ("z", "base"))
    assert "lost" not in dict(found.labels)


@pytest.mark.parametrize(
    ("lines", "folder"),
    [((), ""), (("WORKDIR /a",), "/a"), (('WORKDIR "/a b"', "WORKDIR c"), "/a b/c"), (("WORKDIR x",), "/x")],
)
def test_work_folders_go_on_from_the_last(lines, folder):
    assert of(*lines).work_dir == folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["python", "-c", "$A"]', ("python", "-c", "$A")),
        ("[]", ()),
        ("exec python $A", ("/bin/sh", "-c", "exec python $A")),
    ],
)
def test_commands_in_both_forms_are_left_to_the_shell(text, words):
    found = of("ENV A=1", f"ENTRYPOINT {text}", f"CMD {text}")
    assert (found.entrypoint, found.command) == (words, words)


def test_what_else_is_carried():
    found = of("EXPOSE 80 53/udp", "EXPOSE 90", "VOLUME /a /b", 'VOLUME ["/c d"]', "STOPSIGNAL SIGINT")
    assert found.ports == ("80", "53/udp", "90")
    assert found.volumes == ("/a", "/b", "/c d")
    assert found.stop_signal == "SIGINT"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("HEALTHCHECK NONE", "HEALTHCHECK"),
        ("ONBUILD RUN true", "ONBUILD"),
        ('SHELL ["bash"]', "SHELL"),
        ('CMD ["a"', "JSON"),
        ("VOLUME [/a]", "JSON"),
        ("ENV A 1", "without a `=`"),
        ("ENV A=${B:-1}", "not read"),
        ("ENV A=\\$B", "not read"),
        ("LABEL a='$B'", "not read"),
    ],
)
def test_what_no_config_would_carry_is_refused_with_a_way_out(line, why):
    with pytest.raises(InputError, match=why) as caught:
        of(line)
    assert caught.value.problems[0].hint


def test_nothing_of_what_is_run_is_configured():
    assert of("RUN export A=1", "COPY a b", "ADD c d") == of()


def test_what_is_executed_are_all_stages_but_the_systems():
    page = PAGE + "RUN --mount=type=bind,source=a \\\n    true\nENV A=1\nCOPY a b"
    steps = ("FROM os AS image", "RUN --mount=type=bind,source=a     true", "COPY a b")
    assert executed(page) == steps
    assert executed(page.replace("FROM os AS image", "FROM os AS more\nRUN x\nFROM more AS image")) != steps


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


def with_page(folder: Path, facts: Facts, *change: str):
    """The recipe by templates of a user's own: envbuild's page with one text for another."""
    own = folder / "own"
    own.mkdir()
    text = (templates_folder() / "Dockerfile.j2").read_text()
    assert change[0] in text
    (own / "Dockerfile.j2").write_text(text.replace(*change, 1))
    return write(cell(), team_matrix(), facts, own)


@pytest.mark.parametrize(
    ("change", "custom"),
    [
        (("CMD [", 'CMD ["-q", '), False),
        (("LABEL org.envbuild.os=", 'ENV MORE="1"\nLABEL org.envbuild.os='), False),
        (("# The account", "RUN echo more\n\n# The account"), False),
        (("WORKDIR ", "RUN echo more\nWORKDIR "), True),
        (("WORKDIR ", "COPY os/packages.txt /\nWORKDIR "), True),
        (("FROM ${OS_IMAGE} AS image", "FROM ${OS_IMAGE} AS more\nRUN x\nFROM more AS image"), True),
        (("FROM ${OS_IMAGE} AS image", "FROM debian:11 AS image"), True),
    ],
    ids=["command", "variable", "os stage", "run", "copy", "a stage between", "another base"],
)
def test_a_page_is_custom_only_where_it_executes_something_else(tmp_path, facts, change, custom):
    found = with_page(tmp_path, facts, *change)
    assert found.custom is custom
    assert found.digest != write(cell(), team_matrix(), facts).digest


def test_envbuilds_own_templates_are_not_custom(tmp_path, facts):
    shutil.copytree(templates_folder(), tmp_path / "own")
    assert not write(cell(), team_matrix(), facts).custom
    assert not write(cell(), team_matrix(), facts, tmp_path / "own").custom


def test_a_change_of_the_os_stage_is_another_os_stage(tmp_path, facts):
    found = with_page(tmp_path, facts, "# The account", "RUN echo more\n\n# The account")
    assert found.os_digest != write(cell(), team_matrix(), facts).os_digest

"""A Dockerfile for BuildKit, told to Docker's classic builder."""

import pytest

from builder.engine.api import BuildRequest, Entry
from builder.engine.classic import for_classic
from builder.errors import InputError

DOCKERFILE = """\
# a comment
ARG BASE_IMAGE=debian:12
ARG OS_IMAGE=os

FROM scratch AS tool
COPY tool /tool

FROM registry.example.com/uv AS uv

FROM ${BASE_IMAGE} AS os
USER root
RUN --mount=type=bind,source=os,target=/inputs/os \\
    set -eu; \\
    # within
    cat /inputs/os/packages.txt
RUN true

FROM ${OS_IMAGE} AS image
RUN --mount=type=bind,from=uv,source=/uv,target=/inputs/uv \\
    --mount=type=bind,source=env,target=/inputs/env \\
    /inputs/uv
COPY --from=tool /tool /tool
"""
MOUNTED = """\
COPY os /inputs/os
RUN \\
    set -eu; \\
    cat /inputs/os/packages.txt
RUN rm -rf /inputs/os; rmdir -p /inputs 2>/dev/null || true
RUN true
"""


def rewritten(target, dockerfile=DOCKERFILE, **args) -> str:
    context = (Entry(path="Dockerfile", content=dockerfile.encode()), Entry(path="x", content=b"x"))
    request = BuildRequest(context=context, target=target, args=args, labels={}, network="none", tag=None)
    found = for_classic(request)
    assert found.context[1] == context[1]
    return found.context[0].content.decode()


def test_a_mount_becomes_a_copy_and_a_removal():
    assert rewritten("os").partition("AS os\n")[2] == f"USER root\n{MOUNTED}"


def test_stages_that_the_target_does_not_need_are_left_out():
    froms = [line for line in rewritten("os").splitlines() if line.startswith("FROM")]
    assert froms == ["FROM ${BASE_IMAGE} AS os"]
    assert "debian:12" in rewritten("os")


def test_stages_are_needed_by_from_copy_and_mount():
    froms = [line.split()[-1] for line in rewritten(None).splitlines() if line.startswith("FROM")]
    assert froms == ["tool", "uv", "os", "image"]


def test_a_build_argument_decides_what_is_needed():
    froms = [
        line.split()[-1] for line in rewritten("image", OS_IMAGE="made:1").splitlines() if "FROM" in line
    ]
    assert froms == ["tool", "uv", "image"]


def test_a_mount_of_a_stage_is_copied_from_it():
    lines = rewritten(None).splitlines()
    assert "COPY --from=uv /uv /inputs/uv" in lines
    assert "COPY env /inputs/env" in lines
    assert "--mount" not in rewritten(None)


@pytest.mark.parametrize("mount", ["type=secret,id=x", "type=cache,target=/c", "type=bind,source=x"])
def test_other_mounts_are_refused_with_a_way_out(mount):
    with pytest.raises(InputError, match="classic builder") as caught:
        rewritten(None, f"FROM scratch\nRUN --mount={mount} true\n")
    assert "ENVBUILD_BUILDER" in caught.value.problems[0].hint

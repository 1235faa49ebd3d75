"""Reading a Dockerfile as BuildKit does."""

from builder.recipe.dockerfile import instructions, shape

TEXT = """\
# a comment
ARG A="b c"

run --mount=type=bind,source=os,target=/o \\
    # a comment within
    --mount=type=bind,from=uv,source=/uv,target=/u --mount=target=/t,source=env \\

    echo one; \\
    echo "two"   \\
  && true
ENV A="x y" B=z
CMD ["python"]
"""


def test_instructions_are_joined_and_comments_left_out() -> None:
    steps = instructions(TEXT)
    assert [step.keyword for step in steps] == ["ARG", "RUN", "ENV", "CMD"]
    assert steps[1].text.endswith('echo one;     echo "two"     && true')
    assert "comment" not in steps[1].text


def test_words_keep_what_is_quoted_together() -> None:
    steps = instructions(TEXT)
    assert steps[2].words == ('A="x y"', "B=z")


def test_only_mounts_of_the_context_are_sources() -> None:
    assert instructions(TEXT)[1].sources == ("os", "env")


def test_a_shape_forgets_values_and_nothing_else() -> None:
    assert shape('ENV A="x"\nRUN a\n') == shape('# other\nENV B="y z"\nRUN a\n')
    assert shape('ENV A="x"\n') != shape('ENV A="x" B="y"\n')
    assert shape('ENV A="x"\n') != shape("ENV A=x y\n")
    assert shape("RUN a\n") != shape("RUN b\n")
    assert shape("USER 1\n") != shape("USER 2\n")
    assert shape("RUN a\n") != shape("RUN a\nRUN a\n")


def test_a_file_may_end_within_an_instruction() -> None:
    assert [step.text for step in instructions("RUN a \\")] == ["a"]

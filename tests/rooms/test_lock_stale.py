"""When a lock is not that of its matrix any more, and when it still is."""

import dataclasses
import textwrap

from lock_outside import DEBIAN12, MATRIX, asked, fitting

from builder import lock


def reasons(tmp_path, made, text=MATRIX, **options):
    wanted = asked(tmp_path, text)
    found = lock.stale(made, wanted.matrix, wanted.recipes, **options)
    assert all(one.hint == f"`envbuild lock {tmp_path / 'm.yaml'}` makes it anew" for one in found)
    return [one.message.partition(" is stale: ")[2] for one in found]


def test_comments_quotes_and_layout_do_not_count(tmp_path):
    made = fitting(asked(tmp_path))
    text = textwrap.dedent(
        """\
        # a comment
        packages:
            pip:
            - 'numpy'
        version: "1"
        image: team/torch   # another
        base: registry
        matrix: {torch: ["2.8"], cuda: [cpu], python: ["3.12"], os: [debian12, debian13]}
        """
    )
    assert reasons(tmp_path, made, text) == []


def test_what_the_matrix_says_counts(tmp_path):
    made = fitting(asked(tmp_path))
    assert reasons(tmp_path, made, MATRIX.replace("team/torch", "team/other")) == [
        "the matrix has changed since"
    ]


def test_cells_come_and_go(tmp_path):
    made = fitting(asked(tmp_path))
    text = MATRIX.replace("debian13", "debian11")
    found = reasons(tmp_path, made, text)
    assert "debian11-py3.12-cpu-torch2.8.0 is not in it" in found
    assert "debian13-py3.12-cpu-torch2.8.0 is in it, and not in the matrix" in found
    assert not any("not in the matrix" in one for one in reasons(tmp_path, made, text, part=True))


def test_a_changed_recipe_is_told_with_its_cell(tmp_path):
    made = fitting(asked(tmp_path))
    cells = tuple(
        dataclasses.replace(cell, recipe="sha256:old") if cell.id == DEBIAN12 else cell for cell in made.cells
    )
    other = dataclasses.replace(made, cells=cells)
    (reason,) = reasons(tmp_path, other)
    assert reason == f"{DEBIAN12} is not what it was: a table or a template has changed, not the matrix"
    (reason,) = reasons(tmp_path, other, MATRIX.replace("team/torch", "team/other"))
    assert reason == f"{DEBIAN12} is not what it was: the matrix has changed"


def test_what_is_true_of_many_cells_is_said_once(tmp_path):
    made = fitting(asked(tmp_path))
    text = MATRIX.replace("debian12, debian13", "debian11, debian12, ubuntu22.04, ubuntu24.04")
    text = text.replace('"3.12"', '"3.10"')
    missing, extra = reasons(tmp_path, made, text)
    assert missing.startswith("debian11-py3.10-cpu-torch2.8.0, debian12-py3.10-cpu-torch2.8.0, ")
    assert missing.endswith(" and 1 more are not in it")
    assert extra == f"{DEBIAN12}, {made.cells[1].id} are in it, and not in the matrix"


def test_another_canonical_form_makes_other_images(tmp_path):
    made = dataclasses.replace(fitting(asked(tmp_path)), canonical=0)
    assert reasons(tmp_path, made) == ["it is for version 0 of envbuild's canonical form, and this is 2"]

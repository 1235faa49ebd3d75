"""Provenance: what an image was made of and from what, as in-toto and SLSA have it."""

import dataclasses
import hashlib
import json
from dataclasses import replace

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from lock_outside import DEBIAN12, DEBIAN13, LISTED, asked, fitting, small_lock
from packageurl import PackageURL
from test_papers_parts import SUBJECT

from builder import lock as locks
from builder.errors import InputError
from builder.papers import provenance

DIGEST = f"sha256:{'12' * 32}"


@pytest.fixture
def cell(tmp_path):
    return next(recipe.cell for recipe in asked(tmp_path).recipes if recipe.cell.id == DEBIAN12)


@pytest.fixture
def lock(tmp_path):
    return fitting(asked(tmp_path))


def told(cell, lock, subject=SUBJECT) -> dict:
    found: dict = json.loads(provenance.statement(subject, cell, lock))
    return found


def built(cell, lock) -> dict:
    found: dict = told(cell, lock)["predicate"]["buildDefinition"]
    return found


def based(lock, **changes):
    """The lock with another base for the cell."""
    bases = tuple(replace(one, **changes) if one.reference == "debian:12" else one for one in lock.bases)
    reference = changes.get("reference", "debian:12")
    cells = tuple(replace(one, base=reference) if one.id == DEBIAN12 else one for one in lock.cells)
    return replace(lock, bases=bases, cells=cells)


def test_it_is_a_statement_of_slsa_provenance_about_that_image(cell, lock):
    found = told(cell, lock)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://slsa.dev/provenance/v1"
    assert found["subject"] == [{"name": "team/torch", "digest": {"sha256": "ab" * 32}}]
    assert set(found["predicate"]) == {"buildDefinition", "runDetails"}
    run = found["predicate"]["runDetails"]
    assert run["builder"] == {"id": "https://envbuild.dev/builder/v1", "version": {"envbuild": "0.1.0"}}


def read_by_their_library(text: bytes) -> None:
    """Raises for a field that is not the formats', or is of another type."""
    Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
    json_format.ParseDict(json.loads(text)["predicate"], provenance_pb2.Provenance())


def test_the_formats_own_library_reads_it(cell, lock):
    text = provenance.statement(SUBJECT, cell, lock)
    read_by_their_library(text)
    for wrong in (b'"subjects"', b'"subject": [], "x"'):
        with pytest.raises((json_format.ParseError, ValueError)):
            read_by_their_library(text.replace(b'"subject"', wrong))
    with pytest.raises(json_format.ParseError):
        read_by_their_library(text.replace(b"resolvedDependencies", b"materials"))


def test_it_tells_what_was_asked_for(cell, lock):
    assert built(cell, lock)["externalParameters"] == {
        "cell": {
            "id": DEBIAN12, "os": "debian12", "python": "3.12", "cuda": "cpu", "torch": "2.8.0",
            "arch": "x86_64", "provider": "standalone", "flavor": "runtime",
        }
    }  # fmt: skip


def test_it_tells_by_which_rules(cell, lock):
    assert built(cell, lock)["internalParameters"] == {
        "canonical": 2,
        "envbuild": "0.1.0",
        "epoch": SUBJECT.epoch,
        "lock": f"sha256:{hashlib.sha256(locks.dumps(lock).encode()).hexdigest()}",
        "matrix": lock.matrix,
        "recipe": lock.cell(DEBIAN12).recipe,
    }


def test_every_input_of_the_cell_is_there_by_digest(cell, lock):
    found = built(cell, lock)["resolvedDependencies"]
    system = lock.system(lock.cell(DEBIAN12).system)
    pins = (*lock.cell(DEBIAN12).pins, *system.packages)
    files = {one["name"]: one["digest"]["sha256"] for one in found[2:]}
    assert files == {pin.filename: pin.sha256 for pin in pins}
    uris = {one["name"]: one.get("uri") for one in found[2:]}
    assert uris == {pin.filename: pin.url for pin in pins}
    assert None in uris.values()  # torch, which has no address for everybody
    assert found[0] == {
        "name": "debian:12",
        "uri": f"pkg:docker/debian@{DIGEST}",
        "digest": {"sha256": DIGEST[7:]},
    }
    assert found[1] == {"name": "debian:12 layer 1", "digest": {"sha256": DIGEST[7:]}}


@pytest.mark.parametrize(
    ("reference", "uri"),
    [
        ("nvidia/cuda:12.8.1-devel", f"pkg:docker/nvidia/cuda@{DIGEST}"),
        ("quay.io/centos/centos:stream9", f"pkg:docker/centos/centos@{DIGEST}?repository_url=quay.io"),
        ("localhost:5000/debian", f"pkg:docker/debian@{DIGEST}?repository_url=localhost:5000"),
    ],
)
def test_a_base_is_named_by_its_registry(cell, lock, reference, uri):
    found = built(cell, based(lock, reference=reference))["resolvedDependencies"][0]
    assert (found["name"], found["uri"]) == (reference, uri)
    assert PackageURL.from_string(uri).to_string() == uri


def test_a_base_that_no_registry_has_is_told_by_its_layers(cell, lock):
    found = built(cell, based(lock, digest=None, layers=(DIGEST, f"sha256:{'34' * 32}")))
    names = [one["name"] for one in found["resolvedDependencies"]]
    assert names[:2] == ["debian:12 layer 1", "debian:12 layer 2"]


def test_what_could_not_be_pinned_is_said(cell, lock):
    systems = tuple(replace(one, packages=None, why="dnf does not tell") for one in lock.systems)
    found = built(cell, replace(lock, systems=systems))
    assert found["internalParameters"]["unpinned"] == ["dnf does not tell"]
    assert not [one for one in found["resolvedDependencies"] if one["name"].endswith(".deb")]


def test_it_knows_no_time_and_no_place_of_this_machine(cell, lock, tmp_path):
    text = provenance.statement(SUBJECT, cell, lock).decode()
    assert str(LISTED) not in text
    assert str(SUBJECT.epoch) in text
    assert cell.place is not None
    assert str(tmp_path) not in text
    assert set(told(cell, lock)["predicate"]["runDetails"]["metadata"]) == {"invocationId"}


def test_equal_inputs_are_equal_bytes_and_others_have_another_invocation(cell, lock):
    text = provenance.statement(SUBJECT, cell, lock)
    assert text.endswith(b"}\n")
    assert provenance.statement(SUBJECT, replace(cell, tags=(), reasons=()), lock) == text
    (wheel, *wheels) = lock.cell(DEBIAN12).wheels
    moved = [replace(one, wheels=(*wheels, wheel)) if one.id == DEBIAN12 else one for one in lock.cells]
    changed = [
        told(cell, lock),
        told(cell, lock, replace(SUBJECT, digest=DIGEST)),
        told(cell, lock, replace(SUBJECT, epoch=1)),
        told(cell, replace(lock, matrix="sha256:other")),
        told(cell, based(lock, digest=f"sha256:{'56' * 32}")),
        told(replace(cell, flavor="devel"), lock),
    ]
    idents = {one["predicate"]["runDetails"]["metadata"]["invocationId"] for one in changed}
    assert len(idents) == len(changed)
    files = built(cell, dataclasses.replace(lock, cells=tuple(moved)))["resolvedDependencies"]
    assert files == built(cell, lock)["resolvedDependencies"]


def test_a_lock_without_the_cell_or_its_base_makes_no_statement(cell):
    lock = small_lock()
    broken = (replace(lock, cells=lock.cells[1:]), replace(lock, bases=()), replace(lock, systems=()))
    for one in broken:
        with pytest.raises(InputError, match=f"{DEBIAN12} is not in the lock"):
            provenance.statement(SUBJECT, cell, one)
    assert lock.cells[1].id == DEBIAN13

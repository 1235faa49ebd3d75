"""Making a lock: each thing asked once, what is pinned stays, what is upgraded moves, and nothing else."""

import dataclasses

import pytest
from lock_outside import (
    CREATED,
    DEBIAN12,
    DEBIAN13,
    MATRIX,
    Engine,
    Source,
    asked,
    local_paths,
    pin,
    ports,
    versions,
)  # fmt: skip

from builder import lock
from builder.errors import CellError, OutsideError
from builder.lock.environments import public


def make(wanted, old, outside):
    return lock.make(wanted, old, outside, lambda step: None)


@pytest.fixture
def outside(tmp_path):
    return ports(tmp_path)


def test_everything_is_pinned_and_asked_once(tmp_path, outside):
    made = make(asked(tmp_path), None, outside)
    assert [cell.id for cell in made.cells] == [DEBIAN12, DEBIAN13]
    assert versions(made, DEBIAN12) == {"cpython": "3.12.9", "numpy": "2.3.1", "torch": "2.8.0+cpu"}
    assert len(outside.source.orders) == len({order.glibc for order in outside.source.orders}) == 2
    assert len(outside.engine.asked) == 2  # one container per base
    assert [pin.name for pin in made.systems[0].packages] == ["git", "zlib1g"]
    assert lock.stale(made, asked(tmp_path).matrix, asked(tmp_path).recipes) == ()
    assert lock.loads(lock.dumps(made), tmp_path / "m.lock.json") == made


def test_equal_orders_are_resolved_once(tmp_path, outside):
    text = MATRIX.replace(", debian13]", "]")
    text += 'include: [{os: debian12, python: "3.11", cuda: cpu, torch: "2.8", provider: system}]\n'
    made = make(asked(tmp_path, text), None, outside)
    assert len(made.bases) == 1
    assert len(made.systems) == 2  # one has the distribution's Python
    assert len(outside.engine.asked) == 2


def test_the_epoch_is_the_newest_date_there_is(tmp_path):
    engine = Engine()
    assert make(asked(tmp_path), None, ports(tmp_path, engine)).epoch == max(CREATED, 1_700_000_000)
    engine.apt = engine.apt.replace("14 Nov 2023", "20 Nov 2023")
    later = make(asked(tmp_path, upgrade=()), None, ports(tmp_path, engine))
    assert later.epoch == CREATED + 6 * 86400
    engine.apt = "\n".join(line for line in engine.apt.splitlines() if not line.startswith("date ")) + "\n"
    assert make(asked(tmp_path), None, ports(tmp_path, engine)).epoch == CREATED


def test_a_complete_lock_needs_nobody(tmp_path, outside):
    made = make(asked(tmp_path), None, outside)
    renamed = asked(tmp_path, MATRIX.replace("team/torch", "team/other"))
    kept = lock.settled(renamed, made)
    assert kept.cells == made.cells
    assert kept.matrix != made.matrix
    assert lock.settled(asked(tmp_path), None) is None
    assert lock.settled(asked(tmp_path, upgrade=()), made) is None


def test_what_is_pinned_stays(tmp_path):
    made = make(asked(tmp_path), None, ports(tmp_path))
    outside = ports(tmp_path, source=Source(tmp_path, newest={"numpy": "9.9"}))
    grown = asked(tmp_path, MATRIX.replace("[debian12,", "[debian11, debian12,"))
    again = make(grown, made, outside)
    assert versions(again, DEBIAN12)["numpy"] == "2.3.1"
    assert versions(again, "debian11-py3.12-cpu-torch2.8.0")["numpy"] == "9.9"
    assert len(outside.engine.asked) == 1


def test_a_changed_cell_holds_its_other_pins(tmp_path):
    made = make(asked(tmp_path), None, ports(tmp_path))
    source = Source(tmp_path, newest={"numpy": "9.9", "pillow": "1.0"})
    again = make(
        asked(tmp_path, MATRIX.replace("[numpy]", "[numpy, pillow]")), made, ports(tmp_path, source=source)
    )
    assert versions(again, DEBIAN12) == {**versions(made, DEBIAN12), "pillow": "1.0"}
    source = Source(tmp_path, newest={"numpy": "9.9"}, refused=("numpy==2.3.1",))
    again = make(
        asked(tmp_path, MATRIX.replace("[numpy]", '["numpy>3"]')), made, ports(tmp_path, source=source)
    )
    assert versions(again, DEBIAN12)["numpy"] == "9.9"


def test_one_package_is_upgraded_alone(tmp_path):
    first = Source(tmp_path, newest={"numpy": "2.3.1", "sympy": "1.0"})
    made = make(asked(tmp_path), None, ports(tmp_path, source=first))
    newer = ports(tmp_path, source=Source(tmp_path, newest={"numpy": "9.9", "sympy": "8.8"}))
    again = make(asked(tmp_path, upgrade=("numpy",)), made, newer)
    assert versions(again, DEBIAN12) == {**versions(made, DEBIAN12), "numpy": "9.9"}
    assert again.systems == made.systems
    assert newer.engine.asked == []
    everything = make(asked(tmp_path, upgrade=()), made, newer)
    assert versions(everything, DEBIAN12)["sympy"] == "8.8"
    assert len(newer.engine.asked) == 2
    assert lock.changes(made, again) == (f"{DEBIAN12}, {DEBIAN13}", "  numpy 2.3.1 → 9.9")


def test_only_some_cells_are_looked_at(tmp_path):
    made = make(asked(tmp_path), None, ports(tmp_path))
    newer = ports(tmp_path, source=Source(tmp_path, newest={"numpy": "9.9"}))
    again = make(asked(tmp_path, upgrade=("numpy",), chosen=frozenset({DEBIAN12})), made, newer)
    assert versions(again, DEBIAN12)["numpy"] == "9.9"
    assert again.cell(DEBIAN13) == made.cell(DEBIAN13)


def test_a_moved_base_has_its_packages_pinned_anew(tmp_path):
    made = make(asked(tmp_path), None, ports(tmp_path))
    engine = Engine()
    engine.generation = "2"
    grown = asked(tmp_path, upgrade=())
    again = make(grown, made, ports(tmp_path, engine))
    assert again.bases != made.bases
    assert {system.key for system in again.systems}.isdisjoint({system.key for system in made.systems})
    assert lock.changes(made, again)[0].startswith("base debian:12: sha256:")


def test_a_bootstrapped_base_is_its_tar_and_nothing_of_an_engine(tmp_path, outside):
    made = make(asked(tmp_path, MATRIX.replace("registry", "bootstrap")), None, outside)
    base = made.base("debian:12", "linux/amd64")
    assert (base.origin, base.digest, base.env, base.labels) == ("bootstrap", None, (), ())
    assert base.layers == (
        f"sha256:{outside.source.rootfs(tmp_path / f'bookworm-x86_64-{0:016}.tar').sha256}",
    )
    assert base.created == 1_650_000_000


def test_a_base_from_where_it_may_not_come_any_more_is_asked_for_anew(tmp_path, outside):
    made = make(asked(tmp_path, MATRIX.replace("registry", "bootstrap")), None, outside)
    assert lock.settled(asked(tmp_path, MATRIX.replace("registry", "auto")), made).bases == made.bases
    assert lock.settled(asked(tmp_path), made) is None
    again = make(asked(tmp_path), made, outside)
    assert {base.origin for base in again.bases} == {"registry"}


@pytest.mark.parametrize(
    "url",
    ["file:///srv/wheels/x.whl", "https://me:secret@host/x.whl", "https://host/x.whl?token=1", None],
)
def test_no_address_that_only_works_here_is_kept(tmp_path, url):
    made = make(asked(tmp_path), None, ports(tmp_path, source=Source(tmp_path, url=url)))
    assert {one.url for one in made.cell(DEBIAN12).wheels} == {None}
    assert local_paths(lock.dumps(made)) == []
    assert public(pin("numpy")) == pin("numpy")


def test_all_failures_are_told_with_their_cells(tmp_path):
    def refuse(order):
        raise CellError.of(f"nothing for glibc {order.glibc}")

    source = Source(tmp_path)
    source.resolve = refuse
    with pytest.raises(CellError) as caught:
        make(asked(tmp_path), None, ports(tmp_path, source=source))
    assert {problem.cell for problem in caught.value.problems} == {DEBIAN12, DEBIAN13}


def test_another_account_asks_nobody_about_packages(tmp_path, outside):
    made = make(asked(tmp_path), None, outside)
    other = asked(tmp_path, MATRIX + "user: {name: trainer}\nsettings: {TORCH_HOME: /models}\n", offline=True)
    stages = {one.os_digest for one in asked(tmp_path).recipes}
    assert stages.isdisjoint(one.os_digest for one in other.recipes)
    again = make(other, made, outside)
    assert (again.systems, again.bases) == (made.systems, made.bases)
    assert lock.stale(again, other.matrix, other.recipes) == ()
    more = asked(tmp_path, MATRIX.replace("[numpy]", "[numpy], system: [curl]"), offline=True)
    with pytest.raises(OutsideError, match="offline, nobody tells"):
        make(more, made, outside)


def test_offline_nothing_is_asked_of_a_registry(tmp_path, outside):
    with pytest.raises(OutsideError, match="offline, nobody tells what debian:12"):
        make(asked(tmp_path, offline=True), None, outside)
    assert outside.engine.images == {}
    made = make(asked(tmp_path), None, outside)
    again = make(asked(tmp_path, offline=True, upgrade=("numpy",)), made, outside)
    assert dataclasses.replace(again, epoch=made.epoch) == made

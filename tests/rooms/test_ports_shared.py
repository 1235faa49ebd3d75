"""Work that several cells wait for: begun once, its errors told to all, no slot held by who waits."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

import pytest

from builder import pipeline, verification
from builder.engine.api import Assembled, LayerFile
from builder.errors import CellError, InterruptedByUserError
from builder.pipeline import Options
from builder.ports import LATER, Shared, Slots
from tests.screens.stand_ins import Engine, Store, checks, drive, ports, reports, works_of

MATRIX = """
version: 1
image: team/torch
matrix: {os: [debian12], python: ["3.11", "3.12"], cuda: [cpu], torch: ["2.8.0"]}
"""


def test_work_of_one_name_is_begun_once_whoever_asks():
    shared, begun, gate = Shared(1), [], threading.Event()

    def make():
        begun.append(1)
        gate.wait(30)
        return object()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(lambda: shared.begin("x", make).result()) for _ in range(8)]
        gate.set()
        assert len({id(one.result()) for one in asked}) == 1
    assert shared.begin("x", make).result() is asked[0].result()
    assert begun == [1]
    assert shared.begin("y", make).result() is not asked[0].result()


@pytest.mark.parametrize("error", [CellError.of("no"), InterruptedByUserError.of("stop"), SystemExit(3)])
def test_an_error_reaches_every_waiter(error):
    shared, gate = Shared(1), threading.Event()

    def make():
        gate.wait(30)
        raise error

    waiting = [shared.begin("x", make) for _ in range(3)]
    gate.set()
    assert [future.exception() for future in waiting] == [error] * 3
    assert shared.begin("x", make).exception() is error


@pytest.mark.parametrize("jobs", [1, 3])
def test_so_many_pieces_go_on_at_once_and_no_more(jobs):
    shared, held, most, all_in = Shared(jobs), [], [], threading.Barrier(jobs)

    def work():
        with shared.slot():
            held.append(1)
            most.append(len(held))
            all_in.wait(30)  # nobody leaves before as many are here as may be
            held.pop()

    with ThreadPoolExecutor(3 * jobs) as pool:
        wait([pool.submit(work) for _ in range(3 * jobs)])
    assert max(most) == jobs


def test_of_those_who_wait_the_least_rank_is_next_and_of_these_the_first():
    slots, order = Slots(1), []

    def work(rank, name):
        with slots.one(rank):
            order.append(name)

    with ThreadPoolExecutor(4) as pool, slots.one(0):
        for count, (rank, name) in enumerate([(5, "c"), (1, "a"), (9, "d"), (1, "b")], start=1):
            pool.submit(work, rank, name)
            while slots.waiting < count:
                time.sleep(0.001)
        assert order == []
    assert order == ["a", "b", "c", "d"]


def test_loads_have_slots_of_their_own():
    shared = Shared(1)
    with shared.slot(), shared.loading():
        pass


def test_a_slot_is_free_again_after_a_failure():
    shared = Shared(1)
    with pytest.raises(RuntimeError), shared.slot():
        raise RuntimeError
    with shared.slot():
        pass


def test_settling_waits_for_what_nobody_waits_for():
    shared, gate, over = Shared(1), threading.Event(), []

    def first():
        gate.wait(30)
        shared.begin("begun by another", lambda: over.append(1))
        raise CellError.of("no")

    shared.begin("x", first)
    threading.Timer(0, gate.set).start()
    shared.settle()
    assert over == [1]
    shared.settle()


class Watched(Shared):
    """Refuses that somebody who holds a slot asks for another's work, or for a second slot."""

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs)
        self._here = threading.local()

    def begin(self, name, make, label=""):
        assert not self._held, f"asks for {name}"
        return super().begin(name, make, label)

    @contextmanager
    def slot(self, rank=LATER):
        assert not self._held, "asks for a second slot"
        with super().slot(rank):
            self._here.held = True
            try:
                yield
            finally:
                self._here.held = False

    @property
    def _held(self) -> bool:
        return getattr(self._here, "held", False)


@pytest.mark.parametrize("more", ["", "flavor: devel\n", "base: bootstrap\n"])
def test_nobody_waits_for_others_and_holds_a_slot(tmp_path, monkeypatch, more):
    monkeypatch.setattr(verification, "listed", checks)
    text = MATRIX.replace("debian12", "ubuntu24.04") if "devel" in more else MATRIX
    text = text.replace("cpu", '"12.8"') if "devel" in more else text
    source = Store(tmp_path, sources=("torch",))
    works = works_of(tmp_path, text + more, source)
    outside = replace(ports(tmp_path, source=source), shared=Watched(1))
    _, results = drive(pipeline.run(works, outside, Options(jobs=1)))
    assert [(result.outcome, result.problems) for result in results] == [("passed", ())] * 2


def test_the_listing_of_images_is_asked_for_once(tmp_path):
    class Counting(Engine):
        asked = 0

        def labelled(self, label):
            Counting.asked += 1
            return super().labelled(label)

    engine = Counting(on_run=reports())
    outside = ports(tmp_path, engine)
    empty = tmp_path / "empty.tar"
    empty.touch()
    layer = LayerFile(diff_id=f"sha256:{0:064}", size=0, path=empty)
    ours = Assembled.of_rootfs(layer, "linux/amd64", {"org.envbuild.cell": "c"})
    ident = engine.load(ours, print, threading.Event())
    engine.tag(ident, "a:1")
    other = engine.pull("b:1", "linux/amd64", print).id
    assert outside.stored("a:1") == outside.stored(ident) == ident
    assert outside.stored("b:1") == other  # not ours: looked at by itself
    assert outside.stored("c:1") is None
    assert Counting.asked == 1

"""The store hands out what it was given, whole, once per machine."""

import subprocess
import sys
import threading

import pytest
from source_server import Server, pin_of, ranged, wheel

from builder.errors import OutsideError
from builder.source.host import HostSource
from builder.source.store import Store, sha256_of

NAME, CONTENT = wheel("tiny", "1.0")


def source(tmp_path):
    return HostSource(root=tmp_path / "store", env={"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null"})


def nothing(*_):
    pass


def test_a_file_is_fetched_once(tmp_path):
    with Server(routes={f"/{NAME}": ranged(CONTENT)}) as server:
        pin = pin_of(f"{server.url}/{NAME}", CONTENT)
        first = source(tmp_path).fetch(pin, nothing)
        second = source(tmp_path).fetch(pin, nothing)
        assert len(server.asked) == 1
    assert first == second
    assert first.relative_to(tmp_path / "store").parts == ("sha256", pin.sha256[:2], pin.sha256, NAME)


def test_a_tampered_file_is_refused_and_fetched_anew(tmp_path):
    with Server(routes={f"/{NAME}": ranged(CONTENT)}) as server:
        pin = pin_of(f"{server.url}/{NAME}", CONTENT)
        path = source(tmp_path).fetch(pin, nothing)
        path.write_bytes(CONTENT[:-1] + b"!")
        notes = []
        assert Store(root=tmp_path / "store", on_note=notes.append).find(pin) is None
        assert notes == [f"{path} was not what its name says; it was removed and is fetched anew"]
        assert source(tmp_path).fetch(pin, nothing).read_bytes() == CONTENT
        assert len(server.asked) == 2


def test_tampering_is_also_seen_by_the_process_that_fetched(tmp_path):
    with Server(routes={f"/{NAME}": ranged(CONTENT)}) as server:
        pin, here = pin_of(f"{server.url}/{NAME}", CONTENT), source(tmp_path)
        path = here.fetch(pin, nothing)
        path.write_bytes(b"!" * len(CONTENT))
        assert here.fetch(pin, nothing).read_bytes() == CONTENT


def test_many_threads_fetch_once(tmp_path):
    with Server(routes={f"/{NAME}": ranged(CONTENT)}) as server:
        pin, here = pin_of(f"{server.url}/{NAME}", CONTENT), source(tmp_path)
        threads = [threading.Thread(target=here.fetch, args=(pin, nothing)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == 1
        assert here.fetch(pin, nothing).read_bytes() == CONTENT


def test_two_processes_fetch_once(tmp_path):
    """The first process holds the download until the second has been seen to start."""
    both = threading.Barrier(2)
    script = (
        "import sys, pathlib; from builder.source import open_source; from builder.source.api import Pin\n"
        "pin = Pin(name='tiny', version='1.0', filename=sys.argv[2], url=sys.argv[3], sha256=sys.argv[4])\n"
        "print('up', flush=True)\n"
        "print(open_source(pathlib.Path(sys.argv[1])).fetch(pin, lambda *_: None))"
    )

    def held(handler):
        both.wait(timeout=60)
        ranged(CONTENT)(handler)

    with Server(routes={f"/{NAME}": held}) as server:
        pin = pin_of(f"{server.url}/{NAME}", CONTENT)
        command = [sys.executable, "-c", script, str(tmp_path / "store"), NAME, pin.url, pin.sha256]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        assert [one.stdout.readline() for one in running] == ["up\n", "up\n"]
        both.wait(timeout=60)
        ends = [one.communicate(timeout=60)[0].strip() for one in running]
        assert [one.returncode for one in running] == [0, 0]
        assert len(server.asked) == 1
    assert len(set(ends)) == 1


def test_what_a_file_name_says_is_not_believed(tmp_path):
    pin = pin_of("http://x.invalid/f.whl", CONTENT)
    with pytest.raises(OutsideError, match="not the file that was pinned"):
        Store(root=tmp_path).place(pin, lambda partial: partial.write_bytes(b"other"))
    assert Store(root=tmp_path).find(pin) is None


def test_a_store_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutsideError, match=r"store at .*file"):
        Store(root=tmp_path / "file").place(pin_of("http://x.invalid/f.whl", CONTENT), lambda _: None)


def test_large_files_are_hashed_in_blocks(tmp_path):
    (tmp_path / "big").write_bytes(b"ab" * (3 << 20))
    assert sha256_of(tmp_path / "big") == pin_of("/x", b"ab" * (3 << 20)).sha256

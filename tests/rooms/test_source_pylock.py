"""uv's lock file, read with suspicion: it repeats what an index says."""

import json

import pytest

from builder.errors import CellError, OutsideError
from builder.source import platforms, pylock

HASH = "a" * 64


def lock(url, *, name="tiny", version="1.0", **wheel):
    """A lock with one package; TOML's inline tables are near enough to JSON's."""
    fields = {"url": url, "hashes": {"sha256": HASH}} | wheel
    inline = ", ".join(f"{key} = {_toml(value)}" for key, value in fields.items())
    head = f'lock-version = "1.0"\n[[packages]]\nname = "{name}"\nversion = "{version}"\n'
    return head + f"wheels = [{{ {inline} }}]\n"


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def read(text, *, free_threaded=False):
    return pylock.pins(text, free_threaded=free_threaded)


def test_a_pin_has_what_the_lock_says_and_no_credential():
    (pin,) = read(
        lock("https://u:p@h.example.com/a/tiny-1.0%2Bcpu-py3-none-any.whl#x", version="1.0+cpu", size=7)
    )
    assert pin.url == "https://h.example.com/a/tiny-1.0%2Bcpu-py3-none-any.whl"
    assert (pin.filename, pin.version) == ("tiny-1.0+cpu-py3-none-any.whl", "1.0+cpu")
    assert (pin.sha256, pin.size) == (HASH, 7)


def test_versions_are_compared_as_versions():
    (pin,) = read(lock("https://h.example.com/tiny-1.0.0-py3-none-any.whl"))
    assert pin.version == "1.0"


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example.com/other-1.0-py3-none-any.whl",
        "https://h.example.com/tiny-2.0-py3-none-any.whl",
        "https://h.example.com/tiny-1.0.tar.gz",
        "https://h.example.com/..%2F..%2F.ssh%2Ftiny-1.0-py3-none-any.tar",
    ],
)
def test_a_file_that_is_not_this_package_s_wheel_is_refused(url):
    with pytest.raises(CellError, match=r"tiny 1\.0"):
        read(lock(url))


def test_a_file_name_is_no_path():
    (pin,) = read(lock("https://h.example.com/..%2F..%2Ftiny-1.0-py3-none-any.whl"))
    assert pin.filename == "tiny-1.0-py3-none-any.whl"


def test_without_a_hash_there_is_no_pin():
    with pytest.raises(OutsideError, match="no sha256"):
        read(lock("https://h.example.com/tiny-1.0-py3-none-any.whl", hashes={}))


FILES = (
    "tiny-1.0-py3-none-manylinux2014_x86_64.whl",
    "tiny-1.0-2-py3-none-manylinux2014_x86_64.whl",
    "tiny-1.0-10-py3-none-manylinux2014_x86_64.whl",
    "tiny-1.0-1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "tiny-1.0-cp39-abi3-manylinux2014_x86_64.whl",
    "tiny-1.0-cp310-abi3-manylinux_2_28_x86_64.whl",
    "tiny-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
    "tiny-1.0-py3-none-any.whl",
)


@pytest.mark.parametrize(
    ("files", "best"),
    [
        (FILES[:2], 1),  # NVIDIA's nvrtc for CUDA 11.7 was uploaded again as build 2
        (FILES[:3], 2),  # numbers, not text
        (FILES[:4], 3),  # cupti for CUDA 12.6 has both names for the same platform in its second wheel
        (FILES[3:5], 1),
        (FILES[4:6], 1),
        (FILES[3:], 3),
        ((FILES[7], FILES[0]), 1),
    ],
)
def test_of_several_wheels_that_run_the_one_is_pinned_that_pip_takes(files, best):
    wheels = ", ".join(
        f'{{ url = "https://h.example.com/{file}", hashes = {{ sha256 = "{HASH}" }} }}' for file in files
    )
    text = f'[[packages]]\nname = "tiny"\nversion = "1.0"\nwheels = [{wheels}]\n'
    (pin,) = pylock.pins(text, platforms.tags("3.11", "x86_64", "2.36"), free_threaded=False)
    assert pin.filename == files[best]


def test_what_is_no_wheel_with_an_address_is_refused():
    source = '[[packages]]\nname = "tiny"\nversion = "1.0"\nvcs = { url = "https://h.example.com" }\n'
    with pytest.raises(CellError, match="cannot be pinned"):
        read(source)


@pytest.mark.parametrize(("abi", "free"), [("cp313", True), ("cp313t", False)])
def test_the_other_kind_of_python_is_refused(abi, free):
    text = lock(f"https://h.example.com/tiny-1.0-cp313-{abi}-manylinux_2_28_x86_64.whl")
    with pytest.raises(CellError, match="build of this Python"):
        read(text, free_threaded=free)
    assert read(text, free_threaded=not free)


@pytest.mark.parametrize(
    "tag", ["py3-none-any", "cp39-abi3-manylinux_2_28_x86_64", "cp36-cp36m-linux_x86_64"]
)
def test_tags_without_that_difference_pass(tag):
    assert read(lock(f"https://h.example.com/tiny-1.0-{tag}.whl"))

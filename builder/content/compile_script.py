"""Runs in a container, as `python -c`: sources on standard input, their byte code on standard output.

`builder.content.bytecode` says what both streams look like. Python 3.6 syntax; of the standard library only
what a bare interpreter has, and nothing of envbuild.
"""

import gc
import importlib.util
import marshal
import os
import sys
from types import CodeType

try:
    from _sha2 import sha256  # from Python 3.12 on; hashlib wants OpenSSL, which may not be there
except ImportError:
    from _sha256 import sha256

BROKEN, UNSTEADY, REFUSED = -1, -2, -3  # in the place of a size: why there is none
PIPE = 1 << 20  # bytes that a worker may be ahead


def main(source, sink):
    """All of it: read, compile on every CPU, write in the order of reading."""
    sys.path[:] = [folder for folder in sys.path if folder]
    mtime, count = int(source.readline()), int(source.readline())
    modules = [module(source) for _ in range(count)]
    if source.readline() != b"end\n":
        raise EOFError("the sources were cut off")
    gc.disable()
    gc.collect()
    workers = max(1, min(len(os.sched_getaffinity(0)), count))
    pipes = [started(modules[first::workers], mtime) for first in range(workers)]
    sink.write(b"envbuild-bytecode %s\n" % sys.implementation.cache_tag.encode())
    digest = sha256()
    for index in range(count):
        frame = answer(pipes[index % workers])
        digest.update(frame)
        sink.write(frame)
    sink.write(b"end %d %s\n" % (count, digest.hexdigest().encode()))
    sink.flush()
    for _ in pipes:
        os.wait()


def module(source):
    """(its path in the image, its bytes): two lengths, then both."""
    name, size = map(int, source.readline().split())
    return exactly(source, name).decode("utf-8"), exactly(source, size)


def exactly(source, size):
    """That many bytes."""
    content = source.read(size)
    if len(content) != size:
        raise EOFError("cut off")
    return content


def started(modules, mtime):
    """A worker for these modules, and the end of a pipe from which its answers come, in their order."""
    reader, writer = os.pipe()
    widen(writer)
    if os.fork():
        os.close(writer)
        return os.fdopen(reader, "rb")
    status = 1
    try:
        os.close(reader)
        with os.fdopen(writer, "wb") as sink:
            for path, content in modules:
                size, compiled = pyc(path, content, mtime)
                sink.write(b"%d\n" % size + compiled)
        status = 0
    finally:
        os._exit(status)


def widen(writer):
    """Let a worker run ahead; what the system allows is enough."""
    try:
        import fcntl

        fcntl.fcntl(writer, 1031, PIPE)  # F_SETPIPE_SZ, which fcntl names from Python 3.10 on
    except (ImportError, OSError):
        pass


def answer(pipe):
    """One frame: its length (or why there is none) as a line, and the bytes."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError("a worker ended too early")
    return line + exactly(pipe, max(int(line), 0))


def pyc(path, content, mtime):
    """(size, bytes) of a module's byte code, the same bytes every time; or (why not, nothing)."""
    try:
        code = compile(content, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return BROKEN, b""
    if not steady(code):
        return UNSTEADY, b""
    try:
        # Version 2: later ones mark what is referred to more than once, which depends on what was compiled
        # before.
        body = marshal.dumps(code, 2)
    except ValueError:  # Python 3.14 makes constants of slices, which version 2 cannot write
        return REFUSED, b""
    compiled = header(content, mtime) + body
    return len(compiled), compiled


def header(content, mtime):
    """PEP 552: an unchecked hash, so that no time of the file counts. Python 3.6 knows times only."""
    if sys.version_info >= (3, 7):
        return importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + importlib.util.source_hash(content)
    return importlib.util.MAGIC_NUMBER + b"".join(
        number.to_bytes(4, "little") for number in (mtime, len(content))
    )


def steady(constant):
    """Whether marshal writes this in one order every time.

    From 3.11 on it sorts sets. Before, they come as they lie in memory, which the hash seed (fixed for this
    process) decides for text and numbers; the hash of None and the like is an address.
    """
    if sys.version_info >= (3, 11):
        return True
    if isinstance(constant, CodeType):
        return all(map(steady, constant.co_consts))
    if isinstance(constant, frozenset):
        return all(map(plain, constant))
    return not isinstance(constant, tuple) or all(map(steady, constant))


def plain(value):
    """Whether its hash depends on its value alone."""
    if isinstance(value, tuple):
        return all(map(plain, value))
    return isinstance(value, (str, bytes, int, float, complex))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)

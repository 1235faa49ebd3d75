"""Child processes: the same file run again with a task, its own time limit, its own output."""

import json
import os
import signal
import subprocess
import sys
from typing import Any, NamedTuple

VARIABLE = "ENVBUILD_INSIDE_TASK"
# What a launcher outside may have set; a check between processes of this container must not meet it.
RENDEZVOUS = (
    "MASTER_ADDR", "MASTER_PORT", "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK",
    "GROUP_WORLD_SIZE", "ROLE_RANK", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE",
    "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME", "NCCL_COMM_ID", "NCCL_IB_HCA", "NCCL_HOSTID",
    "TORCH_DISTRIBUTED_DEBUG",
)  # fmt: skip


class Ended(NamedTuple):
    """How a child ended: its result or None, its exit code, whether time ran out, the end of its output."""

    result: Any
    code: int
    late: bool
    tail: str


class Child:
    """One running child. It reads its task from a file and leaves its result in another."""

    def __init__(self, bench, name, task, variables=None):
        self.answer = bench.file(name + ".result")
        self.log = bench.file(name + ".log")
        path = bench.file(name + ".task")
        with open(path, "w") as stream:
            json.dump(dict(task, answer=self.answer), stream)
        surroundings = {key: text for key, text in os.environ.items() if key not in RENDEZVOUS}
        surroundings.update(variables or {}, **{VARIABLE: path})
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command(),
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, limit):
        """Wait for `limit` seconds at most, then kill the child with all of its own children."""
        late = False
        try:
            self.process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            late = True
        self.kill()
        return Ended(self._result(), self.process.wait(), late, self._tail())

    def kill(self):
        """End whatever is left of the child's process group."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except OSError:
            pass

    def _result(self):
        try:
            with open(self.answer) as stream:
                return json.load(stream)
        except (OSError, ValueError):
            return None

    def _tail(self):
        with open(self.log, "rb") as stream:
            text = stream.read()[-4000:].decode("ascii", "replace")
        return "\n".join(line for line in text.splitlines() if line.strip())[-800:]


def command():
    """How to run this very file again, under the same interpreter and its options."""
    flags = getattr(subprocess, "_args_from_interpreter_flags", list)()
    program = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return [sys.executable] + flags + [program]


def task():
    """The task of this process if it is a child, otherwise None."""
    path = os.environ.pop(VARIABLE, None)
    if path is None:
        return None
    with open(path) as stream:
        return json.load(stream)


def answer(path, result):
    """Leave the result, then end at once.

    Threads of gloo abort the interpreter's orderly exit now and then (seen on torch 2.13 and 2.15).
    """
    with open(path + ".part", "w") as stream:
        json.dump(result, stream)
    os.replace(path + ".part", path)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def ending(ended):
    """In words: how a child without a result ended."""
    if ended.late:
        words = "it did not end in time"
    elif ended.code < 0:
        words = "it was killed by %s" % signal_name(-ended.code)
    else:
        words = "it ended with exit code %d" % ended.code
    return words + (": " + ended.tail if ended.tail else "")


def signal_name(number):
    """`SIGSEGV` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number

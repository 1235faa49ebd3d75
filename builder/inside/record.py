"""Records: one ASCII line each, on a descriptor that nothing else prints to."""

import json
import math
import os
import re
import sys

MARK = "envbuild-record"
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
LONGEST_TEXT = 2000
LONGEST_LIST = 400


def plain(value):
    """The value as strict JSON can hold it: no NaN, no bytes, no endless text, no terminal codes."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
        return [plain(item) for item in items[:LONGEST_LIST]]
    text = ANSI.sub("", str(value))
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " ..."


class Writer:
    """Owns the descriptor that standard output was; prints of anybody else go to standard error from then on.

    gloo and NCCL print to standard output on some releases, NVIDIA's images print a banner there.
    """

    def __init__(self, nonce):
        self.nonce = nonce
        sys.stdout.flush()
        self.descriptor = os.dup(1)  # not inherited by child processes
        os.dup2(2, 1)

    def write(self, kind, **fields):
        """Write one record at once, so that a crash later on cannot take it back."""
        body = json.dumps(
            plain(dict(fields, record=kind)), sort_keys=True, ensure_ascii=True, allow_nan=False
        )
        line = ("%s %s %s\n" % (MARK, self.nonce, body)).encode("ascii")
        while line:
            line = line[os.write(self.descriptor, line) :]

"""Layers above a small base, squashed: what the tests of squashing and of its rules share."""

import itertools
import tarfile
from dataclasses import replace

from layer_trees import EPOCH, file, folder, foreign, symlink

from builder.layer.listing import listing
from builder.layer.rules import Rules
from builder.layer.squash import squash

RULES = Rules(epoch=EPOCH)
NO_RULES = Rules(epoch=EPOCH, table=())
BASE = (
    folder("bin"),
    file("bin/sh", mode=0o755),
    folder("etc"),
    file("etc/hosts", b""),
    file("etc/passwd"),
    folder("usr/lib", mode=0o750),
    file("usr/lib/a"),
    file("usr/lib/b"),
    folder("usr/lib/sub"),
    file("usr/lib/sub/c"),
    symlink("lib", "usr/lib"),
    file("var/log/dpkg.log"),
    folder("tmp", mode=0o1777),
)


class Stack:
    """Layers above `BASE`, as files."""

    def __init__(self, tmp_path, base=BASE):
        self.folder = tmp_path
        self.count = itertools.count()
        self.below = listing([foreign(tmp_path / "base.tar", *base)])

    def squash(self, *layers, rules=NO_RULES, form=tarfile.GNU_FORMAT):
        """Without the base's folders on the way, which are there for the engine's sake."""
        made = self.whole(*layers, rules=rules, form=form)
        return tuple(entry for entry in made if not self.is_below(entry))

    def is_below(self, entry):
        lower = self.below.paths.get(entry.path)
        return lower is not None and replace(entry, mtime=0) == replace(lower, mtime=0)

    def whole(self, *layers, rules=NO_RULES, form=tarfile.GNU_FORMAT):
        tars = [foreign(self.folder / f"{next(self.count)}.tar", *layer, form=form) for layer in layers]
        return squash(tars, self.below, rules)


def kinds(entries):
    return {entry.path: entry.kind for entry in entries}

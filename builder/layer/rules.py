"""What is left out of a layer that an engine made, or made the same every time: a table with reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Action = Literal["mounted", "stub", "volatile", "emptied", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens to the paths that match one of `globs` (`*` within one folder), and to everything in them.

    `mounted`: left out, whatever it is and whatever became of what is below.
    `stub`: left out where it is empty and below has nothing else.
    `volatile`: left out; what is below stays, or stays removed.
    `emptied`: left out where below has it, otherwise made empty.
    `day`: the day of a password's last change is not later than the epoch.
    """

    action: Action
    globs: tuple[str, ...]
    reason: str


TABLE = (
    Rule(
        action="mounted",
        globs=("dev", "proc", "sys"),
        reason="engines mount their own there, and leave what they needed to do so",
    ),
    Rule(
        action="stub",
        globs=("etc/hosts", "etc/hostname", "etc/resolv.conf", ".dockerenv", "inputs"),
        reason="mount points: engines leave an empty file or folder where something was mounted",
    ),
    Rule(
        action="volatile", globs=("run/*",), reason="the state of running processes; mount points of engines"
    ),
    Rule(
        action="volatile",
        globs=("tmp/*", "var/tmp/*", "root/.cache"),
        reason="what a step did not clean up behind it",
    ),
    Rule(
        action="volatile",
        globs=("var/lib/apt/lists/*", "var/cache/apt/*.bin", "var/cache/apt/archives/*"),
        reason="apt's view of the mirror on that day",
    ),
    Rule(
        action="volatile",
        globs=("var/cache/dnf/*", "var/cache/yum/*", "var/lib/dnf/history*", "var/lib/yum/history/*"),
        reason="dnf's and yum's view of the mirror on that day, and when they ran",
    ),
    Rule(
        action="volatile",
        globs=("var/log/*.log", "var/log/apt/*", "var/log/dnf*", "var/log/yum*"),
        reason="when packages were installed",
    ),
    Rule(
        action="volatile",
        globs=("var/log/lastlog", "var/log/faillog"),
        reason="sparse files that useradd touches; as large as the highest user id",
    ),
    Rule(
        action="volatile",
        globs=("var/cache/debconf/*-old", "var/lib/dpkg/*-old"),
        reason="the state before the last change, which depends on how many steps there were",
    ),
    Rule(
        action="volatile",
        globs=tuple(f"etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")),
        reason="the accounts before the last change",
    ),
    Rule(
        action="volatile",
        globs=("var/cache/ldconfig/aux-cache", "var/cache/fontconfig/*"),
        reason="inode numbers and times of files; made anew when missing",
    ),
    Rule(
        action="volatile",
        globs=("var/lib/dbus/machine-id",),
        reason="a random number; made anew when missing",
    ),
    Rule(
        action="emptied", globs=("etc/machine-id",), reason="a random number; empty means: made at the start"
    ),
    Rule(action="day", globs=("etc/shadow",), reason="useradd writes the day on which it ran"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What squashing goes by; `epoch`, in seconds since 1970, is the latest time that a layer may hold."""

    epoch: int
    table: tuple[Rule, ...] = TABLE

    def pattern(self, action: Action) -> re.Pattern[str]:
        """Matches the paths to which an action applies."""
        globs = [glob for rule in self.table if rule.action == action for glob in rule.globs]
        inner = "|".join(re.escape(glob).replace(r"\*", "[^/]*") for glob in globs)
        return re.compile(f"(?:{inner})(?:/|$)" if globs else "(?!)")

"""The keys of a matrix file, by the part that holds them; `docs/matrix.schema.json` lists the same."""

from __future__ import annotations

AXES = ("os", "python", "cuda", "torch")

TOP = (
    "version",
    "image",
    "tags",
    "matrix",
    "exclude",
    "include",
    "impossible",
    "python",
    "packages",
    "settings",
    "user",
    "flavor",
    "platform",
    "base",
    "systems",
    "verify",
    "budget",
    "immutable",
    "aliases",
)
EXCLUDE = (*AXES, "reason")
ALIAS = ("tag", *AXES)
INCLUDE = (*AXES, "provider", "reason")
PYTHON = ("provider",)
PACKAGES = ("pip", "system")
USER = ("name", "uid")
OWN_SYSTEM = ("like", "image")
VERIFY = ("level", "epochs", "gpus", "memory", "timeout")
BUDGET = ("size",)

# Where a key belongs, for the hint when it stands elsewhere. A key of several parts is not listed.
HOMES = {
    **dict.fromkeys((key for key in TOP if key != "python"), ""),
    **dict.fromkeys(("os", "cuda", "torch"), "matrix"),
    "provider": "python",
    "tag": "aliases",
    **dict.fromkeys(PACKAGES, "packages"),
    **dict.fromkeys(USER, "user"),
    "like": "systems",
    **dict.fromkeys(VERIFY, "verify"),
    **dict.fromkeys(BUDGET, "budget"),
}

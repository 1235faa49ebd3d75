"""The tables, as they are shown and as a file of the user's own changes them."""

from __future__ import annotations

from tests.screens.case import case

FACTS = (
    case("facts-show", "facts show"),
    case("facts-show-torch", "facts show torch"),
    case("facts-show-tables", "facts show cuda os python gpu traps"),
    case("facts-show-rows", "facts show torch2.8 cu126 debian12 py3.11 numpy2"),
    case("facts-show-80-columns", "facts show torch2.6 12.4", columns=80),
    case("facts-show-gpu", "facts show 'RTX 3090' v100"),
    case("facts-show-cell", "facts show debian12-py3.15-cpu-torch2.15.0"),
    case("facts-show-json", "facts show py3.15 --json"),
    case("facts-show-companions", "facts show torchao"),
    case("facts-show-never", "facts show cu127"),
    case("facts-show-mistyped", "facts show debain12"),
    case("facts-show-unknown", "facts show zzz"),
    case("facts-command-mistyped", "facts shwo"),
    case("facts-overlay", "facts show torch2.16 torch2.8", env=(("ENVBUILD_FACTS", "facts.yaml"),)),
    case("facts-overlay-overview", "facts show", env=(("ENVBUILD_FACTS", "facts.yaml"),)),
    case("facts-overlay-plan", "plan one.yaml", env=(("ENVBUILD_FACTS", "facts.yaml"),)),
    case("facts-overlay-wrong", "plan one.yaml", env=(("ENVBUILD_FACTS", "facts-wrong.yaml"),)),
    case("facts-overlay-missing", "facts show", env=(("ENVBUILD_FACTS", "nowhere.yaml"),)),
    case("help-facts", "facts --help"),
    case("facts-refresh-nowhere", "facts refresh", env=(("ENVBUILD_FACTS", "none"),)),
    case("facts-check-offline", "facts check", env=(("ENVBUILD_OFFLINE", "1"),)),
    case("help-facts-check", "facts check --help"),
    case("help-facts-refresh", "facts refresh --help"),
    case("help-facts-show", "facts show --help"),
)

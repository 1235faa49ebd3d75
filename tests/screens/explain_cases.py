"""What a cell or a rule is like: cells alone and of a matrix, rules, traps, mistakes."""

from __future__ import annotations

from tests.screens.case import case

EXPLAIN = (
    case("help-explain", "explain --help"),
    case("help-completion", "completion --help"),
    case("explain-possible", "explain ubuntu22.04-py3.11-cu126-torch2.8.0"),
    case("explain-impossible", "explain centos7-py3.9-cpu-torch2.7.0"),
    case("explain-unknown", "explain debian12-py3.12-cu130-torch2.99"),
    case("explain-excluded", "explain ubuntu18.04-py3.9-cpu-torch2.6.0 matrices/legacy.yaml"),
    case("explain-of-a-matrix", "explain centos7-py3.9-cpu-torch2.6.0 matrices/legacy.yaml"),
    case("explain-80-columns", "explain ubuntu22.04-py3.11-cu126-torch2.8.0", columns=80),
    case("explain-json", "explain debian12-py3.11-cpu-torch2.8.0 --json"),
    case("explain-rule", "explain glibc_too_old"),
    case("explain-rule-json", "explain glibc_too_old --json"),
    case("explain-trap", "explain numpy2"),
    case("explain-advice", "explain default_index_changes_cuda"),
    case("explain-cuda-major", "explain ubuntu22.04-py3.11-cu13-torch2.11"),
    case("explain-mistyped-rule", "explain glibc_to_old"),
    case("explain-mistyped-os", "explain debien12-py3.11-cpu-torch2.8.0"),
    case("explain-not-in-matrix", "explain debian12-py3.9-cpu-torch2.6.0 matrices/legacy.yaml"),
    case("completion-mistyped", "completion bsh"),
)

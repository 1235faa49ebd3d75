"""What engines and registries say when they refuse → `OutsideError` in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from builder.errors import OutsideError

DISK = "free some of the engine's disk (`docker system df` shows what holds it)"
BOOTSTRAP = "without a registry, `base: bootstrap` makes Debian bases locally"
Reason = tuple[str, str, str]  # a pattern of words, what they mean, what to do
# The first that matches wins: registries put several reasons into one message, and the more telling one comes
# first. Patterns are what Docker 20.10 to 28 and Podman 4 were seen to answer.
REASONS: tuple[Reason, ...] = (
    (
        r"toomanyrequests|too many requests|rate limit|\b429\b",
        "the registry limits how often it may be asked",
        "wait, log in (`docker login`), or use a mirror of your own",
    ),
    (
        r"no matching manifest for|no image found in|does not match the specified platform",
        "the image does not exist for this platform",
        "ask for a platform that the image has; `docker manifest inspect` lists them",
    ),
    (
        r"x509|certificate|tls: |tls handshake|gave HTTP response to HTTPS",
        "the secure connection to the registry failed",
        "give the engine the registry's certificate authority (/etc/docker/certs.d/HOST/ca.crt)",
    ),
    (
        r"no such host|name resolution|server misbehaving|lookup \S+ on ",
        "the engine cannot resolve the registry's name",
        f"check the engine's network and DNS; {BOOTSTRAP}",
    ),
    (
        r"connection re(fused|set)|unreachable|timeout|awaiting headers|proxyconnect|no route|deadline|EOF",
        "the engine cannot reach the registry",
        f"check the engine's network and proxy settings; {BOOTSTRAP}",
    ),
    (
        r"unauthorized|authentication required|denied|forbidden|no basic auth|\b40[13]\b",
        "the registry does not let this engine have the image",
        "check the name's spelling, then log in to that registry (`docker login HOST`)",
    ),
    (
        r"manifest unknown|manifest for .* not found|name unknown|not found|\b404\b",
        "the registry has no such image",
        "check the name and the tag",
    ),
    (
        r"no space left on device",
        "the engine's disk is full",
        DISK,
    ),
    (
        r"credential",
        "the registry's credentials could not be read",
        "check the credential helper that ~/.docker/config.json names",
    ),
)
NO_GPU = re.compile(
    r"could not select device driver|CDI|nvidia-container-cli|nvidia\.com/gpu|failed to discover GPU",
    re.IGNORECASE,
)
PASSWORD = re.compile(r"(?<=//)[^/@\s]+@")


def refused(what: str, words: str, reasons: tuple[Reason, ...] = REASONS) -> OutsideError:
    """The error for `what` ("pulling debian:12") that failed with a registry's `words`, less passwords."""
    for pattern, meaning, hint in reasons:
        if re.search(pattern, words, re.IGNORECASE):
            return _error(f"{what} failed: {meaning}", words, hint)
    return _error(f"{what} failed", words, None)


def failed(what: str, words: str) -> OutsideError:
    """The error for `what` that failed with the engine's own `words`."""
    full = "no space left on device" in words.lower()
    return _error(f"{what} failed", words, DISK if full else None)


def no_gpu(what: str, words: str) -> OutsideError:
    """The error for GPUs that were asked of an engine that has none to give."""
    hint = "install NVIDIA's driver and Container Toolkit on the engine's machine, or leave GPUs out"
    return _error(f"{what} failed: the engine cannot pass GPUs on", words, hint)


def _error(message: str, words: str, hint: str | None) -> OutsideError:
    words = PASSWORD.sub("***@", words).strip()
    error = OutsideError.of(f"{message} (the engine says: {words})" if words else message, hint=hint)
    assert isinstance(error, OutsideError)  # noqa: S101  # `of` is typed for the base class
    return error


@contextmanager
def outside(what: str, explain: Callable[[str, str], OutsideError] = failed) -> Iterator[None]:
    """Turn every way in which docker-py reports a failure into `OutsideError`; `explain` knows the words."""
    import docker.errors  # noqa: PLC0415  # costs 0.3 s
    import requests  # noqa: PLC0415

    try:
        yield
    except docker.errors.APIError as error:
        raise explain(what, str(error.explanation or error)) from error
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        raise _error(f"{what} failed: the engine closed the connection", root_cause(error), _ALIVE) from error
    except requests.exceptions.Timeout as error:
        raise _error(f"{what} failed: the engine did not answer in time", "", _ALIVE) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise explain(what, root_cause(error)) from error


_ALIVE = "check that the engine still runs (`docker info`) and look into its log"


def root_cause(error: BaseException) -> str:
    """The innermost reason, which requests and docker-py wrap several times, or the engine's own words."""
    inner = error
    for inner in causes(error):
        if getattr(inner, "explanation", None):
            break
    words = getattr(inner, "explanation", None) or getattr(inner, "strerror", None) or str(inner)
    return str(words or type(inner).__name__)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, from the outside in."""
    deeper: BaseException | None = error
    while deeper is not None:
        yield deeper
        nested = (*deeper.args, getattr(deeper, "reason", None), deeper.__cause__)
        deeper = next((each for each in nested if isinstance(each, BaseException)), None)

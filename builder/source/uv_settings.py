"""uv's own variables and the usual ones, read into `Settings`, and `Settings` written as the environment that
uv runs in.

Addresses travel to uv by its environment and never by its arguments: arguments are readable by every user of
the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from builder.source.settings import Settings

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

# Of uv's many variables only those that say where things are and how to get there may pass. The others change
# what is resolved (UV_TORCH_BACKEND, UV_OVERRIDE, UV_PRERELEASE …), and that is what a matrix says.
# UV_EXCLUDE_NEWER is a team's guard against poisoned releases, and stays.
PASSING = frozenset(
    {
        *("UV_CACHE_DIR", "UV_CONCURRENT_DOWNLOADS", "UV_CONFIG_FILE", "UV_NO_CONFIG", "UV_OFFLINE"),
        *("UV_EXCLUDE_NEWER", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS"),
        *("UV_HTTP_CONNECT_TIMEOUT", "UV_HTTP_RETRIES", "UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT"),
        *("UV_PYTHON_DOWNLOADS_JSON_URL", "UV_PYTHON_INSTALL_MIRROR"),
    }
)


def merged(pip: Settings, env: Mapping[str, str]) -> Settings:
    """pip's settings with uv's and the usual variables of `env` added; uv's own go before pip's."""
    indexes = [_with_named_credentials(one, env) for one in env.get("UV_INDEX", "").split()]
    indexes += env.get("UV_EXTRA_INDEX_URL", "").split()
    links = [one.strip() for one in env.get("UV_FIND_LINKS", "").split(",") if one.strip()]
    default = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL")
    return replace(
        pip,
        index=_with_named_credentials(default, env) if default else pip.index,
        extra_indexes=tuple(dict.fromkeys([*indexes, *pip.extra_indexes])),
        find_links=tuple(dict.fromkeys([*links, *pip.find_links])),
        cert=pip.cert or next((env[name] for name in CERTIFICATES if env.get(name)), None),
        client_cert=pip.client_cert or env.get("SSL_CLIENT_CERT"),
        trusted=tuple(dict.fromkeys([*env.get("UV_INSECURE_HOST", "").split(), *pip.trusted])),
    )


def environment(settings: Settings, env: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: the host's, less what would change the result; `settings` in uv's words."""
    kept = {name: value for name, value in env.items() if not name.startswith("UV_") or name in PASSING}
    kept.update(_places(settings))
    if settings.cert:
        kept.update(_certificates(settings.cert))
        kept.pop("SSL_CERT_DIR" if "SSL_CERT_FILE" in _certificates(settings.cert) else "SSL_CERT_FILE", None)
    if settings.client_cert:
        kept["SSL_CLIENT_CERT"] = settings.client_cert
    if settings.proxy:
        kept.update(dict.fromkeys(PROXIES, settings.proxy))
    if settings.timeout:
        kept.setdefault("UV_HTTP_TIMEOUT", str(round(settings.timeout)))
    return kept


def options(settings: Settings) -> tuple[str, ...]:
    """What uv has no variable for."""
    return ("--no-index",) if settings.no_index else ()


def _places(settings: Settings) -> dict[str, str]:
    """Indexes and folders. uv parts its lists at spaces (indexes) and commas (find-links)."""
    links = ",".join(one.replace(",", "%2C") for one in settings.find_links)
    named = {
        "UV_DEFAULT_INDEX": settings.index or "",
        "UV_INDEX": " ".join(settings.extra_indexes),
        "UV_FIND_LINKS": links,
        "UV_INSECURE_HOST": " ".join(settings.trusted),
    }
    return {name: value for name, value in named.items() if value}


def _certificates(cert: str) -> dict[str, str]:
    return {"SSL_CERT_DIR" if Path(cert).is_dir() else "SSL_CERT_FILE": cert}


def _with_named_credentials(entry: str, env: Mapping[str, str]) -> str:
    """`name=https://host/simple` → the address, with UV_INDEX_NAME_USERNAME and …_PASSWORD in it."""
    named = re.fullmatch(r"(?P<name>[A-Za-z0-9._-]+)=(?P<url>.+)", entry)
    if not named:
        return entry
    key = "UV_INDEX_" + re.sub(r"[^A-Za-z0-9]", "_", named["name"]).upper()
    user, password = env.get(key + "_USERNAME", ""), env.get(key + "_PASSWORD", "")
    parts = urlsplit(named["url"])
    if not (user or password) or "@" in parts.netloc:
        return named["url"]
    return urlunsplit(
        parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}")
    )

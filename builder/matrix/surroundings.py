"""Rules for what programs find in the image: environment settings and the account that they run as."""

from __future__ import annotations

import re

from builder.matrix.spelling import WordError
from builder.yamldoc import shown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(
    r"(^|_)(TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIALS?|(API|ACCESS|PRIVATE|SECRET)_?KEY)(_|$)", re.I
)
_SECRET_IN_URL = re.compile(r"://[^/@\s]*@")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")

UIDS = (
    1000,
    60000,
)  # the accounts of distributions lie below (login.defs: UID_MIN), and 60001 on are systemd's

# Patterns of reserved names → why, in the order in which they are asked.
_RESERVED = (
    (r"PATH|VIRTUAL_ENV|CONDA_.*", "it points to the environment that envbuild makes"),
    (r"LD_.*", "it would put other libraries before those that were verified"),
    (
        r"PYTHON(HOME|PATH|STARTUP|USERBASE|PLATLIBDIR|EXECUTABLE|SAFEPATH|NOUSERSITE)",
        "it would change which modules Python finds",
    ),
    (r"BASH_ENV|ENV|SHELLOPTS|PROMPT_COMMAND|IFS", "a shell would run or read it"),
    (r"BUILDKIT_.*|DOCKER_.*|SOURCE_DATE_EPOCH|BUILD_DATE", "it steers the build itself"),
    (r"UV_.*|PIP_.*", "it steers the installer during the build"),
    (r"(HTTPS?|FTP|ALL|NO)_PROXY", "a proxy belongs to the machine, not to the image"),
    (r"HOME|USER|LOGNAME|SHELL|PWD|HOSTNAME", "it follows from the user"),
    (r"ENVBUILD_.*", "it is envbuild's own"),
)

# Accounts and groups of base images (Debian: base-passwd; RPM distributions: setup) and of their packages.
_TAKEN = re.compile(
    "_apt|_chrony|_ssh|adm|admin|alma|almalinux|audio|backup|bin|cdrom|centos|chrony|clock|crontab|"
    "daemon|dbus|debian|dialout|dip|disk|fax|floppy|ftp|games|gnats|halt|i2c|input|irc|kmem|kvm|"
    "list|lock|lp|lpadmin|mail|man|mem|messagebus|netdev|news|nobody|nogroup|operator|plugdev|"
    "polkitd|proxy|render|rocky|root|sasl|sgx|shadow|shutdown|src|ssh_keys|sshd|staff|sudo|sync|sys|"
    "syslog|systemd-[a-z-]+|tape|tcpdump|tss|tty|ubuntu|unbound|users|utempter|utmp|uucp|uuidd|"
    "video|voice|wheel|www-data"
)


def setting_name(text: str) -> str:
    """The name of an environment variable that a matrix may set."""
    if not _NAME.fullmatch(text) or len(text) > 200:
        hint = "use letters, digits and '_', not starting with a digit"
        raise WordError(f"'{shown(text)}' is not the name of a setting", hint)
    for pattern, reason in _RESERVED:
        if re.fullmatch(pattern, text, re.IGNORECASE):
            raise WordError(f"setting '{shown(text)}' is reserved: {reason}", "remove it")
    if _SECRET.search(text):
        hint = "give it to the container when it starts: docker run -e …"
        raise WordError(f"setting '{shown(text)}' looks like a secret, and everybody can read an image", hint)
    return text


def setting_value(text: str) -> str:
    """Text that stands for itself in a Dockerfile."""
    bad = next((sign for sign in text if sign in '$`\\"'), None)
    if bad is not None:
        hint = "write the value out; nothing is expanded, quoted or escaped in settings"
        raise WordError(f"a setting cannot hold {bad}", hint)
    if _SECRET_IN_URL.search(text):
        raise WordError("a setting cannot hold a credential", "leave out what stands before the '@'")
    return text


def user_name(text: str) -> str:
    """The name of an ordinary account."""
    if text == "root":
        raise WordError("the user cannot be root", "choose another name, for example app")
    if _TAKEN.fullmatch(text):
        raise WordError(
            f"'{text}' is an account or group of a base image", "choose another name, for example app"
        )
    if not _USER.fullmatch(text):
        hint = "use a lower-case letter, then letters, digits, '_' or '-', at most 32 in all"
        raise WordError(f"'{shown(text)}' is not a user name", hint)
    return text

# What scripts/quickstart and scripts/test share: a Python, virtual environments, packages, a container engine.
# To be sourced. Says little; what apt and pip say goes to a log whose path is printed when something fails.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TMP=""    # one short folder per run: a Unix socket's path has room for 107 bytes
FOUND=""  # the address of an engine that was found
ENGINE="" # the private engine's address
CHILD=""  # the process group that a signal is passed on to
SIGNALLED=""

say() { printf '%s\n' "$*" >&2; }

# stop MESSAGE [HINT…]: for what the outside lacks; the exit code is envbuild's own for that.
stop() {
    say "error: $1"
    shift
    local line
    for line in "$@"; do say "hint: $line"; done
    exit 4
}

start_run() {
    TMP="$(mktemp -d /tmp/envb.XXXXXX)"
    LOG="$TMP/setup.log"
    : >"$LOG"
    trap end_run EXIT
    trap forward INT TERM
}

# Everything that this run started is stopped here, whatever ended it.
end_run() {
    local code=$?
    trap - EXIT
    trap '' INT TERM # a second Ctrl-C must not leave a daemon behind
    stop_podman
    if [[ -e $TMP/e ]]; then # also when it was interrupted while starting
        "$ROOT/scripts/engine" stop "$TMP/e" >>"$LOG" 2>&1 || say "warning: the private engine did not stop cleanly"
    fi
    if ((code == 4)) && [[ -s $LOG ]]; then
        find "$TMP" -mindepth 1 -maxdepth 1 ! -name setup.log -exec rm -rf --one-file-system {} +
        say "What apt, pip and the engine said: $LOG"
    else
        rm -rf --one-file-system "$TMP"
    fi
    exit "$code"
}

forward() {
    SIGNALLED=yes
    if [[ -n $CHILD ]]; then
        kill -INT -- "-$CHILD" 2>/dev/null || true
    else
        exit 130
    fi
}

# attend COMMAND…: run it so that Ctrl-C and a TERM reach it as an interrupt, and wait until it has cleaned up.
# bash runs traps only between foreground commands and makes plain background ones deaf to SIGINT; job control does neither.
attend() {
    local code
    local deaf=() # a parent that ignores SIGINT (nohup, a background job) would have made the command deaf, too
    env --default-signal=INT true 2>/dev/null && deaf=(env --default-signal=INT)
    set -m
    ${deaf[@]+"${deaf[@]}"} "$@" </dev/null &
    CHILD=$!
    set +m
    while :; do
        SIGNALLED=""
        code=0
        wait "$CHILD" || code=$?
        [[ -n $SIGNALLED ]] || break # else the signal ended the wait, not the command
    done
    CHILD=""
    return "$code"
}

# logged WHAT COMMAND…: run quietly; on failure show the last lines.
logged() {
    local what=$1 before
    shift
    before=$(wc -l <"$LOG")
    attend "$@" >>"$LOG" 2>&1 || {
        local code=$?
        ((code == 130)) && exit 130
        say "error: $what failed (exit code $code)"
        tail -n "+$((before + 1))" "$LOG" | tail -n 8 | sed 's/^/    /' >&2
        return "$code"
    }
}

is_root() { [[ "$(id -u)" == 0 ]]; }
is_debian() { command -v apt-get >/dev/null && grep -qsE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; }

# need COMMAND=PACKAGE…: install from the distribution what is missing. Returns 1 where this user or system cannot.
need() {
    local pair missing=()
    for pair in "$@"; do
        has_command "${pair%%=*}" || missing+=("${pair#*=}")
    done
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

install_packages() {
    is_root && is_debian || return 1
    say "Installing $* from $(. /etc/os-release && echo "$NAME")"
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -q -o DPkg::Lock::Timeout=300)
    logged "apt-get update" "${apt[@]}" update || say "Going on with the package lists that are there."
    logged "apt-get install $*" "${apt[@]}" install -y --no-install-recommends "$@"
}

# Daemons live in sbin, which is not on everybody's PATH.
has_command() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

# Debian ships Python without what `python -m venv` needs; ensurepip tells.
usable_python() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }

# find_python [NAME…]: print the first usable interpreter, >= 3.10 and with venv, of those names and the usual ones.
find_python() {
    local name path
    for name in "$@" ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10 python3.14; do
        path="$(command -v "$name" 2>/dev/null)" || continue
        if usable_python "$path"; then
            "$path" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

need_python() {
    PYTHON_FOUND="$(find_python)" && return
    if is_root && is_debian; then
        install_packages python3 python3-venv || stop "Python could not be installed."
        PYTHON_FOUND="$(find_python)" && return
    fi
    stop "No Python >= 3.10 with its venv module was found." \
        "Install one (Debian/Ubuntu: apt-get install python3 python3-venv) or name it: PYTHON=/path/to/python3 $0"
}

# make_venv FOLDER PYTHON STAMP: an empty virtual environment, unless FOLDER is one that was finished for STAMP.
# Returns 1 when there is nothing left to do; finish_venv marks it as done.
make_venv() {
    local folder=$1 python=$2 stamp=$3
    if [[ -x $folder/bin/python && "$(cat "$folder/.finished" 2>/dev/null)" == "$stamp" ]] && "$folder/bin/python" -c ''; then
        return 1
    fi
    rm -f "$folder/.finished"
    if ! [[ -x $folder/bin/python ]] || ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
        rm -rf "$folder"
        logged "python -m venv $folder" "$python" -m venv "$folder" || exit 4
    fi
}

finish_venv() { printf '%s\n' "$2" >"$1/.finished"; }

# install_envbuild [EXTRAS]: the project's own environment, .venv. pip's settings on this machine apply as they are.
# A .venv that holds more than asked for (the developer's) is left as it is.
install_envbuild() {
    local extras=${1:-} stamp
    need_python
    stamp="$ROOT $(sha256sum "$ROOT/pyproject.toml" | cut -c1-16)"
    if [[ "$(cat "$ROOT/.venv/.finished" 2>/dev/null)" == "$stamp [dev]" ]]; then extras="[dev]"; fi
    stamp="$stamp${extras:+ $extras}"
    if make_venv "$ROOT/.venv" "$PYTHON_FOUND" "$stamp"; then
        say "Installing envbuild$extras into .venv"
        logged "pip install envbuild" "$ROOT/.venv/bin/python" -m pip install -q -e "$ROOT$extras" || exit 4
        finish_venv "$ROOT/.venv" "$stamp"
    fi
}

ASK_ENGINE='
import sys
from builder.engine import connect
from builder.errors import OutsideError
try:
    print(connect().about().endpoint)
except OutsideError as error:
    print(error, file=sys.stderr)
    sys.exit(4)
'

# Set FOUND to the address of a container engine that answers, found as envbuild itself finds it; return 1 where none does.
find_engine() {
    local code=0
    FOUND="$("$ROOT/.venv/bin/python" -c "$ASK_ENGINE" 2>>"$LOG")" || code=$?
    case $code in
        0) ;;
        4) return 1 ;;
        *)
            tail -n 4 "$LOG" | sed 's/^/    /' >&2
            stop "envbuild itself does not start."
            ;;
    esac
}

# Whether Docker Hub, where plain base images come from, answers. Honours proxies and certificates as requests does.
registry_answers() {
    "$ROOT/.venv/bin/python" - >>"$LOG" 2>&1 <<'PY'
import requests
try:
    raise SystemExit(requests.get("https://registry-1.docker.io/v2/", timeout=10).status_code not in (200, 401))
except requests.RequestException as error:
    raise SystemExit(str(error)) from None
PY
}

# A Docker daemon of this run's own, from the distribution's packages. Sets ENGINE to its address.
start_engine() {
    need dockerd=docker.io iptables=iptables || return 1
    local seen
    seen="$("$ROOT/scripts/engine" start "$TMP/e" 2>>"$LOG")" || {
        tail -n 8 "$LOG" | sed 's/^/    /' >&2
        stop "The private container engine did not start."
    }
    ENGINE="$(tail -n 1 <<<"$seen")"
}

stop_podman() { :; } # scripts/test has one to stop

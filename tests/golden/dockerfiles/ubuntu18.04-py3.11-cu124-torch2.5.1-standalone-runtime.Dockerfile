# Rendered by envbuild; the labels at the end name the cell. Online, `docker build .` needs nothing else; Podman before
# 4.4 wants `--build-arg OS_IMAGE=os` (https://github.com/containers/buildah/pull/4366).
# Without a network: uv in tools/ and UV_IMAGE=uv-local, an image built with --target os as OS_IMAGE or the packages of
# Debian and Ubuntu in os/debs/, wheels in env/wheels/ with their hashes in env/pins.txt, and a standalone Python in
# python/ with its downloads.json.
ARG BASE_IMAGE=ubuntu:18.04
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9
ARG OS_IMAGE=os
ARG USER_NAME="app"
ARG USER_ID="1000"

FROM scratch AS uv-local
COPY tools/uv /uv

FROM ${UV_IMAGE} AS uv

# What the base's own tools make: the operating system's packages, from the network or from os/debs, and the account.
FROM ${BASE_IMAGE} AS os
ARG USER_NAME
ARG USER_ID
USER 0
RUN --mount=type=bind,source=os,target=/inputs/os \
    set -eu; umask 022; export DEBIAN_FRONTEND=noninteractive PYTHONHASHSEED=0 TZ=UTC LC_ALL=C.UTF-8; \
    if [ ! -d /inputs/os/debs ]; then \
        if [ -e /inputs/os/apt.conf ]; then export APT_CONFIG=/inputs/os/apt.conf; fi; \
        apt-get update; \
        xargs -a /inputs/os/packages.txt \
            apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-unsafe-io; \
    else \
        find /inputs/os/debs -name "*.deb" -print0 | sort -z | xargs -0 -r \
            apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-unsafe-io; \
    fi; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
        /var/lib/dpkg/*-old /var/log/apt /var/log/*.log /tmp/*

# The account that the image runs as. A base may have one of that number already: `ubuntu` on Ubuntu 24.04.
RUN set -eu; umask 022; \
    if ! getent passwd "${USER_NAME}" > /dev/null; then \
        taken="$(getent passwd "${USER_ID}" | cut -d : -f 1)"; \
        if [ -n "${taken}" ]; then userdel --remove "${taken}"; fi; \
        useradd --uid "${USER_ID}" --user-group --no-log-init --shell /bin/bash \
            --create-home --home-dir "/home/${USER_NAME}" "${USER_NAME}"; \
    fi; \
    if [ "$(id -u "${USER_NAME}")" != "${USER_ID}" ]; then \
        echo "the base has an account ${USER_NAME} with another number than ${USER_ID}" >&2; exit 1; \
    fi; \
    rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /var/log/lastlog /var/log/faillog

# Folders that the settings below name, for that account; one that the image has already keeps its owner.
RUN --mount=type=bind,source=os,target=/inputs/os \
    set -eu; umask 022; \
    while IFS= read -r folder; do \
        if [ -e "${folder}" ]; then continue; fi; \
        top="${folder}"; \
        while [ ! -e "$(dirname "${top}")" ]; do top="$(dirname "${top}")"; done; \
        mkdir -p "${folder}"; \
        chown -R "${USER_NAME}:" "${top}"; \
    done < /inputs/os/folders.txt

# From here on no network is needed, if everything lies in the context.
FROM ${OS_IMAGE} AS image
ARG USER_NAME
ARG USER_ID

# Python: the archive that downloads.json names, or uv's own choice from the network.
RUN --mount=type=bind,from=uv,source=/uv,target=/inputs/uv \
    --mount=type=bind,source=python,target=/inputs/python \
    set -eu; umask 022; \
    export UV_NO_CONFIG=1 UV_NO_CACHE=1 UV_PYTHON_INSTALL_DIR=/opt/python; \
    if [ -e /inputs/python/downloads.json ]; then \
        export UV_PYTHON_DOWNLOADS_JSON_URL=/inputs/python/downloads.json; \
    fi; \
    /inputs/uv python install --managed-python --no-bin "$(cat /inputs/python/version.txt)"

# The environment. PyTorch's index has old copies of other packages too, so the best match of both indexes counts.
# uv's cache is gone at the end of the step: hard links into it spare a second copy of everything.
RUN --mount=type=bind,from=uv,source=/uv,target=/inputs/uv \
    --mount=type=bind,source=python,target=/inputs/python \
    --mount=type=bind,source=env,target=/inputs/env \
    set -eu; umask 022; \
    export UV_NO_CONFIG=1 UV_NO_CACHE=1 UV_LINK_MODE=hardlink UV_NO_INSTALLER_METADATA=1 PYTHONHASHSEED=0; \
    export UV_PYTHON_INSTALL_DIR=/opt/python UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=/opt/env; \
    /inputs/uv venv --managed-python --python "$(cat /inputs/python/version.txt)" /opt/env; \
    if [ -e /inputs/env/pins.txt ]; then \
        /inputs/uv pip install --no-index --find-links /inputs/env/wheels --no-deps --require-hashes \
            --requirement /inputs/env/pins.txt; \
    else \
        /inputs/uv pip install --index-strategy unsafe-best-match \
            --requirement /inputs/env/requirements.txt --constraint /inputs/env/constraints.txt; \
    fi; \
    rm -f /opt/env/.lock /opt/env/.gitignore /opt/env/CACHEDIR.TAG

ENV PATH="/opt/env/bin:${PATH}"
ENV VIRTUAL_ENV="/opt/env"
ENV LANG="C.UTF-8"
ENV HOME="/home/app"
# Which GPUs, and which parts of the driver, the container runtime hands in.
ENV NVIDIA_VISIBLE_DEVICES="all"
ENV NVIDIA_DRIVER_CAPABILITIES="compute,utility"
ENV OMP_NUM_THREADS="4"
ENV TORCH_HOME="/models/torch"
WORKDIR "/home/app"
# A number, so that a cluster can tell that it is not root.
USER ${USER_ID}
ENTRYPOINT []
CMD ["python"]

ARG BASE_IMAGE
LABEL org.opencontainers.image.title="ubuntu18.04-py3.11-cu124-torch2.5.1"
LABEL org.opencontainers.image.version="2.5.1+cu124"
LABEL org.opencontainers.image.base.name="${BASE_IMAGE}"
LABEL org.envbuild.cuda="12.4"
LABEL org.envbuild.cell="ubuntu18.04-py3.11-cu124-torch2.5.1"
LABEL org.envbuild.os="ubuntu18.04"
LABEL org.envbuild.python="3.11"
LABEL org.envbuild.torch="2.5.1+cu124"

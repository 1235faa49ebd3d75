# Sourced by scripts that fetch programs of another Debian release.
# shellcheck shell=bash

DEBIAN='^(buster|bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)$'

say() { printf '%s\n' "$*" >&2; }

# This machine's Debian mirror, or ENVBUILD_DEBIAN_MIRROR. Prints nothing where apt knows none.
mirror() {
    if [[ -n ${ENVBUILD_DEBIAN_MIRROR:-} ]]; then
        printf '%s\n' "$ENVBUILD_DEBIAN_MIRROR"
    else
        # shellcheck disable=SC2016 # for apt
        apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
            awk -v debian="$DEBIAN" '!found && $1 ~ debian && $2 == "main" { found = $3 } END { print found }'
    fi
}

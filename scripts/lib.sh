# shellcheck shell=bash
# Set-up shared by scripts/start and scripts/test: the interpreter, .venv, Debian packages.

VENV=.venv

fail() {
    printf 'hotline: error: %s\n' "$1" >&2
    printf 'hotline: hint: %s\n' "$2" >&2
    exit 1
}

# Packages are installed only as root or where sudo asks nothing; otherwise this returns 1.
install_debian() {
    local become=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
        become=(sudo -n)
    fi
    printf 'Installing %s with apt-get (once).\n' "$*" >&2
    { "${become[@]}" apt-get update -q &&
        "${become[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends "$@"; } >&2 </dev/null
}

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    local python
    if ! python=$(find_python); then
        install_debian python3 python3-venv || true
        python=$(find_python) ||
            fail "Python 3.11 or newer is missing." \
                "sudo apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04 or newer)"
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_debian python3-venv || true
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "Python's venv module is missing." "sudo apt-get install python3-venv"
    fi
    "$python" -m venv --clear "$VENV" ||
        fail "The directory .venv cannot be created here." \
            "clone into a directory you may write to, with 500 MB free"
}

# prepare LOCK STAMP: .venv holds exactly what LOCK pins, and this project in place. A stamp keeps
# the hash of what was installed, so that the second run costs a few milliseconds.
prepare() {
    local lock=$1 stamp=$VENV/$2 wanted
    wanted=$(cat "$lock" pyproject.toml | sha256sum)
    [ -x "$VENV/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
    "$VENV/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        make_venv
    printf 'Installing the packages of %s into .venv (once, about a minute).\n' "$lock" >&2
    # The lock is complete, so pip has nothing to resolve. It compiles: each process of the line
    # would otherwise spend seconds on it where Python may not write its cache.
    local pip=("$VENV/bin/python" -m pip --disable-pip-version-check --no-input install -qq)
    pip+=(--no-deps)
    "${pip[@]}" --require-hashes -r "$lock" >&2 ||
        fail "The packages of $lock could not be installed." \
            "check that this machine reaches a Python package index, then run the same command again"
    "${pip[@]}" --no-build-isolation -e . >&2 ||
        fail "This project could not be installed into .venv." \
            "the lines above say why; rm -r .venv starts afresh"
    printf '%s\n' "$wanted" >"$stamp"
}

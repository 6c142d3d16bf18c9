# Sourced by scripts/demo and scripts/test. `prepare runtime` or `prepare dev` makes .venv and installs what the lock
# names, hash by hash; done once, it only compares a stamp. Needs Python >= 3.11 and whatever package index pip is set
# up for. PYTHON=/path/to/python chooses the interpreter.
# shellcheck shell=bash

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv

say() { printf '%s\n' "$*" >&2; }
fail() { say "wameter: $*"; exit 2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer on the PATH; install one, or name it: PYTHON=/path/to/python3.11 $0"
}

# The path of a venv is written into its commands: one that came along with a copied or renamed folder is of no use.
venv_is_usable() {
    "$VENV/bin/python" -c '' 2>/dev/null && [[ $(sed -n 's/^command = //p' "$VENV/pyvenv.cfg") == *" $VENV" ]]
}

make_venv() {
    local python=$1
    rm -rf "$VENV"
    "$python" -m venv "$VENV" >/dev/null 2>&1 && return
    # Debian keeps venv's own pip in a package of its own (python3-venv): pip of the system serves as well.
    rm -rf "$VENV"
    "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip "$VENV" >/dev/null 2>&1 && return
    rm -rf "$VENV"
    fail "$python can make no virtual environment with pip in it; install the package that brings it (Debian, Ubuntu: apt install python3-venv)"
}

prepare() {
    local kind=$1 lock python wanted
    wanted=$(cd -- "$ROOT" && cat requirements.lock requirements-dev.lock pyproject.toml | cksum)
    if venv_is_usable && [[ -f $VENV/installed && $(<"$VENV/installed") =~ ^("$kind"|dev)" $wanted"$ ]]; then
        return
    fi
    python=$(find_python)
    venv_is_usable || make_venv "$python"
    rm -f "$VENV/installed"

    local pip=("$VENV/bin/python" -m pip)
    "${pip[@]}" --version >/dev/null 2>&1 || pip=("$python" -m pip --python "$VENV/bin/python")
    lock=$ROOT/requirements.lock
    [[ $kind == dev ]] && lock=$ROOT/requirements-dev.lock
    say "Installing what ${lock##*/} names into .venv (once; under a minute with a fast index) …"
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0
    "${pip[@]}" install --quiet --require-hashes --requirement "$lock" ||
        fail "could not install the packages of ${lock##*/}; pip says why above. Is a package index reachable? On a system that packages have no wheels for (Alpine, say), use docker compose up"
    "${pip[@]}" install --quiet --no-index --no-deps --no-build-isolation --editable "$ROOT" ||
        fail "could not install the project itself; pip says why above"
    printf '%s %s\n' "$kind" "$wanted" >"$VENV/installed"
}

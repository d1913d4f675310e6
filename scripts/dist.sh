#!/usr/bin/env bash
# Packs what `make build` built into one archive that needs no compiler: relevo-<version>-linux-<arch>.tar.gz and its SHA-256, in
# $CARGO_TARGET_DIR/dist or in DIST. Usage: BIN=relevo dist.sh
#
# The same commit, binary and nats-server give the same bytes: names in order, one owner, and the commit's time for every file.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BIN:?the release binary}"
readonly TOOLS="${RELEVO_TOOLS:-$HOME/.cache/relevo/tools}"
readonly DIST="${DIST:-${CARGO_TARGET_DIR:-$HOME/.cache/relevo/target}/dist}"

die() {
    printf 'dist: %s\n' "$@" >&2
    exit 1
}

[ -x "$BIN" ] || die "$BIN is not there: make build"
nats=$(command -v nats-server || true)
[ -x "$TOOLS/bin/nats-server" ] && nats="$TOOLS/bin/nats-server"
[ -n "$nats" ] || die "no nats-server: make setup"

version=$("$BIN" --version | sed 's/^relevo //; s/ .*//')
[ -n "$version" ] || die "$BIN does not tell its version"
name="relevo-$version-linux-$(uname -m)"
epoch="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/$name"
mkdir -p "$root/bin" "$root/deploy" "$root/docs"

# The release profile keeps line tables and symbols for flame graphs; nobody who runs it needs them.
strip --strip-all -o "$root/bin/relevo" "$BIN"
strip --strip-all -o "$root/bin/nats-server" "$nats" 2>/dev/null || cp "$nats" "$root/bin/nats-server"
install -m 0755 scripts/demo.sh "$root/bin/demo.sh"
install -m 0755 scripts/dist-quickstart.sh "$root/quickstart.sh"
for file in production.toml cluster.toml nats-production.conf relevo.env.example relevo.service; do
    install -m 0644 "deploy/$file" "$root/deploy/$file"
done
install -m 0644 crates/relevo/config.default.toml "$root/deploy/config.default.toml"
install -m 0644 docs/deploy.en.md docs/deploy.es.md "$root/docs/"
install -m 0644 LICENSE "$root/LICENSE"
install -m 0644 scripts/dist-readme.md "$root/README.md"
{
    printf 'What Relevo %s is made of, besides its own code (name, version, licence).\n\n' "$version"
    printf '%s Apache-2.0 (bin/nats-server)\n' "$("$nats" --version | sed 's/: v/ /')"
    cargo tree --offline --locked -p relevo -e normal --prefix none -f '{p} {l}' | sed 's/ ([^)]*)//; s/ (\*)$//' | grep -v '^relevo' |
        LC_ALL=C sort -u
} >"$root/THIRD-PARTY.txt"
# A path of the machine that built it is nobody's business.
if grep -q "$HOME" "$root/THIRD-PARTY.txt"; then die "THIRD-PARTY.txt names a folder of this machine"; fi
(cd "$root" && find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)

mkdir -p "$DIST"
tar -C "$work" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' -cf - "$name" |
    gzip -9 -n >"$DIST/.$name.tar.gz"
mv "$DIST/.$name.tar.gz" "$DIST/$name.tar.gz"
(cd "$DIST" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
printf 'dist: %s (%s MB; relevo %s MB, nats-server %s MB)\n' "$DIST/$name.tar.gz" \
    "$(($(stat -c %s "$DIST/$name.tar.gz") / 1000000))" "$(($(stat -c %s "$root/bin/relevo") / 1000000))" \
    "$(($(stat -c %s "$root/bin/nats-server") / 1000000))"

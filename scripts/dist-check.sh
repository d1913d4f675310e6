#!/usr/bin/env bash
# Tries an archive of `make dist` as somebody would who has no compiler: unpacks it into an empty folder, checks its sums, runs its
# demo with nothing but the base system on PATH, and expects the inbox. Usage: dist-check.sh ARCHIVE
set -euo pipefail

readonly ARCHIVE="${1:?usage: dist-check.sh ARCHIVE}"
# Customers of the sample traffic that the inbox must show.
readonly EXPECTED='María García|Carlos Benítez|Valentina Ruiz'

die() {
    printf 'dist-check: %s\n' "$@" >&2
    exit 1
}

archive=$(cd "$(dirname "$ARCHIVE")" && pwd)/$(basename "$ARCHIVE")
work=$(mktemp -d)
root=
finish() {
    if [ -n "$root" ]; then as_user "$root/quickstart.sh" stop >/dev/null 2>&1 || true; fi
    rm -rf "$work"
}
trap finish EXIT

# Nothing of this machine: no home, no tools, free ports.
as_user() {
    env -i PATH=/usr/bin:/bin HOME="$work/home" LANG=C.UTF-8 RELEVO_LANG=en \
        RELEVO__SERVER__HTTP_ADDR=127.0.0.1:0 RELEVO__SERVER__GRPC_ADDR=127.0.0.1:0 "$@"
}

(cd "$(dirname "$archive")" && sha256sum --quiet -c "$(basename "$archive").sha256") || die "the archive is not what its sum says"
mkdir "$work/home" "$work/empty"
tar -C "$work/empty" -xzf "$archive"
root=$(find "$work/empty" -mindepth 1 -maxdepth 1 -type d)
[ "$(printf '%s\n' "$root" | wc -l)" = 1 ] || die "the archive holds more than one folder"
(cd "$root" && sha256sum --quiet -c SHA256SUMS) || die "a file is not what SHA256SUMS says"
if as_user sh -c 'command -v cargo || command -v rustc' >/dev/null; then die "a compiler is on the path of this check"; fi
for secret in RELEVO_TOKEN_KEY RELEVO_META_APP_SECRET RELEVO_META_VERIFY_TOKEN RELEVO_META_ACCESS_TOKEN RELEVO_MAIL_PASSWORD; do
    secrets="${secrets:-} $secret=dist-check-0123456789-0123456789-0123456789"
done
# shellcheck disable=SC2086  # a list of words on purpose
as_user env $secrets "$root/bin/relevo" config check --config "$root/deploy/production.toml"

as_user "$root/quickstart.sh" >"$work/out" 2>&1 || die "the demo did not start:" "$(tail -n 20 "$work/out")"
found=$(grep -oE "$EXPECTED" "$work/out" | sort -u | wc -l)
[ "$found" = 3 ] || die "the inbox does not show the customers of the sample traffic:" "$(tail -n 40 "$work/out")"
sed -n '/CONVERSATION/,/^$/p' "$work/out"
as_user "$root/quickstart.sh" stop
printf 'dist-check: %s unpacks, starts without a compiler, takes the sample traffic and shows the inbox\n' "$(basename "$archive")"

#!/usr/bin/env bash
# Fuzzes every parser that meets the outside (fuzz/), each for MINUTES of CPU time, JOBS at a time, and says what was found.
#
#   scripts/fuzz.sh            all targets       MINUTES=1   CPU-minutes a target
#   scripts/fuzz.sh mail html  some              JOBS=2      targets at the same time
#                              BUILT=1     the programs are there: do not look whether they are out of date
#   scripts/fuzz.sh minimise   the corpus in the tree, from it and from what the runs have gathered
#
# cargo-fuzz asks for a nightly compiler because of the sanitizer; RUSTC_BOOTSTRAP lets the one that everything else is built with
# do it, so that what is fuzzed is what is shipped. Compiled files, gathered inputs and findings are kept in FUZZ_DIR, outside of
# the tree. A finding ends this with an error and with the path of the input: `fuzz/found/<target>/` is where it belongs once it
# is mended, and `tests/it/fuzz.rs` looks at it for ever.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly MINUTES="${MINUTES:-1}" JOBS="${JOBS:-2}"
readonly TOOLS="${RELEVO_TOOLS:-$HOME/.cache/relevo/tools}"
readonly FUZZ_DIR="${FUZZ_DIR:-$HOME/.cache/relevo/target-fuzz}"
# An input must be done within so many seconds, and take no single piece of memory above, or all together above, in MiB.
readonly INPUT_SECONDS=5 PIECE_MIB=256 MEMORY_MIB=2048
# Of wall-clock time a target may take so many times its CPU time: others may be busy.
readonly PATIENCE=20
readonly CORPUS_FILES_MAX=50 CORPUS_FILE_BYTES_MAX=6000

say() { printf 'fuzz: %s\n' "$*"; }
die() {
    printf 'fuzz: %s\n' "$@" >&2
    exit 2
}

export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$FUZZ_DIR" PATH="$TOOLS/bin:$PATH"
# What is leaked is no finding in a language whose leaks are safe; what is not freed shows in MEMORY_MIB.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=0}"

all_targets() { sed -n 's/^name = "\([a-z]*\)"$/\1/p' fuzz/Cargo.toml; }

# The largest input of a target, in bytes: what is longer costs time and leads nowhere else.
length_of() {
    case "$1" in
    mail) echo 32768 ;;
    meta | html | bot) echo 16384 ;;
    commit | rest | twilio) echo 8192 ;;
    *) echo 4096 ;;
    esac
}

install_cargo_fuzz() {
    command -v cargo-fuzz >/dev/null && return 0
    say "installing cargo-fuzz from the crate registry (some minutes, once)"
    env -u RUSTC_BOOTSTRAP cargo install cargo-fuzz --locked --root "$TOOLS"
}

# Address, if the toolchain brings its runtime along.
sanitizer() {
    if compgen -G "$(rustc --print sysroot)/lib/rustlib/*/lib/librustc*_rt.asan.a" >/dev/null; then echo address; else echo none; fi
}

build() {
    if [ -n "${BUILT:-}" ]; then return 0; fi
    install_cargo_fuzz
    local sanitizer
    sanitizer=$(sanitizer)
    say "building $# targets, sanitizer $sanitizer"
    cargo fuzz build --fuzz-dir fuzz --features libfuzzer --sanitizer "$sanitizer" >"$FUZZ_DIR/build.log" 2>&1 ||
        { tail -n 40 "$FUZZ_DIR/build.log" >&2 && die "the targets do not compile"; }
}

program() { printf '%s/%s/release/%s' "$FUZZ_DIR" "$(rustc -vV | sed -n 's/^host: //p')" "$1"; }

# One target until its CPU time is over. The kernel ends it then (SIGXCPU: 152), which is how a run without a finding ends.
run() {
    local target=$1 folder="$FUZZ_DIR/runs/$1" status=0
    mkdir -p "$folder/corpus" "$folder/found" "fuzz/corpus/$target"
    local inputs=("$folder/corpus" "fuzz/corpus/$target")
    if [ -d "fuzz/found/$target" ]; then inputs+=("fuzz/found/$target"); fi
    (
        ulimit -c 0
        ulimit -St "$((MINUTES * 60))"
        exec timeout --kill-after=10 "$((MINUTES * 60 * PATIENCE))" "$(program "$target")" "${inputs[@]}" \
            -max_len="$(length_of "$target")" -timeout="$INPUT_SECONDS" -malloc_limit_mb="$PIECE_MIB" \
            -rss_limit_mb="$MEMORY_MIB" -artifact_prefix="$folder/found/" -print_funcs=0
    ) >"$folder/log" 2>&1 || status=$?
    echo "$status" >"$folder/status"
}

# What a run came to; false if it found something.
judge() {
    local target=$1 folder="$FUZZ_DIR/runs/$1" status inputs
    status=$(cat "$folder/status")
    inputs=$(sed -n 's/^#\([0-9]*\).*/\1/p' "$folder/log" | tail -n 1)
    case "$status" in
    152 | 137)
        say "$target: ${inputs:-0} inputs, no finding"
        return 0
        ;;
    124) say "$target: did not get its CPU time within $((MINUTES * PATIENCE)) minutes" ;;
    *)
        say "$target: FINDING (status $status), log $folder/log, input:"
        ls -t "$folder/found"/* 2>/dev/null | head -n 1
        ;;
    esac
    return 1
}

fuzz_all() {
    local targets=("$@") target findings=0 running=0
    build "${targets[@]}"
    for target in "${targets[@]}"; do
        if [ "$running" -ge "$JOBS" ]; then
            wait -n
            running=$((running - 1))
        fi
        # That the kernel ended it is told by its status; the shell need not say so, too.
        run "$target" 2>/dev/null &
        running=$((running + 1))
    done
    wait
    for target in "${targets[@]}"; do judge "$target" || findings=$((findings + 1)); done
    say "${#targets[@]} targets, $MINUTES CPU-minutes each, $findings findings"
    [ "$findings" -eq 0 ]
}

# The corpus of the tree: the fewest small inputs that reach what all reach. Seeds (named, not hashed) stay.
minimise() {
    local target folder merged file kept seeds
    build "$@"
    for target in "$@"; do
        folder="$FUZZ_DIR/runs/$target" merged="$FUZZ_DIR/runs/$target/merged"
        mkdir -p "$folder/corpus"
        rm -rf "$merged"
        mkdir -p "$merged"
        "$(program "$target")" -merge=1 -max_len="$CORPUS_FILE_BYTES_MAX" "$merged" "fuzz/corpus/$target" "$folder/corpus" \
            >"$folder/merge.log" 2>&1
        kept=$(find "fuzz/corpus/$target" -name 'seed-*' | wc -l)
        find "fuzz/corpus/$target" -type f ! -name 'seed-*' -delete
        # A file's name is its hash. What a seed holds adds nothing; of the others the smallest, which are the easiest to read.
        seeds=$(sha1sum "fuzz/corpus/$target/"seed-* 2>/dev/null || true)
        while read -r file && [ "$kept" -lt "$CORPUS_FILES_MAX" ]; do
            case "$seeds" in *"$(basename "$file")"*) continue ;; esac
            cp "$file" "fuzz/corpus/$target/"
            kept=$((kept + 1))
        done < <(find "$merged" -type f -size "-$((CORPUS_FILE_BYTES_MAX / 1024))k" -printf '%s %p\n' | sort -n | cut -d' ' -f2-)
        say "$target: $kept files"
    done
}

mkdir -p "$FUZZ_DIR"
if [ "${1:-}" = minimise ]; then
    shift
    if [ $# -eq 0 ]; then mapfile -t targets < <(all_targets | grep -v '^relevo'); else targets=("$@"); fi
    minimise "${targets[@]}"
else
    if [ $# -eq 0 ]; then mapfile -t targets < <(all_targets | grep -v '^relevo'); else targets=("$@"); fi
    fuzz_all "${targets[@]}"
fi

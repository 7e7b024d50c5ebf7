#!/usr/bin/env bash
# Makes a shared library of the LoRA MAC unit's RTL for one set of parameters, unless it is there already, and prints its path.
#
#   scripts/verilate.sh [--sc] LORA_LANES=64 SRAM_WIDTH_BITS=64 ...        any parameter of rtl/lora_mac.v; --sc: as a SystemC module
#
# Libraries are kept in $ETCHSIM_CACHE (else $XDG_CACHE_HOME/etchsim, else ~/.cache/etchsim), in rtl-HASH/; the hash covers sources, parameters and
# tools. They are made under a temporary name and renamed when whole. ETCHSIM_RTL names another folder of Verilog files than rtl/.
# ETCHSIM_RTL_TRACE=0: a library that cannot write waveforms (make bench compares the two).
# ETCHSIM_RTL_COVERAGE, a folder: the library counts lines and toggles, and leaves them there when a unit is closed (scripts/rtl_coverage.py).
# Exit 2: a tool is missing, or the RTL does not compile; then the tool's errors are on stderr.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rtl=${ETCHSIM_RTL:-$root/rtl}
cache=${ETCHSIM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/etchsim}

fail() {
    echo "$*" >&2
    exit 2
}

# make hands its own flags and jobs down; they are not for the makes below.
unset MAKEFLAGS MAKELEVEL MFLAGS
missing() {
    fail "$1 is missing, which the LoRA MAC unit's RTL needs: run scripts/setup.sh rtl"
}
kind=cc language=gnu++17
if [ "${1:-}" = --sc ]; then
    kind=sc
    language=c++17 # as Debian's SystemC
    shift
    pkg-config --exists systemc 2>/dev/null || fail "SystemC is missing, which the unit as a SystemC module needs: run scripts/setup.sh systemc"
fi
for tool in verilator make sha256sum; do
    command -v "$tool" >/dev/null || missing "$tool"
done
# clang's code is faster, but it needs g++'s library.
command -v g++ >/dev/null || missing g++
compiler=g++
if command -v clang++ >/dev/null; then
    compiler=clang++
fi
through=$(command -v ccache || true)
[ -e "$rtl/lora_mac.v" ] || fail "$rtl/lora_mac.v: no such file (ETCHSIM_RTL names the folder of the Verilog files)"

flags="-std=$language -fPIC -fvisibility=hidden"
if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then
    flags+=" -march=x86-64-v3"
fi
# Registers begin at random (see the shim). The limits are for wide units, which Verilator would otherwise treat word by word.
base_options=(--top-module lora_mac --x-assign fast --x-initial unique --expand-limit 4096 --unroll-count 4096 -Wno-fatal)
verilator_options=(--cc "${base_options[@]}")
optimise=-O3
trace=1
[ "${ETCHSIM_RTL_TRACE:-1}" = 0 ] && trace=0
[ $trace = 0 ] || verilator_options+=(--trace-fst)
coverage=0
parts=(verilated verilated_fst_c verilated_threads)
if [ -n "${ETCHSIM_RTL_COVERAGE:-}" ]; then
    coverage=1
    parts+=(verilated_cov)
    verilator_options+=(--coverage-line --coverage-toggle --coverage-max-width 1000000)
fi
sc=0 shim=lora_mac_shim libraries=(-lz) systemc_flags=()
if [ $kind = sc ]; then # without waveforms and coverage; wider ports than 64 bits are sc_bv
    sc=1 trace=0 coverage=0 parts=(verilated verilated_threads)
    shim=lora_mac_shim_sc libraries=($(pkg-config --libs systemc)) systemc_flags=($(pkg-config --cflags systemc))
    verilator_options=(--sc --pins-bv 65 "${base_options[@]}")
fi

parameters=$(printf '%s\n' "$@" | LC_ALL=C sort)
for parameter in $parameters; do
    [[ $parameter =~ ^[A-Z_]+=[0-9]+$ ]] || fail "verilate.sh: '$parameter': expected NAME=NUMBER"
done

tools=$(verilator --version && "$compiler" --version | head -n 1)
hash_of() { # of standard input and the tools
    { cat && printf '%s\n' "$tools" "$flags"; } | sha256sum | cut -c 1-20
}
source_hash() {
    {
        printf '%s\n' "$parameters" "${verilator_options[@]}" "$optimise"
        cat "${BASH_SOURCE[0]}" "$root/rtl/lora_mac_shim.h" "$root/rtl/$shim.cpp" "$root/sim/lora_ports.def"
        for file in "$rtl"/*.v; do
            printf '%s\n' "${file##*/}"
            cat "$file"
        done
    } | hash_of
}

hash=$(source_hash)
library=$cache/rtl-$hash/lora_mac.so
if [ -e "$library" ]; then
    printf '%s\n' "$library"
    exit 0
fi

lanes=$(sed -n 's/^LORA_LANES=//p' <<<"$parameters")
echo "building the LoRA MAC unit's RTL${lanes:+ for $lanes lanes} (once; some 10 s, minutes with 1,024 lanes) ..." >&2

mkdir -p "$cache" || fail "$cache: cannot make this folder (ETCHSIM_CACHE names another one)"
work=$(mktemp -d "$cache/tmp.XXXXXX") || fail "$cache: cannot write there (ETCHSIM_CACHE names another folder)"
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

logged() { # what a tool says is shown only when it fails: from its first error on, or its last lines
    "$@" >"$work/log" 2>&1 || {
        local words
        words=$(sed -n '/[Ee]rror/,$p' "$work/log" | head -n 12)
        echo "${words:-$(tail -n 12 "$work/log")}" >&2
        exit 2
    }
}
# Another process may have been faster: then its result is as good.
publish() { # publish FOLDER PLACE
    mv -T "$1" "$2" 2>/dev/null || [ -d "$2" ] || fail "$2: cannot be written"
}

include=$(verilator --getenv VERILATOR_ROOT)/include
tracing="-DVM_TRACE=$trace -DVM_TRACE_FST=$trace"
compile=($through "$compiler" $flags -I"$include" -I"$include/vltstd" -DVM_COVERAGE=$coverage -DVM_SC=$sc "${systemc_flags[@]}" -w)

# Verilator's runtime is the same for all parameters.
runtime=$cache/verilator-$(printf '%s' "$include$([ $coverage = 0 ] || echo ' coverage')$([ $sc = 0 ] || echo ' sc')" | hash_of)
if [ ! -d "$runtime" ]; then
    mkdir "$work/runtime"
    for part in "${parts[@]}"; do
        logged "${compile[@]}" -DVM_TRACE=$((1 - sc)) -DVM_TRACE_FST=$((1 - sc)) -O2 -c "$include/$part.cpp" -o "$work/runtime/$part.o"
    done
    publish "$work/runtime" "$runtime"
fi

mkdir "$work/library"
logged verilator "${verilator_options[@]}" $(printf -- '-G%s ' $parameters) -y "$rtl" --Mdir "$work/model" "$rtl/lora_mac.v"
logged make -j"$(nproc)" -C "$work/model" -f Vlora_mac.mk CXX="$compiler" OBJCACHE="$through" OPT_FAST="$optimise" OPT_GLOBAL=-O2 \
    USER_CPPFLAGS="$flags -w" Vlora_mac__ALL.a
logged "${compile[@]}" $tracing $optimise -I"$root" -I"$work/model" -c "$root/rtl/$shim.cpp" -o "$work/shim.o"
echo '{ global: lora_shim_functions; sc_main; local: *; };' >"$work/exports" # each library keeps its runtime to itself
logged "$compiler" -shared -Wl,--no-undefined -Wl,--version-script="$work/exports" -o "$work/library/lora_mac.so" "$work/shim.o" "$work/model/Vlora_mac__ALL.a" \
    "$runtime"/*.o "${libraries[@]}" -pthread -Wl,--as-needed -latomic

if [ "$(source_hash)" != "$hash" ]; then # someone edited the sources meanwhile
    rm -rf "$work"
    [ $kind = cc ] || set -- --sc "$@"
    exec "${BASH_SOURCE[0]}" "$@"
fi
publish "$work/library" "$cache/rtl-$hash"
printf '%s\n' "$library"

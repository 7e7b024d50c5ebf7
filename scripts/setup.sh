#!/usr/bin/env bash
# Installs what etchsim needs and this machine lacks (Debian packages). Says nothing when nothing is missing.
#
#   scripts/setup.sh GROUP ...      default: base; the groups are the check_ functions below
#
# What counts is whether the tool or library works, not which package it came from: so on a system other than Debian
# the libraries may be installed by hand, and this script is content. Exit 2: something is missing and could not be installed.
set -euo pipefail

has_command() { command -v "$1" >/dev/null 2>&1; }
has_library() { has_command pkg-config && pkg-config --exists "$1"; }
has_fuzzer() {
    has_command clang && compgen -G "$(clang -print-resource-dir)/lib/*/libclang_rt.fuzzer*.a" >/dev/null
}
has_dejavu() { has_command fc-list && [[ $(fc-list) == *DejaVuSans* ]]; }
# libFuzzer's runtime has clang's major version in its package name; before clang is there, apt knows which one it will be.
fuzzer_package() {
    local major
    if has_command clang; then
        major=$(clang -dumpversion)
    else
        major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
    fi
    echo "libclang-rt-${major%%.*}-dev"
}

missing=()
need() { # need PACKAGE CHECK ARGUMENT...
    local package=$1
    shift
    "$@" || missing+=("$package")
}

check_base() {
    need make has_command make
    need gcc has_command gcc
    need libc6-dev test -e /usr/include/stdio.h
    need pkg-config has_command pkg-config
    need libyaml-dev has_library yaml-0.1
    need libcjson-dev has_library libcjson
    need zlib1g-dev has_library zlib
    need libxxhash-dev has_library libxxhash
    need libpcre2-dev has_library libpcre2-8
    need liblapacke-dev has_library lapacke # singular values, for sums of adapters
    need libsqlite3-dev has_library sqlite3 # results of sweeps
    need libcunit1-dev has_library cunit
    need verilator has_library verilator # its FST writer; the rtl group runs it as well
}

check_lint() {
    need clang-format has_command clang-format
    need clang-tidy has_command clang-tidy
}

check_fuzz() {
    need clang has_command clang
    has_fuzzer || missing+=("$(fuzzer_package)")
}

# The LoRA MAC unit's Verilog: verilated, and simulated a second time by another simulator.
check_rtl() {
    need verilator has_command verilator
    need g++ has_command g++
    need iverilog has_command iverilog
    need make has_command make
    need zlib1g-dev has_library zlib
}

# Sweeps on several machines, or several ranks of one.
check_mpi() {
    need libopenmpi-dev has_command mpicc
    need openmpi-bin has_command mpirun
}

# --engine systemc and the chip as a TLM-2.0 target.
check_systemc() {
    need libsystemc-dev has_library systemc
    need g++ has_command g++
}

check_formal() {
    need yosys has_command yosys
    need z3 has_command z3
    need cvc4 has_command cvc4
}

check_synth() {
    need yosys has_command yosys
    need qflow-tech-osu018 test -e /usr/share/qflow/tech/osu018/osu018_stdcells.lib
}

check_plot() {
    need gnuplot-nox has_command gnuplot
    need fontconfig has_command fc-list
    need fonts-dejavu-core has_dejavu
}

check() {
    missing=()
    local group
    for group in "$@"; do
        if ! declare -F "check_$group" >/dev/null; then
            echo "setup.sh: unknown group '$group': expected one of $(compgen -A function check_ | sed 's/check_//' | xargs)" >&2
            exit 2
        fi
        "check_$group"
    done
}

give_up() {
    echo "setup.sh: $1" >&2
    echo "setup.sh: please install these Debian packages (or what they are called on your system): ${missing[*]}" >&2
    exit 2
}

[ $# -gt 0 ] || set -- base
check "$@"
[ ${#missing[@]} -gt 0 ] || exit 0

has_command apt-get || give_up "no apt-get here, so nothing can be installed automatically"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    has_command sudo || give_up "installing needs root, and there is no sudo"
    as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)

# apt's own words are shown only when it fails.
quietly() {
    local words
    words=$("$@" 2>&1) || {
        printf '%s\n' "$words" >&2
        return 1
    }
}

echo "setup.sh: installing ${missing[*]}" >&2
quietly "${apt[@]}" update || echo "setup.sh: apt-get update failed; trying with the package lists that are here" >&2
quietly "${apt[@]}" install -y --no-install-recommends "${missing[@]}" || give_up "apt-get install failed (see above; is there a network?)"
check "$@"
[ ${#missing[@]} -eq 0 ] || give_up "installed, but still not usable"

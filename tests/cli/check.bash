# Sourced by tests/cli/*.sh: runs the program and looks at what comes out.
set -uo pipefail
failures=0
folder=$(mktemp -d /tmp/etchsim-cli-XXXXXX)
trap 'rm -rf "$folder"' EXIT

# run CODE ARGUMENT...: the program must leave with this code; $out and $err hold what it printed.
run() {
    local expected=$1 code
    shift
    "$ETCHSIM" "$@" >"$folder/out" 2>"$folder/err"
    code=$?
    out=$(cat "$folder/out") err=$(cat "$folder/err")
    [ "$code" -eq "$expected" ] || wrong "etchsim $*: expected exit code $expected, found $code: $err"
}
has() { # has TEXT PART
    case $1 in
    *"$2"*) ;;
    *) wrong "expected a text with '$2', found '$1'" ;;
    esac
}
lacks() { # lacks TEXT PART
    case $1 in
    *"$2"*) wrong "expected no '$2' in '$1'" ;;
    esac
}
wrong() {
    echo "line ${BASH_LINENO[-2]}: $1" # of the script itself
    failures=$((failures + 1))
}
skip() {
    echo "$1"
    exit 77
}
finish() { exit $((failures > 0)); }

# The chip under SystemC's kernel: the same results as with the other engines, and what is said where SystemC is not there.
source tests/cli/check.bash

equal() { [ "$2" = "$3" ] || wrong "$1: expected '$2', found '$3'"; }

# --- without the library ---

mkdir "$folder/bin"
cp "$ETCHSIM" "$folder/bin/etchsim"
alone() { # alone CODE ARGUMENT...: the program where no library lies beside it
    local with=$ETCHSIM
    ETCHSIM=$folder/bin/etchsim ETCHSIM_CONFIGS=$PWD/configs
    export ETCHSIM_CONFIGS
    run "$@"
    unset ETCHSIM_CONFIGS
    ETCHSIM=$with
}
for command in 'run --tokens 2' 'serve ping-pong --requests 2'; do
    # shellcheck disable=SC2086 # words
    alone 2 $command --engine systemc
    has "$err" 'SystemC is not there: no libetchsim_systemc.so in '
    has "$err" 'scripts/setup.sh systemc'
    # shellcheck disable=SC2086
    alone 0 $command --engine step
done

# --- with it ---

[ -e "$(dirname "$ETCHSIM")/libetchsim_systemc.so" ] || { [ $failures -gt 0 ] || skip 'SystemC is not installed'; }
for arguments in '--tokens 12 --adapter clinical --adapter none' '--timing-only --tokens 12 --sequences 5 --chip sample-lean'; do
    # shellcheck disable=SC2086
    run 0 run $arguments --json
    skip_json=$out
    # shellcheck disable=SC2086
    run 0 run $arguments --json --engine systemc
    equal "run $arguments" "$skip_json" "$out"
done
for workload in configs/workloads/*.yaml; do
    name=$(basename "$workload" .yaml)
    run 0 serve "$name" --requests 1
    first=$out
    run 0 serve "$name" --requests 1 --engine systemc
    equal "serve $name" "$first" "$out"
done
finish

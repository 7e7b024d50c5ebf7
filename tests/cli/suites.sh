# Is every suite, benchmark and command file listed where it must be, so that none is silently left out?
. tests/cli/check.bash

for file in tests/*/test_*.c; do
    list=tests/unit/suites.def
    [ "${file%/*}" != tests/systemc ] || list=tests/systemc/suites.def # of a program of its own
    names=$(sed -n 's/^void suite_\([a-z0-9_]*\)(void)$/\1/p' "$file")
    [ -n "$names" ] || wrong "$file defines no suite"
    for name in $names; do
        grep -q "^SUITE($name)$" "$list" || wrong "$file: suite '$name' is not in $list"
    done
done
for file in tests/bench/bench_*.c; do
    [ -e "$file" ] || continue
    for name in $(sed -n 's/^void bench_\([a-z0-9_]*\)(void)$/\1/p' "$file"); do
        grep -q "^BENCH($name)$" tests/bench/benches.def || wrong "$file: '$name' is not in tests/bench/benches.def"
    done
done
for file in sim/cmd_*.c; do
    name=$(basename "$file" .c)
    grep -q "^COMMAND(${name#cmd_}," sim/commands.def || wrong "$file: no such COMMAND in sim/commands.def"
done
finish

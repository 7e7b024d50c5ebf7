# What `make install` leaves: a program that finds its presets there, libraries and headers that programs outside the source tree are built with.
source tests/cli/check.bash
build=$(dirname "$ETCHSIM")
[ "$(realpath "$build")" = "$PWD/build" ] || skip 'a variant of the build is not installed'
[ ! -e "$build/libetchsim_tlm.so" ] || systemc=yes
equal() { [ "$2" = "$3" ] || wrong "$1: expected '$2', found '$3'"; }
unset MAKEFLAGS MAKELEVEL MFLAGS

prefix=$folder/prefix
make -s install PREFIX="$prefix" >"$folder/log" 2>&1 || wrong "make install failed: $(tail -n 5 "$folder/log")"
make -s install PREFIX=/opt/etchsim DESTDIR="$folder/stage" >"$folder/log" 2>&1 || wrong "with DESTDIR: $(tail -n 5 "$folder/log")"
equal 'files with DESTDIR' "$(cd "$prefix" && find . | LC_ALL=C sort)" "$(cd "$folder/stage/opt/etchsim" && find . | LC_ALL=C sort)"
equal 'the prefix in pkg-config files' 'prefix=/opt/etchsim' "$(head -n 1 "$folder/stage/opt/etchsim/lib/pkgconfig/etchsim.pc")"
equal 'files that name the staging folder' '' "$(grep -rlI "$folder/stage" "$folder/stage" || true)"

# --- the program ---

run 0 run --tokens 8 --json
here=$out
ETCHSIM=$prefix/bin/etchsim
run 0 run --tokens 8 --json
equal 'the installed program' "$here" "$out"
cp configs/chips/sample.yaml "$prefix/share/etchsim/configs/chips/elsewhere.yaml"
run 0 list
has "$out" elsewhere
mv "$prefix" "$folder/moved" # it is found from where the program is
ETCHSIM=$folder/moved/bin/etchsim
run 0 run --chip elsewhere --tokens 2
mv "$folder/moved" "$prefix"
ETCHSIM=$prefix/bin/etchsim
if [ "${systemc:-}" ]; then
    run 0 run --tokens 8 --json --engine systemc
    equal 'the installed program with SystemC' "$here" "$out"
fi

# --- programs outside ---

symbols=$(nm -D --defined-only "$prefix/lib/libetchsim.so" | awk '$2 ~ /[A-Z]/ {print $3}' | grep -v '^etchsim_' || true)
equal 'symbols beside the public ones' '' "$symbols"
cp -r "$prefix/share/etchsim/examples" "$folder/outside"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
make -s -C "$folder/outside" >"$folder/log" 2>&1 || wrong "the examples are not built: $(cat "$folder/log")"
"$folder/outside/ask" elsewhere >"$folder/ask" 2>&1 || wrong "ask: $(cat "$folder/ask")"
equal 'tokens of ask' 24 "$(grep -c '^cycle' "$folder/ask")"
run 0 run --adapter clinical --prompt 'On Monday' --tokens 24 --ignore-stop --json
equal 'their text' "$(awk -F'"' '/"text":/ {print $4; exit}' <<<"$out")" "$(cut -c 16- "$folder/ask" | tr -d '\n')"
if [ "${systemc:-}" ]; then
    equal 'a bench in C' 'ten at 9000 ps' "$("$folder/outside/shim_counter")"
    equal 'lines of the platform' 3 "$("$folder/outside/platform/platform" 2>/dev/null | grep -c 'swap .* first token')"
fi
finish

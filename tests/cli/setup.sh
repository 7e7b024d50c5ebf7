# Does scripts/setup.sh install just what is missing, and say what to do where it can't? With a stand-in for apt-get and pkg-config.
. tests/cli/check.bash

bin=$folder/bin
mkdir "$bin"
for tool in bash env id make gcc; do
    ln -s "$(command -v $tool)" "$bin/$tool"
done
cat >"$bin/apt-get" <<'EOF'
#!/usr/bin/env bash
echo "apt-get $*" >>"$LOG"
case "$*" in *install*) [ -z "${APT_FAILS:-}" ] && : >"$INSTALLED" || exit 100 ;; esac
EOF
cat >"$bin/pkg-config" <<'EOF'
#!/usr/bin/env bash
case $2 in libcjson | cunit) [ -e "$INSTALLED" ] ;; *) true ;; esac
EOF
printf '#!/usr/bin/env bash\nexec "$@"\n' >"$bin/sudo"
chmod +x "$bin"/*
export LOG=$folder/log INSTALLED=$folder/installed

setup() { # setup CODE: with only what is in $bin
    local expected=$1 code
    PATH=$bin bash scripts/setup.sh base >"$folder/out" 2>&1
    code=$?
    out=$(cat "$folder/out")
    [ "$code" -eq "$expected" ] || wrong "setup.sh: expected exit code $expected, found $code: $out"
}

setup 0
has "$out" 'installing libcjson-dev libcunit1-dev'
has "$(cat "$LOG")" 'update'
has "$(tail -n 1 "$LOG")" 'install -y --no-install-recommends libcjson-dev libcunit1-dev'
: >"$LOG"
setup 0
[ -z "$out$(cat "$LOG")" ] || wrong "expected silence when nothing is missing: $out"
rm "$INSTALLED"
APT_FAILS=1 setup 2
has "$out" 'please install these Debian packages (or what they are called on your system): libcjson-dev libcunit1-dev'
rm "$bin/apt-get"
setup 2
has "$out" 'no apt-get here'
finish

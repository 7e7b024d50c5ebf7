# The page of results: whole, self-contained, the report's figures in it; in a real browser where there is one.
. tests/cli/check.bash
command -v gnuplot >/dev/null || skip 'no gnuplot here (scripts/setup.sh plot installs it)'

one=$folder/run served=$folder/served
run 0 run --adapter clinical --adapter none --tokens 9 --prompt "a <b> & 'c'" --out "$one"
run 0 report "$one"
[ "$out" = "$one/report.html" ] || wrong "expected the page's name, found '$out'"
page=$one/report.html
html=$(cat "$page")
has "$html" '<!DOCTYPE html>'
has "$html" '</html>'
has "$html" 'lang="en"'
has "$html" "etchsim run --adapter clinical --adapter none --tokens 9 --prompt 'a &lt;b&gt; &amp; '\\''c'\\''' --out"
lacks "$html" '<b>'
[ "$(grep -oE '(src|href)="[^"]{0,12}' "$page" | grep -cv 'src="data:image')" -eq 0 ] || wrong 'something is loaded from elsewhere'
[ "$(grep -c '<h1>' "$page")" -eq 1 ] || wrong 'expected one h1'
[ "$(grep -c '<img alt="[^"]\{30,\}"' "$page")" -eq 4 ] || wrong 'expected four pictures with a text each'
cycles=$(sed -n 's/^\t"cycles":\t\([0-9]*\),/\1/p' "$one/run.json")
has "$html" "in $cycles cycles"

# The command it tells leaves the same results.
cp "$one/run.json" "$folder/before.json"
(sed "s#^etchsim#$ETCHSIM#" "$one/command.txt" | bash >/dev/null 2>&1) || wrong 'command.txt does not run'
cmp -s "$folder/before.json" "$one/run.json" || wrong 'command.txt leaves other results'

run 0 serve n-plus-base --out "$served"
run 0 report "$served"
has "$(cat "$served/report.html")" '<td class="text">clinical</td>'
has "$(cat "$served/report.html")" '<td class="text">a million tokens</td>'
lacks "$(cat "$served/report.html")" 'server full of such cards'
run 0 serve n-plus-base --set server.cards=3 --out "$served"
run 0 report "$served"
has "$(cat "$served/report.html")" '<h2 id="cards">Cards</h2>'
has "$(cat "$served/report.html")" 'server full of such cards'
run 2 report "$folder"
has "$err" 'nothing to draw'
[ ! -e "$folder/report.html" ] || wrong 'half a page is left'

if ! command -v chromium >/dev/null; then
    echo 'no browser here: chromium did not look at the page' >&2
    finish
fi
# A script at the page's end presses a head of the table of units twice and says in the title what came of it, and how wide the page is.
cat >"$folder/probe.html" <<'HTML'
<script>
let broken = "";
window.addEventListener("error", (e) => { broken = e.message; });
const table = document.querySelector('[aria-label="Units"] table'), head = table.tHead.rows[0].cells[1];
const values = () => [...table.tBodies[0].rows].map((r) => Number(r.cells[1].dataset.value));
const ordered = (v, sign) => v.every((x, i) => i === 0 || sign * (x - v[i - 1]) >= 0);
head.querySelector("button").click();
const up = ordered(values(), 1) && head.getAttribute("aria-sort") === "ascending";
head.querySelector("button").click();
const down = ordered(values(), -1) && head.getAttribute("aria-sort") === "descending";
window.addEventListener("load", () => {
  const images = document.images.length > 0 && [...document.images].every((i) => i.complete && i.naturalWidth > 0);
  document.title = `sorts ${up && down}, images ${images}, fits ${document.documentElement.scrollWidth <= window.innerWidth}, errors '${broken}'`;
});
</script>
HTML
sed "/<\/body>/{
r $folder/probe.html
}" "$page" >"$folder/probed.html"
for size in 1400,900 500,900; do
    dom=$(timeout 60 chromium --headless --no-sandbox --disable-gpu --window-size=$size --virtual-time-budget=3000 --dump-dom "file://$folder/probed.html" 2>"$folder/log")
    has "$(grep -o '<title>[^<]*' <<<"$dom" | head -n 1)" "<title>sorts true, images true, fits true, errors ''"
    grep -i 'CONSOLE.*error' "$folder/log" && wrong "the browser complains at $size"
done
finish

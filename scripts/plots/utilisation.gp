# How busy each kind of unit was over time: light is idle, dark is busy. Table: a row a kind of unit, a column a bin of time.
set xlabel 'time, us'
set cblabel 'busy, share of the time, mean over the units of a kind'
set xrange [0:end_us]
set yrange [kinds - 0.5:-0.5]
set cbrange [0:1]
set format cb '%.1f'
set lmargin 22
set rmargin 14
unset grid
unset key
set palette defined (0 '#ffffff', 0.02 '#fff7bc', 0.25 '#fec44f', 0.55 '#d95f0e', 1 '#3b0f2b')
plot name.'.dat' matrix using ((column(1) + 0.5) * bin_us):2:3 with image

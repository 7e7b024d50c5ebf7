# Stacked bars: where the cycles of a token went. Table: from_us to_us row category "label". Solid: at work; hatched: waiting.
stats name.'.dat' using 2 nooutput
set xlabel 'time of a token, us'
set xrange [0:*]
set yrange [rows - 0.4:-0.6]
unset grid
set grid x lc rgb '#c0c0c0' lw 0.8 dt 1
set lmargin 24
set key below center horizontal samplen 2 maxrows 3
set style textbox opaque noborder margins 0.6, 0.4
array paint[9] = ['#5aa9d6', '#cfe8f5', '#E69F00', '#F0E442', '#D9D9D9', '#CC79A7', '#D55E00', '#009E73', '#777777']
array words[9] = ['ROM sweep', 'attention', 'vector units', 'embedding, sampler', 'beats on links', 'waiting for LoRA', 'waiting for SRAM ports', 'adapter loading', 'waiting for a unit, queue']
share(x) = x / STATS_max
middle(x) = (column(1) + column(2)) / 2
mine(c) = column(4) == c ? middle(0) : NaN
between(low, high) = share(column(2) - column(1)) >= low && share(column(2) - column(1)) < high ? middle(0) : NaN
plot for [c = 1:5] name.'.dat' using (mine(c)):3:1:2:(column(3) - 0.44):(column(3) + 0.44) with boxxyerror fs solid 1 border lc rgb 'black' lw 0.5 fc rgb paint[c] title words[c], \
     for [c = 6:9] name.'.dat' using (mine(c)):3:1:2:(column(3) - 0.44):(column(3) + 0.44) with boxxyerror fs pattern (c - 2) border lc rgb 'black' lw 0.5 fc rgb paint[c] title words[c], \
     name.'.dat' using (between(0.15, 2)):3:5 with labels boxed font ',10' notitle, \
     name.'.dat' using (between(0.016, 0.15)):3:5 with labels font ',9' rotate by 90 notitle

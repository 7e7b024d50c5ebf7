# Shares of requests (or tokens) that took at most so long. Table: blocks of us share, a block a line, in the order of `lines`.
set xlabel what.', us'
set ylabel 'share of them that took no longer, %'
set logscale x 10
set yrange [0:100]
set key bottom right
set arrow 1 from graph 0, first 50 to graph 1, first 50 nohead lc rgb '#999999' dt 3
set arrow 2 from graph 0, first 99 to graph 1, first 99 nohead lc rgb '#999999' dt 3
set label 1 'P50' at graph 0.005, first 51.5 font ',9' textcolor rgb '#777777'
set label 2 'P99' at graph 0.005, first 97 font ',9' textcolor rgb '#777777'
plot for [i = 1:words(lines)] name.'.dat' index (i - 1) using 1:(100 * column(2)) with steps lw 1.8 lc rgb colour(i) notitle, \
     for [i = 1:words(lines)] name.'.dat' index (i - 1) using 1:(100 * column(2)) every marks[i]:1:marks[i] / 2 with points pt (4 + 2 * i) ps 1.1 lc rgb colour(i) notitle, \
     for [i = 1:words(lines)] NaN with linespoints lw 1.8 pt (4 + 2 * i) lc rgb colour(i) title word(lines, i)

# Lines over a swept quantity. Table: blocks of x y, a block a line, in the order of `lines`.
stats name.'.dat' using 1:2 nooutput
set xlabel x_name
set ylabel y_name
if (STATS_max_x >= 1e6) { set format x '%.1s%c' }
if (STATS_max_y >= 1e6) { set format y '%.1s%c' }
set autoscale xfix
set autoscale yfix
if (x_log) { set logscale x 2 }
if (y_log) { set logscale y 10; set yrange [0.7 * STATS_min_y:1.4 * STATS_max_y] } \
else { set yrange [0:1.08 * STATS_max_y] }
set offsets graph 0.03, graph 0.03, 0, 0
set key outside right top Left reverse title lines_name noenhanced
set rmargin 28
if (lines_name eq '') { unset key; set rmargin 4 }
plot for [i = 1:words(lines)] name.'.dat' index (i - 1) using 1:2 with linespoints lw 2 ps 1.2 dt 1 pt 3 + 2 * i lc rgb colour(i) title word(lines, i)

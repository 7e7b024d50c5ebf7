# All points of a sweep, and those that no other one beats. Table: a block of all points, x y; a block of the front, x y point, ordered by x.
stats name.'.dat' index 0 using 1:2 nooutput
set xlabel x_name
set ylabel y_name
if (STATS_max_x >= 1e6) { set format x '%.1s%c' }
if (STATS_max_y >= 1e6) { set format y '%.1s%c' }
set key below center horizontal
set autoscale xfix
set autoscale yfix
if (STATS_min_y == STATS_max_y) { set yrange [0.9 * STATS_min_y:1.1 * STATS_max_y] }
set offsets graph 0.04, graph 0.06, graph 0.06, graph 0.06
plot name.'.dat' index 0 using 1:2 with points pt 1 ps 0.9 lc rgb '#777777' title 'points of the sweep', \
     '' index 1 using 1:2 with lines lw 1.4 dt 2 lc rgb '#0072B2' notitle, \
     '' index 1 using 1:2 with points pt 7 ps 1.4 lc rgb '#D55E00' title 'no other point beats these', \
     '' index 1 using 1:2:3 with labels offset 0.6, -0.8 left font ',9' notitle

# All points of a sweep, and those that no other one beats. Table: a block of all points, x y; a block of the front, x y point, ordered by x.
set xlabel x_name
set ylabel y_name
set key top left
if (x_log) { set logscale x 10 }
if (y_log) { set logscale y 10 }
set offsets graph 0.04, graph 0.06, graph 0.06, graph 0.04
plot name.'.dat' index 0 using 1:2 with points pt 1 ps 0.7 lc rgb '#999999' title 'points of the sweep', \
     '' index 1 using 1:2 with lines lw 1.4 dt 2 lc rgb '#0072B2' notitle, \
     '' index 1 using 1:2 with points pt 7 ps 1.4 lc rgb '#D55E00' title 'no other point beats these', \
     '' index 1 using 1:2:3 with labels offset 0.6, -0.8 left font ',9' notitle

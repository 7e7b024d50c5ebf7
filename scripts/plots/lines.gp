# Lines over a swept quantity. Table: blocks of x y, a block a line, in the order of `lines`.
set xlabel x_name
set ylabel y_name
if (x_log) { set logscale x 2 }
if (y_log) { set logscale y 10 }
else { set yrange [0:*] }
set offsets graph 0.03, graph 0.03, graph 0.06, 0
set key outside right top Left reverse title lines_name enhanced noenhanced
set rmargin 26
plot for [i = 1:words(lines)] name.'.dat' index (i - 1) using 1:2 with linespoints lw 2 ps 1.2 dt 1 pt 3 + 2 * i lc rgb colour(i) title word(lines, i)

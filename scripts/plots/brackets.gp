# Bars with a bracket from the low to the high estimate. Table: row first second low high "component", largest first; first and second are stacked.
set xlabel x_name
set yrange [rows - 0.4:-0.6]
set xrange [0:*]
unset grid
set grid x lc rgb '#c0c0c0' lw 0.8 dt 1
set lmargin 26
set key bottom right
if (second_name eq '') { unset key }
set offsets 0, graph 0.03, 0, 0
plot name.'.dat' using (column(2) / 2):1:(0):2:(column(1) - 0.34):(column(1) + 0.34):ytic(6) with boxxyerror fs solid 1 border lc rgb 'black' lw 0.6 fc rgb '#5aa9d6' title first_name, \
     '' using (column(2) + column(3) / 2):1:2:(column(2) + column(3)):(column(1) - 0.34):(column(1) + 0.34) with boxxyerror fs pattern 4 border lc rgb 'black' lw 0.6 fc rgb '#D55E00' title second_name, \
     '' using (column(2) + column(3)):1:4:5 with xerrorbars pt -1 lc rgb 'black' lw 1.6 title 'low to high'

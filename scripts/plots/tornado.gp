# What 10 % more of each resource buys. Table: row change_percent "resource", most effect first.
set xlabel y_name
set yrange [rows - 0.4:-0.6]
set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb 'black' lw 1.2
unset grid
set grid x lc rgb '#c0c0c0' lw 0.8 dt 1
set lmargin 34
set rmargin 10
unset key
set offsets graph 0.02, graph 0.08, 0, 0
low(x) = x < 0 ? x : 0
high(x) = x > 0 ? x : 0
plot name.'.dat' using (column(2) / 2):1:(low(column(2))):(high(column(2))):(column(1) - 0.36):(column(1) + 0.36):ytic(3) with boxxyerror fs solid 1 border lc rgb 'black' lw 0.6 fc rgb '#5aa9d6', \
     '' using (high(column(2))):1:(sprintf('%.3g %%', column(2))) with labels left offset 0.6, 0 font ',11'

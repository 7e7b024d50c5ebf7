# What all pictures share. Colours are told apart by colour-blind readers too (Okabe and Ito) and differ in lightness, lines also by dash
# and point, so that the pictures can be read in black and white.
set encoding utf8
set terminal pngcairo noenhanced size 1280,720 font 'DejaVu Sans,13' background rgb 'white'
set output name.'.png'
set title heading noenhanced font ',16' offset 0,0.4
set label 99 corner at screen 0.008,0.016 left font ',9' textcolor rgb '#555555'
set lmargin 12
set rmargin 4
set border 3 lc rgb '#333333'
set tics nomirror out
set grid lc rgb '#c0c0c0' lw 0.8 dt 1
set key top left reverse Left samplen 3 spacing 1.15
array okabe[8] = ['#000000', '#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#F0E442']
colour(i) = okabe[1 + (int(i) - 1) % 8]

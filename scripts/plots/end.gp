# The same once more, as a drawing that can be scaled.
set terminal svg noenhanced size 1280,720 dynamic font 'DejaVu Sans,13' background rgb 'white'
set output name.'.svg'
replot
set output

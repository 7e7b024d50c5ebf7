/* report_page.h -- results in a folder as one HTML page, DIR/report.html: figures, pictures, tables, configs, how it came about. */
#ifndef ETCHSIM_REPORT_PAGE_H
#define ETCHSIM_REPORT_PAGE_H

#include "sim/page.h"

/* Draws the pictures (plots_draw) and writes the page. */
bool report_page(const char *folder, struct error *e);

#endif

/* page.h -- one self-contained HTML page: headings, figures, pictures, tables that can be sorted, texts. Nothing is loaded from elsewhere.
 *
 *   page_open(&page, folder, "report.html", "Run of ...", e)
 *   page_section(&page, "summary", "Summary"); page_figure(&page, "speed", "17,000", "tokens/s"); ...
 *   page_close(&page, e)                                      the file is whole, or not there
 *
 * All texts are escaped here.
 */
#ifndef ETCHSIM_PAGE_H
#define ETCHSIM_PAGE_H

#include "sim/output.h"
#include "sim/plot.h"

struct page {
    struct output out;
    enum { PAGE_PLAIN, PAGE_FIGURES } block; /* what is open */
    bool section_open;
};

bool page_open(struct page *page, const char *folder, const char *name, const char *title, struct error *e);
bool page_close(struct page *page, struct error *e);
void page_abandon(struct page *page);

/* A heading; all until the next one belongs to it. */
void page_section(struct page *page, const char *id, const char *heading);
void page_paragraph(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A figure that one reads first: "tokens per second", 16960, "tokens/s". Those that follow each other stand together. */
void page_figure(struct page *page, const char *name, double value, const char *unit);
void page_pre(struct page *page, const char *text);
/* A text file of the folder, folded; nothing if it is not there. */
void page_file(struct page *page, const char *folder, const char *name, const char *what);
/* The picture's SVG, inside the page. */
bool page_picture(struct page *page, const struct plots *plots, const struct picture *picture, struct error *e);

/* A table: heads first (text: left, sorted by letters), then cells row by row. */
void page_table_begin(struct page *page, const char *caption);
void page_table_head(struct page *page, const char *name, bool text);
void page_table_rows(struct page *page);
void page_row(struct page *page);
void page_cell_text(struct page *page, const char *text);
/* NAN: an empty cell. */
void page_cell_number(struct page *page, double value);
void page_table_end(struct page *page);

#endif

/* report_page_internal.h -- what the files that write the page of results share. */
#ifndef ETCHSIM_REPORT_PAGE_INTERNAL_H
#define ETCHSIM_REPORT_PAGE_INTERNAL_H

#include "sim/page.h"

struct report {
    const char *folder;
    struct page *page;
    struct plots *plots;
};

/* The pictures of all results in the folder, once: after the figures of the first of them. */
bool report_pictures(const struct report *report, struct error *e);

/* The sections of a sweep, if the folder has one. */
bool report_sweep(const struct report *report, struct error *e);

#endif

#include "sim/page.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mapped.h"
#include "sim/presets.h"

static void put(struct page *page, const char *html)
{
    fputs(html, page->out.file);
}

/* Text as HTML. */
static void put_bytes(struct page *page, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '&': put(page, "&amp;"); break;
        case '<': put(page, "&lt;"); break;
        case '>': put(page, "&gt;"); break;
        case '"': put(page, "&quot;"); break;
        default: fputc(text[i], page->out.file);
        }
    }
}

static void put_text(struct page *page, const char *text)
{
    put_bytes(page, text, strlen(text));
}

/* A file of scripts/report/, as it is. */
static bool put_part(struct page *page, const char *part, struct error *e)
{
    char path[PATH_MAX];
    struct mapped map;
    if (!share_path(part, path, sizeof path, e) || !mapped_open(path, &map, e)) {
        return false;
    }
    fwrite(map.bytes, 1, map.size_bytes, page->out.file);
    mapped_close(&map);
    return true;
}

static void plain(struct page *page)
{
    if (page->block == PAGE_FIGURES) {
        put(page, "</dl>\n");
    }
    page->block = PAGE_PLAIN;
}

bool page_open(struct page *page, const char *folder, const char *name, const char *title, struct error *e)
{
    *page = (struct page){0};
    if (!output_open(&page->out, folder, name, e)) {
        return false;
    }
    put(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    put_text(page, title);
    put(page, "</title>\n<style>\n");
    if (!put_part(page, "scripts/report/page.css", e)) {
        page_abandon(page);
        return false;
    }
    put(page, "</style>\n</head>\n<body>\n<main>\n<h1>");
    put_text(page, title);
    put(page, "</h1>\n");
    return true;
}

bool page_close(struct page *page, struct error *e)
{
    plain(page);
    put(page, page->section_open ? "</section>\n</main>\n<script>\n" : "</main>\n<script>\n");
    if (!put_part(page, "scripts/report/page.js", e)) {
        page_abandon(page);
        return false;
    }
    put(page, "</script>\n</body>\n</html>\n");
    return output_close(&page->out, e);
}

void page_abandon(struct page *page)
{
    output_abandon(&page->out);
}

void page_section(struct page *page, const char *id, const char *heading)
{
    plain(page);
    fprintf(page->out.file, "%s<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", page->section_open ? "</section>\n" : "", id, id);
    put_text(page, heading);
    put(page, "</h2>\n");
    page->section_open = true;
}

void page_paragraph(struct page *page, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    plain(page);
    put(page, "<p>");
    put_text(page, text);
    put(page, "</p>\n");
}

/* Four to six digits, as a person writes them: 16,960 or 5.556. */
static void number_text(double value, char text[48])
{
    if (value == floor(value) && fabs(value) < 1e15) {
        char digits[40];
        int length = snprintf(digits, sizeof digits, "%.0f", fabs(value)), used = 0;
        text[used] = '-';
        used += value < 0;
        for (int i = 0; i < length; i++) {
            if (i > 0 && (length - i) % 3 == 0) {
                text[used++] = ',';
            }
            text[used++] = digits[i];
        }
        text[used] = '\0';
    } else if (fabs(value) >= 1000 && fabs(value) < 1e15) {
        number_text(round(value), text);
    } else {
        snprintf(text, 48, "%.4g", value);
    }
}

void page_figure(struct page *page, const char *name, double value, const char *unit)
{
    char text[48];
    if (isnan(value)) {
        return;
    }
    if (page->block != PAGE_FIGURES) {
        put(page, "<dl class=\"figures\">\n");
        page->block = PAGE_FIGURES;
    }
    number_text(value, text);
    put(page, "<div><dt>");
    put_text(page, name);
    put(page, "</dt><dd>");
    put_text(page, text);
    put(page, " <small>");
    put_text(page, unit);
    put(page, "</small></dd></div>\n");
}

void page_pre(struct page *page, const char *text)
{
    plain(page);
    put(page, "<pre>");
    put_text(page, text);
    put(page, "</pre>\n");
}

void page_file(struct page *page, const char *folder, const char *name, const char *what)
{
    char path[PATH_MAX];
    struct mapped map;
    struct error absent;
    plain(page);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path || !mapped_open(path, &map, &absent)) {
        return;
    }
    put(page, "<details><summary>");
    put_text(page, what);
    put(page, " (<code>");
    put_text(page, name);
    put(page, "</code>)</summary>\n<pre>");
    put_bytes(page, (const char *)map.bytes, map.size_bytes);
    put(page, "</pre></details>\n");
    mapped_close(&map);
}

static void put_base64(struct page *page, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        fputc(digits[group >> 18], page->out.file);
        fputc(digits[group >> 12 & 63], page->out.file);
        fputc(left > 1 ? digits[group >> 6 & 63] : '=', page->out.file);
        fputc(left > 2 ? digits[group & 63] : '=', page->out.file);
    }
}

bool page_picture(struct page *page, const struct plots *plots, const struct picture *picture, struct error *e)
{
    char path[PATH_MAX];
    struct mapped map;
    plain(page);
    snprintf(path, sizeof path, "%s/%s.svg", plots->folder, picture->name);
    if (!mapped_open(path, &map, e)) {
        return false;
    }
    put(page, "<figure>\n<div tabindex=\"0\" role=\"region\" aria-label=\"picture\"><img alt=\"");
    put_text(page, picture->title);
    put(page, ". ");
    put_text(page, picture->caption);
    put(page, "\" width=\"1280\" height=\"720\" src=\"data:image/svg+xml;base64,");
    put_base64(page, map.bytes, map.size_bytes);
    put(page, "\"></div>\n<figcaption>");
    put_text(page, picture->caption);
    put(page, "</figcaption>\n</figure>\n");
    mapped_close(&map);
    return true;
}

/* --- tables --- */

void page_table_begin(struct page *page, const char *caption)
{
    plain(page);
    put(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    put_text(page, caption);
    put(page, "\">\n<table class=\"sortable\"><thead><tr>");
}

void page_table_head(struct page *page, const char *name, bool text)
{
    fprintf(page->out.file, "<th scope=\"col\"%s><button type=\"button\">", text ? " class=\"text\"" : "");
    put_text(page, name);
    put(page, "</button></th>");
}

void page_table_rows(struct page *page)
{
    put(page, "</tr></thead><tbody>");
}

void page_row(struct page *page)
{
    put(page, "\n<tr>");
}

void page_cell_text(struct page *page, const char *text)
{
    put(page, "<td class=\"text\">");
    put_text(page, text);
    put(page, "</td>");
}

void page_cell_number(struct page *page, double value)
{
    char text[48];
    if (isnan(value)) {
        put(page, "<td data-value=\"\"></td>");
        return;
    }
    number_text(value, text);
    fprintf(page->out.file, "<td data-value=\"%.10g\">%s</td>", value, text);
}

void page_table_end(struct page *page)
{
    put(page, "</tbody></table>\n</div>\n");
}

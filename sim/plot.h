/* plot.h -- pictures of the results in a folder, drawn by gnuplot.
 *
 *   DIR/run.json, utilisation.csv   --+              DIR/plots/NAME.dat        the data, a table with a heading
 *   DIR/serve.json, latencies.csv   --+-- plot_*.c -->         NAME.gp         the script: `gnuplot NAME.gp` draws the pictures again
 *   DIR/sweep.sqlite                --+                        NAME.png .svg   the pictures
 *
 * A script is settings (what follows from the results), scripts/plots/style.gp (what all pictures share) and scripts/plots/TEMPLATE.gp.
 */
#ifndef ETCHSIM_PLOT_H
#define ETCHSIM_PLOT_H

#include <stdio.h>

#include "sim/output.h"

enum { PLOTS_MAX = 64, PLOT_NAME_ROOM = 64, PLOT_TEXT_ROOM = 512 };

struct picture {
    char name[PLOT_NAME_ROOM]; /* of its files */
    char title[PLOT_TEXT_ROOM];
    char caption[PLOT_TEXT_ROOM]; /* what it shows, in words and figures: for those who do not see it */
};

struct plots {
    char folder[480]; /* DIR/plots */
    struct picture pictures[PLOTS_MAX];
    int count;
};

/* Draws whatever the results in the folder have data for. Errors: nothing to draw there, a file that is no such result, no gnuplot. */
bool plots_draw(const char *folder, struct plots *plots, struct error *e);

/* --- for the files that know a kind of result, plot_*.c --- */

/* One picture in the making. */
struct plot {
    struct plots *plots;
    struct picture *picture;
    struct output data, script;
};

/* Begins a picture: the caller writes the table to data.file and settings to script.file. NAME of letters, digits and '-'. The corner says
 * which results these are: the config's name and hash. */
bool plot_open(struct plot *plot, struct plots *plots, const char *name, const char *corner, struct error *e);
/* A setting of the script: NAME = 'TEXT', quoted as gnuplot wants it. */
void plot_text(struct plot *plot, const char *name, const char *text);
void plot_number(struct plot *plot, const char *name, double value);
/* A text as one quoted field of the table. */
void plot_field(struct plot *plot, const char *text);
/* Adds the template and draws. Title and caption were put into picture->title and ->caption. */
bool plot_close(struct plot *plot, const char *template_name, struct error *e);
/* Gives up after an error: no half-written file stays. */
void plot_abandon(struct plot *plot);

/* Each draws the pictures of one kind of result if the folder has one, else nothing. */
bool plot_run(const char *folder, struct plots *plots, struct error *e);
bool plot_serve(const char *folder, struct plots *plots, struct error *e);
bool plot_sweep(const char *folder, struct plots *plots, struct error *e);

#endif

#include "sim/plot.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/mapped.h"
#include "sim/presets.h"

bool plots_draw(const char *folder, struct plots *plots, struct error *e)
{
    *plots = (struct plots){0};
    if ((size_t)snprintf(plots->folder, sizeof plots->folder, "%s/plots", folder) >= sizeof plots->folder) {
        return error_input(e, "%s: the path is too long", folder);
    }
    if (!plot_run(folder, plots, e) || !plot_serve(folder, plots, e) || !plot_sweep(folder, plots, e)) {
        return false;
    }
    return plots->count > 0 || error_input(e, "%s: nothing to draw: expected a folder that run, serve or sweep left with --out", folder);
}

/* --- one picture --- */

bool plot_open(struct plot *plot, struct plots *plots, const char *name, const char *corner, struct error *e)
{
    char file[PLOT_NAME_ROOM + 8];
    ES_ASSERT(plots->count < PLOTS_MAX);
    *plot = (struct plot){.plots = plots, .picture = &plots->pictures[plots->count]};
    snprintf(plot->picture->name, sizeof plot->picture->name, "%s", name);
    if (!output_folder(plots->folder, e)) {
        return false;
    }
    snprintf(file, sizeof file, "%s.dat", name);
    if (!output_open(&plot->data, plots->folder, file, e)) {
        return false;
    }
    snprintf(file, sizeof file, "%s.gp", name);
    if (!output_open(&plot->script, plots->folder, file, e)) {
        plot_abandon(plot);
        return false;
    }
    fprintf(plot->script.file, "# `gnuplot %s.gp` in this folder draws %s.png and %s.svg again, from %s.dat.\nreset\n", name, name, name,
            name);
    plot_text(plot, "name", name);
    plot_text(plot, "corner", corner);
    return true;
}

void plot_text(struct plot *plot, const char *name, const char *text)
{
    fprintf(plot->script.file, "%s = '", name);
    for (; *text; text++) {
        fputs(*text == '\'' ? "''" : (char[2]){(unsigned char)*text < ' ' ? ' ' : *text}, plot->script.file);
    }
    fputs("'\n", plot->script.file);
}

void plot_number(struct plot *plot, const char *name, double value)
{
    fprintf(plot->script.file, "%s = %.17g\n", name, value);
}

void plot_field(struct plot *plot, const char *text)
{
    fputc('"', plot->data.file);
    for (; *text; text++) {
        fputc(*text == '"' ? '\'' : (unsigned char)*text < ' ' ? ' ' : *text, plot->data.file);
    }
    fputc('"', plot->data.file);
}

/* Adds a file of scripts/plots/ to the script. */
static bool add_part(struct plot *plot, const char *part, struct error *e)
{
    char relative[PLOT_NAME_ROOM + 32], path[PATH_MAX];
    struct mapped map;
    snprintf(relative, sizeof relative, "scripts/plots/%s.gp", part);
    if (!share_path(relative, path, sizeof path, e) || !mapped_open(path, &map, e)) {
        return false;
    }
    fputc('\n', plot->script.file);
    fwrite(map.bytes, 1, map.size_bytes, plot->script.file);
    mapped_close(&map);
    return true;
}

/* Runs gnuplot on a file in the folder; what it complains about goes to stderr. */
static bool run_gnuplot(const char *folder, const char *script, struct error *e)
{
    posix_spawn_file_actions_t actions;
    const char *other = getenv("ETCHSIM_GNUPLOT");
    char *program = (char *)(other && *other ? other : "gnuplot"), *arguments[] = {program, (char *)script, NULL};
    pid_t child = 0;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    int failure = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure) {
        return error_input(e, "%s: cannot be run: %s (scripts/setup.sh plot installs gnuplot)", program, strerror(failure));
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || error_input(e, "%s/%s: gnuplot failed (its words are above)", folder, script);
}

/* A picture that gnuplot did not finish. */
static void remove_picture(const struct plot *plot, const char *extension)
{
    char path[sizeof plot->plots->folder + PLOT_NAME_ROOM + 8];
    snprintf(path, sizeof path, "%s/%s%s", plot->plots->folder, plot->picture->name, extension);
    unlink(path);
}

bool plot_close(struct plot *plot, const char *template_name, struct error *e)
{
    char script[PLOT_NAME_ROOM + 8];
    plot_text(plot, "heading", plot->picture->title);
    if (!add_part(plot, "style", e) || !add_part(plot, template_name, e) || !add_part(plot, "end", e)) {
        plot_abandon(plot);
        return false;
    }
    snprintf(script, sizeof script, "%s.gp", plot->picture->name);
    if (!output_close(&plot->data, e)) {
        output_abandon(&plot->script);
        return false;
    }
    if (!output_close(&plot->script, e)) {
        return false;
    }
    if (!run_gnuplot(plot->plots->folder, script, e)) {
        remove_picture(plot, ".png");
        remove_picture(plot, ".svg");
        return false;
    }
    plot->plots->count++;
    return true;
}

void plot_abandon(struct plot *plot)
{
    output_abandon(&plot->data);
    output_abandon(&plot->script);
}

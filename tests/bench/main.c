/* main.c -- build/bench [NAME...]: runs all benchmarks, or those named, and says on what machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sim/version.h"
#include "tests/bench/bench.h"

#define BENCH(name) void bench_##name(void);
#include "tests/bench/benches.def"
#undef BENCH

static const struct entry {
    const char *name;
    void (*run)(void);
} entries[] = {
#define BENCH(name) {#name, bench_##name},
#include "tests/bench/benches.def"
#undef BENCH
    {NULL, NULL}, /* the list may be empty */
};

double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median_seconds(void (*work)(void *user), void *user)
{
    enum { CALLS_MIN = 5, CALLS_MAX = 1001 };
    static double seconds[CALLS_MAX];
    int calls = 0;
    work(user); /* once to warm up */
    for (double start = bench_seconds(), before = start; calls < CALLS_MAX && (calls < CALLS_MIN || before - start < 0.3); calls++) {
        work(user);
        double after = bench_seconds();
        seconds[calls] = after - before;
        before = after;
    }
    qsort(seconds, (size_t)calls, sizeof seconds[0], compare);
    return seconds[calls / 2];
}

void bench_report(const char *name, double value, const char *unit)
{
    printf("%-44s %14.4g %s\n", name, value, unit);
    fflush(stdout);
}

static void print_machine(void)
{
    char line[256], model[200] = "unknown processor";
    FILE *in = fopen("/proc/cpuinfo", "r");
    while (in && fgets(line, sizeof line, in)) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            snprintf(model, sizeof model, "%s", strchr(line, ':') + 2);
            model[strcspn(model, "\n")] = '\0';
            break;
        }
    }
    if (in) {
        fclose(in);
    }
    printf("machine: %s, %ld processors\n", model, sysconf(_SC_NPROCESSORS_ONLN));
    version_print(stdout);
    printf("\n");
}

static const struct entry *find(const char *name)
{
    const struct entry *entry = entries;
    while (entry->name && strcmp(entry->name, name) != 0) {
        entry++;
    }
    return entry->name ? entry : NULL;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!find(argv[i])) {
            fprintf(stderr, "there is no benchmark '%s' in benches.def\n", argv[i]);
            return 2;
        }
    }
    print_machine();
    for (int i = 1; i < argc; i++) {
        find(argv[i])->run();
    }
    for (const struct entry *entry = entries; argc == 1 && entry->name; entry++) {
        entry->run();
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    bench_report("peak memory", (double)usage.ru_maxrss / 1024, "MiB");
    return 0;
}

/* bench.h -- a benchmark's clock and its line of output. */
#ifndef ETCHSIM_BENCH_H
#define ETCHSIM_BENCH_H

/* Seconds from some start, monotonic. */
double bench_seconds(void);

/* Calls work(user) until it has run for some 0.3 s, at least five times; the median seconds of a call. */
double bench_median_seconds(void (*work)(void *user), void *user);

/* "engine skip, sample         12.3 Mcycles/s": one line on stdout. The unit says what the value is. */
void bench_report(const char *name, double value, const char *unit);

#endif

/* error.h -- how a function says that its input was bad.
 *
 * Three kinds of failure, three mechanisms:
 *   the user's mistake   a function returns false and fills a struct error (file, place, expectation); exit code 2
 *   a check that failed  the same, with exit code 1 (mismatch, deadlock)
 *   our own mistake      ES_ASSERT ends the program and names the place in the source; exit code 3
 * What the chip models (a miss, a stall) is no failure: it is state, a counter and a trace event.
 */
#ifndef ETCHSIM_ERROR_H
#define ETCHSIM_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum exit_code { EXIT_CODE_GOOD = 0, EXIT_CODE_CHECK = 1, EXIT_CODE_INPUT = 2, EXIT_CODE_INTERNAL = 3 };

struct error {
    enum exit_code code;
    char message[1024]; /* one line or a few, without the final newline: "file.gguf: byte 12: expected ..., found ..." */
};

/* Each fills *e (which may hold an older message; the older one is overwritten) and returns false. */
bool error_input(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool error_check(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* calloc for sizes that were checked against the input's length already; NULL (and an input error) when there is no memory. */
void *error_calloc(struct error *e, size_t count, size_t size, const char *what);

_Noreturn void error_internal(const char *file, int line, const char *condition);
#define ES_ASSERT(condition) ((condition) ? (void)0 : error_internal(__FILE__, __LINE__, #condition))

#endif

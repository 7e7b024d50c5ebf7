#include "sim/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void fill(struct error *e, enum exit_code code, const char *format, va_list arguments)
{
    e->code = code;
    vsnprintf(e->message, sizeof e->message, format, arguments);
}

bool error_input(struct error *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(e, EXIT_CODE_INPUT, format, arguments);
    va_end(arguments);
    return false;
}

bool error_check(struct error *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(e, EXIT_CODE_CHECK, format, arguments);
    va_end(arguments);
    return false;
}

void *error_calloc(struct error *e, size_t count, size_t size, const char *what)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        error_input(e, "not enough memory for %s (%zu x %zu bytes)", what, count, size);
    }
    return memory;
}

_Noreturn void error_internal(const char *file, int line, const char *condition)
{
    fprintf(stderr, "etchsim: internal error at %s:%d: %s does not hold\n", file, line, condition);
    exit(EXIT_CODE_INTERNAL);
}

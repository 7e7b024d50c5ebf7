#include "tests/unit/check.h"

#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/skipped.h"

static CU_pSuite current_suite;
static char folder[64];
int skipped_count;

void suite_begin(const char *name)
{
    current_suite = CU_add_suite(name, NULL, NULL);
}

void suite_add(const char *title, void (*test)(void))
{
    if (!current_suite || !CU_add_test(current_suite, title, test)) {
        fprintf(stderr, "cannot add test '%s': %s\n", title, CU_get_error_msg());
        exit(EXIT_FAILURE);
    }
}

/* CUnit keeps the text of a failure, so the message may live on our stack. */
static bool record(bool holds, const char *file, int line, const char *message)
{
    CU_assertImplementation(holds, (unsigned)line, message, file, "", CU_FALSE);
    return holds;
}

bool check_true(bool holds, const char *condition, const char *file, int line)
{
    return record(holds, file, line, condition);
}

bool check_eq_int(int64_t found, int64_t expected, const char *what, const char *file, int line)
{
    char message[512];
    snprintf(message, sizeof message, "%s: expected %" PRId64 ", found %" PRId64, what, expected, found);
    return record(found == expected, file, line, message);
}

bool check_eq_uint(uint64_t found, uint64_t expected, const char *what, const char *file, int line)
{
    char message[512];
    snprintf(message, sizeof message, "%s: expected %" PRIu64 " (0x%" PRIx64 "), found %" PRIu64 " (0x%" PRIx64 ")", what, expected,
             expected, found, found);
    return record(found == expected, file, line, message);
}

bool check_near(double found, double expected, double tolerance, const char *what, const char *file, int line)
{
    char message[512];
    snprintf(message, sizeof message, "%s: expected %.17g within %g, found %.17g", what, expected, tolerance, found);
    return record(fabs(found - expected) <= tolerance, file, line, message);
}

bool check_eq_text(const char *found, const char *expected, const char *what, const char *file, int line)
{
    char message[2048];
    snprintf(message, sizeof message, "%s: expected '%.700s', found '%.700s'", what, expected, found ? found : "(null)");
    return record(found && strcmp(found, expected) == 0, file, line, message);
}

bool check_contains(const char *found, const char *part, const char *what, const char *file, int line)
{
    char message[2048];
    snprintf(message, sizeof message, "%s: expected a text with '%.700s', found '%.700s'", what, part, found ? found : "(null)");
    return record(found && strstr(found, part), file, line, message);
}

bool check_eq_bytes(const void *found, const void *expected, size_t bytes, const char *what, const char *file, int line)
{
    const unsigned char *f = found, *x = expected;
    size_t i = 0;
    while (i < bytes && f[i] == x[i]) {
        i++;
    }
    char message[512] = "";
    if (i < bytes) {
        snprintf(message, sizeof message, "%s: byte %zu of %zu: expected %u, found %u", what, i, bytes, x[i], f[i]);
    }
    return record(i == bytes, file, line, message);
}

void check_skip(const char *reason)
{
    const char *suite = CU_get_current_suite()->pName, *test = CU_get_current_test()->pName;
    printf("\nSKIPPED: %s, %s: %s\n", suite, test, reason);
    skipped_count++;
}

/* --- files --- */

static const char *join(const char *root, const char *relative)
{
    static char paths[4][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", root, relative);
    return path;
}

const char *shared_data(const char *relative)
{
    const char *root = getenv("ETCHSIM_SHARED_DATA");
    const char *path = join(root && root[0] ? root : ETCHSIM_SOURCE_DIR "/../shared/data", relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *source_file(const char *relative)
{
    return join(ETCHSIM_SOURCE_DIR, relative);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *temporary_folder(void)
{
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/etchsim-tests-XXXXXX");
        if (!mkdtemp(folder)) {
            perror("cannot make a temporary folder");
            exit(EXIT_FAILURE);
        }
        atexit(remove_folder);
    }
    return folder;
}

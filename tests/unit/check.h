/* check.h -- what a test suite needs, on top of CUnit.
 *
 *   static void rounds_halves_up(void) { CHECK_EQ_INT(shr_round(3, 1), 2); }
 *   void suite_fixed(void) {
 *       suite_begin("fixed");
 *       suite_add("shifts round halves up", rounds_halves_up);
 *   }
 *
 * and a line SUITE(fixed) in suites.def. Failed checks are counted and the test goes on; a failed REQUIRE leaves the function it is in.
 */
#ifndef ETCHSIM_CHECK_H
#define ETCHSIM_CHECK_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void suite_begin(const char *name);
void suite_add(const char *title, void (*test)(void));

/* The macros' functions: each returns whether the check held, and tells what was found if not. */
bool check_true(bool holds, const char *condition, const char *file, int line);
bool check_eq_int(int64_t found, int64_t expected, const char *what, const char *file, int line);
bool check_eq_uint(uint64_t found, uint64_t expected, const char *what, const char *file, int line);
bool check_near(double found, double expected, double tolerance, const char *what, const char *file, int line);
bool check_eq_text(const char *found, const char *expected, const char *what, const char *file, int line);
bool check_contains(const char *found, const char *part, const char *what, const char *file, int line);
bool check_eq_bytes(const void *found, const void *expected, size_t bytes, const char *what, const char *file, int line);
void check_skip(const char *reason);

#define CHECK(condition) check_true((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQ_INT(found, expected) check_eq_int((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_EQ_UINT(found, expected) check_eq_uint((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_NEAR(found, expected, tolerance) check_near((found), (expected), (tolerance), #found, __FILE__, __LINE__)
#define CHECK_EQ_TEXT(found, expected) check_eq_text((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_CONTAINS(found, part) check_contains((found), (part), #found, __FILE__, __LINE__)
#define CHECK_EQ_BYTES(found, expected, bytes) check_eq_bytes((found), (expected), (bytes), #found, __FILE__, __LINE__)
/* A function of the project that returns false with a struct error: shows its message. */
#define CHECK_GOOD(call, error) check_eq_text((call) ? "" : (error)->message, "", #call, __FILE__, __LINE__)

#define REQUIRE(condition)       \
    do {                         \
        if (!CHECK(condition)) { \
            return;              \
        }                        \
    } while (0)
#define REQUIRE_GOOD(call, error)       \
    do {                                \
        if (!CHECK_GOOD(call, error)) { \
            return;                     \
        }                               \
    } while (0)
/* Leaves the test; it counts as skipped, and the reason is printed. */
#define SKIP(reason)        \
    do {                    \
        check_skip(reason); \
        return;             \
    } while (0)

/* A file of the large test data that don't come with the source: in $ETCHSIM_SHARED_DATA, or in ../shared/data beside the source tree.
 * NULL if it isn't there (then SKIP). The result lives until the next call but three. */
const char *shared_data(const char *relative);
/* A file of the source tree, for instance "configs/models/sample/sample.gguf", under the same rule but never NULL. */
const char *source_file(const char *relative);
/* A fresh empty folder for this run's temporary files; removed at the end. */
const char *temporary_folder(void);

/* Random numbers for tests (xorshift): the same on every machine; the seed is the test's own. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t x = *state ? *state : 0x9e3779b97f4a7c15u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif

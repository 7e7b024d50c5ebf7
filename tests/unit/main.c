/* main.c -- build/tests [SUITE...]: runs all suites, or those named. Exit code 1 if anything failed. build/systemc_tests is this with other SUITES. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/skipped.h"

#ifndef SUITES
#define SUITES "tests/unit/suites.def"
#endif

/* Weak: a suite that is listed but not linked is told as such below, and doesn't keep the others from running. */
#define SUITE(name) __attribute__((weak)) void suite_##name(void);
#include SUITES
#undef SUITE

static const struct {
    const char *name;
    void (*add)(void);
} suites[] = {
#define SUITE(name) {#name, suite_##name},
#include SUITES
#undef SUITE
};
enum { SUITE_COUNT = sizeof suites / sizeof suites[0] };

static int find(const char *name)
{
    int i = 0;
    while (i < SUITE_COUNT && strcmp(suites[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* How many suites are wrong: named but unknown, listed but not there. */
static int add_suites(int count, char **names)
{
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        if (find(names[i]) == SUITE_COUNT) {
            fprintf(stderr, "there is no suite '%s' in suites.def\n", names[i]);
            wrong++;
        }
    }
    for (int i = 0; i < SUITE_COUNT; i++) {
        bool wanted = count == 0;
        for (int j = 0; j < count; j++) {
            wanted = wanted || strcmp(names[j], suites[i].name) == 0;
        }
        if (wanted && !suites[i].add) {
            fprintf(stderr, "suite '%s' is in suites.def, but there is no suite_%s()\n", suites[i].name, suites[i].name);
            wrong++;
        } else if (wanted) {
            suites[i].add();
        }
    }
    return wrong;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS) {
        fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
        return 1;
    }
    int wrong = add_suites(argc - 1, argv + 1);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode ran = CU_basic_run_tests();
    int failed = (int)CU_get_number_of_tests_failed() + wrong;
    int passed = (int)CU_get_number_of_tests_run() - (int)CU_get_number_of_tests_failed() - skipped_count;
    CU_cleanup_registry();
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped_count);
    return failed > 0 || passed + skipped_count == 0 || ran != CUE_SUCCESS ? 1 : 0;
}

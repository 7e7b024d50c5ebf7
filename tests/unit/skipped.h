/* skipped.h -- between check.c and main.c only: how many tests called SKIP. */
extern int skipped_count;

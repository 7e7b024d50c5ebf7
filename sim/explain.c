/* explain.c -- the sentences about one run. */
#include "sim/explain.h"

#include <math.h>
#include <string.h>

#include "sim/limits.h"

enum { OTHERS_SHOWN = 3 };

/* The limit of that name, or -1. */
static int find_limit(const char *name)
{
    for (int l = 0; name && l < LIMITS; l++) {
        if (strcmp(limit_names[l], name) == 0) {
            return l;
        }
    }
    return -1;
}

/* "more lora.lanes" or "more norm.lanes, more rope.lanes, more silu.lanes ...", from "norm.lanes*2 rope.lanes*2 ...". */
static void print_keys(const char *relax, FILE *out)
{
    enum { SHOWN = 3 };
    const char *separator = "";
    for (int shown = 0; *relax; shown++) {
        if (shown == SHOWN) {
            fprintf(out, " ...");
            return;
        }
        int n = (int)strcspn(relax, "*/");
        fprintf(out, "%s%s %.*s", separator, relax[n] == '*' ? "more" : "less", n, relax);
        relax += n + 2;
        relax += strspn(relax, " ");
        separator = ", ";
    }
}

struct share {
    int limit;
    double cycles;
};

/* All limits' cycles, largest first; returns their sum. */
static double sort_shares(const struct facts *f, const char *prefix, struct share shares[LIMITS])
{
    double sum = 0;
    for (int l = 0; l < LIMITS; l++) {
        char name[96];
        snprintf(name, sizeof name, "%s_limit_%s_cycles", prefix, limit_names[l]);
        double cycles = f->number(f->from, name);
        cycles = isnan(cycles) ? 0 : cycles;
        int at = l;
        while (at > 0 && shares[at - 1].cycles < cycles) {
            shares[at] = shares[at - 1];
            at--;
        }
        shares[at] = (struct share){l, cycles};
        sum += cycles;
    }
    return sum;
}

/* "LoRA lanes bind it: 71.2 % of its cycles (more lora.lanes); then ROM sweep 24.0 %, ..." and what gains nothing. */
static void print_binding(const struct facts *f, const char *prefix, const char *column, FILE *out)
{
    struct share shares[LIMITS];
    double sum = sort_shares(f, prefix, shares);
    int binds = find_limit(f->text(f->from, column));
    if (binds < 0 || sum <= 0) {
        return;
    }
    fprintf(out, "  It is bound by: %s, %.1f %% of its cycles (", limit_labels[binds], 100 * shares[0].cycles / sum);
    print_keys(limit_relax[binds], out);
    fprintf(out, ").\n");
    const char *separator = "  Then ";
    int shown = 0, i = 1;
    for (; i < LIMITS && shown < OTHERS_SHOWN && shares[i].cycles > 0; i++, shown++) {
        fprintf(out, "%s%s %.1f %%", separator, limit_labels[shares[i].limit], 100 * shares[i].cycles / sum);
        separator = ", ";
    }
    fprintf(out, "%s", shown ? ".\n" : "");
    separator = "  More of these would not shorten it: ";
    for (i = 0; i < LIMITS; i++) {
        if (shares[i].cycles == 0) {
            fprintf(out, "%s%s", separator, limit_labels[shares[i].limit]);
            separator = ", ";
        }
    }
    fprintf(out, "%s", separator[0] == ',' ? ".\n" : "");
}

static void print_throughput(const struct facts *f, FILE *out)
{
    int binds = find_limit(f->text(f->from, "limit_throughput"));
    double share = f->number(f->from, "busiest_unit_share"), kv = f->number(f->from, "kv_blocked_share"),
           slots = f->number(f->from, "slots_blocked_share");
    const char *unit = f->text(f->from, "busiest_unit");
    if (binds < 0) {
        return;
    }
    fprintf(out, "The chip delivers %.0f tokens/s in all.\n  That is bound by: %s (", f->number(f->from, "total_tokens_per_second"),
            limit_labels[binds]);
    print_keys(limit_relax[binds], out);
    fprintf(out, ").\n  The busiest unit is %s, held in %.1f %% of all cycles", unit ? unit : "unknown", 100 * share);
    fprintf(out, share >= 0.85 ? ": it has no more to give.\n" : ": it could take more.\n");
    if (kv > 0) {
        fprintf(out, "  In %.1f %% of all cycles a request waits for a KV cache.\n", 100 * kv);
    }
    if (slots > 0) {
        fprintf(out, "  In %.1f %% of all cycles a request waits for an adapter slot.\n", 100 * slots);
    }
}

static void print_swaps(const struct facts *f, FILE *out)
{
    double loads = f->number(f->from, "slot_loads"), hits = f->number(f->from, "slot_hits");
    if (isnan(loads) || loads == 0) {
        return;
    }
    fprintf(out,
            "Adapters were loaded %.0f times and found %.0f times; a load takes %.2f us: %.2f in the queue, %.2f fixed, %.2f on the link, "
            "%.2f writing.\n",
            loads, hits, f->number(f->from, "swap_us"), f->number(f->from, "swap_queue_us"), f->number(f->from, "swap_fixed_us"),
            f->number(f->from, "swap_link_us"), f->number(f->from, "swap_write_us") + f->number(f->from, "swap_contention_us"));
}

void explain_facts(const struct facts *f, FILE *out)
{
    double token = f->number(f->from, "cycles_per_token");
    if (!isnan(token)) {
        fprintf(out, "A token takes %.2f us: %.1f cycles, %.0f tokens/s.\n", f->number(f->from, "token_time_us"), token,
                f->number(f->from, "tokens_per_second"));
        print_binding(f, "token", "limit_token", out);
    }
    fprintf(out, "The first token comes after %.2f us (median).\n", f->number(f->from, "time_to_first_token_p50_us"));
    print_binding(f, "first_token", "limit_first_token", out);
    print_throughput(f, out);
    print_swaps(f, out);
}

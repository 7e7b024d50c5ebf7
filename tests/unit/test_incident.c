/* Slots that change under their users, step by step on a table set by hand; what ECC makes of flipped bits; which bits flip. */
#include "sim/incident.h"
#include "sim/slots.h"

#include "tests/unit/check.h"

enum { COUNT = 2, ADAPTERS = 4 };

static struct slot table[COUNT];
static struct slots_adapter adapters[ADAPTERS];

/* Adapter 0 is live in slot 0 with two users, adapter 1 in slot 1 with none. */
static struct slots two_slots(void)
{
    struct slots s = {.slot = table, .count = COUNT, .n_free = COUNT, .adapters = adapters, .n_adapters = ADAPTERS};
    for (int i = 0; i < ADAPTERS; i++) {
        adapters[i] = (struct slots_adapter){.slot = -1, .bytes = 100, .words = 10};
    }
    for (int32_t i = 0; i < COUNT; i++) {
        table[i] = (struct slot){.adapter = -1};
        slots_load(&s, i, i, 0);
        slots_live(&s, i, 10);
    }
    slots_join(&s, 0, 20);
    slots_leave(&s, 1, 30);
    return s;
}

static void a_retired_slot_drains(void)
{
    struct slots s = two_slots();
    slots_retire(&s, 0, 100);
    CHECK_EQ_INT(table[0].state, SLOT_DRAINING);
    CHECK_EQ_INT(slots_find(&s, 0), -1);
    CHECK(slots_conserved(&s));
    slots_leave(&s, 0, 110);
    CHECK_EQ_INT(table[0].state, SLOT_DRAINING);
    CHECK_EQ_INT(slots_victim(&s), 1); /* it may not go before its users */
    slots_leave(&s, 0, 120);
    CHECK_EQ_INT(table[0].state, SLOT_FREE);
    CHECK_EQ_UINT(s.n_free, 1);
    CHECK_EQ_UINT(s.fill_words, 10);
    slots_retire(&s, 1, 130); /* nobody uses it */
    CHECK_EQ_INT(table[1].state, SLOT_FREE);
    CHECK_EQ_UINT(s.evictions, 0);
    CHECK(slots_conserved(&s));
}

/* The same adapter may be loaded into another slot while the retired one drains. */
static void the_adapter_of_a_retired_slot_comes_again(void)
{
    struct slots s = two_slots();
    slots_retire(&s, 0, 100);
    slots_load(&s, 1, 0, 110);
    slots_live(&s, 1, 120);
    CHECK_EQ_INT(slots_find(&s, 0), 1);
    slots_leave(&s, 0, 130);
    slots_leave(&s, 0, 140);
    CHECK_EQ_INT(slots_find(&s, 0), 1); /* still */
    CHECK(slots_conserved(&s));
}

static void a_load_of_a_retired_slot_serves_its_users(void)
{
    struct slots s = two_slots();
    slots_load(&s, 1, 2, 100);
    slots_retire(&s, 1, 110);
    CHECK_EQ_INT(table[1].state, SLOT_LOADING);
    slots_live(&s, 1, 120);
    CHECK_EQ_INT(table[1].state, SLOT_DRAINING);
    CHECK(table[1].usable);
    slots_leave(&s, 1, 130);
    CHECK_EQ_INT(table[1].state, SLOT_FREE);
    CHECK(slots_conserved(&s));
}

static void a_renewed_slot_is_loaded_with_the_new_version(void)
{
    struct slots s = two_slots();
    uint32_t load = table[0].load;
    slots_renew(&s, 0, 3, 100);
    CHECK(!table[0].usable);
    CHECK_EQ_INT(slots_find(&s, 0), -1);
    CHECK_EQ_INT(slots_find(&s, 3), 0);
    slots_join(&s, 0, 105); /* who comes now waits for it too */
    slots_reload(&s, 0, 130);
    CHECK_EQ_INT(table[0].state, SLOT_LOADING);
    CHECK_EQ_UINT(table[0].load, load + 1); /* slices of the old load are told apart */
    slots_live(&s, 0, 170);
    CHECK_EQ_INT(table[0].state, SLOT_LIVE);
    CHECK_EQ_UINT(s.renewals, 1);
    CHECK_EQ_UINT(s.renewal_drain_cycles, 30);
    CHECK_EQ_UINT(s.renewal_load_cycles, 40);
    CHECK_EQ_UINT(s.loads, 2);
    CHECK(slots_conserved(&s));
}

static void a_renewal_waits_for_the_load_before_it(void)
{
    struct slots s = two_slots();
    slots_load(&s, 1, 2, 100);
    slots_renew(&s, 1, 3, 110);
    CHECK_EQ_INT(table[1].state, SLOT_LOADING);
    slots_superseded(&s, 1, 120);
    CHECK_EQ_INT(table[1].state, SLOT_DRAINING);
    slots_reload(&s, 1, 120);
    slots_fail(&s, 1, 150);
    CHECK_EQ_INT(table[1].state, SLOT_FREE);
    CHECK_EQ_UINT(table[1].users, 0);
    CHECK_EQ_INT(slots_find(&s, 3), -1);
    CHECK_EQ_UINT(s.failures, 1);
    CHECK(slots_conserved(&s));
}

static void ecc_sees_what_it_can(void)
{
    static const enum damage_outcome expected[3][3] = {{DAMAGE_SILENT, DAMAGE_SILENT, DAMAGE_SILENT},
                                                       {DAMAGE_DETECTED, DAMAGE_SILENT, DAMAGE_DETECTED},
                                                       {DAMAGE_CORRECTED, DAMAGE_DETECTED, DAMAGE_SILENT}};
    for (int ecc = 0; ecc < 3; ecc++) {
        for (uint32_t bits = 1; bits <= 3; bits++) {
            CHECK_EQ_INT(damage_read((enum ecc)ecc, bits), expected[ecc][bits - 1]);
        }
    }
}

static void so_many_bits_of_one_weight_flip(void)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        int8_t weight[12], before[12];
        uint32_t bits = 1 + (uint32_t)(seed % 3), changed = 0, flipped = 0;
        for (int i = 0; i < 12; i++) {
            weight[i] = before[i] = (int8_t)(5 * i - 28);
        }
        damage_weight(weight, 8, weight + 8, 4, bits, seed);
        for (int i = 0; i < 12; i++) {
            changed += weight[i] != before[i];
            flipped += (uint32_t)__builtin_popcount((uint32_t)(weight[i] ^ before[i]) & 63u);
            CHECK(weight[i] >= -32 && weight[i] <= 31);
        }
        CHECK_EQ_UINT(changed, 1);
        CHECK_EQ_UINT(flipped, bits);
    }
}

/* Of the fields with bits 5..0, 11..6 and 15..12 one alone has flipped bits. */
static void so_many_bits_of_one_field_of_a_scale_flip(void)
{
    static const uint16_t fields[] = {0x003f, 0x0fc0, 0xf000};
    bool seen[3] = {false};
    for (uint64_t seed = 0; seed < 300; seed++) {
        uint16_t scale[6], before[6];
        uint32_t bits = 1 + (uint32_t)(seed % 3), changed = 0;
        for (int i = 0; i < 6; i++) {
            scale[i] = before[i] = (uint16_t)(9973 * i + 11);
        }
        damage_scale(scale, 2, scale + 2, 4, bits, seed);
        for (int i = 0; i < 6; i++) {
            const uint32_t flipped = scale[i] ^ before[i];
            int n_fields = 0;
            for (int f = 0; f < 3; f++) {
                n_fields += (flipped & fields[f]) != 0;
                seen[f] |= (flipped & fields[f]) != 0;
            }
            changed += flipped != 0;
            CHECK(flipped == 0 || ((uint32_t)__builtin_popcount(flipped) == bits && n_fields == 1));
        }
        CHECK_EQ_UINT(changed, 1);
    }
    CHECK(seen[0] && seen[1] && seen[2]);
}

/* Rows of 6 elements, K and V of 4 tokens. */
static void so_many_bits_of_one_mantissa_of_a_row_flip(void)
{
    bool seen[2] = {false};
    for (uint64_t draw = 0; draw < 300; draw++) {
        int8_t rows[2][24], before[2][24];
        struct kv kv = {.k = rows[0], .v = rows[1], .capacity_tokens = 4};
        uint32_t bits = 1 + (uint32_t)(draw % 3), row = (uint32_t)(draw / 3 % 4), changed = 0;
        for (int i = 0; i < 48; i++) {
            rows[i / 24][i % 24] = before[i / 24][i % 24] = (int8_t)(5 * i - 127);
        }
        damage_kv(&kv, row, 6, bits, draw);
        for (uint32_t i = 0; i < 48; i++) {
            const uint32_t flipped = (uint32_t)(rows[i / 24][i % 24] ^ before[i / 24][i % 24]) & 255u;
            changed += flipped != 0;
            seen[i / 24] |= flipped != 0;
            CHECK(flipped == 0 || ((uint32_t)__builtin_popcount(flipped) == bits && i % 24 / 6 == row));
        }
        CHECK_EQ_UINT(changed, 1);
        damage_kv(&kv, row, 6, bits, draw);
        CHECK_EQ_BYTES(rows, before, sizeof rows);
    }
    CHECK(seen[0] && seen[1]);
}

void suite_incident(void);
void suite_incident(void)
{
    suite_begin("incident");
    suite_add("a retired slot drains, and is free when its last user is done", a_retired_slot_drains);
    suite_add("its adapter may come again into another slot meanwhile", the_adapter_of_a_retired_slot_comes_again);
    suite_add("a load of a retired slot still serves its users", a_load_of_a_retired_slot_serves_its_users);
    suite_add("a renewed slot is loaded with the new version", a_renewed_slot_is_loaded_with_the_new_version);
    suite_add("a renewal waits for the load before it; a failed one frees the slot", a_renewal_waits_for_the_load_before_it);
    suite_add("parity and secded see what they can", ecc_sees_what_it_can);
    suite_add("so many bits of one weight flip, and it stays in six bits", so_many_bits_of_one_weight_flip);
    suite_add("so many bits of one field of a scale flip", so_many_bits_of_one_field_of_a_scale_flip);
    suite_add("so many bits of one mantissa of a KV row flip, and back", so_many_bits_of_one_mantissa_of_a_row_flip);
}

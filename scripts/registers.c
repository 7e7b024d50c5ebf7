/* registers.c -- prints what follows from sim/registers.def: `registers h`, `registers hpp`, `registers md`. */
#include <stdio.h>
#include <string.h>

static const struct row {
    const char *reg, *name; /* name NULL: a register; else its field */
    unsigned number;        /* offset or bit */
    const char *access, *meaning;
} rows[] = {
#define REGISTER(name, offset, access, meaning) {#name, NULL, offset, #access, meaning},
#define FIELD(reg, name, bit, meaning) {#reg, #name, bit, NULL, meaning},
#include "sim/registers.def"
#undef REGISTER
#undef FIELD
};
enum { ROWS = sizeof rows / sizeof *rows };

static void print_h(void)
{
    printf("/* etchsim/registers.h -- the chip's registers: offsets from its base address, and bits. Generated from sim/registers.def. */\n"
           "#ifndef ETCHSIM_REGISTERS_H\n#define ETCHSIM_REGISTERS_H\n\n");
    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (r->name) {
            printf("#define ETCHSIM_%s_%s (1u << %u) /* %s */\n", r->reg, r->name, r->number, r->meaning);
        } else {
            printf("#define ETCHSIM_REG_%s 0x%03xu /* %s: %s */\n", r->reg, r->number, r->access, r->meaning);
        }
    }
    printf("\n#endif\n");
}

static void print_hpp(void)
{
    printf("// etchsim/registers.hpp -- the chip's registers: offsets from its base address, and bits. Generated from sim/registers.def.\n"
           "#ifndef ETCHSIM_REGISTERS_HPP\n#define ETCHSIM_REGISTERS_HPP\n\n#include <cstdint>\n\nnamespace etchsim::reg {\n\n");
    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (r->name) {
            printf("constexpr std::uint32_t %s_%s = 1u << %u; // %s\n", r->reg, r->name, r->number, r->meaning);
        } else {
            printf("constexpr std::uint64_t %s = 0x%03x; // %s: %s\n", r->reg, r->number, r->access, r->meaning);
        }
    }
    printf("\n} // namespace etchsim::reg\n\n#endif\n");
}

static void print_md(void)
{
    printf("# Registers\n\nThe chip on a bus ([systemc.md](systemc.md)): 32-bit registers at offsets from its base address, little-endian. "
           "RO is read only, WO "
           "write only; in a\nW1C register writing a one clears the bit. Everything else in the first 512 bytes is no register. Generated "
           "from "
           "[`sim/registers.def`](../sim/registers.def).\n\n| offset | register | | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (r->name) {
            printf("| | | bit %u | `%s`: %s |\n", r->number, r->name, r->meaning);
        } else {
            printf("| `0x%03x` | `%s` | %s | %s |\n", r->number, r->reg, r->access, r->meaning);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*print)(void);
    } kinds[] = {{"h", print_h}, {"hpp", print_hpp}, {"md", print_md}};
    for (int i = 0; argc == 2 && i < 3; i++) {
        if (strcmp(argv[1], kinds[i].word) == 0) {
            kinds[i].print();
            return 0;
        }
    }
    fprintf(stderr, "registers: expected h, hpp or md\n");
    return 2;
}

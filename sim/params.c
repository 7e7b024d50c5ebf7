#include "sim/params.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/suggest.h"

const struct parameter parameters[PARAMETER_COUNT] = {
#define PARAM(section, name, default_value, low, high, unit, meaning) \
    {#section, #name, #section "." #name, default_value, low, high, unit, NULL, meaning, offsetof(struct chip_config, section##_##name)},
#define CHOICE(section, name, default_value, words, meaning) \
    {#section, #name, #section "." #name, default_value, 0, 0, NULL, words, meaning, offsetof(struct chip_config, section##_##name)},
#include "sim/params.def"
#undef PARAM
#undef CHOICE
};

#define PARAM(section, name, default_value, low, high, unit, meaning) \
    _Static_assert((low) <= (default_value) && (default_value) <= (high), #section "." #name ": the default is out of range");
#define CHOICE(section, name, default_value, words, meaning)
#include "sim/params.def"
#undef PARAM
#undef CHOICE

const struct parameter *parameter_find(const char *key)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (strcmp(parameters[i].key, key) == 0) {
            return &parameters[i];
        }
    }
    return NULL;
}

const char *parameter_word(const struct parameter *p, uint32_t index, int *length)
{
    const char *word = p->words;
    for (; index > 0 && word; index--) {
        word = strchr(word, '|');
        word = word ? word + 1 : NULL;
    }
    if (word) {
        *length = (int)strcspn(word, "|");
    }
    return word;
}

static bool parse_choice(const struct parameter *p, const char *text, uint32_t *value, struct error *e)
{
    struct suggestion nearest = {0};
    char words[8][SUGGEST_LENGTH_MAX + 1];
    int length = 0;
    const char *word;
    for (uint32_t i = 0; (word = parameter_word(p, i, &length)); i++) {
        ES_ASSERT(i < 8 && length <= SUGGEST_LENGTH_MAX);
        memcpy(words[i], word, (size_t)length);
        words[i][length] = '\0';
        if (strcmp(words[i], text) == 0) {
            *value = i;
            return true;
        }
        suggest_offer(&nearest, text, words[i]);
    }
    char hint[128];
    return error_input(e, "expected one of %s, found '%.100s'%s", p->words, text, suggest_text(&nearest, hint, sizeof hint));
}

bool parameter_parse(const struct parameter *p, const char *text, uint32_t *value, struct error *e)
{
    if (p->words) {
        return parse_choice(p, text, value, e);
    }
    const char *digits = text + (text[0] == '-');
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || digits[n] != '\0') {
        return error_input(e, "expected an integer from %" PRIu32 " to %" PRIu32 " (%s), found '%.100s'", p->low, p->high, p->unit, text);
    }
    if (digits[0] == '0' && n > 1) { /* YAML 1.1 reads 010 as eight: better not to guess */
        return error_input(e, "expected a decimal integer without leading zeros, found '%.100s'", text);
    }
    unsigned long long number = n > 10 ? UINT64_MAX : strtoull(digits, NULL, 10);
    if (digits != text || number < p->low || number > p->high) {
        return error_input(e, "out of range: expected %" PRIu32 " to %" PRIu32 " (%s), found %.100s", p->low, p->high, p->unit, text);
    }
    *value = (uint32_t)number;
    return true;
}

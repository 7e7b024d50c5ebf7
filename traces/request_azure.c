/* request_azure.c -- Azure LLM inference traces: "2023-11-16 18:17:03.9799600,4808,10", CRLF or LF. */
#include "traces/request_line.h"

bool azure_header(const struct request_line *line)
{
    struct field all = {line->text, line->bytes};
    return field_is(&all, "TIMESTAMP,ContextTokens,GeneratedTokens") ||
           line_complain(line, "expected the header TIMESTAMP,ContextTokens,GeneratedTokens, found '%.*s'",
                         (int)(line->bytes < 80 ? line->bytes : 80), line->text);
}

/* Days from 1970-01-01 in the Gregorian calendar (H. Hinnant, days_from_civil): years begin in March, so that the leap day is the last. */
static int64_t days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int32_t y = year - (month <= 2), era = y / 400, year_of_era = y - era * 400;
    int32_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int32_t two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (leap && month == 2);
}

/* "YYYY-MM-DD hh:mm:ss[.fffffff]" to nanoseconds since 1970. */
static bool take_timestamp(const struct field *field, uint64_t *ns)
{
    static const char shape[] = "dddd-dd-dd dd:dd:dd";
    enum { WHOLE = sizeof shape - 1 };
    const char *t = field->text;
    bool good = field->bytes >= WHOLE && field->bytes <= WHOLE + 10 && field->bytes != WHOLE + 1;
    for (size_t i = 0; good && i < field->bytes; i++) {
        char expected = i < WHOLE ? shape[i] : i == WHOLE ? '.' : 'd';
        good = expected == 'd' ? t[i] >= '0' && t[i] <= '9' : t[i] == expected;
    }
    if (!good) {
        return false;
    }
    int32_t year = two_digits(t) * 100 + two_digits(t + 2), month = two_digits(t + 5), day = two_digits(t + 8);
    int32_t hour = two_digits(t + 11), minute = two_digits(t + 14), second = two_digits(t + 17);
    if (year < 1970 || year > 2500 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59) {
        return false;
    }
    uint64_t fraction = 0;
    for (size_t i = WHOLE + 1; i < WHOLE + 10; i++) {
        fraction = fraction * 10 + (i < field->bytes ? (uint64_t)(t[i] - '0') : 0);
    }
    int64_t seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *ns = (uint64_t)seconds * NS_PER_S + fraction;
    return true;
}

bool azure_row(const struct request_line *line, struct request_row *row)
{
    struct field fields[FIELDS_MAX];
    size_t count = line_split(line, fields);
    if (count != 3) {
        return line_complain(line, "expected 3 fields, TIMESTAMP,ContextTokens,GeneratedTokens, found %zu", count);
    }
    if (!take_timestamp(&fields[0], &row->arrival_ns)) {
        return line_complain(line, "TIMESTAMP: expected YYYY-MM-DD hh:mm:ss with at most nine decimals, found '%.*s'",
                             (int)(fields[0].bytes < 60 ? fields[0].bytes : 60), fields[0].text);
    }
    return field_tokens(line, &fields[1], "ContextTokens", &row->prompt_tokens) &&
           field_tokens(line, &fields[2], "GeneratedTokens", &row->output_tokens);
}

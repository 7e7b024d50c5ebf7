/* The Makefile compiles this file again whenever the commit changes, and only this one. */
#include "sim/version.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <cjson/cJSON.h>
#include <pcre2.h>
#include <xxhash.h>
#include <yaml.h>
#include <zlib.h>

const char *version_commit(void)
{
    return ETCHSIM_COMMIT;
}

void version_print(FILE *out)
{
    char pcre2[64] = "unknown";
    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof pcre2) {
        pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    }
    fprintf(out, "etchsim %s (%s)\n", ETCHSIM_VERSION, version_commit());
#ifdef __clang__
    fprintf(out, "compiler clang %s\n", __clang_version__);
#else
    fprintf(out, "compiler gcc %s\n", __VERSION__);
#endif
    fprintf(out, "libyaml %s\ncJSON %s\nzlib %s\n", yaml_get_version_string(), cJSON_Version(), zlibVersion());
    fprintf(out, "xxHash %u\nPCRE2 %s\n", XXH_versionNumber(), pcre2);
}

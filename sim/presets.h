/* presets.h -- where the files live that come with etchsim: chips, models, adapters and workloads in configs/, and scripts/. */
#ifndef ETCHSIM_PRESETS_H
#define ETCHSIM_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/error.h"

enum { PRESET_NAME_ROOM = 64 };

/* Path of a file or folder that comes with etchsim, "scripts/verilate.sh": beside the folder that has the program (or libetchsim.so, where another
 * program uses that) or in that folder's ../share/etchsim, if it is there; else in the source tree it was built from. An error if it doesn't exist. */
bool share_path(const char *relative, char *path, size_t room, struct error *e);

/* Path of a file or folder below configs/, in $ETCHSIM_CONFIGS if that is set. An error if it doesn't exist. */
bool config_path(const char *relative, char *path, size_t room, struct error *e);

/* Is this argument a file's path rather than a preset's name? It is if it has a '/' or ends in `extension` (".yaml"). */
bool preset_is_path(const char *name_or_path, const char *extension);

struct preset_list {
    char (*names)[PRESET_NAME_ROOM]; /* owned, sorted, without the extension */
    int count;
};

/* Names in a folder below configs/: files that end in `extension` (".yaml"), folders if that is NULL, both if it is "/.yaml". A folder that isn't there
 * has none. */
bool presets_list(const char *folder, const char *extension, struct preset_list *list, struct error *e);
void presets_free(struct preset_list *list);

/* The file of a preset that is a YAML file (configs/FOLDER/NAME.yaml), or the path as it was given. Complains about names of which there is none, with
 * `kind` ("chip") in the message; whether a path exists is for its reader to see. */
bool preset_yaml(const char *kind, const char *folder, const char *name_or_path, char *path, size_t room, struct error *e);

/* A file's name without folder and extension. */
void preset_stem(const char *path, char name[PRESET_NAME_ROOM]);

/* "there is no chip 'sampel'; did you mean 'sample'?", for kind "chip", with the same folder and extension as above. Returns false. */
bool preset_unknown(const char *kind, const char *folder, const char *extension, const char *name, struct error *e);

#endif

/* commands.h -- the commands of the program: each is a row in commands.def and a function in its cmd_*.c.
 * argv[0] is the command's name; the result is the exit code (enum exit_code). Results go to stdout, progress to stderr. */
#ifndef ETCHSIM_COMMANDS_H
#define ETCHSIM_COMMANDS_H

#define COMMAND(name, summary) int cmd_##name(int argc, char **argv);
#include "sim/commands.def"
#undef COMMAND

#endif

/* ask.c -- a chip in a program of its own: a prompt with an adapter, token by token. */
#include <etchsim/etchsim.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int code)
{
    if (code != ETCHSIM_GOOD) {
        fprintf(stderr, "ask: %s\n", etchsim_error());
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    struct etchsim_options options = {.chip = argc > 1 ? argv[1] : "sample"};
    etchsim_chip *chip = NULL;
    int32_t prompt[64];
    size_t n_prompt = 0;
    unsigned adapter = 0, request = 0, printed = 0;
    struct etchsim_answer answer;
    must(etchsim_open(&options, &chip));
    must(etchsim_adapter(chip, "clinical", &adapter));
    must(etchsim_encode(chip, "On Monday", prompt, 64, &n_prompt));
    struct etchsim_request r = {
        .prompt = prompt, .n_prompt = (uint32_t)n_prompt, .n_generate = 24, .adapter = (int32_t)adapter, .stop_token = -1, .top_p = 1};
    must(etchsim_ask(chip, &r, &request));
    do {
        must(etchsim_advance(chip, ETCHSIM_NEVER)); /* up to the next token */
        must(etchsim_answer(chip, request, &answer));
        for (; printed < answer.n_tokens; printed++) {
            char text[64];
            size_t length = 0;
            must(etchsim_decode(chip, &answer.tokens[printed], 1, text, sizeof text, &length));
            printf("cycle %7llu  %s\n", (unsigned long long)answer.token_cycles[printed], text);
        }
    } while (answer.state != ETCHSIM_DONE);
    etchsim_close(chip);
    return 0;
}

/* What a model's shape says beyond its counts. */
#include "kernels/types.h"
#include "tests/unit/check.h"

static void a_llama_has_no_local_layer(void)
{
    const struct shape llama = {.n_layers = 4, .head_dim = 64};
    for (int32_t layer = 0; layer < 4; layer++) {
        CHECK(!shape_is_local(&llama, layer));
        CHECK_EQ_INT(shape_visible_tokens(&llama, layer, 100000), 100000);
    }
    CHECK_EQ_INT(shape_rotary_dim(&llama), 64);
}

static void one_of_a_period_of_layers_is_global(void)
{
    const struct shape s = {.n_layers = 12, .head_dim = 64, .rotary_dim = 48, .window_tokens = 512, .global_period = 6};
    for (int32_t layer = 0; layer < 12; layer++) {
        CHECK_EQ_INT(shape_is_local(&s, layer), layer != 5 && layer != 11);
    }
    CHECK_EQ_INT(shape_visible_tokens(&s, 0, 511), 511);
    CHECK_EQ_INT(shape_visible_tokens(&s, 0, 512), 512);
    CHECK_EQ_INT(shape_visible_tokens(&s, 0, 513), 512);
    CHECK_EQ_INT(shape_visible_tokens(&s, 5, 513), 513);
    CHECK_EQ_INT(shape_rotary_dim(&s), 48);
}

static void without_a_period_all_layers_are_local(void)
{
    const struct shape s = {.n_layers = 3, .window_tokens = 8};
    CHECK(shape_is_local(&s, 0) && shape_is_local(&s, 2));
}

void suite_shape(void)
{
    suite_begin("shape");
    suite_add("a Llama has no local layer and turns whole heads", a_llama_has_no_local_layer);
    suite_add("with a window, the last of each period of layers is global", one_of_a_period_of_layers_is_global);
    suite_add("with a window and no period all layers are local", without_a_period_all_layers_are_local);
}

// What compilers/aot writes of a network, for the static checks of engines/aot/engine.c. The input is streamed, so that
// they read all of it.
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include "engine.h"

#define ENGINE_MODEL_SHA256           "0"
#define ENGINE_MODEL_ENGINE           "aot"
#define ENGINE_MODEL_ENGINE_VERSION   "1"
#define ENGINE_MODEL_KERNELS          "portable"
#define ENGINE_MODEL_ARENA_BYTES      3088
#define ENGINE_MODEL_INPUT_PRESERVED  0
#define ENGINE_MODEL_INPUTS           1
#define ENGINE_MODEL_OUTPUTS          1
#define ENGINE_MODEL_STREAMED         1
#define ENGINE_MODEL_STREAM_ROW_BYTES 96

void engine_model_run(int8_t *arena);
void engine_model_stream_begin(int8_t *arena);
int8_t *engine_model_stream_place(int8_t *arena);
void engine_model_stream_row(int8_t *arena);

static const int32_t engine_model_shape[] = {1, 10};
static const struct alpharho_engine_tensor engine_model_inputs[] = {
    {
        .name = "input",
        .dtype = "int8",
        .scale_text = "1.0",
        .scale = 1.0f,
        .shape = engine_model_shape,
        .rank = 2,
        .bytes = 10,
    },
};
static const struct alpharho_engine_tensor engine_model_outputs[] = {
    {
        .name = "output",
        .dtype = "int8",
        .scale_text = "1.0",
        .scale = 1.0f,
        .shape = engine_model_shape,
        .rank = 2,
        .bytes = 10,
    },
};
static const int32_t engine_model_input_offsets[] = {0};
static const int32_t engine_model_output_offsets[] = {0};

#endif // ENGINE_MODEL_H

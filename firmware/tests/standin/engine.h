#ifndef STANDIN_ENGINE_H
#define STANDIN_ENGINE_H
#include <stdint.h>

#define ENGINE_INPUT_BYTES     3072u
#define ENGINE_OUTPUT_BYTES    10u
#define ENGINE_ARENA_BYTES     4096u
#define ENGINE_INPUT_PRESERVED 0

int8_t *engine_input(void);
int8_t *engine_output(void);
int engine_invoke(void);
#endif

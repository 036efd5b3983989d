/* Output j is the sum of each tenth input from j on, modulo 256; the input is overwritten on the way. */
#include "engine.h"

static int8_t arena[ENGINE_ARENA_BYTES] __attribute__((section(".arena"), aligned(16)));

int8_t *engine_input(void) {
    return arena;
}

int8_t *engine_output(void) {
    return arena;
}

int engine_invoke(void) {
    for (unsigned i = ENGINE_OUTPUT_BYTES; i < ENGINE_INPUT_BYTES; i++) {
        arena[i % ENGINE_OUTPUT_BYTES] = (int8_t)(arena[i % ENGINE_OUTPUT_BYTES] + arena[i]);
    }
    return 0;
}

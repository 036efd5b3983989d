/* The firmware's main loop: bytes from the line to the protocol, inferences by the engine, time from the
 * port. */
#include "device.h"
#include "engine.h"
#include "info.h"
#include "port.h"

#include <string.h>

_Static_assert(RX_RING_BYTES == INFO_WINDOW + 1u, "INFO announces another window than the ring has");

static uint8_t written[WRITTEN_BYTES(ENGINE_INPUT_BYTES)];
static struct device_tensor input;
static struct device_tensor output;
static struct device device __attribute__((section(".aux")));

static bool infer(uint64_t *ticks) {
    port_measure_begin();
    const uint64_t start = port_ticks();
    const bool is_good = engine_invoke() == 0;
    *ticks = port_ticks() - start;
    port_measure_end();
    return is_good;
}

static uint64_t microseconds(void) {
    const uint64_t rate = port_ticks_per_second();
    const uint64_t ticks = port_ticks();
    return ticks / rate * 1000000u + ticks % rate * 1000000u / rate;
}

static void memory(struct device_memory *told) {
    told->arena = ENGINE_ARENA_BYTES;
    told->stack = port_stack_bytes();
    told->stack_used = port_stack_used();
    told->peak_rss = port_peak_rss();
    told->overruns = port_overruns();
}

static void restart(void) {
    port_reset();
}

/* Text is not taken for a frame: the host logs it, a terminal shows it. */
static void say_hello(void) {
    static const char hello[] = "alpharho firmware on " INFO_BOARD;
    uint8_t id[16];
    const size_t count = port_unique_id(id, sizeof id);
    port_write((const uint8_t *)hello, sizeof hello - 1u);
    for (size_t i = 0; i < count; i++) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t pair[2] = {(uint8_t)digits[id[i] >> 4], (uint8_t)digits[id[i] & 15u]};
        port_write((const uint8_t *)" unit ", i == 0u ? 6u : 0u);
        port_write(pair, sizeof pair);
    }
    port_write((const uint8_t *)"\r\n", 2);
}

int main(int argc, char **argv) {
    static const struct device_port port = {port_write, infer, microseconds, memory, restart};
    static const struct device_model model = {
        .info = info_json,
        .info_bytes = sizeof info_json - 1u,
        .board = INFO_BOARD,
        .name = INFO_MODEL,
        .inputs = &input,
        .outputs = &output,
        .input_count = 1,
        .output_count = 1,
        .input_preserved = ENGINE_INPUT_PRESERVED,
        .text_offset = INFO_TEXT_OFFSET,
    };
    input = (struct device_tensor){engine_input(), ENGINE_INPUT_BYTES, written, 0, 0};
    output = (struct device_tensor){engine_output(), ENGINE_OUTPUT_BYTES, NULL, INFO_OUTPUT_SCALE,
                                    INFO_OUTPUT_ZERO_POINT};
    port_init(argc, argv);
    device_init(&device, &model, &port);
    say_hello();
    for (;;) {
        uint8_t bytes[64];
        const size_t count = port_read(bytes, sizeof bytes);
        if (count == 0u) {
            port_wait_for_input();
        } else {
            device_receive(&device, bytes, count);
        }
    }
}

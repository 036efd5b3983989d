/* All that a family of boards must provide: families/<family>/<family>.c implements it with the addresses of
 * boards/<board>/board.h. Families of Cortex-M get the stack, reset and sleep from families/cortex_m. */
#ifndef ALPHARHO_PORT_H
#define ALPHARHO_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ALPHARHO_RX_RING_BYTES
#define ALPHARHO_RX_RING_BYTES 4096u /* a power of two */
#endif
/* INFO's `window`: bytes of frames that wait while one is answered. */
#define ALPHARHO_PORT_WINDOW ALPHARHO_RX_RING_BYTES

/* Bring up clocks, the line and the counter. The arguments are those of main: none on a microcontroller. */
void alpharho_port_init(int argc, char **argv);

/* Take up to `room` bytes that have arrived. Returns how many, 0 if none have. */
size_t alpharho_port_read(uint8_t *bytes, size_t room);

/* Send all of the bytes; waits while the line is busy. */
void alpharho_port_write(const uint8_t *bytes, size_t count);

/* Sleep until alpharho_port_read has something to give. May return early. */
void alpharho_port_wait_for_input(void);

/* Received bytes since the start that were lost because the buffer was full. */
uint32_t alpharho_port_overruns(void);

/* A counter that never goes back and does not wrap while the device is up, its rate, and its name. */
uint64_t alpharho_port_ticks(void);
uint32_t alpharho_port_ticks_per_second(void);
const char *alpharho_port_counter_name(void);

/* Whether those ticks are cycles of the core. False without a function of the family: they are time, or unknown. */
bool alpharho_port_counts_cycles(void);

/* A second counter, which counts what the first does not: time, or cycles of the core. The host compares them. `ticks`
 * may start again at alpharho_port_measure_begin. Null without a function of the family. */
struct alpharho_port_second {
  const char *name;
  uint32_t rate_hz;
  uint64_t (*ticks)(void);
};
const struct alpharho_port_second *alpharho_port_second(void);

/* Around what is timed: bring the counter to the same phase each time, and on an emulator hold off the
 * receive interrupt, so that equal work takes equal ticks. The emulator keeps the bytes meanwhile; a real
 * UART would lose them. */
void alpharho_port_measure_begin(void);
void alpharho_port_measure_end(void);

/* Write the chip's unique number to `bytes`. Returns how many bytes it has, 0 if there is none. */
size_t alpharho_port_unique_id(uint8_t *bytes, size_t room);

/* CPUID of a Cortex-M, which says what core it is; 0 on others. */
uint32_t alpharho_port_cpuid(void);

/* The machine's name from an operating system, as `uname -m` prints it, or a RISC-V core's instruction set, as rv32imc;
 * "" without one. */
const char *alpharho_port_machine(void);

/* Start the device again. Does not return. */
void alpharho_port_reset(void);

/* Bytes reserved for the stack, and the most that were ever used; 0 where that is unknown. */
uint32_t alpharho_port_stack_bytes(void);
uint32_t alpharho_port_stack_used(void);

/* The largest resident set in bytes, on an operating system; 0 elsewhere. */
uint32_t alpharho_port_peak_rss(void);

#ifdef LINUX_BOARD
/* The counter when this program was executed. */
uint64_t alpharho_port_started(void);

/* Write what the kernel reports of the board as a JSON object of at most `room` bytes. Returns its length. */
uint32_t alpharho_port_board(char *text, uint32_t room);
#endif

#ifdef __cplusplus
}
#endif

#endif

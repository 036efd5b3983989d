// Counts the ticks of each kernel call in a network that was compiled with `profile`: such C calls profile_begin and
// profile_end around each, and profile_report after each run, which writes the counts as text. It defines
// PROFILE_STEPS.
#include <stddef.h>
#include <stdint.h>

uint64_t alpharho_port_ticks(void);
void alpharho_port_write(const uint8_t *bytes, size_t count);

#define PROFILE_EMPTY_CALLS 256u

static struct {
  uint64_t ticks;
  uint32_t calls;
} profile_steps[PROFILE_STEPS + 1u]; // the last is of nothing: what counting itself takes

static uint64_t profile_start;

#define profile_begin() (profile_start = alpharho_port_ticks())

#define profile_end(step)                                                                                              \
  do {                                                                                                                 \
    profile_steps[step].ticks += alpharho_port_ticks() - profile_start;                                                \
    profile_steps[step].calls++;                                                                                       \
  } while (0)

static void profile_put(uint64_t number, uint8_t end) {
  uint8_t text[22];
  size_t at = sizeof text;
  text[--at] = end;
  do {
    text[--at] = (uint8_t)('0' + number % 10u);
    number /= 10u;
  } while (number > 0u);
  alpharho_port_write(text + at, sizeof text - at);
}

static void profile_report(void) {
  for (uint32_t i = 0; i < PROFILE_EMPTY_CALLS; i++) {
    profile_begin();
    profile_end(PROFILE_STEPS);
  }
  for (uint32_t i = 0; i <= PROFILE_STEPS; i++) {
    alpharho_port_write((const uint8_t *)"layer ", 6u);
    profile_put(i, ' ');
    profile_put(profile_steps[i].ticks, ' ');
    profile_put(profile_steps[i].calls, '\n');
    profile_steps[i].ticks = 0;
    profile_steps[i].calls = 0;
  }
}

// Counts the ticks of each call in a generated network, for benchmarks/layers.py, which puts PROFILED around the calls
// and tells PROFILE_STEPS. What is counted is said as text after each run.
#include <stddef.h>
#include <stdint.h>

uint64_t alpharho_port_ticks(void);
void alpharho_port_write(const uint8_t *bytes, size_t count);

#define PROFILE_EMPTY_CALLS 256u

static struct {
  uint64_t ticks;
  uint32_t calls;
} profile_steps[PROFILE_STEPS + 1u]; // the last is of empty calls: what counting itself takes

#define PROFILED(step, call)                                                                                           \
  do {                                                                                                                 \
    const uint64_t profile_start = alpharho_port_ticks();                                                              \
    call;                                                                                                              \
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

static void profile_tell(void) {
  for (uint32_t i = 0; i < PROFILE_EMPTY_CALLS; i++) {
    PROFILED(PROFILE_STEPS, (void)i);
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

#pragma once

#include <stddef.h>
#include <stdint.h>

struct k_sem {
  unsigned count, limit;
};

typedef struct {
  int64_t ticks;
} k_timeout_t;

#define K_MSEC(ms) ((k_timeout_t){ms})

int k_sem_init(struct k_sem *sem, unsigned count, unsigned limit);
void k_sem_give(struct k_sem *sem);
int k_sem_take(struct k_sem *sem, k_timeout_t timeout);
uint32_t k_cycle_get_32(void);
int sys_clock_hw_cycles_per_sec(void);

#pragma once

#include <stdint.h>

typedef struct {
  uint32_t csr, rvr, cvr;
} systick_hw_t;

systick_hw_t *standin_systick(void);

#define systick_hw standin_systick()

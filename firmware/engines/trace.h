/* What each operator of a network writes, as a hash: calls of a network that was compiled with `trace`. */
#ifndef ALPHARHO_ENGINES_TRACE_H
#define ALPHARHO_ENGINES_TRACE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALPHARHO_TRACE_FNV_START 0x811C9DC5u
#define ALPHARHO_TRACE_FNV_PRIME 0x01000193u

/* A tensor of the .tflite by its index there: how many of its bytes were computed, from the first, and their FNV-1a. */
struct alpharho_trace_tensor {
  uint32_t bytes;
  uint32_t hash;
  uint16_t tensor;
};

/* An inference begins. `tensors` has room for all that it computes. */
void alpharho_trace_begin(struct alpharho_trace_tensor *tensors, uint16_t count);

/* The next bytes of a tensor are computed. */
void alpharho_trace(struct alpharho_trace_tensor *traced, uint16_t tensor, const int8_t *bytes, uint32_t count);

/* How many tensors the last inference has, and one of them. */
uint16_t alpharho_trace_count(void);
const struct alpharho_trace_tensor *alpharho_trace_at(uint16_t i);

/* Give the bytes of one tensor to `sink` as they are computed from now on, with the offset of the first. */
void alpharho_trace_to(uint16_t tensor, void (*sink)(uint32_t offset, const int8_t *bytes, uint32_t count));

#ifdef __cplusplus
}
#endif

#endif

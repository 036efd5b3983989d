/* The requests that carry an inference: WRITE the input, RUN, READ the outputs. */
#ifndef ALPHARHO_PROTOCOL_TENSORS_H
#define ALPHARHO_PROTOCOL_TENSORS_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

void alpharho_request_write(struct alpharho_device *device, const struct alpharho_frame *request);

/* Infer as often as the request says. The same request again gets the answer that is kept, and runs nothing. */
void alpharho_request_run(struct alpharho_device *device, const struct alpharho_frame *request);

void alpharho_request_read(struct alpharho_device *device, const struct alpharho_frame *request);

#ifdef __cplusplus
}
#endif

#endif

#include "kernels.h"
#include "requant.h"

void kernel_dense(const struct kernel_dense *p, const int8_t *in, int8_t *out) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        const int8_t *w = p->weights;
        for (int32_t c = 0; c < p->out_c; c++, w += p->in_c) {
            uint32_t acc = (uint32_t)p->bias[c];
            for (int32_t k = 0; k < p->in_c; k++) {
                acc += (uint32_t)(in[k] * w[k]);
            }
            *out++ = requantize(&p->requant, (int32_t)acc, c);
        }
    }
}

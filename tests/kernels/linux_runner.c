// Calls kernels of a program for Linux, with memory that the host has laid out. Standard input has request after
// request: how many bytes and calls there are, then the bytes and the calls; standard output gets the bytes, as the
// calls left them. KERNELS are the functions, HEADER declares them.
#include <stdint.h>
#include <stdio.h>

#include HEADER

enum { ARGUMENTS = 5 };

typedef void kernel(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

struct call {
  uintptr_t function;
  uintptr_t arguments[ARGUMENTS];
};

int8_t memory[1 << 20] __attribute__((aligned(16)));

static const void *const kernels[] = {KERNELS};

int main(void) {
  uint32_t header[2];
  while (fread(header, sizeof header, 1, stdin) == 1) {
    if (header[0] > sizeof memory || fread(memory, header[0], 1, stdin) != 1) {
      return 1;
    }
    for (uint32_t i = 0; i < header[1]; i++) {
      struct call call;
      if (fread(&call, sizeof call, 1, stdin) != 1) {
        return 1;
      }
      const uintptr_t *a = call.arguments;
      ((kernel *)(uintptr_t)kernels[call.function])(a[0], a[1], a[2], a[3], a[4]);
    }
    (void)fwrite(memory, header[0], 1, stdout);
  }
  return 0;
}

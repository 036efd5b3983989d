// Calls kernels on an emulated core, with memory that the host has laid out. By semihosting, it reads the file
// `request`: request after request, how many bytes and calls there are, then the bytes and the calls; and writes the
// bytes, as the calls left them, to the file `reply`. KERNELS are the functions, HEADER declares them.
#include <stdint.h>

#include HEADER

enum { OPEN = 0x01, WRITE = 0x05, READ = 0x06, EXIT = 0x18, OPEN_READ = 1, OPEN_WRITE = 5, ARGUMENTS = 5 };

enum { EXITED = 0x20026, FAULTED = 0x20024 };

typedef void kernel(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

struct call {
  uint32_t function;
  uint32_t arguments[ARGUMENTS];
};

int8_t memory[1 << 20] __attribute__((aligned(16)));

static const void *const kernels[] = {KERNELS};

static uint32_t semihost(uint32_t operation, const void *arguments) {
#ifdef __riscv
  register uint32_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = arguments;
  // The three are not compressed.
  __asm__ volatile(".option push \n .option norvc \n slli x0, x0, 0x1f \n ebreak \n srai x0, x0, 7 \n"
                   ".option pop"
                   : "+r"(a0)
                   : "r"(a1)
                   : "memory");
  return a0;
#else
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
#endif
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode) {
  const uint32_t arguments[] = {(uint32_t)name, mode, length};
  return semihost(OPEN, arguments);
}

static int receive(uint32_t file, void *to, uint32_t size) {
  while (size) {
    const uint32_t arguments[] = {file, (uint32_t)to, size};
    const uint32_t left = semihost(READ, arguments);
    if (left >= size) {
      return 0;
    }
    to = (int8_t *)to + (size - left);
    size = left;
  }
  return 1;
}

static void send(uint32_t file, const void *from, uint32_t size) {
  while (size) {
    const uint32_t arguments[] = {file, (uint32_t)from, size};
    const uint32_t left = semihost(WRITE, arguments);
    from = (const int8_t *)from + (size - left);
    size = left;
  }
}

void reset(void) {
#ifndef __riscv
  // Switch the floating-point and vector unit on.
  *(volatile uint32_t *)0xE000ED88 |= 0xfu << 20;
  __asm__ volatile("dsb \n isb");
#endif
  const uint32_t reply = open_file("reply", 5, OPEN_WRITE), request = open_file("request", 7, OPEN_READ);
  uint32_t header[2];
  while (receive(request, header, sizeof header)) {
    if (header[0] > sizeof memory || !receive(request, memory, header[0])) {
      break;
    }
    for (uint32_t i = 0; i < header[1]; i++) {
      struct call call;
      if (!receive(request, &call, sizeof call)) {
        break;
      }
      const uint32_t *a = call.arguments;
      ((kernel *)kernels[call.function])(a[0], a[1], a[2], a[3], a[4]);
    }
    send(reply, memory, header[0]);
  }
  semihost(EXIT, (const void *)EXITED);
}

#ifdef __riscv
__attribute__((used, aligned(4))) // the address in mtvec
#endif
static void fault(void) {
  semihost(EXIT, (const void *)FAULTED);
}

static uint32_t stack[1024] __attribute__((used, aligned(16)));

#ifdef __riscv

__asm__(".section .vectors, \"ax\" \n .option arch, +zicsr \n la sp, stack + 4096 \n la t0, fault \n csrw mtvec, t0 \n"
        "j reset \n .text");

#else

// Initial stack pointer, reset, NMI, hard fault and the three kinds of fault that have vectors of their own.
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    stack + 1024, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

#endif

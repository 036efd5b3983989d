// Makes an engine ready, gives it an input and runs it once under QEMU, with none of the firmware around it.
#include <stdint.h>

#include "engine.h"

#ifndef __riscv
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#endif
#define SYS_WRITEC        0x03u
#define SYS_EXIT_EXTENDED 0x20u
#define APPLICATION_EXIT  0x20026u

// Begin and end of what is priced: the plugin finds them by name.
// NOLINTBEGIN(misc-use-internal-linkage)
__attribute__((noinline)) void alpharho_cycles_begin(void) { __asm__ volatile("nop"); }
__attribute__((noinline)) void alpharho_cycles_end(void) { __asm__ volatile("nop"); }
// NOLINTEND(misc-use-internal-linkage)

// A call of Arm's semihosting, which QEMU answers.
static void ask_host(uint32_t call, const void *with) {
#ifdef __riscv
  register uint32_t operation __asm__("a0") = call;
  register const void *argument __asm__("a1") = with;
  // The three are not compressed.
  __asm__ volatile(".option push\n\t.option norvc\n\tslli x0, x0, 0x1f\n\tebreak\n\tsrai x0, x0, 7\n\t"
                   ".option pop"
                   : "+r"(operation)
                   : "r"(argument)
                   : "memory");
#else
  register uint32_t operation __asm__("r0") = call;
  register const void *argument __asm__("r1") = with;
  __asm__ volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument) : "memory");
#endif
}

static void end(uint32_t code) {
  const uint32_t block[2] = {APPLICATION_EXIT, code};
  ask_host(SYS_EXIT_EXTENDED, block);
  for (;;) {
  }
}

static void put(char one) { ask_host(SYS_WRITEC, &one); }

// Write the bytes of all outputs as a line of hexadecimal digits.
static void put_outputs(const struct alpharho_engine_info *info) {
  for (uint32_t i = 0; i < info->output_count; i++) {
    const uint8_t *from = (const uint8_t *)alpharho_engine_output(i);
    for (uint32_t k = 0; k < info->outputs[i].bytes; k++) {
      put("0123456789abcdef"[from[k] >> 4]);
      put("0123456789abcdef"[from[k] & 15u]);
    }
  }
  put('\n');
}

static void copy(int8_t *to, const int8_t *from, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    to[i] = from[i]; // NOLINT(clang-analyzer-optin.core.FixedAddressDereference): QEMU loads the inputs there
  }
}

static void run(void) {
#ifndef __riscv
  CPACR |= 0xF00000u; // floating point and vectors
  __asm__ volatile("dsb\n\tisb" : : : "memory");
#endif
  if (alpharho_engine_init() != 0) {
    end(2u);
  }
  const struct alpharho_engine_info *info = alpharho_engine_info();
  const int8_t *from = (const int8_t *)INPUT;
  for (uint32_t i = 0; i < info->input_count && !info->stream; i++) {
    copy(alpharho_engine_input(i), from, info->inputs[i].bytes);
    from += info->inputs[i].bytes;
  }
  alpharho_cycles_begin();
  if (info->stream) {
    info->stream(from, info->inputs[0].bytes, true);
  }
  const int failed = alpharho_engine_invoke();
  alpharho_cycles_end();
  put_outputs(info);
  end(failed ? 1u : 0u);
}

// NOLINTBEGIN(misc-use-internal-linkage): called by the linker's entry and from assembly
__attribute__((naked, section(".text.go"))) void alpharho_cycles_go(void) {
#ifdef __riscv
  __asm__ volatile(".option push\n\t.option norelax\n\tla gp, __global_pointer$\n\t.option pop\n\t"
                   "mv sp, %0\n\tcall run_all"
                   :
                   : "r"(STACK));
#else
  __asm__ volatile("mov sp, %0\n\tbl run_all" : : "r"(STACK));
#endif
}

__attribute__((used)) void run_all(void) { run(); }
// NOLINTEND(misc-use-internal-linkage)

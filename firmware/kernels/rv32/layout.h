// What C and assembly share: where the fields of structures are that assembly reads. The C file that calls the assembly
// asserts each offset.
#ifndef KERNELS_RV32_LAYOUT_H
#define KERNELS_RV32_LAYOUT_H

// Assembly needs a multiplication and all 31 registers; elsewhere the C model takes its place.
#if defined(__riscv) && defined(__riscv_mul) && __riscv_xlen == 32 && !defined(__riscv_32e) &&                         \
    !defined(KERNELS_RV32_IN_C)
#define KERNELS_RV32_ASSEMBLY
#endif

// struct multiply_job
#define JOB_PAIRS     0
#define JOB_END       4
#define JOB_PACKED    8
#define JOB_OUT       12
#define JOB_PITCH     16
#define JOB_LANES     28
#define JOB_ROUNDING  32
#define JOB_MIN       36
#define JOB_MAX       40
#define JOB_GROUPS    44
#define JOB_NEGATIVES 48

// What the halves of a word begin with: products of two taps are at least -32,512 and at most 32,768.
#define LANE_BIAS 0x7f80
#define PAIR_BIAS 0x7f807f80

// In C: fails to compile if a field is not where assembly reads it.
#ifdef KERNELS_RV32_ASSEMBLY
#define RV32_ASSERT_OFFSET(type, field, offset)                                                                        \
  _Static_assert(offsetof(type, field) == (offset), #field " is not where assembly reads it")
#else
#define RV32_ASSERT_OFFSET(type, field, offset) _Static_assert(1, "C reads fields by their names")
#endif

#endif // KERNELS_RV32_LAYOUT_H

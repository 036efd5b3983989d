// What C and assembly share: where the fields of structures are that assembly reads. The C file that calls the assembly
// asserts each offset.
#ifndef KERNELS_PORTABLE_LAYOUT_H
#define KERNELS_PORTABLE_LAYOUT_H

// struct pair_job. A load of several fields takes `weights` to `eights_end`, `multiplier` to `plain`, `zero_point` to
// `pitch`.
#define JOB_WEIGHTS    0
#define JOB_BIAS       4
#define JOB_LANES      8
#define JOB_DEPTH      12
#define JOB_PAIRS      16
#define JOB_EIGHTS_END 20
#define JOB_TWOS_END   24
#define JOB_CHANNELS   28
#define JOB_MULTIPLIER 32
#define JOB_SHIFT      36
#define JOB_OUT        40
#define JOB_ROUNDING   44
#define JOB_PLAIN      48
#define JOB_STEP       52
#define JOB_ZERO_POINT 56
#define JOB_MIN        60
#define JOB_MAX        64
#define JOB_PITCH      68

// struct row_job. A load of several fields takes `bias` to `shift`, `rows` to `weights`.
#define ROW_BIAS       0
#define ROW_MULTIPLIER 4
#define ROW_SHIFT      8
#define ROW_ROUNDING   12
#define ROW_OUT        16
#define ROW_SECOND_OUT 20
#define ROW_CHANNELS   24
#define ROW_ROWS       28
#define ROW_STEP       40
#define ROW_WEIGHTS    44

// struct few_job, in few.h. One load takes all.
#define FEW_BIAS       0
#define FEW_MULTIPLIER 4
#define FEW_SHIFT      8
#define FEW_ROUNDING   12
#define FEW_OUT        16
#define FEW_CHANNEL    20
#define FEW_WEIGHTS    24
#define FEW_CHANNELS   28
#define FEW_PIXELS     32
#define FEW_IN         36
#define FEW_DEPTH      40

// In C: fails to compile if a field is not where assembly reads it.
#ifdef __thumb__
#define PORTABLE_ASSERT_OFFSET(type, field, offset)                                                                    \
  _Static_assert(offsetof(type, field) == (offset), #field " is not where assembly reads it")
#else
#define PORTABLE_ASSERT_OFFSET(type, field, offset) _Static_assert(1, "C reads fields by their names")
#endif

#endif // KERNELS_PORTABLE_LAYOUT_H

// The facts of engine.c as compilers.aot would write them: compilers/firmware.py reads them here.
#define MODEL_SHA256        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MODEL_ARENA_BYTES   3088
#define MODEL_WEIGHTS_BYTES 0

#define MODEL_INPUT_TABLE(ENTRY)  ENTRY(0, 3072, "input", "int8", "0.0078431", -1, 4, 1, 32, 32, 3)
#define MODEL_OUTPUT_TABLE(ENTRY) ENTRY(0, 10, "output", "int8", "0.00390625", -128, 2, 1, 10)

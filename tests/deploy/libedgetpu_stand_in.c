// A stand-in for libedgetpu.so.1, with its interface and none of its hardware: for tests of the agent only.
//
// Environment: STAND_IN_TPUS is "usb=/path pci=/path ..."; an Edge TPU is plugged in for as long as its path is there.
// STAND_IN_BUSY lets none be opened. A run without the device fails as libedgetpu does on PCIe, or with
// STAND_IN_ABORTS aborts as it does on USB. A run gives output[i] = input[i modulo its size] ^ 0x5a,
// or ^ STAND_IN_MASK.
//
// Interfaces: edgetpu_c.h of google-coral/libedgetpu; external_delegate_interface.h and core/c/common.h of LiteRT, of
// which no fields after the last used one are declared, but for those of a tensor.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 8, PCI = 0, USB = 1, OK = 0, FAILED = 1, ALLOW_DYNAMIC_TENSORS = 1 };

typedef struct {
  int size;
  int data[];
} IntArray;

typedef struct {
  int type;
  void *data;
  IntArray *dims;
  struct {
    float scale;
    int32_t zero_point;
  } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  void *delegate;
  int buffer_handle;
  bool data_is_stale, is_variable;
  struct {
    int type;
    void *params;
  } quantization;
  void *sparsity;
  const IntArray *dims_signature;
} Tensor;

typedef struct {
  IntArray *inputs, *outputs;
} Node;

typedef struct Context Context;
typedef struct Delegate Delegate;

typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  const char *(*profiling_string)(const Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *operator_;
  void *async_kernel;
  uint64_t inplace_operator;
} Registration;

struct Context {
  size_t tensors_size;
  int (*get_execution_plan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl;
  int (*resize_tensor)(Context *, Tensor *, IntArray *);
  void (*report_error)(Context *, const char *, ...);
  int (*add_tensors)(Context *, int, int *);
  int (*get_node_and_registration)(Context *, int, Node **, Registration **);
  int (*replace_node_subsets)(Context *, Registration, const IntArray *, Delegate *);
};

struct Delegate {
  void *data;
  int (*prepare)(Context *, Delegate *);
  void *copy_from, *copy_to, *free_buffer_handle;
  int64_t flags;
  void *opaque_builder;
};

struct edgetpu_device {
  int type;
  const char *path;
};

static char paths[LIMIT][256];
static char opened[256];

struct edgetpu_device *edgetpu_list_devices(size_t *count) {
  struct edgetpu_device *found = calloc(LIMIT, sizeof *found);
  const char *text = getenv("STAND_IN_TPUS");
  char kind[8];
  int length;
  *count = 0;
  while (text && *count < LIMIT && sscanf(text, " %7[a-z]=%255s%n", kind, paths[*count], &length) == 2) {
    text += length;
    if (access(paths[*count], F_OK) == 0) {
      found[*count].type = strcmp(kind, "usb") == 0 ? USB : PCI;
      found[*count].path = paths[*count];
      ++*count;
    }
  }
  return found;
}

void edgetpu_free_devices(struct edgetpu_device *devices) { free(devices); }

const char *edgetpu_version(void) { return "BuildLabel(STAND_IN), RuntimeVersion(14)"; }

static int invoke(Context *context, Node *node) {
  if (access(opened, F_OK) != 0) {
    if (getenv("STAND_IN_ABORTS")) {
      fputs("F stand_in/usb_driver.cc:1] transfer on tag 1 failed. Abort.\n", stderr);
      abort();
    }
    context->report_error(context, "Failed to execute request. stand-in: no device");
    return FAILED;
  }
  const char *mask_text = getenv("STAND_IN_MASK");
  const uint8_t mask = (uint8_t)(mask_text ? strtoul(mask_text, NULL, 0) : 0x5a);
  const Tensor *input = &context->tensors[node->inputs->data[0]];
  const Tensor *output = &context->tensors[node->outputs->data[0]];
  for (size_t i = 0; i < output->bytes; ++i) {
    ((uint8_t *)output->data)[i] = ((const uint8_t *)input->data)[i % input->bytes] ^ mask;
  }
  return OK;
}

static int prepare(Context *context, Delegate *delegate) {
  IntArray *plan;
  if (context->get_execution_plan(context, &plan) != OK) {
    return FAILED;
  }
  int ours[64], count = 0;
  for (int i = 0; i < plan->size; ++i) {
    Node *node;
    Registration *registration;
    if (context->get_node_and_registration(context, plan->data[i], &node, &registration) != OK) {
      return FAILED;
    }
    if (registration->custom_name && strcmp(registration->custom_name, "edgetpu-custom-op") == 0 && count < 64) {
      ours[count++] = plan->data[i];
    }
  }
  IntArray *nodes = malloc(sizeof *nodes + sizeof(int));
  nodes->size = 1;
  int status = OK;
  for (int i = 0; i < count && status == OK; ++i) {
    nodes->data[0] = ours[i];
    Registration kernel = {.invoke = invoke, .custom_name = "EdgeTpuDelegateForCustomOp", .version = 1};
    status = context->replace_node_subsets(context, kernel, nodes, delegate);
  }
  free(nodes);
  return status;
}

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  size_t devices;
  edgetpu_free_devices(edgetpu_list_devices(&devices));
  if (getenv("STAND_IN_BUSY") || devices == 0 || count != 1 || strcmp(keys[0], "device") != 0) {
    return NULL;
  }
  // The tests have one device of each type: the type alone says which.
  for (size_t i = 0; i < devices; ++i) {
    if (strncmp(values[0], "usb", 3) != 0 || strstr(paths[i], "usb")) {
      strcpy(opened, paths[i]);
    }
  }
  (void)report;
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = prepare;
  delegate->flags = ALLOW_DYNAMIC_TENSORS; // as libedgetpu has it: without it the operator would have to be known
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }

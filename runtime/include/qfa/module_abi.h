/* The border between compiler and runtime: what a compiled module holds and what its code is given.
 *
 * Standalone: the compiler writes these structures into the object file, the runtime reads them. Fields are only ever
 * added at the end, with a new version. All pointers inside a module point to constant data of the program; everything
 * reachable from `qfa_context_t` belongs to the runtime. Sizes are in bytes, offsets from the start of their memory,
 * shapes in elements.
 */
#ifndef QFA_MODULE_ABI_H
#define QFA_MODULE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QFA_MODULE_ABI_VERSION 4u

typedef enum qfa_dtype_t { QFA_F32 = 0, QFA_F16 = 1, QFA_BF16 = 2, QFA_I32 = 3, QFA_U32 = 4 } qfa_dtype_t;

/* Instruction sets for which kernels are compiled; the runtime takes the highest that module and processor share. */
typedef enum qfa_isa_t { QFA_ISA_PORTABLE = 0, QFA_ISA_AVX2 = 1, QFA_ISA_AVX512 = 2, QFA_ISA_COUNT = 3 } qfa_isa_t;

/* Persistent memory by kind (qfa.state): gradients are zeroed by the runtime, caches are not. */
typedef enum qfa_state_kind_t {
  QFA_STATE_GRADIENT = 0,
  QFA_STATE_CACHE = 1,
  QFA_STATE_KIND_COUNT = 2
} qfa_state_kind_t;

/* Row of the site table: the copy and the adapter of an elastic weight that are in force. Written by the runtime once
 * per step. Layout of codes, scales and zeros: include/qfa/Format/Copies.h. */
typedef struct qfa_site_row_t {
  const uint32_t *codes;  /* [ceil(out/32)][in][bits] */
  const void *scales;     /* [ceil(out/32)][in/group][32], f32 or f16 as the elastic weight says */
  const void *zeros;      /* as scales */
  const float *adapter_a; /* [rank][in/group]; null without adapter */
  const float *adapter_b; /* [out][rank] */
  int32_t bits;
  int32_t reserved;
} qfa_site_row_t;

/* Row of the table of trainables: the tensor in force and its optimizer state, all of the trainable's shape. */
typedef struct qfa_trainable_row_t {
  float *value;
  float *m;
  float *v;
  float c1; /* 1 - beta1^t, 1 - beta2^t with the tensor's own step count t, this step included */
  float c2;
} qfa_trainable_row_t;

/* What compiled entries are given. Entries run on the host and only compute addresses: arena, parameters' values, rows,
 * trainables, states, io and whatever the rows point to are in the memory of the device that launch stands for. */
typedef struct qfa_context_t {
  void *runtime; /* handed back to launch */
  /* Runs all tiles of a kernel and returns when they are done. args: pointers to the kernel's operands, then its
   * results. */
  void (*launch)(void *runtime, uint32_t kernel, void *const *args);
  char *arena;                           /* 64-byte aligned, arena_bytes of the largest entry */
  void *const *parameters;               /* f32 values by parameter index; null where not resident */
  const qfa_site_row_t *rows;            /* by elastic index */
  const qfa_trainable_row_t *trainables; /* by trainable index */
  char *states[QFA_STATE_KIND_COUNT];    /* 64-byte aligned */
  /* Copies between memories of the device, after all launches before it. */
  void (*copy)(void *runtime, void *to, const void *from, int64_t bytes);
} qfa_context_t;

/* Tiles begin .. end-1 of a kernel; tiles are independent. scratch: scratch_bytes for this thread, 64-byte aligned. */
typedef void (*qfa_kernel_fn)(void *const *args, int64_t begin, int64_t end, void *scratch);
/* io: pointers to the inputs, then to the outputs, dense and row-major. */
typedef void (*qfa_entry_fn)(const qfa_context_t *context, void *const *io);

/* What a kernel's pointer points to. */
typedef enum qfa_operand_kind_t {
  QFA_OPERAND_F32 = 0,
  QFA_OPERAND_I32 = 1,      /* identifiers or labels when it has two dimensions, else one position */
  QFA_OPERAND_BUFFER = 2,   /* f32, read and written */
  QFA_OPERAND_ELASTIC = 3,  /* qfa_site_row_t */
  QFA_OPERAND_TRAINABLE = 4 /* qfa_trainable_row_t */
} qfa_operand_kind_t;

typedef struct qfa_operand_t {
  int32_t kind; /* qfa_operand_kind_t */
  int32_t rank;
  int64_t elements; /* of an elastic operand: the index of one elastic weight of its type */
} qfa_operand_t;

typedef struct qfa_kernel_t {
  const char *name;
  int64_t tiles;
  int64_t scratch_bytes;
  int64_t flops;                          /* of one launch */
  qfa_kernel_fn functions[QFA_ISA_COUNT]; /* null where not compiled; portable is always there */
  int32_t operand_count;
  int32_t result_count;
  const qfa_operand_t *operands; /* operands, then results */
} qfa_kernel_t;

/* A factor of a matrix product: row-major in the workspace, of type gpu_precision. */
typedef struct qfa_gpu_factor_t {
  int64_t offset; /* bytes */
  int64_t stride; /* elements from row to row */
  int32_t transposed;
  int32_t reserved;
} qfa_gpu_factor_t;

/* What a launch computes, said so that a library can compute it in its place:
 *   result[i, j] = scale * sum over l < k of left[i, l] right[j, l] (+ addend[i, j]),   0 <= i < m, 0 <= j < n
 * A transposed factor is stored as [l, i] or [l, j]. Result and addend are f32 and row-major. */
typedef struct qfa_gpu_product_t {
  int64_t m, n, k;
  qfa_gpu_factor_t left, right;
  int32_t result; /* which pointer of the kernel; pointer_count: the workspace */
  int32_t addend; /* likewise; -1: none */
  int64_t offset; /* in result and addend, floats */
  int64_t stride; /* likewise */
  double scale;
} qfa_gpu_product_t;

/* One launch of a GPU function: its parameters are the kernel's pointers (operands, then results), the address of the
 * workspace, and the argument as int64_t. */
typedef struct qfa_gpu_launch_t {
  const char *function;
  int32_t grid[3];
  int32_t block; /* threads, in one dimension */
  int32_t early; /* 1: reads nothing that launches compute, only weights, and writes the workspace only */
  int32_t dynamic_shared_bytes;
  int64_t argument;
  int64_t product_count; /* 0: only the function computes what it does */
  const qfa_gpu_product_t *products;
} qfa_gpu_launch_t;

/* A kernel on a GPU: launches one after the other. The workspace is free again when they are done. */
typedef struct qfa_gpu_kernel_t {
  int64_t pointer_count;
  int64_t workspace_bytes;
  int64_t launch_count;
  const qfa_gpu_launch_t *launches;
} qfa_gpu_kernel_t;

typedef enum qfa_gpu_image_kind_t {
  QFA_GPU_PTX = 0,    /* text, ends with a zero byte; serves devices of arch and later, unless there is a feature */
  QFA_GPU_CUBIN = 1,  /* machine code for arch and, without a feature, later ones of the same major number */
  QFA_GPU_BITCODE = 2 /* LLVM bitcode from which the PTX was made, for the emulator */
} qfa_gpu_image_kind_t;

/* All GPU functions of the module in one form. */
typedef struct qfa_gpu_image_t {
  int32_t kind;    /* qfa_gpu_image_kind_t */
  int32_t arch;    /* 80, 90, 100 */
  int32_t feature; /* 0; 'a': serves arch alone; 'f': arch and later ones of the same major number */
  int32_t reserved;
  int64_t bytes;
  const void *data;
  const qfa_gpu_kernel_t *kernels; /* by kernel: how its functions are launched */
} qfa_gpu_image_t;

typedef struct qfa_tensor_t {
  int32_t dtype;
  int32_t rank;
  int64_t dims[4];
} qfa_tensor_t;

/* Entries: train_step(ids, labels) -> losses [B, S], 0 where the label is negative; eval_step, the same without
 * gradients; logits(ids) -> [B, S, V]; gradient_norm() -> [sum of squares]; update(hyper); prefill(ids [1, P], position
 * [1], last [1]) -> [1, 1, V]; decode(ids [1, 1], position [1]) -> [1, 1, V]. A module holds those it was compiled for.
 */
typedef struct qfa_entry_t {
  const char *name;
  qfa_entry_fn function;
  int64_t arena_bytes;
  int64_t flops;
  int64_t launches;
  int32_t input_count;
  int32_t output_count;
  const qfa_tensor_t *tensors; /* inputs, then outputs */
} qfa_entry_t;

typedef struct qfa_parameter_t {
  const char *name; /* Hugging Face name, as in the weight file */
  int32_t rank;
  int32_t resident; /* 1: the compiled code reads its f32 values; 0: only copies are made from it */
  int64_t dims[4];
  int32_t dtype; /* QFA_F32, or QFA_F16: values are rounded to it when they are loaded, and runs and subnets store it */
} qfa_parameter_t;

typedef struct qfa_site_t {
  const char *name;
  int32_t bit_count;
  int32_t bits[4]; /* ascending */
} qfa_site_t;

typedef struct qfa_elastic_t {
  const char *name;  /* Hugging Face module name, prefix of its tensors */
  int32_t parameter; /* source of the copies */
  int32_t site;
  int64_t out;
  int64_t in;
  int64_t group;
  int64_t rank;        /* 0: no adapter */
  float alpha;         /* the adapter's product counts alpha / rank times */
  int32_t scale_dtype; /* QFA_F32 or QFA_F16, of scales and zeros */
} qfa_elastic_t;

typedef enum qfa_role_t { QFA_ROLE_VALUE = 0, QFA_ROLE_ADAPTER_A = 1, QFA_ROLE_ADAPTER_B = 2 } qfa_role_t;

typedef struct qfa_trainable_t {
  const char *name;
  int32_t role;   /* qfa_role_t */
  int32_t source; /* parameter index for QFA_ROLE_VALUE, elastic index otherwise */
  int64_t elements;
  int64_t gradient_offset; /* in the gradient state */
} qfa_trainable_t;

typedef enum qfa_mode_t { QFA_MODE_TABLE = 0, QFA_MODE_STATIC = 1, QFA_MODE_DENSE = 2 } qfa_mode_t;

typedef struct qfa_module_t {
  uint32_t abi_version;
  uint32_t struct_size;
  const char *name; /* of the model */
  const char *compiler_version;
  int32_t mode;      /* table: a supernet; static: a subnet; dense: float weights (method full, or 16-bit everything) */
  int32_t isa_count; /* QFA_ISA_COUNT at compile time */
  int64_t vocabulary;
  int64_t context; /* positions of the key and value caches, 0 without prefill and decode */
  int64_t state_bytes[QFA_STATE_KIND_COUNT];
  const char *sampler; /* "resource-balanced" or "uniform" */
  int64_t entry_count;
  const qfa_entry_t *entries;
  int64_t kernel_count;
  const qfa_kernel_t *kernels;
  int64_t parameter_count;
  const qfa_parameter_t *parameters;
  int64_t site_count;
  const qfa_site_t *sites;
  int64_t elastic_count;
  const qfa_elastic_t *elastics;
  int64_t trainable_count;
  const qfa_trainable_t *trainables;
  const char *supernet_options; /* of --qfa-build-supernet, written with the run so that subnets are built alike */
  const char *gpu_precision;    /* of the factors of matrix products: "bf16" or "f32" */
  int64_t gpu_image_count;      /* 0: not compiled for GPUs */
  const qfa_gpu_image_t *gpu_images;
} qfa_module_t;

/* The one symbol of a compiled module. */
extern const qfa_module_t qfa_module;

#ifdef __cplusplus
}
#endif

#endif /* QFA_MODULE_ABI_H */

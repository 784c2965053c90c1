/* The emulator as a library without C++ or LLVM at its border: what a compiled program opens for --device emulated.
 * Calls mirror the CUDA driver's. One emulator is used by one thread at a time; it owns modules and memory made from
 * it. */
#ifndef QFA_GPUEMULATOR_EMULATOR_C_H
#define QFA_GPUEMULATOR_EMULATOR_C_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QFA_EMULATOR_VERSION 1

typedef struct qfa_emulator qfa_emulator_t;
typedef struct qfa_emulator_module qfa_emulator_module_t;

typedef struct {
  uint32_t version; /* QFA_EMULATOR_VERSION */
  uint32_t checks;  /* 0: run faster, on `workers` host threads */
  uint32_t workers;
  uint32_t schedule; /* 0 forward, 1 reverse, 2 random */
  uint64_t seed;     /* of the random schedule */
} qfa_emulator_options_t;

/* Null when the version is another. */
qfa_emulator_t *qfa_emulator_create(const qfa_emulator_options_t *options);
void qfa_emulator_destroy(qfa_emulator_t *emulator);

/* Device memory, which the host may read and write like its own; reports name it. Null when there is no more. */
void *qfa_emulator_allocate(qfa_emulator_t *emulator, const char *name, uint64_t bytes);
void qfa_emulator_free(qfa_emulator_t *emulator, void *memory);
/* The host has written these bytes, so that kernels may read them. */
void qfa_emulator_mark_written(qfa_emulator_t *emulator, const void *memory, uint64_t bytes);

/* Bitcode or IR text made for NVPTX. Null when something in it is not emulated; the error says what. */
qfa_emulator_module_t *qfa_emulator_load(qfa_emulator_t *emulator, const void *bytes, uint64_t count);

/* Runs a kernel to its end. arguments: as many pointers to values as the kernel has parameters. Returns 0, or 1 when a
 * fault was found or the launch could not be made; the error is the report then. */
int qfa_emulator_launch(qfa_emulator_t *emulator, qfa_emulator_module_t *module, const char *kernel,
                        const uint32_t grid[3], const uint32_t block[3], uint32_t shared_bytes,
                        const void *const *arguments);

/* Of the last call that failed; valid until the next call. */
const char *qfa_emulator_error(const qfa_emulator_t *emulator);

#ifdef __cplusplus
}
#endif

#endif /* QFA_GPUEMULATOR_EMULATOR_C_H */

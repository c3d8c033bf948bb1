// A barrier in shared memory for which one thread arrives.
#pragma once
#include "attention/mma.cuh"

/** Phases go by turns from 0 to 1. */
struct Gate {
  uint64_t state;

  __device__ __forceinline__ void init() { asm volatile("mbarrier.init.shared.b64 [%0], 1;" ::"r"(shared_address(&state)) : "memory"); }
  __device__ __forceinline__ void arrive() {
    asm volatile("{.reg .b64 token; mbarrier.arrive.shared.b64 token, [%0];}" ::"r"(shared_address(&state)) : "memory");
  }
  /** Waits for the end of a phase: of the current one, or the one before. */
  __device__ __forceinline__ void wait(int phase) {
    int done;
    do {
#if __CUDA_ARCH__ >= 900
      asm volatile("{.reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.s32 %0, 1, 0, p;}"
                   : "=r"(done)
                   : "r"(shared_address(&state)), "r"(phase)
                   : "memory");
#else
      asm volatile("{.reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.s32 %0, 1, 0, p;}"
                   : "=r"(done)
                   : "r"(shared_address(&state)), "r"(phase)
                   : "memory");
#endif
    } while (!done);
  }
};

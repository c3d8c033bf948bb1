// Gates between warps of a block: barriers and numbers in shared memory, by address.
#pragma once
#include "common/common.cuh"

__device__ __forceinline__ void gate_init(unsigned gate, int arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(gate), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void gate_arrive(unsigned gate) {
  asm volatile("{.reg .b64 s; mbarrier.arrive.shared.b64 s, [%0];}" ::"r"(gate) : "memory");
}
/** Arrives when the copies that this thread has begun are there. */
__device__ __forceinline__ void gate_arrive_copied(unsigned gate) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(gate) : "memory");
}
/** Whether the phase of that parity has ended. */
__device__ __forceinline__ bool gate_passed(unsigned gate, unsigned parity) {
  unsigned done;
  asm volatile("{.reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
               : "=r"(done) : "r"(gate), "r"(parity) : "memory");
  return done;
}
/** Waits until it has. */
__device__ __forceinline__ void gate_wait(unsigned gate, unsigned parity) {
#if __CUDA_ARCH__ >= 900
  unsigned done;
  do {
    asm volatile("{.reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                 : "=r"(done) : "r"(gate), "r"(parity) : "memory");
  } while (!done);
#else
  while (!gate_passed(gate, parity)) {
  }
#endif
}
/** A number that tells whose turn it is: others see what was written before it. */
__device__ __forceinline__ void turn_give(unsigned turn, int to) {
  asm volatile("st.release.cta.shared.s32 [%0], %1;" ::"r"(turn), "r"(to) : "memory");
}
__device__ __forceinline__ void turn_wait(unsigned turn, int mine) {
  int now;
  do asm volatile("ld.acquire.cta.shared.s32 %0, [%1];" : "=r"(now) : "r"(turn) : "memory");
  while (now != mine);
}

// architectures: 90a
// A whole mixture of experts of 16 bits by up to 64 rows in one launch, but for the sum over experts. Its blocks run all at once, one a
// multiprocessor. Each finds by itself which experts rows chose and takes its share of units: 16 rows of an expert's matrices (8 of gate and the same
// 8 of up, or up to 32 of down) by up to 8 of the rows that chose it. A warp copies weights to a ring in shared memory, without a break from gate and
// up to down; eight others share columns out among them, keep their part of the rows of x in registers, in two pieces of 16 bits, and multiply by
// mma. Products by down wait for what all blocks make of the same expert. 2 rows, each 8 of 128 experts of 768 by 2,048, take an H200 44 us so (of 32
// that reading the weights takes), 8 rows 117 (of 106), 64 rows 282 (of 260).
#include "common/layout.cuh"
#include "product/mixture.cuh"

#define MIXTURE(T)                                                                                                                            \
  const uchar *gate, const uchar *up, const uchar *down, const T *x, int ldx, int piece, const float *scale, const float *route, int ldr,     \
      int slots, int experts, int rows, const float *gateBias, const float *upBias, const float *bias, float *inner, float *y, int *counts,   \
      int N, int K, int outputs, int act
#define PASS_MIXTURE                                                                                                                          \
  gate, up, down, x, ldx, piece, scale, route, ldr, slots, experts, rows, gateBias, upBias, bias, inner, y, counts, N, K, outputs, act

template <class T, int PARTS> __device__ __forceinline__ void mixture(MIXTURE(T)) {
  typedef Mixture<T, PARTS> Kind;
  extern __shared__ __align__(16) uchar memory[];
  unsigned room = shared_address(memory);
  uchar* rest = memory + STAGES * STAGE + 16 * STAGES;
  Told& told = *(Told*)rest;
  Plan& plan = *(Plan*)(rest + sizeof(Told));
  dependents();
  Ring<STAGES> ring(room + STAGES * STAGE);
  if (threadIdx.x == 0) ring.init(1, WARPS);
  plan.make(route, ldr, slots, experts, rows);
  Experts all{gate, up, down, gateBias, upBias, bias, N, K, outputs, act};
  Kind{all, plan, told, room, x, ldx, piece, scale, slots, inner, y, counts}.run();
}

#define KERNEL(FMT, T, PARTS)                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) mixture_##FMT##_p##PARTS(MIXTURE(T)) {  \
    mixture<T, PARTS>(PASS_MIXTURE);                                                                           \
  }
KERNEL(f16, __half, 1)
KERNEL(f16, __half, 2)
KERNEL(bf16, bf16, 1)
KERNEL(bf16, bf16, 2)
// Threads; bytes of shared memory; columns of a part; most parts, rows, pairs and experts.
EXPORT_SHAPE(mixture, THREADS, Mixture<__half, 1>::BYTES, COLUMNS, 2, MOST_ROWS, MOST_PAIRS, MOST_EXPERTS)

// Rows of a table by token id, from the layout that products read.
#include "formats.cuh"

template <class F> __device__ __forceinline__ void embed(const uchar* table, int N, int K, const int* ids, float* y, int ldy) {
  dependents();
  wait_previous();
  int id = ids[blockIdx.x];
  if ((unsigned)id >= (unsigned)N) return; // padding
  float* out = y + (long long)blockIdx.x * ldy;
  for (int k = threadIdx.x; k < K; k += 128) out[k] = F::value(table, N, K, id, k);
}

#define EMBED(FMT, F)                                                                                                                          \
  extern "C" __global__ void __launch_bounds__(128) embed_##FMT(const uchar* table, int N, int K, const int* ids, float* y, int ldy) {         \
    embed<F>(table, N, K, ids, y, ldy);                                                                                                        \
  }
EMBED(f32, Dense<float>)
EMBED(f16, Dense<__half>)
EMBED(bf16, Dense<bf16>)
EMBED(q4_0, Q40)
EMBED(q8_0, Q80)
EMBED(q4_k, Q4K)
EMBED(q5_k, Q5K)
EMBED(q6_k, Q6K)

// Rows of a table by token id, from the layout that products read.
#include "common/formats.cuh"
#include "common/layout.cuh"

static constexpr int EMBED_THREADS = 128;

template <class F> __device__ __forceinline__ void embed(const uchar* table, int N, int K, const int* ids, float* y, int ldy) {
  dependents();
  wait_previous();
  int id = ids[blockIdx.x];
  if ((unsigned)id >= (unsigned)N) return; // padding
  float* out = y + (long long)blockIdx.x * ldy;
  for (int k = threadIdx.x; k < K; k += EMBED_THREADS) out[k] = F::value(table, N, K, id, k);
}

#define EMBED(FMT, NUMBER, F)                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(EMBED_THREADS) embed_##FMT(const uchar* table, int N, int K, const int* ids, float* y, int ldy) { \
    embed<F>(table, N, K, ids, y, ldy);                                                                                                        \
  }
FORMATS(EMBED, EMBED, EMBED)
EXPORT_SHAPE(embed, EMBED_THREADS)

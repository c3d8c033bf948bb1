// Which experts a row goes to, and with which weights. A warp a row.
#include "common/layout.cuh"
#include "rows/route.cuh"

static constexpr int THREADS = 32;

/** Row blockIdx.x. */
template <int EACH>
__device__ __forceinline__ void route(const float* logits, int ldl, const float* bias, int scoring, float jitter, int groups, int chosen, int best,
                                      int normalised, float scale, int topK, int experts, float* out, int ldo) {
  dependents();
  wait_previous();
  const float* row = logits + (long long)blockIdx.x * ldl + threadIdx.x;
  float own[EACH];
#pragma unroll
  for (int i = 0; i < EACH; i++) own[i] = 32 * i + threadIdx.x < experts ? row1(row + 32 * i) : 0.f;
  choose<EACH>(own, bias, scoring, jitter, groups, chosen, best, normalised, scale, topK, experts, out + (long long)blockIdx.x * ldo);
}

#define ROUTE(EXPERTS)                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS) route_##EXPERTS(const float* logits, int ldl, const float* bias, int scoring,         \
                                                                        float jitter, int groups, int chosen, int best, int normalised,       \
                                                                        float scale, int topK, int experts, float* out, int ldo) {            \
    route<EXPERTS / 32>(logits, ldl, bias, scoring, jitter, groups, chosen, best, normalised, scale, topK, experts, out, ldo);                \
  }
ROUTE(64) ROUTE(128) ROUTE(256) ROUTE(512) ROUTE(1024)
// Threads; most experts of each kernel.
EXPORT_SHAPE(route, THREADS, 64, 128, 256, 512, 1024)

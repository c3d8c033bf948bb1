// Products by matrices of experts, which stand in one matrix one after the other: each row of x meets those that its route names, which is read on
// the device. Every pair of a row and an expert reads the expert's matrix.
#include "common/layout.cuh"
#include "product/gemv.cuh"

static constexpr int ROWS = 16;

/**
 * Rows of the matrix are read four by four from a multiple of 4 on, which an expert's first one need not be: then a block has fewer outputs.
 */
__device__ __forceinline__ int outputs(int N) { return N % 4 == 0 ? ROWS : ROWS - 4; }

/** What a route says of its k-th expert. */
struct Choice {
  int expert;
  float weight;
  __device__ __forceinline__ Choice(const float* route, int k, int slots, int experts, int weighted)
      : expert(min(max((int)row1(route + k), 0), experts - 1)), weight(weighted ? row1(route + slots + k) : 1.f) {}
};

/** Some rows of one expert by one row of x; `part` is free before, and after the next barrier. Ends with a barrier. */
template <class Read, class Part, class Load>
__device__ __forceinline__ void product(Part& part, const uchar* W, int expert, int N, int K, int experts, Load load) {
  int first = (expert * N & ~3) + blockIdx.x * outputs(N), chunks = ceil_div(K, Read::K_CHUNK);
  part.run(Read(W, experts * N, K), experts * N, chunks, Sharing(chunks), ROWS, [&](int r) { return first + r; }, load);
}
/** Output i of the block, with its bias. */
template <class Read, class Part>
__device__ __forceinline__ float output(const Part& part, int expert, int N, int K, int i, const float* bias) {
  float v = part.result(i + (expert * N & 3), 0, Sharing(ceil_div(K, Read::K_CHUNK)));
  return bias ? v + bias[(long long)expert * N + blockIdx.x * outputs(N) + i] : v;
}

/** Block (x, t, k): outputs of the k-th expert of row t. */
template <class Read, class Load>
__device__ __forceinline__ void expert(const uchar* W, Load load, const float* route, int ldr, int slots, int experts, int weighted,
                                       const float* bias, float* y, int ldy, int N, int K) {
  __shared__ Gemv<Read, 1, ROWS, Read::depth(1)> part;
  dependents();
  wait_previous();
  int t = blockIdx.y, k = blockIdx.z, n = blockIdx.x * outputs(N) + threadIdx.x;
  Choice c(route + (long long)t * ldr, k, slots, experts, weighted);
  product<Read>(part, W, c.expert, N, K, experts, [&](auto& acts, int chunk, bool valid) { load(acts, 0, chunk, valid); });
  if (threadIdx.x < outputs(N) && n < N) y[(long long)t * ldy + k * N + n] = c.weight * output<Read>(part, c.expert, N, K, threadIdx.x, bias);
}

/** Block (x, t): the sum over all experts of row t, each of which has its part of x. */
template <class Read, class Load>
__device__ __forceinline__ void expert_sum(const uchar* W, Load load, const float* route, int ldr, int slots, int experts, int weighted,
                                           const float* bias, const float* residual, int ldres, float* y, int ldy, int N, int K) {
  __shared__ Gemv<Read, 1, ROWS, Read::depth(1)> part;
  dependents();
  wait_previous();
  long long t = blockIdx.y;
  int n = blockIdx.x * outputs(N) + threadIdx.x;
  bool mine = threadIdx.x < outputs(N) && n < N;
  float sum = residual && mine ? row1(residual + t * ldres + n) : 0.f;
  for (int k = 0; k < slots; k++) {
    Choice c(route + t * ldr, k, slots, experts, weighted);
    product<Read>(part, W, c.expert, N, K, experts, [&](auto& acts, int chunk, bool valid) { load(acts, k, chunk, valid); });
    if (mine) sum = fmaf(c.weight, output<Read>(part, c.expert, N, K, threadIdx.x, bias), sum);
    __syncthreads(); // the sums have been read
  }
  if (mine) y[t * ldy + n] = sum;
}

#define BOUNDED __launch_bounds__(GEMV_THREADS, at_once(1))
#define ROUTE const float *route, int ldr, int slots, int experts, int weighted, const float *bias
#define PASS_ROUTE route, ldr, slots, experts, weighted, bias
// Rows of quantised parts of x stand side by side: those of a row of x have K values each.
#define DENSE(FMT, NUMBER, F)                                                                                                                      \
  extern "C" __global__ void BOUNDED expert_##FMT(const uchar* W, const float* x, int ldx, ROUTE, float* y, int ldy, int N, int K) {               \
    const float* row = x + (long long)blockIdx.y * ldx;                                                                                            \
    expert<F::Read>(                                                                                                                               \
        W, [&](auto& acts, int, int c, bool valid) { acts.load(row, ldx, K, 1, c, valid); }, PASS_ROUTE, y, ldy, N, K);                            \
  }                                                                                                                                                \
  extern "C" __global__ void BOUNDED expert_sum_##FMT(const uchar* W, const float* x, int ldx, ROUTE, const float* residual,                       \
                                                      int ldres, float* y, int ldy, int N, int K) {                                                \
    const float* row = x + (long long)blockIdx.y * ldx;                                                                                            \
    expert_sum<F::Read>(                                                                                                                           \
        W,                                                                                                                                         \
        [&](auto& acts, int k, int c, bool valid) {                                                                                                \
          if (K % 4 == 0) {                                                                                                                        \
            acts.load(row + k * K, ldx, K, 1, c, valid);                                                                                           \
          } else { /* parts that do not start at 16 bytes */                                                                                       \
            constexpr int E = F::Read::E;                                                                                                          \
            for (int i = 0; i < E; i++) acts.x[0][i] = valid && E * c + i < K ? row1(row + k * K + E * c + i) : 0.f;                               \
          }                                                                                                                                        \
        },                                                                                                                                         \
        PASS_ROUTE, residual, ldres, y, ldy, N, K);                                                                                                \
  }
#define BLOCKS(FMT, NUMBER, F)                                                                                                                     \
  extern "C" __global__ void BOUNDED expert_##FMT(const uchar* W, const signed char* q, const Scale* s, ROUTE, float* y, int ldy, int N, int K) {  \
    long long t = blockIdx.y;                                                                                                                      \
    expert<F::Read>(                                                                                                                               \
        W, [&](auto& acts, int, int c, bool valid) { acts.load(q + t * K, s + t * (K / 32), K, 1, c, valid); }, PASS_ROUTE, y, ldy, N, K);         \
  }                                                                                                                                                \
  extern "C" __global__ void BOUNDED expert_sum_##FMT(const uchar* W, const signed char* q, const Scale* s, ROUTE, const float* residual,          \
                                                      int ldres, float* y, int ldy, int N, int K) {                                                \
    long long t = blockIdx.y * (long long)slots;                                                                                                   \
    expert_sum<F::Read>(                                                                                                                           \
        W, [&](auto& acts, int k, int c, bool valid) { acts.load(q + (t + k) * K, s + (t + k) * (K / 32), K, 1, c, valid); }, PASS_ROUTE,          \
        residual, ldres, y, ldy, N, K);                                                                                                            \
  }
FORMATS(DENSE, DENSE, BLOCKS)
EXPORT_SHAPE(expert, GEMV_THREADS, ROWS)

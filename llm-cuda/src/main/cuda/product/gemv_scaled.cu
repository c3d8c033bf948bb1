// y = residual + bias + W x, or act(G x) * (U x), for one row x and W of floats of 8 bits with scales. A block has the row in its shared memory:
// lanes meet twice as many columns of it for each byte of W as of plain weights, and would wait for them.
#include "common/layout.cuh"
#include "product/gemv_one.cuh"

static constexpr int THREADS = 256, WARPS = THREADS / 32;
/** Blocks that run at once on a multiprocessor, of plain and of gated products; groups in flight of the latter. */
static constexpr int BLOCKS = 2, GATED_BLOCKS = 3, GATED_DEPTH = 1;
/** Most outputs of a block. */
static constexpr int MOST = 128;

/** Fours of a row in shared memory, so that lanes whose chunks of 16 numbers are neighbours read different banks. */
struct Spread {
  static __device__ __forceinline__ int of(int four) { return four ^ (four >> 3 & 3); }
};

/** A row of floats that a block copies; its length is a multiple of 4. */
struct CopiedRow {
  float4* room;
  const float* x;
  int K;

  __device__ __forceinline__ void begin() const {
    for (int i = threadIdx.x; i < K / 4; i += THREADS) {
      unsigned to = (unsigned)__cvta_generic_to_shared(room + Spread::of(i));
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(x + 4 * i) : "memory");
    }
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
  }
  template <int E> __device__ __forceinline__ void load(Floats<1, E>& acts, int c, bool valid) const {
#pragma unroll
    for (int i = 0; i < E; i += 4) {
      float4 v = valid ? room[Spread::of((E * c + i) / 4)] : make_float4(0.f, 0.f, 0.f, 0.f);
      acts.x[0][i] = v.x, acts.x[0][i + 1] = v.y, acts.x[0][i + 2] = v.z, acts.x[0][i + 3] = v.w;
    }
  }
};

#define NONE(FMT, NUMBER, F)
/** `partsBytes` of shared memory are for sums, the others for the row. */
#define SCALED(FMT, NUMBER, F)                                                                                                                     \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)                                                                                    \
      gemv_##FMT##_m1(const uchar* W, const float* x, int ldx, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K, \
                      int rows, int partsBytes) {                                                                                                  \
    dependents();                                                                                                                                  \
    CopiedRow row{dynamic_room() + partsBytes / 16, x, K};                                                                                         \
    gemv_one<F::Read, WARPS>(W, row, dynamic_room(), bias, residual, y, N, K);                                                                     \
  }                                                                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)                                                                                    \
      gemv_normed_##FMT(const uchar* W, const float* x, const float* norm, float eps, const float* bias, float* y, int N, int K, int partsBytes) { \
    dependents();                                                                                                                                  \
    NormedRow<Spread> row(dynamic_room() + partsBytes / 16, x, norm, K, eps);                                                                      \
    gemv_one<F::Read, WARPS>(W, row, dynamic_room(), bias, nullptr, y, N, K);                                                                      \
  }                                                                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS, GATED_BLOCKS) gemv_gated_##FMT##_m1(                                                       \
      const uchar* W, const float* x, int ldx, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows, int act) {                   \
    dependents();                                                                                                                                  \
    CopiedRow row{dynamic_room(), x, K};                                                                                                           \
    gated_one<F::Read, WARPS, GATED_DEPTH>(W, row, y, yq, ys, N, K, act);                                                                          \
  }                                                                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS, GATED_BLOCKS) gemv_gated_normed_##FMT(                                                     \
      const uchar* W, const float* x, const float* norm, float eps, float* y, signed char* yq, Scale* ys, int N, int K, int act) {                 \
    dependents();                                                                                                                                  \
    NormedRow<Spread> row(dynamic_room(), x, norm, K, eps);                                                                                        \
    gated_one<F::Read, WARPS, GATED_DEPTH>(W, row, y, yq, ys, N, K, act);                                                                          \
  }
FORMATS(NONE, SCALED, NONE)
EXPORT_SHAPE(gemv_scaled, THREADS, BLOCKS, MOST, GROUP_BYTES, GATED_OUTPUTS, GATED_BYTES)

// y = residual + bias + W x where W is of floats and has few outputs, as those have that choose experts. All kernels add up alike, whatever the
// number of rows: lane l of a warp has every 32nd four columns from the l-th on, in order, then lanes are added in a butterfly.
#include "common/layout.cuh"
#include "common/formats/dense.cuh"

static constexpr int CHUNK = 128; // columns that a warp takes together
static constexpr int FEW_WARPS = 1;
/** Of tiles: rows of x and of W, warps, each of which has SIDE of both, and chunks on their way. */
static constexpr int TILE = 32, SIDE = 8, TILE_WARPS = (TILE / SIDE) * (TILE / SIDE), TILE_THREADS = 32 * TILE_WARPS, STAGES = 4;
static constexpr int STAGE_FLOATS = 2 * TILE * CHUNK, TILE_BYTES = STAGES * STAGE_FLOATS * 4;

struct RouterOutput {
  const float *bias, *residual;
  int ldr;
  float* y;
  int ldy, N, rows;

  __device__ __forceinline__ void put(int m, int n, float v) const {
    if (m >= rows || n >= N) return;
    if (bias) v += bias[n];
    if (residual) v += row1(residual + (long long)m * ldr + n);
    y[(long long)m * ldy + n] = v;
  }
};

__device__ __forceinline__ void add(float& sum, float4 w, float4 x) {
  sum = fmaf(w.w, x.w, fmaf(w.z, x.z, fmaf(w.y, x.y, fmaf(w.x, x.x, sum))));
}

/** V values of each lane, a power of two, added over lanes: lane l gets those from V l / 32 on, those that share one the same. */
template <int V> __device__ __forceinline__ void add_lanes(float (&v)[V], int lane) {
#pragma unroll
  for (int o = 16, n = V; o; o >>= 1) {
    if (n > 1) {
      n /= 2;
#pragma unroll
      for (int i = 0; i < V / 2; i++) {
        if (i >= n) break;
        float mine = lane & o ? v[i + n] : v[i], other = lane & o ? v[i] : v[i + n];
        v[i] = mine + __shfl_xor_sync(ALL, other, o);
      }
    } else {
      v[0] += __shfl_xor_sync(ALL, v[0], o);
    }
  }
}
/** Writes what a warp's lanes have of TR rows by TN outputs. */
template <int TR, int TN> __device__ __forceinline__ void finish(float (&v)[TR * TN], int m0, int n0, const RouterOutput& out) {
  constexpr int V = TR * TN, MINE = V > 32 ? V / 32 : 1, SHARED = V < 32 ? 32 / V : 1;
  int lane = threadIdx.x & 31;
  add_lanes(v, lane);
  if (lane % SHARED != 0) return;
#pragma unroll
  for (int i = 0; i < MINE; i++) {
    int at = lane / SHARED * MINE + i;
    out.put(m0 + at / TN, n0 + at % TN, v[i]);
  }
}

/** A warp has TR rows of x by TN of W. */
template <int TR, int TN, int AHEAD>
__device__ __forceinline__ void few(const float* W, const float* x, int ldx, int K, const RouterOutput& out) {
  dependents();
  int lane = threadIdx.x & 31, n0 = (blockIdx.x * FEW_WARPS + threadIdx.x / 32) * TN, m0 = blockIdx.y * TR;
  if (n0 >= out.N) {
    wait_previous();
    return;
  }
  long long stride = Dense<float>::stride(K);
  const float* w = W + 4 * lane;
  long long wAt[TN];
  long long xAt[TR];
#pragma unroll
  for (int j = 0; j < TN; j++) wAt[j] = min(n0 + j, out.N - 1) * stride;
#pragma unroll
  for (int i = 0; i < TR; i++) xAt[i] = (long long)min(m0 + i, out.rows - 1) * ldx;
  float4 ws[AHEAD][TN], xs[AHEAD][TR];
  const float4 zero = make_float4(0.f, 0.f, 0.f, 0.f);
  auto weights = [&](int a, int k0) {
#pragma unroll
    for (int j = 0; j < TN; j++) ws[a][j] = k0 + 4 * lane < K ? __ldg((const float4*)(w + wAt[j] + k0)) : zero;
  };
  auto rows = [&](int a, int k0) {
#pragma unroll
    for (int i = 0; i < TR; i++) xs[a][i] = row4_masked(x + xAt[i], k0 + 4 * lane, K);
  };
#pragma unroll
  for (int a = 0; a < AHEAD; a++) weights(a, a * CHUNK);
  wait_previous();
#pragma unroll
  for (int a = 0; a < AHEAD; a++) rows(a, a * CHUNK);
  float sums[TR * TN] = {};
  for (int k0 = 0; k0 < K; k0 += AHEAD * CHUNK) {
#pragma unroll
    for (int a = 0; a < AHEAD; a++) {
#pragma unroll
      for (int i = 0; i < TR; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) add(sums[i * TN + j], ws[a][j], xs[a][i]);
      weights(a, k0 + (AHEAD + a) * CHUNK);
      rows(a, k0 + (AHEAD + a) * CHUNK);
    }
  }
  finish<TR, TN>(sums, m0, n0, out);
}

/** Tiles of TILE rows of x by TILE of W. */
__device__ __forceinline__ void tiles(const float* W, const float* x, int ldx, int K, const RouterOutput& out) {
  extern __shared__ __align__(16) float room[];
  dependents();
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, n0 = blockIdx.x * TILE, m0 = blockIdx.y * TILE, chunks = ceil_div(K, CHUNK);
  long long stride = Dense<float>::stride(K);
  constexpr int EACH = TILE / TILE_WARPS;
  const float *w[EACH], *from[EACH];
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    w[i] = W + min(n0 + warp + i * TILE_WARPS, out.N - 1) * stride;
    from[i] = x + (long long)min(m0 + warp + i * TILE_WARPS, out.rows - 1) * ldx;
  }
  auto copy = [&](float* to, const float* row, int k) {
    int bytes = max(0, min(K - k, 4)) * 4;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(bytes ? row + k : row), "r"(bytes) : "memory");
  };
  auto weights = [&](int s) {
    if (s < chunks)
#pragma unroll
      for (int i = 0; i < EACH; i++)
        copy(room + s % STAGES * STAGE_FLOATS + (warp + i * TILE_WARPS) * CHUNK + 4 * lane, w[i], s * CHUNK + 4 * lane);
  };
  auto rows = [&](int s) {
    if (s < chunks)
#pragma unroll
      for (int i = 0; i < EACH; i++)
        copy(room + s % STAGES * STAGE_FLOATS + (TILE + warp + i * TILE_WARPS) * CHUNK + 4 * lane, from[i], s * CHUNK + 4 * lane);
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) weights(s);
  wait_previous();
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) rows(s);
  int mw = warp / (TILE / SIDE) * SIDE, nw = warp % (TILE / SIDE) * SIDE;
  float sums[SIDE * SIDE] = {};
  for (int s = 0; s < chunks; s++) {
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
    __syncthreads();
    weights(s + STAGES - 1);
    rows(s + STAGES - 1);
    const float4* at = (const float4*)(room + s % STAGES * STAGE_FLOATS) + lane;
    float4 ws[SIDE];
#pragma unroll
    for (int j = 0; j < SIDE; j++) ws[j] = at[(nw + j) * (CHUNK / 4)];
#pragma unroll
    for (int i = 0; i < SIDE; i++) {
      float4 v = at[(TILE + mw + i) * (CHUNK / 4)];
#pragma unroll
      for (int j = 0; j < SIDE; j++) add(sums[i * SIDE + j], ws[j], v);
    }
  }
  finish<SIDE, SIDE>(sums, m0 + mw, n0 + nw, out);
}

#define PARAMETERS                                                                                                                     \
  const float *W, const float *x, int ldx, const float *bias, const float *residual, int ldr, float *y, int ldy, int N, int K, int rows
#define PASS W, x, ldx, K, RouterOutput{bias, residual, ldr, y, ldy, N, rows}
#define FEW(NAME, TR, TN, AHEAD)                                                                     \
  extern "C" __global__ void __launch_bounds__(32 * FEW_WARPS) router_f32_##NAME(PARAMETERS) {       \
    few<TR, TN, AHEAD>(PASS);                                                                        \
  }
/** A row each: up to how many rows Java takes it; rows and outputs of a block; chunks on their way. */
#define KINDS(M) M(8, 1, 1, 8) M(16, 4, 1, 4) M(32, 4, 2, 4) M(128, 4, 4, 4) M(256, 4, 4, 2)
#define KERNEL(MOST, TR, TN, AHEAD) FEW(r##MOST, TR, TN, AHEAD)
#define NUMBERS(MOST, TR, TN, AHEAD) , MOST, TR, TN
KINDS(KERNEL)
EXPORT_SHAPE(router_f32, 32 * FEW_WARPS KINDS(NUMBERS))
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 1) router_f32_tiles(PARAMETERS) { tiles(PASS); }
// Threads; rows and outputs of a block; bytes of shared memory.
EXPORT_SHAPE(router_f32_tiles, TILE_THREADS, TILE, TILE_BYTES)

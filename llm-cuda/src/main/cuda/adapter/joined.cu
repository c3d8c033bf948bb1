// architectures: 90a 100 120
// Decode steps of rows whose adapters have matrices of low rank and summands, no more: what stands between two products, a norm or a gated
// activation, at once with what adapters add to the first of them and the products by the first matrices of the second; and each by itself.
#include "adapter/joined.cuh"

static constexpr int CHUNK = 512; // columns of a block; twice as many of wide rows that are normed

#define TABLE const int *tiles, const Change *changes, int all
#define SECOND const Site *sites, int count, float *thin, int ldt

template <int COLUMNS, int FIRST>
__device__ __forceinline__ void normed(TABLE, const Site* from, const float* gave, int ldg, int chunks, int fromCount, float* x, int ldx,
                                       const float* w, float eps, float* y, int ldy, signed char* q, Scale* scales, int width, SECOND) {
  typedef Room<COLUMNS, 1> R;
  constexpr int OUT = R::OUT;
  __shared__ R s;
  dependents();
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory"); // all blocks of the row have begun
  int row = blockIdx.y, part = blockIdx.x, parts = gridDim.x, t = threadIdx.x, column = part * COLUMNS;
  find(s, tiles, changes, all, from, fromCount, sites, count, row, width);
  Up<R> up;
  Down<R, FIRST> down;
  up.load(s, 0, 0, column, width);
  down.load(s, column, width);
  float weight[OUT], v[OUT];
#pragma unroll
  for (int o = 0; o < OUT; o++) {
    int n = column + t + o * ADAPTER_THREADS;
    weight[o] = n < width ? w[n] : 0.f;
  }
  wait_previous();
  x += (long long)row * ldx + column + t;
#pragma unroll
  for (int o = 0; o < OUT; o++) v[o] = column + t + o * ADAPTER_THREADS < width ? row1(x + o * ADAPTER_THREADS) : 0.f;
  if (s.from[0].up) gather(s, 1, gave, ldg, chunks);
  up.add(s, 0, column, width, v);
  float squares = 0.f;
#pragma unroll
  for (int o = 0; o < OUT; o++) {
    if (fromCount && column + t + o * ADAPTER_THREADS < width) x[o * ADAPTER_THREADS] = v[o];
    squares += v[o] * v[o];
  }
  squares = block_sum(squares, s.sums);
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
  if (t < parts) { // each block tells all of its row, itself too
    unsigned there;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"((unsigned)__cvta_generic_to_shared(&s.parts[part])), "r"(t));
    asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(squares) : "memory");
  }
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
  squares = 0.f;
#pragma unroll 1
  for (int i = 0; i < parts; i++) squares += s.parts[i];
  float factor = 1.f / sqrtf(squares / width + eps);
#pragma unroll
  for (int o = 0; o < OUT; o++) *s.place(t + o * ADAPTER_THREADS) = v[o] * factor * weight[o];
  write(s, row, column, y, ldy, q, scales, width);
  if (s.slot >= 0) down.multiply(s, column, width, thin + (long long)s.row * ldt * parts + part, parts);
}

#define NORMED(NAME, COLUMNS, FIRST)                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) NAME(TABLE, const Site* from, const float* gave, int ldg, int chunks,               \
                                                                     int fromCount, float* x, int ldx, const float* w, float eps, float* y,         \
                                                                     int ldy, signed char* q, Scale* scales, int width, SECOND) {                   \
    normed<COLUMNS, FIRST>(tiles, changes, all, from, gave, ldg, chunks, fromCount, x, ldx, w, eps, y, ldy, q, scales, width, sites, count, thin,   \
                           ldt);                                                                                                                     \
  }
NORMED(adapter_normed, CHUNK, 3)
NORMED(adapter_normed_wide, 2 * CHUNK, 1)

extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_gated(TABLE, const Site* from, const float* gave, int ldg, int chunks,
                                                                            const float* x, int ldx, int act, float* y, int ldy, signed char* q,
                                                                            Scale* scales, int width, SECOND) {
  typedef Room<CHUNK, 2> R;
  constexpr int OUT = R::OUT;
  __shared__ R s;
  dependents();
  int row = blockIdx.y, part = blockIdx.x, parts = gridDim.x, t = threadIdx.x, column = part * CHUNK;
  find(s, tiles, changes, all, from, 2, sites, count, row, width);
  Up<R> ups[2];
  Down<R, 1> down;
  ups[0].load(s, 0, 0, column, width);
  ups[1].load(s, 1, 0, column, width);
  down.load(s, column, width);
  wait_previous();
  float gate[OUT], up[OUT];
  x += (long long)row * ldx + column + t;
#pragma unroll
  for (int o = 0; o < OUT; o++) {
    bool there = column + t + o * ADAPTER_THREADS < width;
    gate[o] = there ? row1(x + o * ADAPTER_THREADS) : 0.f;
    up[o] = there ? row1(x + width + o * ADAPTER_THREADS) : 0.f;
  }
  if (s.slot >= 0) gather(s, 2, gave, ldg, chunks);
  ups[0].add(s, 0, column, width, gate);
  ups[1].add(s, 1, column, width, up);
#pragma unroll
  for (int o = 0; o < OUT; o++)
    *s.place(t + o * ADAPTER_THREADS) = column + t + o * ADAPTER_THREADS < width ? gated_any(gate[o], up[o], act) : 0.f;
  write(s, row, column, y, ldy, q, scales, width);
  if (s.slot >= 0) down.multiply(s, column, width, thin + (long long)s.row * ldt * parts + part, parts);
}

extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_expand_few(TABLE, const Site* sites, const float* gave, int ldg, int chunks,
                                                                                 float* y, int ldy) {
  typedef Room<CHUNK, 1> R;
  constexpr int OUT = R::OUT;
  __shared__ R s;
  dependents();
  int row = blockIdx.y, t = threadIdx.x, part = blockIdx.x;
#pragma unroll 1
  for (int n; part >= (n = ceil_div(sites->outputs, CHUNK)); part -= n) sites++;
  int width = sites->outputs, column = part * CHUNK, start = sites->column;
  find(s, tiles, changes, all, sites, 1, sites, 0, row, width);
  if (!s.from[0].up && !s.from[0].shift) {
    if (blockIdx.x == 0 && blockIdx.y == 0) wait_previous(); // the kernel ends after the one before
    return;
  }
  Up<R> up;
  up.load(s, 0, 0, column, width);
  wait_previous();
  float v[OUT];
  y += (long long)row * ldy + start + column + t;
#pragma unroll
  for (int o = 0; o < OUT; o++) v[o] = column + t + o * ADAPTER_THREADS < width ? row1(y + o * ADAPTER_THREADS) : 0.f;
  if (s.from[0].up) gather(s, 1, gave, ldg, chunks);
  up.add(s, 0, column, width, v);
#pragma unroll
  for (int o = 0; o < OUT; o++)
    if (column + t + o * ADAPTER_THREADS < width) y[o * ADAPTER_THREADS] = v[o];
}

extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS) adapter_shrink_few(TABLE, const float* x, int ldx, int width, SECOND) {
  typedef Room<CHUNK, 1> R;
  __shared__ R s;
  dependents();
  int row = blockIdx.y, part = blockIdx.x, parts = gridDim.x, t = threadIdx.x, column = part * CHUNK;
  find(s, tiles, changes, all, nullptr, 0, sites, count, row, width);
  if (!s.total) {
    if (blockIdx.x == 0 && blockIdx.y == 0) wait_previous(); // the kernel ends after the one before
    return;
  }
  Down<R, 1> down;
  down.load(s, column, width);
  wait_previous();
  if (t < CHUNK / 4) *(float4*)s.place(4 * t) = row4_masked(x + (long long)row * ldx, column + 4 * t, width);
  __syncthreads();
  down.multiply(s, column, width, thin + (long long)s.row * ldt * parts + part, parts);
}

EXPORT_SHAPE(adapter_joined, ADAPTER_THREADS, MOST_RANK, MOST_SITES, MOST_PARTS, CHUNK)

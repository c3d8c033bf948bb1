// Products of low rank that adapters add: rows by the first matrix, in chunks of columns, then what comes of it by the second.
#include "adapter/adapter.cuh"

static constexpr int SHRINK_BLOCKS = 2, EXPAND_BLOCKS = 3; // so many run at once on a multiprocessor
/** How a row of x lies in shared memory: the first and the second four of each eight numbers apart, so that lanes of 16 bytes do not collide. */
static constexpr int HALF = ADAPTER_CHUNK / 2 + 16;

/** A chunk of columns of a row of the first matrix by the same of a row of x, a warp at a time. */
template <class T> struct Down {
  static constexpr int N = Lane<T>::N, LOADS = ADAPTER_CHUNK / (32 * N), RANKS = N / 4;
  uint4 v[RANKS][LOADS];

  /** Loads this warp's rows from k on. */
  __device__ __forceinline__ void load(const Change& c, int K, int column, int k, int lane) {
#pragma unroll
    for (int j = 0; j < RANKS; j++) {
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
        int at = column + (32 * i + lane) * N;
        v[j][i] = k + j < c.rank && at < K ? stream16(c.down + (k + j) * pitch<T>(K) + (long long)at * sizeof(T)) : make_uint4(0, 0, 0, 0);
      }
    }
  }

  /** Their products with the rows of a tile; from a row to the next of `to` are `row` floats, from a number to the next `chunks`. */
  __device__ __forceinline__ void multiply(const Change& c, const float (*x)[2 * HALF], int rows, int k, int lane, float* to, long long row,
                                           int chunks) {
    for (int r = 0; r < rows; r++) {
      float sum[RANKS] = {};
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
#pragma unroll
        for (int part = 0; part < N / 4; part++) {
          int four = (32 * i + lane) * (N / 4) + part;
          float4 b = *(const float4*)&x[r][(four & 1) * HALF + (four >> 1) * 4];
#pragma unroll
          for (int j = 0; j < RANKS; j++) {
            float a[N];
            Lane<T>::floats(v[j][i], a);
            sum[j] += a[4 * part] * b.x + a[4 * part + 1] * b.y + a[4 * part + 2] * b.z + a[4 * part + 3] * b.w;
          }
        }
      }
#pragma unroll
      for (int j = 0; j < RANKS; j++) {
        float s = warp_sum(sum[j]);
        if (lane == 0 && k + j < c.rank) to[r * row + (long long)(k + j) * chunks] = s;
      }
    }
  }
};

template <class T>
static __device__ __forceinline__ void shrink(const Change& c, const Tile& t, int chunk, int chunks, const float* x, int ldx, int K, float* to,
                                              int ldt, bool& waited, float (*shared)[2 * HALF]) {
  int lane = threadIdx.x & 31, column = chunk * ADAPTER_CHUNK;
  int k = (threadIdx.x >> 5) * Down<T>::RANKS;
  Down<T> down;
  down.load(c, K, column, k, lane);
  if (!waited) wait_previous();
  waited = true;
  __syncthreads(); // the item before has read its rows
  for (int i = threadIdx.x; i < t.rows * (ADAPTER_CHUNK / 4); i += ADAPTER_THREADS) {
    int r = i / (ADAPTER_CHUNK / 4), four = i % (ADAPTER_CHUNK / 4);
    *(float4*)&shared[r][(four & 1) * HALF + (four >> 1) * 4] = row4_masked(x + (long long)t.row(r) * ldx, column + 4 * four, K);
  }
  __syncthreads();
  while (k < c.rank) {
    down.multiply(c, shared, t.rows, k, lane, to + chunk, (long long)ldt * chunks, chunks);
    k += ADAPTER_WARPS * Down<T>::RANKS;
    if (k < c.rank) down.load(c, K, column, k, lane);
  }
}

extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS, SHRINK_BLOCKS) adapter_shrink(const int* tiles, const Change* changes, int all,
                                                                                            const Site* sites, int count, const float* x, int ldx,
                                                                                            int K, float* thin, int ldt) {
  __shared__ __align__(16) float shared[ADAPTER_TILE][2 * HALF];
  dependents();
  int chunks = ceil_div(K, ADAPTER_CHUNK), items = tiles[0] * count * chunks;
  bool waited = false;
  for (int item = blockIdx.x; item < items; item += gridDim.x) {
    Tile t(tiles, item / (count * chunks));
    Site s = sites[item / chunks % count];
    Change c = changes[(long long)t.slot * all + s.number];
    if (!c.down) continue;
    float* to = thin + ((long long)t.start * ldt + s.at) * chunks;
    int chunk = item % chunks;
    if (c.type == 0) shrink<float>(c, t, chunk, chunks, x, ldx, K, to, ldt, waited, shared);
    else if (c.type == 1) shrink<__half>(c, t, chunk, chunks, x, ldx, K, to, ldt, waited, shared);
    else shrink<bf16>(c, t, chunk, chunks, x, ldx, K, to, ldt, waited, shared);
  }
  if (!waited && blockIdx.x == 0) wait_previous(); // the kernel ends after the one before, whoever has nothing to do
}

static constexpr int RANKS = 64;                           // numbers of the first product that are in shared memory at a time
static constexpr int OUTPUTS = 4;                          // a thread
static constexpr int BLOCK_OUTPUTS = OUTPUTS * ADAPTER_THREADS; // a block

/** What the first product gave for some of its numbers, its chunks of columns added up: some lanes share those of a number. */
static __device__ __forceinline__ void gather(float (*shared)[RANKS], const Tile& t, const float* from, int chunks, int ldt, int k0, int rank) {
  constexpr int TOGETHER = 4; // numbers that are on their way at once
  int lanes = chunks <= 4 ? 4 : chunks <= 8 ? 8 : chunks <= 16 ? 16 : 32, lane = threadIdx.x & lanes - 1, step = ADAPTER_THREADS / lanes;
  int ranks = min(rank - k0, RANKS), width = (ranks + 7) & ~7; // lanes of the second matrix are whole
  __syncthreads();
  for (int first = 0; first < t.rows * width; first += TOGETHER * step) { // all lanes of a warp go round together
    float sum[TOGETHER];
#pragma unroll
    for (int u = 0; u < TOGETHER; u++) {
      int i = first + u * step + threadIdx.x / lanes, r = i / width, k = i % width;
      const float* p = from + ((long long)r * ldt + k0 + k) * chunks;
      bool there = r < t.rows && k < ranks;
      sum[u] = there && lane < chunks ? row1(p + lane) : 0.f;
      for (int c = lane + lanes; there && c < chunks; c += lanes) sum[u] += row1(p + c);
    }
#pragma unroll
    for (int u = 0; u < TOGETHER; u++) {
      for (int o = lanes / 2; o; o >>= 1) sum[u] += __shfl_xor_sync(ALL, sum[u], o);
      int i = first + u * step + threadIdx.x / lanes, r = i / width;
      if (lane == 0 && r < t.rows) shared[r][i % width] = sum[u];
    }
  }
  __syncthreads();
}

/** Some outputs of the second matrix, THREADS apart, by the rows of a tile, at most ROWS. */
template <class T, int ROWS, int OUT>
static __device__ __forceinline__ void multiply(const Change& c, const Tile& t, const float* from, int chunks, int ldt, int n, int N, bool gathered,
                                                bool& waited, float (*shared)[RANKS], float (&sum)[OUT][ROWS]) {
  constexpr int V = Lane<T>::N, FIRST = 2;
  int planes = ceil_div(c.rank, V);
  const uchar* up = c.up + (long long)n * 16;
  auto load = [&](int o, int p) {
    return n + o * ADAPTER_THREADS < N && p < planes ? stream16(up + ((long long)p * N + o * ADAPTER_THREADS) * 16) : make_uint4(0, 0, 0, 0);
  };
  uint4 now[OUT][FIRST];
#pragma unroll
  for (int o = 0; o < OUT; o++) {
#pragma unroll
    for (int p = 0; p < FIRST; p++) now[o][p] = load(o, p);
  }
  if (!waited) wait_previous();
  waited = true;
  for (int plane = 0; plane < planes; plane += FIRST) {
    if (plane * V % RANKS == 0 && !(gathered && planes * V <= RANKS)) gather(shared, t, from, chunks, ldt, plane * V, c.rank);
#pragma unroll
    for (int p = 0; p < FIRST; p++) {
      if (plane + p >= planes) break;
#pragma unroll
      for (int o = 0; o < OUT; o++) {
        float b[V];
        Lane<T>::floats(now[o][p], b);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
          if (r < t.rows) {
#pragma unroll
            for (int i = 0; i < V; i += 4) {
              float4 a = *(const float4*)&shared[r][(plane + p) * V % RANKS + i];
              sum[o][r] += a.x * b[i] + a.y * b[i + 1] + a.z * b[i + 2] + a.w * b[i + 3];
            }
          }
        }
      }
    }
    if (plane + FIRST < planes) {
#pragma unroll
      for (int o = 0; o < OUT; o++) {
#pragma unroll
        for (int p = 0; p < FIRST; p++) now[o][p] = load(o, plane + FIRST + p);
      }
    }
  }
}

/** Rows that take others' places: their products are those of the first matrix. */
static __device__ __forceinline__ void replace(const Change& c, const Tile& t, const Site& s, const float* from, int chunks, int ldt, int first,
                                               const float* kept, int ldk, float* y, int ldy) {
  for (int i = threadIdx.x; i < c.rank * t.rows; i += ADAPTER_THREADS) {
    int r = i / c.rank, k = i % c.rank, n = c.replaced[k];
    if (n < first || n >= first + BLOCK_OUTPUTS || n >= s.outputs) continue;
    float sum = 0.f;
    for (int j = 0; j < chunks; j++) sum += row1(from + ((long long)r * ldt + k) * chunks + j);
    long long row = t.row(r);
    y[row * ldy + s.column + n] = sum + (s.bias ? s.bias[n] : 0.f) + (kept ? row1(kept + row * ldk + s.column + n) : 0.f);
  }
}

/** Where residuals are that were kept, and where results are. */
struct Results {
  const float* kept; // or 0
  int ldk;
  float* y;
  int ldy;
};

/** What becomes of a block's outputs of the rows of a tile. */
template <int ROWS>
static __device__ __forceinline__ void expand(const Change& c, const Tile& t, const Site& s, const float* from, int chunks, int ldt, int n,
                                              const Results& to, bool& waited, float (*shared)[RANKS]) {
  constexpr int OUT = ROWS == 1 ? OUTPUTS : 1; // at once
#pragma unroll 1
  for (int first = 0; first < OUTPUTS; first += OUT, n += OUT * ADAPTER_THREADS) {
    float sum[OUT][ROWS] = {};
    if (c.up) {
      if (c.type == 0) multiply<float, ROWS, OUT>(c, t, from, chunks, ldt, n, s.outputs, first > 0, waited, shared, sum);
      else if (c.type == 1) multiply<__half, ROWS, OUT>(c, t, from, chunks, ldt, n, s.outputs, first > 0, waited, shared, sum);
      else multiply<bf16, ROWS, OUT>(c, t, from, chunks, ldt, n, s.outputs, first > 0, waited, shared, sum);
    }
    if (!waited) wait_previous();
    waited = true;
#pragma unroll
    for (int o = 0; o < OUT; o++) {
      int out = n + o * ADAPTER_THREADS;
      if (out >= s.outputs) break;
      float gain = c.gain ? c.gain[out] : 1.f, shift = c.shift ? c.shift[out] : 0.f, bias = c.gain && s.bias ? s.bias[out] : 0.f;
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        if (r < t.rows) {
          long long row = t.row(r);
          float* y = to.y + row * to.ldy + s.column + out;
          float v = fmaf(c.scale, sum[o][r], row1(y));
          if (c.gain) {
            float added = bias + (to.kept ? row1(to.kept + row * to.ldk + s.column + out) : 0.f);
            v = fmaf(gain, v - added, added);
          }
          *y = v + shift;
        }
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(ADAPTER_THREADS, EXPAND_BLOCKS) adapter_expand(const int* tiles, const Change* changes, int all,
                                                                                            const Site* sites, int count, int parts,
                                                                                            const float* thin, int ldt, int chunks,
                                                                                            const float* kept, int ldk, float* y, int ldy) {
  __shared__ __align__(16) float shared[ADAPTER_TILE][RANKS];
  dependents();
  int items = tiles[0] * parts;
  bool waited = false;
  Results to{kept, ldk, y, ldy};
  for (int item = blockIdx.x; item < items; item += gridDim.x) {
    Tile t(tiles, item / parts);
    int part = item % parts, site = 0;
    while (part >= ceil_div(sites[site].outputs, BLOCK_OUTPUTS)) part -= ceil_div(sites[site++].outputs, BLOCK_OUTPUTS);
    Site s = sites[site];
    Change c = changes[(long long)t.slot * all + s.number];
    if (!c.any()) continue;
    int first = part * BLOCK_OUTPUTS;
    const float* from = thin + ((long long)t.start * ldt + s.at) * chunks;
    if (c.replaced) {
      if (!waited) wait_previous();
      waited = true;
      replace(c, t, s, from, chunks, ldt, first, kept, ldk, y, ldy);
      if (!c.shift) continue;
      __syncthreads(); // the summands come upon what stands there now
    }
    if (t.rows == 1) expand<1>(c, t, s, from, chunks, ldt, first + threadIdx.x, to, waited, shared);
    else expand<ADAPTER_TILE>(c, t, s, from, chunks, ldt, first + threadIdx.x, to, waited, shared);
  }
  if (!waited && blockIdx.x == 0) wait_previous(); // the kernel ends after the one before, whoever has nothing to do
}

EXPORT_SHAPE(adapter, ADAPTER_THREADS, ADAPTER_TILE, ADAPTER_CHUNK, ADAPTER_ROWS, BLOCK_OUTPUTS, SHRINK_BLOCKS, EXPAND_BLOCKS)
#define CHANGE_MEMBERS(M, S) M(S, down) M(S, up) M(S, whole) M(S, gain) M(S, shift) M(S, replaced) M(S, rank) M(S, type) M(S, wholeType) M(S, scale)
#define SITE_MEMBERS(M, S) M(S, bias) M(S, number) M(S, column) M(S, outputs) M(S, at)
EXPORT_LAYOUT(change, Change, CHANGE_MEMBERS)
EXPORT_LAYOUT(site, Site, SITE_MEMBERS)

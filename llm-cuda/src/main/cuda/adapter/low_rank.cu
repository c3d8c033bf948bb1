// Products of low rank that adapters add: rows by the first matrix, in pieces of columns, then what comes of it by the second.
#include "adapter/adapter.cuh"

/** How a row of x lies in shared memory: the first and the second four of each eight numbers apart, so that lanes of 16 bytes do not collide. */
static constexpr int HALF = ADAPTER_CHUNK / 2 + 16;
static constexpr int SHRINK_BLOCKS = 4, EXPAND_BLOCKS = 5; // so many run at once on a multiprocessor

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

  /** Their products with the rows of a tile. */
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
        if (lane == 0 && k + j < c.rank) to[r * row + (k + j) * chunks] = s;
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
    const Change& c = changes[(long long)t.slot * all + s.number];
    if (!c.down) continue;
    float* to = thin + ((long long)t.start * ldt + s.at) * chunks;
    int chunk = item % chunks, type = c.type;
    if (type == 0) shrink<float>(c, t, chunk, chunks, x, ldx, K, to, ldt, waited, shared);
    else if (type == 1) shrink<__half>(c, t, chunk, chunks, x, ldx, K, to, ldt, waited, shared);
    else shrink<bf16>(c, t, chunk, chunks, x, ldx, K, to, ldt, waited, shared);
  }
  if (!waited && blockIdx.x == 0) wait_previous(); // the kernel ends after the one before, whoever has nothing to do
}

static constexpr int RANKS = 64; // numbers of the first product that are in shared memory at a time

/** What the first product gave for some of its numbers, its pieces of columns added up: some lanes share those of a number. */
static __device__ __forceinline__ void gather(float (*shared)[RANKS], const Tile& t, const float* from, int chunks, int ldt, int k0, int rank) {
  int lanes = chunks <= 4 ? 4 : chunks <= 8 ? 8 : chunks <= 16 ? 16 : 32, lane = threadIdx.x & lanes - 1;
  int ranks = min(rank - k0, RANKS), width = (ranks + 7) & ~7; // lanes of the second matrix are whole
  __syncthreads();
  for (int i = threadIdx.x / lanes; i - threadIdx.x / lanes < t.rows * width; i += ADAPTER_THREADS / lanes) { // all lanes of a warp go round together
    int r = i / width, k = i % width;
    float sum = 0.f;
    if (r < t.rows && k < ranks) {
      const float* p = from + ((long long)r * ldt + k0 + k) * chunks;
      for (int c = lane; c < chunks; c += lanes) sum += row1(p + c);
    }
    for (int o = lanes / 2; o; o >>= 1) sum += __shfl_xor_sync(ALL, sum, o);
    if (lane == 0 && r < t.rows) shared[r][k] = sum;
  }
  __syncthreads();
}

/** An output of the second matrix by the rows of a tile, at most ROWS. */
template <class T, int ROWS>
static __device__ __forceinline__ void multiply(const Change& c, const Tile& t, const float* from, int chunks, int ldt, int n, int N, bool& waited,
                                                float (*shared)[RANKS], float (&sum)[ROWS]) {
  constexpr int V = Lane<T>::N, FIRST = 2;
  int planes = ceil_div(c.rank, V);
  const uchar* up = c.up + (long long)n * 16;
  auto load = [&](int p) { return n < N && p < planes ? stream16(up + (long long)p * N * 16) : make_uint4(0, 0, 0, 0); };
  uint4 next[FIRST];
#pragma unroll
  for (int p = 0; p < FIRST; p++) next[p] = load(p);
  if (!waited) wait_previous();
  waited = true;
  for (int plane = 0; plane < planes; plane += FIRST) {
    if (plane * V % RANKS == 0) gather(shared, t, from, chunks, ldt, plane * V, c.rank);
#pragma unroll
    for (int p = 0; p < FIRST; p++) {
      if (plane + p >= planes) break;
      float b[V];
      Lane<T>::floats(next[p], b);
      next[p] = load(plane + p + FIRST);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        if (r < t.rows) {
#pragma unroll
          for (int i = 0; i < V; i += 4) {
            float4 a = *(const float4*)&shared[r][(plane + p) * V % RANKS + i];
            sum[r] += a.x * b[i] + a.y * b[i + 1] + a.z * b[i + 2] + a.w * b[i + 3];
          }
        }
      }
    }
  }
}

/** Rows that take others' places: their products are those of the first matrix. */
static __device__ __forceinline__ void replace(const Change& c, const Tile& t, const Site& s, const float* from, int chunks, int ldt, int first,
                                               const float* kept, int ldk, float* y, int ldy) {
  for (int i = threadIdx.x; i < c.rank * t.rows; i += ADAPTER_THREADS) {
    int r = i / c.rank, k = i % c.rank, n = c.replaced[k];
    if (n < first || n >= first + ADAPTER_THREADS || n >= s.outputs) continue;
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

/** What becomes of an output of the rows of a tile. */
template <int ROWS>
static __device__ __forceinline__ void expand(const Change& c, const Tile& t, const Site& s, const float* from, int chunks, int ldt, int n,
                                              const Results& to, bool& waited, float (*shared)[RANKS]) {
  float sum[ROWS] = {};
  if (c.up) {
    int type = c.type;
    if (type == 0) multiply<float>(c, t, from, chunks, ldt, n, s.outputs, waited, shared, sum);
    else if (type == 1) multiply<__half>(c, t, from, chunks, ldt, n, s.outputs, waited, shared, sum);
    else multiply<bf16>(c, t, from, chunks, ldt, n, s.outputs, waited, shared, sum);
  }
  if (!waited) wait_previous();
  waited = true;
  if (n >= s.outputs) return;
  float shift = c.shift ? c.shift[n] : 0.f, scale = c.scale;
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    if (r < t.rows) {
      long long row = t.row(r);
      float* y = to.y + row * to.ldy + s.column + n;
      float v = fmaf(scale, sum[r], row1(y));
      if (c.gain) {
        float added = (s.bias ? s.bias[n] : 0.f) + (to.kept ? row1(to.kept + row * to.ldk + s.column + n) : 0.f);
        v = fmaf(c.gain[n], v - added, added);
      }
      *y = v + shift;
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
    while (part >= ceil_div(sites[site].outputs, ADAPTER_THREADS)) part -= ceil_div(sites[site++].outputs, ADAPTER_THREADS);
    Site s = sites[site];
    const Change& c = changes[(long long)t.slot * all + s.number];
    if (!c.any()) continue;
    int n = part * ADAPTER_THREADS + threadIdx.x;
    const float* from = thin + ((long long)t.start * ldt + s.at) * chunks;
    if (c.replaced) {
      if (!waited) wait_previous();
      waited = true;
      replace(c, t, s, from, chunks, ldt, part * ADAPTER_THREADS, kept, ldk, y, ldy);
      if (!c.shift) continue;
      __syncthreads(); // the summands come upon what stands there now
    }
    if (t.rows == 1) expand<1>(c, t, s, from, chunks, ldt, n, to, waited, shared);
    else expand<ADAPTER_TILE>(c, t, s, from, chunks, ldt, n, to, waited, shared);
  }
  if (!waited && blockIdx.x == 0) wait_previous(); // the kernel ends after the one before, whoever has nothing to do
}

EXPORT_SHAPE(adapter, ADAPTER_THREADS, ADAPTER_TILE, ADAPTER_CHUNK, ADAPTER_ROWS, SHRINK_BLOCKS, EXPAND_BLOCKS)
#define CHANGE_MEMBERS(M, S) M(S, down) M(S, up) M(S, whole) M(S, gain) M(S, shift) M(S, replaced) M(S, rank) M(S, type) M(S, wholeType) M(S, scale)
#define SITE_MEMBERS(M, S) M(S, bias) M(S, number) M(S, column) M(S, outputs) M(S, at)
EXPORT_LAYOUT(change, Change, CHANGE_MEMBERS)
EXPORT_LAYOUT(site, Site, SITE_MEMBERS)

// What kernels of joined.cu share. A block has some columns of a row, whose adapter it finds by itself: its part of the adapter's matrices is read
// before the kernel waits for those before it. All of it is run once and waited for, instructions too: there are few, and registers and shared memory
// leave room for blocks of other kernels.
#pragma once
#include "adapter/adapter.cuh"

static constexpr int MOST_RANK = 64, MOST_SITES = 4; // of an adapter; matrices of a product by whose first matrices a row is multiplied
static constexpr int MOST_PARTS = 8;                 // blocks of a row that is normed: a cluster
static constexpr int PLANES = 2;                     // of a second matrix that are read at a time
static constexpr int LANES = 16;                     // threads that multiply by a row of a first matrix

/** A matrix of a product, and what the row's adapter changes of it. */
struct Part {
  const uchar *down, *up;
  const float* shift;
  int rank, type, at;
  float scale;
};

/** A row of a first matrix, and where what comes of it goes. */
struct Number {
  const uchar* row;
  int at, type;
};

/** What a block has in shared memory. */
template <int CHUNK_, int SITES_> struct Room {
  static constexpr int CHUNK = CHUNK_, SITES = SITES_, OUT = CHUNK / ADAPTER_THREADS, HALF = CHUNK / 2 + 16;
  __align__(16) float columns[2 * HALF], thin[SITES][MOST_RANK];
  Number numbers[MOST_SITES * MOST_RANK];
  Part from[SITES], to[MOST_SITES];
  float sums[ADAPTER_WARPS], parts[MOST_PARTS];
  int slot, row;   // of the row's adapter, or -1; which the row is among those that have one
  int total, type; // rows of all first matrices, and their type if it is one of 16 bits for all, else 0

  /** Where a column stands: the first and the second four of each eight apart, so that lanes of 16 bytes do not collide. */
  __device__ __forceinline__ float* place(int column) { return columns + (column >> 2 & 1) * HALF + (column >> 3) * 4 + (column & 3); }
};

/** Finds what the row's adapter changes of a product that gave what stands in the row, and of one that the row goes to. */
template <class R>
__device__ __forceinline__ void find(R& s, const int* tiles, const Change* changes, int all, const Site* from, int fromCount, const Site* to,
                                     int count, int row, int width) {
  int t = threadIdx.x, second = t - R::SITES;
  bool given = t < fromCount || second >= 0 && second < count;
  Site site = {};
  if (given) site = second < 0 ? from[t] : to[second];
  if (t == 0) s.slot = -1;
  __syncthreads();
  for (int i = t, n = tiles[0]; i < n; i += ADAPTER_THREADS) {
    Tile tile(tiles, i);
#pragma unroll 1
    for (int j = 0; j < tile.rows; j++)
      if (tile.row(j) == row) s.slot = tile.slot, s.row = tile.start + j;
  }
  __syncthreads();
  if (t < R::SITES + MOST_SITES) {
    Part p = {};
    if (given && s.slot >= 0) {
      const Change& c = changes[(long long)s.slot * all + site.number];
      p = Part{c.down, c.up, c.shift, c.down ? c.rank : 0, c.type, site.at, c.scale};
    }
    *(second < 0 ? s.from + t : s.to + second) = p;
  }
  __syncthreads();
  int n = 0, type = -1;
#pragma unroll 1
  for (int i = 0; i < count; i++) {
    const Part& p = s.to[i];
    int k = t - n;
    if (k >= 0 && k < p.rank) s.numbers[t] = Number{p.down + k * (p.type == 0 ? pitch<float>(width) : pitch<__half>(width)), p.at + k, p.type};
    if (p.rank) type = type < 0 || type == p.type ? p.type : 0;
    n += p.rank;
  }
  if (t == 0) s.total = n, s.type = max(type, 0);
  __syncthreads();
}

/** What first matrices gave for the row, chunks of columns added up. */
template <class R> __device__ __forceinline__ void gather(R& s, int count, const float* gave, int ldg, int chunks) {
  int t = threadIdx.x, lanes = chunks <= 8 ? 8 : 16, lane = t & lanes - 1;
#pragma unroll 1
  for (int i = t / lanes; i < count * MOST_RANK; i += ADAPTER_THREADS / lanes) { // all lanes of a warp go round together
    int site = i / MOST_RANK, k = i % MOST_RANK;
    const Part& p = s.from[site];
    if (k - k % 4 >= ceil_div(p.rank, 8 * PLANES) * 8 * PLANES) continue; // numbers up to there are met; what is not there is 0
    float sum = 0.f;
#pragma unroll 2
    for (int c = lane; k < p.rank && c < chunks; c += lanes) sum += row1(gave + ((long long)s.row * ldg + p.at + k) * chunks + c);
    for (int o = lanes / 2; o; o >>= 1) sum += __shfl_xor_sync(ALL, sum, o);
    if (lane == 0) s.thin[site][k] = sum;
  }
  __syncthreads();
}

/** Sixteen bytes of numbers by as many, the first four of which are a. */
template <int TYPE> __device__ __forceinline__ float dot(uint4 v, float4 a, float4 b) {
  float f[8];
  if constexpr (TYPE == 0) Lane<float>::floats(v, f);
  else if constexpr (TYPE == 1) Lane<__half>::floats(v, f);
  else Lane<bf16>::floats(v, f);
  float sum = f[0] * a.x + f[1] * a.y + f[2] * a.z + f[3] * a.w;
  if constexpr (TYPE != 0) sum += f[4] * b.x + f[5] * b.y + f[6] * b.z + f[7] * b.w;
  return sum;
}

/** A thread's outputs of a second matrix, ADAPTER_THREADS apart; the first planes are read early. */
template <class R> struct Up {
  uint4 v[PLANES][R::OUT];

  __device__ __forceinline__ void load(const R& s, int site, int plane, int column, int width) {
    const Part& p = s.from[site];
    int planes = p.up ? ceil_div(p.rank, p.type == 0 ? 4 : 8) : 0;
    const uchar* at = p.up + ((long long)plane * width + column + threadIdx.x) * 16;
#pragma unroll
    for (int k = 0; k < PLANES; k++, at += width * 16ll)
#pragma unroll
      for (int o = 0; o < R::OUT; o++)
        v[k][o] = plane + k < planes && column + threadIdx.x + o * ADAPTER_THREADS < width ? stream16(at + o * ADAPTER_THREADS * 16)
                                                                                           : make_uint4(0, 0, 0, 0);
  }

  /** Adds what the matrix and the summands give. */
  __device__ __forceinline__ void add(const R& s, int site, int column, int width, float (&to)[R::OUT]) {
    const Part& p = s.from[site];
    if (p.up) {
      float sum[R::OUT] = {};
      int lanes = p.type == 0 ? 4 : 8;
#pragma unroll 1
      for (int plane = 0;;) {
        const float* thin = s.thin[site] + plane * lanes;
        if (p.type == 1) multiply<1>(thin, sum);
        else if (p.type == 2) multiply<2>(thin, sum);
        else multiply<0>(thin, sum);
        plane += PLANES;
        if (plane * lanes >= p.rank) break;
        load(s, site, plane, column, width);
      }
#pragma unroll
      for (int o = 0; o < R::OUT; o++) to[o] = fmaf(p.scale, sum[o], to[o]);
    }
    if (p.shift) {
#pragma unroll
      for (int o = 0; o < R::OUT; o++) {
        int n = column + threadIdx.x + o * ADAPTER_THREADS;
        if (n < width) to[o] += p.shift[n];
      }
    }
  }

private:
  template <int TYPE> __device__ __forceinline__ void multiply(const float* thin, float (&sum)[R::OUT]) const {
#pragma unroll
    for (int k = 0; k < PLANES; k++) {
      const float4* a = (const float4*)(thin + k * (TYPE == 0 ? 4 : 8));
      float4 first = a[0], second = TYPE == 0 ? first : a[1];
#pragma unroll
      for (int o = 0; o < R::OUT; o++) sum[o] += dot<TYPE>(v[k][o], first, second);
    }
  }
};

/** Rows of first matrices by the columns, LANES threads each; FIRST rounds of them are read early if all are of one type of 16 bits. */
template <class R, int FIRST> struct Down {
  static constexpr int PIECES = R::CHUNK / 8 / LANES, GROUPS = ADAPTER_THREADS / LANES;
  uint4 v[FIRST][PIECES];

  __device__ __forceinline__ void load(const R& s, int column, int width) {
#pragma unroll
    for (int j = 0; j < FIRST; j++) {
      int r = threadIdx.x / LANES + j * GROUPS;
      bool there = s.type && r < s.total;
#pragma unroll
      for (int i = 0; i < PIECES; i++) v[j][i] = there ? piece(s.numbers[r], column, i, width) : make_uint4(0, 0, 0, 0);
    }
  }

  /** Each sum goes to its number's place; from number to number are `parts` floats. */
  __device__ __forceinline__ void multiply(R& s, int column, int width, float* to, int parts) const {
    int g = threadIdx.x / LANES;
    if (s.type) {
      float sum[FIRST] = {};
      if (s.type == 1) early<1>(s, sum);
      else early<2>(s, sum);
#pragma unroll
      for (int o = LANES / 2; o; o >>= 1)
#pragma unroll
        for (int j = 0; j < FIRST; j++) sum[j] += __shfl_xor_sync(ALL, sum[j], o);
#pragma unroll
      for (int j = 0; j < FIRST; j++) {
        int r = g + j * GROUPS;
        if (threadIdx.x % LANES == 0 && r < s.total) to[(long long)s.numbers[r].at * parts] = sum[j];
      }
    }
#pragma unroll 1
    for (int r = g + (s.type ? FIRST * GROUPS : 0); r - g % (32 / LANES) < s.total; r += GROUPS) { // all lanes of a warp go round together
      const Number& n = s.numbers[min(r, s.total - 1)];
      float sum = warp_sum<LANES>(late(s, n, column, width));
      if (threadIdx.x % LANES == 0 && r < s.total) to[(long long)n.at * parts] = sum;
    }
  }

private:
  static __device__ __forceinline__ int first(int i) { return 8 * (threadIdx.x % LANES + i * LANES); }
  static __device__ __forceinline__ uint4 piece(const Number& n, int column, int i, int width) {
    return column + first(i) < width ? stream16(n.row + (column + first(i)) * 2ll) : make_uint4(0, 0, 0, 0);
  }
  template <int TYPE> __device__ __forceinline__ void early(R& s, float (&sum)[FIRST]) const {
#pragma unroll
    for (int i = 0; i < PIECES; i++) {
      float4 a = *(const float4*)s.place(first(i)), b = *(const float4*)s.place(first(i) + 4);
#pragma unroll
      for (int j = 0; j < FIRST; j++) sum[j] += dot<TYPE>(v[j][i], a, b);
    }
  }
  static __device__ __forceinline__ float late(R& s, const Number& n, int column, int width) {
    float sum = 0.f;
#pragma unroll 2
    for (int i = 0; i < PIECES; i++) {
      int at = column + first(i);
      float4 a = *(const float4*)s.place(first(i)), b = *(const float4*)s.place(first(i) + 4);
      if (n.type == 0) {
        if (at < width) sum += dot<0>(stream16(n.row + at * 4ll), a, a);
        if (at + 4 < width) sum += dot<0>(stream16(n.row + at * 4ll + 16), b, b);
      } else {
        uint4 w = piece(n, column, i, width);
        sum += n.type == 1 ? dot<1>(w, a, b) : dot<2>(w, a, b);
      }
    }
    return sum;
  }
};

/** Writes the columns as floats, bytes or both. */
template <class R>
__device__ __forceinline__ void write(R& s, int row, int column, float* y, int ldy, signed char* q, Scale* scales, int width) {
  int t = threadIdx.x, n = column + 4 * t;
  __syncthreads();
  if (t >= R::CHUNK / 4 || column + 4 * (t & ~31) >= width) return; // whole warps
  float4 v = *(const float4*)s.place(4 * t);
  if (y && n < width) *(float4*)(y + (long long)row * ldy + n) = v;
  if (q) {
    Scale scale;
    int packed = quantize8x4(v, scale);
    if (n < width) {
      *(int*)(q + (long long)row * width + n) = packed;
      if ((t & 7) == 0) scales[(long long)row * (width / 32) + n / 32] = scale;
    }
  }
}

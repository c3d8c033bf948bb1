// Attention of prompts over pages of 16 bits, or 8, which become 16 on their way, on tensor cores: flash attention by mma.sync, for devices of any
// kind. flash_wgmma.cu does the same on Hopper for pages of 16. Products are of 16 bits with sums in float; weights of values are rounded to 16
// bits, the softmax and all sums are float.
//
// Four warps have 16 or 32 rows each. Keys and values of a tile of positions stand once in shared memory: values come while scores are computed,
// the next keys while values are summed. 16-byte chunks of a row stand at their number xor the row's lower three bits, so that eight rows are read
// at once.
#include "attention/any_pages.cuh"
#include "attention/softmax.cuh"

static constexpr int THREADS = 128, WARPS = THREADS / 32;

/** Where scales of keys and values stand. */
template <class T> struct ScalesAt {
  __device__ __forceinline__ ScalesAt(const Flash&, const Work&) {}
  /** Bytes to those of a position's key. */
  __device__ __forceinline__ long long at(const Flash&, const Work&, int) const { return 0; }
};
template <> struct ScalesAt<q8> {
  Pages<q8> pages;
  __device__ __forceinline__ ScalesAt(const Flash& f, const Work& w)
      : pages(f.kv, f.blockBytes, f.layerAt, f.blockSize, f.kvHeads, w.head0 / (f.heads / f.kvHeads), f.headDim) {}
  __device__ __forceinline__ long long at(const Flash& f, const Work& w, int position) const {
    if (position < w.first || position > w.last) return 0;
    int block = position / f.blockSize;
    return __ldg(w.blocks + block) * f.blockBytes + (long long)(position - block * f.blockSize) * pages.scales * 2;
  }
};

/** As widen_part, of bytes with scales; lane l knows where those of row l are. */
template <int D, int PART, class Place>
__device__ __forceinline__ void scale_part(const Flash& f, unsigned to, const uchar* from, long long at, const uchar* scales, long long scalesAt,
                                           Place place) {
  constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS, TURNS = PART / AT_ONCE;
  int lane = threadIdx.x & 31, c = lane % CHUNKS;
  uint2 v[TURNS];
  __half scale[TURNS];
#pragma unroll
  for (int i = 0; i < TURNS; i++) {
    int r = i * AT_ONCE + lane / CHUNKS;
    long long row = __shfl_sync(ALL, at, r), own = __shfl_sync(ALL, scalesAt, r);
    bool there = row >= 0 && 8 * c < f.headDim;
    v[i] = there ? __ldcg((const uint2*)(from + row + 8 * c)) : make_uint2(0, 0);
    scale[i] = there ? __ldcg((const __half*)(scales + own) + 8 * c / SHARED) : __ushort_as_half(0);
  }
#pragma unroll
  for (int i = 0; i < TURNS; i++) {
    __half2 by = __half2half2(scale[i]);
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to + place(i * AT_ONCE + lane / CHUNKS, c)),
                 "r"(halves_of_bytes<false>(v[i].x, by)), "r"(halves_of_bytes<true>(v[i].x, by)), "r"(halves_of_bytes<false>(v[i].y, by)),
                 "r"(halves_of_bytes<true>(v[i].y, by)) : "memory");
  }
}

/** D: dimensions of a head, padded with zeros. M: how many times 16 rows a warp has. N: positions of a tile. STORED: what pages hold. */
template <class T, int D, int M, int N, class STORED = T> struct Mma {
  static constexpr int SIZE = 16 * M * WARPS, PITCH = 2 * D, BYTES = (SIZE + 2 * N) * PITCH + SIZE * (int)sizeof(Seen);

  /** Bytes from the start of rows of D to a chunk of 8 dimensions. */
  static __device__ __forceinline__ int chunk(int row, int c) { return row * PITCH + ((c ^ (row & 7)) << 4); }

  /** Starts copying the keys or values of a tile; lane l of a warp knows where row l of its part is, and its scales. */
  static __device__ __forceinline__ void copy(const Flash& f, const Work& w, const ScalesAt<STORED>& scales, bool values, unsigned to, long long at,
                                              long long scalesAt) {
    auto place = [](int row, int c) { return chunk(row, c); };
    unsigned mine = to + (threadIdx.x >> 5) * (N / WARPS) * PITCH;
    const uchar* from = w.keys + (values ? w.valueBytes : 0);
    if constexpr (SCALED<STORED>) {
      const Pages<STORED>& p = scales.pages;
      scale_part<D, N / WARPS>(f, mine, from, at, p.base + (values ? p.valueScalesAt : p.keyScalesAt), scalesAt, place);
    } else if constexpr (sizeof(STORED) == 1) widen_part<D, N / WARPS>(f, mine, from, at, place);
    else copy_part<D, N / WARPS>(f, mine, from, at, place);
  }

  /** Products of a warp's rows with all keys of a tile. */
  static __device__ __forceinline__ void score(float (&s)[M][N / 2], unsigned queries, unsigned keys) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int m = 0; m < M; m++)
#pragma unroll
      for (int i = 0; i < N / 2; i++) s[m][i] = 0.f;
#pragma unroll
    for (int k = 0; k < D / 16; k++) {
      unsigned a[M][4];
#pragma unroll
      for (int m = 0; m < M; m++) read4(a[m], queries + chunk(16 * m + lane % 16, 2 * k + lane / 16));
#pragma unroll
      for (int j = 0; j < N / 16; j++) {
        unsigned b[4];
        read4(b, keys + chunk(16 * j + lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2));
#pragma unroll
        for (int m = 0; m < M; m++) {
          multiply<T>(s[m] + 8 * j, a[m], b[0], b[1]);
          multiply<T>(s[m] + 8 * j + 4, a[m], b[2], b[3]);
        }
      }
    }
  }

  /** Adds the values of a tile times their weights. */
  static __device__ __forceinline__ void sum(float (&o)[M][D / 2], const float (&s)[M][N / 2], unsigned values) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int k = 0; k < N / 16; k++) {
      unsigned a[M][4];
#pragma unroll
      for (int m = 0; m < M; m++) weights16<T, N / 8>(a[m], s[m], k);
#pragma unroll
      for (int j = 0; j < D / 16; j++) {
        unsigned b[4];
        read4_turned(b, values + chunk(16 * k + lane % 16, 2 * j + lane / 16));
#pragma unroll
        for (int m = 0; m < M; m++) {
          multiply<T>(o[m] + 8 * j, a[m], b[0], b[1]);
          multiply<T>(o[m] + 8 * j + 4, a[m], b[2], b[3]);
        }
      }
    }
  }

  static __device__ __forceinline__ void run(const Flash& f) {
    extern __shared__ __align__(128) uchar room[];
    dependents();
    wait_previous();
    Work w(f, SIZE, blockIdx.x);
    if (w.rows == 0) return;
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, row0 = warp * 16 * M, mine = row0 + lane / 4;
    Seen* seen = (Seen*)(room + (SIZE + 2 * N) * PITCH);
    unsigned queries = shared_address(room), keys = queries + SIZE * PITCH, values = keys + N * PITCH;
    int tile = w.first / N * N;
    ScalesAt<STORED> scales(f, w);
    auto own = [&](int base) { return base + warp * (N / WARPS) + lane % (N / WARPS); };
    long long at = w.at(f, own(tile)), scalesAt = scales.at(f, w, own(tile));
    copy(f, w, scales, false, keys, at, scalesAt);
    load_queries<T, D, 16 * M>(f, w, row0, seen, [&](int r, int d) { return room + chunk(r, d / 8) + 2 * (d % 8); });
    __syncwarp(); // a warp reads its own queries only
    float o[M][D / 2];
    Softmax rows[M][2];
#pragma unroll
    for (int m = 0; m < M; m++) {
#pragma unroll
      for (int i = 0; i < D / 2; i++) o[m][i] = 0.f;
#pragma unroll
      for (int h = 0; h < 2; h++) rows[m][h].unit = adjusts(f) ? LOG2E : LOG2E * seen[mine + 16 * m + 8 * h].power;
    }
#pragma unroll 1
    for (; tile <= w.last; tile += N) {
      copies_wait<0>();
      __syncthreads(); // the keys are there, and the values before have been used
      copy(f, w, scales, true, values, at, scalesAt);
      at = w.at(f, own(tile + N)), scalesAt = scales.at(f, w, own(tile + N)); // not seen behind the last tile
      float s[M][N / 2];
      score(s, queries + row0 * PITCH, keys);
      copies_wait<0>();
      __syncthreads();
      if (tile + N <= w.last) copy(f, w, scales, false, keys, at, scalesAt);
#pragma unroll
      for (int m = 0; m < M; m++) {
        float factor[2];
        soften<N / 8>(f, w, seen, mine + 16 * m, tile, s[m], rows[m], factor);
#pragma unroll
        for (int i = 0; i < D / 2; i++) o[m][i] *= factor[i / 2 % 2];
      }
      sum(o, s, values);
    }
#pragma unroll
    for (int m = 0; m < M; m++) write_rows<D / 8>(f, w, mine + 16 * m, o[m], rows[m]);
  }
};

#define KERNEL(KV, T, D, M, N)                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS, D == 256 ? 1 : 2) attn_flash_d##D##_##KV(FLASH_PARAMETERS) {    \
    Mma<T, D, M, N>::run(FLASH_PASSED);                                                                                 \
  }
#define WIDENED(KV, T, D, M, N)                                                                                         \
  extern "C" __global__ void __launch_bounds__(THREADS, D == 256 ? 1 : 2) attn_flash_d##D##_##KV(FLASH_PARAMETERS) {    \
    Flash f = FLASH_PASSED;                                                                                             \
    f.elementBytes = sizeof(T);                                                                                         \
    Mma<__half, D, M, N, T>::run(f);                                                                                    \
  }
#define KERNELS(D, M, N)            \
  KERNEL(f16, __half, D, M, N)      \
  KERNEL(bf16, bf16, D, M, N)       \
  WIDENED(f8_e4m3, fp8, D, M, N)    \
  WIDENED(q8_0, q8, D, M, N)        \
  EXPORT_SHAPE(attn_flash_d##D, THREADS, TILE, Mma<bf16, D, M, N>::SIZE, Mma<bf16, D, M, N>::BYTES)
KERNELS(64, 2, 64)
KERNELS(128, 2, 64)
KERNELS(256, 1, 32)

// f8_64: 64 floats of 8 bits (e4m3) share a float as their scale. Planes: N * K bytes, row by row; scales of four rows side by side. They meet
// activations as floats.
#pragma once
#include "common/eight_bits.cuh"
#include "common/formats/dense.cuh"
#include "common/formats/scales.cuh"

struct F8x64 {
  typedef FloatTile RowTile;
  typedef Side<16, 2> Scales;
  static constexpr int FILE_BYTES = 68, HEADER = 4;
  static __host__ __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * K); }
  static __device__ __forceinline__ float scale(const uchar* W, int N, int K, int row, int k) {
    return __uint_as_float(stream4(W + scales(N, K) + Scales::of(row, K / 32, k / 32)));
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    return half_bits(halves_of_eights(W[(long long)row * K + k])) * scale(W, N, K, row, k);
  }
  /** Four neighbouring values of a row. */
  static __device__ __forceinline__ float4 four(const uchar* W, int N, int K, int row, int k) {
    unsigned w = stream4(W + (long long)row * K + k);
    float2 a = half2_bits(halves_of_eights(w)), b = half2_bits(halves_of_eights(w >> 16));
    float s = scale(W, N, K, row, k);
    return make_float4(a.x * s, a.y * s, b.x * s, b.y * s);
  }

  /** How a lane reads and multiplies it: a chunk is 16 bytes of four neighbouring rows. */
  struct Read {
    static constexpr int E = 16, K_CHUNK = E;
    /** Groups in flight. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Floats<M, E>;
    struct Group {
      uint4 w[4], s;
    };
    const uchar *W, *scales;
    int K;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + F8x64::scales(N, K)), K(K) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((unsigned)row * (unsigned)(K / 16) + c) * 16ull;
#pragma unroll
        for (int r = 0; r < 4; r++) g.w[r] = stream16(p + (unsigned)(r * K));
        g.s = __ldg((const uint4*)(scales + Scales::at(row, K / 32, c / 2))); // four lanes have the same
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.w[r] = make_uint4(0, 0, 0, 0);
        g.s = make_uint4(0, 0, 0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Floats<M, E>& a, float* out) {
      float sum[M] = {}, s = __uint_as_float(word(g.s, r));
#pragma unroll
      for (int i = 0; i < 4; i++) {
        unsigned q = word(g.w[r], i);
        float2 low = half2_bits(halves_of_eights(q)), high = half2_bits(halves_of_eights(q >> 16));
#pragma unroll
        for (int m = 0; m < M; m++) {
          const float* x = a.x[m] + 4 * i;
          sum[m] = fmaf(high.y, x[3], fmaf(high.x, x[2], fmaf(low.y, x[1], fmaf(low.x, x[0], sum[m]))));
        }
      }
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = sum[m] * s;
    }
  };

  /** Sub-block c of a row, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    const uint4* p = (const uint4*)(W + (long long)row * K) + 2 * c;
    uint4 low = __ldg(p), high = __ldg(p + 1);
    b.w[0] = low.x, b.w[1] = low.y, b.w[2] = low.z, b.w[3] = low.w, b.w[4] = high.x, b.w[5] = high.y, b.w[6] = high.z, b.w[7] = high.w;
    b.scale[0] = b.scale[1] = scale(W, N, K, row, 32 * c);
    b.minimum = 0.f;
  }

  /** As formats of blocks are read for tensor cores: by sub-blocks of four rows. */
  struct Blocks {
    typedef FloatTile RowTile;
    struct Read {
      struct Group {
        uint4 a[4], b[4], s;
      };
      const uchar *W, *scales;
      int K;

      __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + F8x64::scales(N, K)), K(K) {}
      __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
        if (valid) {
          const uchar* p = W + ((unsigned)row * (unsigned)(K / 32) + c) * 32ull;
#pragma unroll
          for (int r = 0; r < 4; r++) g.a[r] = stream16(p + (unsigned)(r * K)), g.b[r] = stream16(p + (unsigned)(r * K) + 16);
          g.s = __ldg((const uint4*)(scales + Scales::at(row, K / 32, c)));
        } else {
#pragma unroll
          for (int r = 0; r < 4; r++) g.a[r] = g.b[r] = make_uint4(0, 0, 0, 0);
          g.s = make_uint4(0, 0, 0, 0);
        }
      }
      static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
        t.w[0] = g.a[r].x, t.w[1] = g.a[r].y, t.w[2] = g.a[r].z, t.w[3] = g.a[r].w;
        t.w[4] = g.b[r].x, t.w[5] = g.b[r].y, t.w[6] = g.b[r].z, t.w[7] = g.b[r].w;
        t.scale[0] = __uint_as_float(word(g.s, r));
      }
    };
  };

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int blocks = K / 64, row = row0 + blockIdx.x;
    for (int i = threadIdx.x; i < 4 * blocks; i += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * blocks + i / 4) * FILE_BYTES;
      const uchar* q = from + HEADER + i % 4 * 16;
      ((uint4*)(dst + (long long)row * K))[i] = make_uint4(u32(q), u32(q + 4), u32(q + 8), u32(q + 12));
      if (i % 4 == 0) *(unsigned*)(dst + scales(N, K) + Scales::of(row, K / 32, i / 2)) = u32(from);
    }
  }
};

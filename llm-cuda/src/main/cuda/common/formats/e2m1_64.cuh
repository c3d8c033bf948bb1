// e2m1_64: NVFP4 with the factor of its matrix. Each value is a float of 4 bits, as in mxfp4; 16 share a scale, a float of 8 bits (e4m3, without a
// sign), and all of a row a float. Planes: N * K/32 * 16 bytes of numbers, row by row; then, of four rows side by side: two scales for each 32
// values; the factor of each row.
#pragma once
#include "common/formats/mxfp4.cuh"

struct E2M1x64 {
  typedef Tile<2, 0> RowTile;
  typedef Coded<TwiceFloats> Numbers;
  typedef Side<8> Scales;
  static constexpr int ZERO = TwiceFloats::ZERO, FILE_BYTES = 40, HEADER = 8;
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ const float* factor(const uchar* W, int N, int K, int row) {
    return (const float*)(W + scales(N, K) + Scales::bytes(N, K)) + row;
  }
  /** Two scales in the lower bytes of a word: as halves they are 256 times smaller than they are, and the factor 128 times larger. */
  static __device__ __forceinline__ float2 spread(unsigned s) { return half2_bits(__byte_perm(s, 0, 0x4140) << 7); }
  static __device__ __forceinline__ float2 scale(const uchar* W, int N, int K, int row, int c) {
    float2 s = spread(stream2(W + scales(N, K) + Scales::of(row, K / 32, c)));
    float f = __ldg(factor(W, N, K, row));
    return make_float2(s.x * f, s.y * f);
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    float2 s = scale(W, N, K, row, k / 32);
    return (k & 16 ? s.y : s.x) * Numbers::value(W, (long long)row * (K / 32) + k / 32, k % 32, 0);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M == 2 ? 3 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4], f;
      uint2 s;
    };
    const uchar *W, *scales;
    const float* factors;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), scales(W + E2M1x64::scales(N, K)), factors(factor(W, N, K, 0)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((unsigned)row * (unsigned)nb + c) * 16ull;
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (unsigned)(r * nb) * 16ull);
        g.s = stream8(scales + Scales::at(row, nb, c));
        g.f = __ldg((const uint4*)(factors + row));
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = make_uint4(0, 0, 0, 0);
        g.s = make_uint2(0, 0);
        g.f = make_uint4(0, 0, 0, 0);
      }
    }
    /** What the halves of a row's sub-block are multiplied by. */
    static __device__ __forceinline__ float2 scale(const Group& g, int r) {
      float2 s = spread((r < 2 ? g.s.x : g.s.y) >> 16 * (r & 1));
      float f = __uint_as_float(word(g.f, r));
      return make_float2(s.x * f, s.y * f);
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      int w[8];
      Numbers::spread(g.q[r], 0, w);
      float2 s = scale(g, r);
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t, u, first = (short)a.halves[m];
        dot_halves(w, a, m, t, u);
        out[m] = fmaf((float)(t - ZERO * first), s.x, (float)(u - ZERO * (a.sum[m] - first)) * s.y) * a.d[m];
      }
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      Numbers::centred(g.q[r], 0, t.w);
      float2 s = scale(g, r);
      t.scale[0] = bits22(s.x), t.scale[1] = bits22(s.y);
    }
    /** Rounded to 22 bits: the number at which few_blocks.cuh starts its sums has two, so that their product is exact. */
    static __device__ __forceinline__ float bits22(float v) { return __uint_as_float(__float_as_uint(v) + 2 & ~3u); }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    Numbers::centred(__ldg((const uint4*)W + (long long)row * (K / 32) + c), 0, b.w);
    float2 s = scale(W, N, K, row, c);
    b.scale[0] = s.x, b.scale[1] = s.y;
    b.minimum = 0.f;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      const uchar *from = src + ((long long)blockIdx.x * (nb / 2) + c / 2) * FILE_BYTES, *q = from + HEADER + 16 * (c % 2);
      ((uint4*)dst)[(long long)row * nb + c] = Numbers::pack(make_uint4(u32(q), u32(q + 4), u32(q + 8), u32(q + 12)));
      *(unsigned short*)(dst + scales(N, K) + Scales::of(row, nb, c)) = (unsigned short)(u16(from + 4 + 2 * (c % 2)) & 0x7f7f);
      if (c == 0) *(float*)factor(dst, N, K, row) = __uint_as_float(u32(from)) * 128.f;
    }
  }
};

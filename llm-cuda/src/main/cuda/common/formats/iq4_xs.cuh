// iq4_xs: 32 values share a scale of 6 bits less 32, 256 one of 16; each is one of 16 levels. Planes: N * K/32 * 16 bytes of numbers, row by row;
// then, of four rows side by side: a byte for each 32 values, their scale with a sign (the file has 6 bits of it); d for 256.
#pragma once
#include "common/formats/code_book.cuh"

struct IQ4XS {
  typedef Tile<1, 0> RowTile;
  typedef Coded<Levels> Numbers;
  typedef Side<4> Scales;
  typedef Side<8, 8> Factors;
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + Scales::bytes(N, K); }
  static __device__ __forceinline__ float scale(const uchar* W, int N, int K, int row, int c) {
    return half_bits(stream2(W + d(N, K) + Factors::of(row, K / 32, c))) * (signed char)W[scales(N, K) + Scales::of(row, K / 32, c)];
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    return scale(W, N, K, row, k / 32) * Numbers::value(W, (long long)row * (K / 32) + k / 32, k % 32, 0);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M == 2 ? 3 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4];
      uint2 d;
      unsigned s;
    };
    const uchar *W, *scales, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + IQ4XS::scales(N, K)), d(W + IQ4XS::d(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((long long)row * nb + c) * 16;
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (long long)r * nb * 16);
        g.s = stream4(scales + Scales::at(row, nb, c));
        g.d = __ldg((const uint2*)(d + Factors::at(row, nb, c)));
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = make_uint4(0, 0, 0, 0);
        g.s = 0;
        g.d = make_uint2(0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      int t[M], scale = (signed char)(g.s >> 8 * r);
      float d = half_of(g.d, r);
      Numbers::dot<M>(g.q[r], 0, a, t);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (float)(scale * t[m]) * (d * a.d[m]);
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      Numbers::spread(g.q[r], 0, t.w);
      t.scale[0] = half_of(g.d, r) * (signed char)(g.s >> 8 * r);
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    Numbers::spread(__ldg((const uint4*)W + (long long)row * (K / 32) + c), 0, b.w);
    b.scale[0] = b.scale[1] = scale(W, N, K, row, c);
    b.minimum = 0.f;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      int j = c % 8;
      const uchar *from = src + ((long long)blockIdx.x * (nb / 8) + c / 8) * 136, *q = from + 8 + 16 * j;
      ((uint4*)dst)[(long long)row * nb + c] = Numbers::pack(make_uint4(u32(q), u32(q + 4), u32(q + 8), u32(q + 12)));
      int lower = from[4 + j / 2] >> 4 * (j % 2) & 15, upper = u16(from + 2) >> 2 * j & 3;
      dst[IQ4XS::scales(N, K) + Scales::of(row, nb, c)] = (uchar)((lower | upper << 4) - 32);
      if (j == 0) *(unsigned short*)(dst + IQ4XS::d(N, K) + Factors::of(row, nb, c)) = (unsigned short)u16(from);
    }
  }
};

// What formats of signed bytes share. Planes: N * K/32 * 32 bytes of values, row by row; scales of four rows side by side.
#pragma once
#include "common/formats/scales.cuh"

/**
 * Values 0 to 15 of all sub-blocks of a row stand before their values 16 to 31, so that lanes with neighbouring sub-blocks read neighbouring 16
 * bytes. In the file stand a block's scale and its values.
 */
template <class SCALE> struct SignedBytes {
  typedef Tile<1, 0> RowTile;
  typedef Side<sizeof(typename SCALE::Four), SCALE::PER> Scales;
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * K); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, b = k / 32, e = k % 32;
    return SCALE::of(W + scales(N, K) + Scales::of(row, nb, b)).x * (signed char)W[(long long)row * K + (e >> 4) * (K / 2) + b * 16 + (e & 15)];
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 a[4], b[4];
      typename SCALE::Four s;
    };
    const uchar *W, *scales;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + SignedBytes::scales(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((long long)row * nb * 2 + c) * 16;
#pragma unroll
        for (int r = 0; r < 4; r++) {
          g.a[r] = stream16(p + (long long)r * nb * 32);
          g.b[r] = stream16(p + (long long)r * nb * 32 + nb * 16);
        }
        g.s = SCALE::load(scales + Scales::at(row, nb, c));
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.a[r] = g.b[r] = make_uint4(0, 0, 0, 0);
        g.s = SCALE::none();
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float d = SCALE::of(g.s, r).x;
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t = __dp4a((int)g.a[r].x, a.x[m][0], 0), u = __dp4a((int)g.b[r].x, a.x[m][4], 0);
        t = __dp4a((int)g.a[r].y, a.x[m][1], t), u = __dp4a((int)g.b[r].y, a.x[m][5], u);
        t = __dp4a((int)g.a[r].z, a.x[m][2], t), u = __dp4a((int)g.b[r].z, a.x[m][6], u);
        t = __dp4a((int)g.a[r].w, a.x[m][3], t), u = __dp4a((int)g.b[r].w, a.x[m][7], u);
        out[m] = (float)(t + u) * (d * a.d[m]);
      }
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      t.w[0] = g.a[r].x, t.w[1] = g.a[r].y, t.w[2] = g.a[r].z, t.w[3] = g.a[r].w;
      t.w[4] = g.b[r].x, t.w[5] = g.b[r].y, t.w[6] = g.b[r].z, t.w[7] = g.b[r].w;
      t.scale[0] = SCALE::of(g.s, r).x;
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    int nb = K / 32;
    const uint4* p = (const uint4*)W + (long long)row * nb * 2 + c;
    uint4 low = __ldg(p), high = __ldg(p + nb);
    b.w[0] = low.x, b.w[1] = low.y, b.w[2] = low.z, b.w[3] = low.w, b.w[4] = high.x, b.w[5] = high.y, b.w[6] = high.z, b.w[7] = high.w;
    b.scale[0] = b.scale[1] = SCALE::of(W + SignedBytes::scales(N, K) + Scales::of(row, nb, c)).x;
    b.minimum = 0.f;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    constexpr int PER = SCALE::PER, BYTES = SCALE::FILE_BYTES + 32 * PER;
    int nb = K / 32, row = row0 + blockIdx.x;
    uint4* to = (uint4*)(dst + (long long)row * K);
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar *from = src + ((long long)blockIdx.x * (nb / PER) + b / PER) * BYTES, *q = from + SCALE::FILE_BYTES + 32 * (b % PER);
      to[b] = make_uint4(u32(q), u32(q + 4), u32(q + 8), u32(q + 12));
      to[nb + b] = make_uint4(u32(q + 16), u32(q + 20), u32(q + 24), u32(q + 28));
      if (b % PER == 0) SCALE::pack(from, dst + SignedBytes::scales(N, K) + Scales::of(row, nb, b));
    }
  }
};

// q6_k: 6 bits less 32; 16 values share a scale of 8 bits, 256 one of 16. Planes: N * K/32 * 16 bytes of low nibbles, row by row; N * K/32 * 8 of
// upper bits, two rows side by side, value e in word e / 16, in bits 8 * (e % 4) + 2 * (e / 4 % 4); then, of four rows side by side: two scales for
// each 32 values; d for 256.
#pragma once
#include "common/formats/two_bits.cuh"

struct Q6K {
  typedef Tile<2, 0> RowTile;
  typedef Side<8> Scales;
  typedef Side<8, 8> Factors;
  static __device__ __forceinline__ long long high(int N, int K) { return round256(rows4(N) * K / 2); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + round256(rows4(N) * K / 4); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + Scales::bytes(N, K); }
  static __device__ __forceinline__ int upper_bits(const uchar* high, int row, int nb, int c, int e) {
    unsigned h = ((const unsigned*)(high + place_of_two(row, nb, c)))[e >> 4];
    return h >> (8 * (e & 3) + 2 * (e >> 2 & 3)) & 3;
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, c = k / 32, e = k % 32;
    int q = nibble(W, (long long)row * nb + c, e) | upper_bits(W + high(N, K), row, nb, c, e) << 4;
    float d6 = half_bits(stream2(W + d(N, K) + Factors::of(row, nb, c)));
    return d6 * (signed char)W[scales(N, K) + Scales::of(row, nb, c) + (e >> 4)] * (q - 32);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4], h[2];
      uint2 s, d;
    };
    const uchar *W, *high, *scales, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), high(W + Q6K::high(N, K)), scales(W + Q6K::scales(N, K)), d(W + Q6K::d(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((long long)row * nb + c) * 16;
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (long long)r * nb * 16);
        load_two(g.h, high, row, nb, c);
        g.s = stream8(scales + Scales::at(row, nb, c));
        g.d = __ldg((const uint2*)(d + Factors::at(row, nb, c)));
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = make_uint4(0, 0, 0, 0);
        g.h[0] = g.h[1] = make_uint4(0, 0, 0, 0);
        g.s = g.d = make_uint2(0, 0);
      }
    }
    static __device__ __forceinline__ void spread(const Group& g, int r, int (&w)[8]) {
      constexpr unsigned LOW = 0x0f0f0f0f, TWO = 0x30303030;
      uint4 q = g.q[r];
      uint2 h = two_of(g.h, r);
      w[0] = less32((q.x & LOW) | (h.x << 4 & TWO)), w[1] = less32((q.y & LOW) | (h.x << 2 & TWO));
      w[2] = less32((q.z & LOW) | (h.x & TWO)), w[3] = less32((q.w & LOW) | (h.x >> 2 & TWO));
      w[4] = less32((q.x >> 4 & LOW) | (h.y << 4 & TWO)), w[5] = less32((q.y >> 4 & LOW) | (h.y << 2 & TWO));
      w[6] = less32((q.z >> 4 & LOW) | (h.y & TWO)), w[7] = less32((q.w >> 4 & LOW) | (h.y >> 2 & TWO));
    }
    /** The scales of a row's halves. */
    static __device__ __forceinline__ int2 scale(const Group& g, int r) {
      unsigned s = (r < 2 ? g.s.x : g.s.y) >> 16 * (r & 1);
      return make_int2((signed char)s, (signed char)(s >> 8));
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      spread(g, r, t.w);
      float d = half_of(g.d, r);
      int2 s = scale(g, r);
      t.scale[0] = d * s.x, t.scale[1] = d * s.y;
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      int w[8];
      spread(g, r, w);
      float d = half_of(g.d, r);
      int2 s = scale(g, r);
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t, u;
        dot_halves(w, a, m, t, u);
        out[m] = (float)(s.x * t + s.y * u) * (d * a.d[m]);
      }
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    int nb = K / 32;
    spread_nibbles(__ldg((const uint4*)W + (long long)row * nb + c), b.w);
    uint2 h = __ldg((const uint2*)(W + Q6K::high(N, K) + place_of_two(row, nb, c)));
    unsigned scales = stream2(W + Q6K::scales(N, K) + Scales::of(row, nb, c));
    float d = half_bits(stream2(W + Q6K::d(N, K) + Factors::of(row, nb, c)));
#pragma unroll
    for (int i = 0; i < 8; i++) b.w[i] = less32(b.w[i] | ((i < 4 ? h.x : h.y) >> 2 * (i % 4) & 0x03030303) << 4);
    b.scale[0] = d * (signed char)scales;
    b.scale[1] = d * (signed char)(scales >> 8);
    b.minimum = 0.f;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 210;
      int j = b % 8, quarter = j % 4; // the file has two halves of four sub-blocks
      const uchar* ql = from + 64 * (j / 4) + 32 * (quarter & 1);
      const uchar* qh = from + 128 + 32 * (j / 4);
      unsigned w[4] = {0, 0, 0, 0}, h[2] = {0, 0};
#pragma unroll
      for (int l = 0; l < 16; l++) {
        unsigned low = quarter < 2 ? ql[l] & 15 : ql[l] >> 4, up = quarter < 2 ? ql[l + 16] & 15 : ql[l + 16] >> 4;
        w[l / 4] |= (low | up << 4) << (8 * (l % 4));
        h[0] |= (unsigned)(qh[l] >> 2 * quarter & 3) << (8 * (l % 4) + 2 * (l / 4));
        h[1] |= (unsigned)(qh[l + 16] >> 2 * quarter & 3) << (8 * (l % 4) + 2 * (l / 4));
      }
      ((uint4*)dst)[(long long)row * nb + b] = make_uint4(w[0], w[1], w[2], w[3]);
      *(uint2*)(dst + Q6K::high(N, K) + place_of_two(row, nb, b)) = make_uint2(h[0], h[1]);
      uchar* pair = dst + Q6K::scales(N, K) + Scales::of(row, nb, b);
      pair[0] = from[192 + 2 * j], pair[1] = from[192 + 2 * j + 1];
      if (j == 0) *(unsigned short*)(dst + Q6K::d(N, K) + Factors::of(row, nb, b)) = (unsigned short)u16(from + 208);
    }
  }
};

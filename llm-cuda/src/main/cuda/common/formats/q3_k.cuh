// q3_k: 3 bits less 4; 16 values share a scale of 6 bits less 32, 256 one of 16. The numbers of 32 values are three words, of which each byte has two
// numbers and two bits of a third one. Planes: two of the words, two rows side by side; then, of four rows side by side: the third word; scales; d
// for 256.
#pragma once
#include "common/formats/six_bits.cuh"
#include "common/formats/two_bits.cuh"

struct Q3K {
  typedef Tile<2, 0> RowTile;
  typedef Side<16> Thirds;
  typedef Side<8, 8> Factors;
  static __device__ __forceinline__ long long high(int N, int K) { return round256(rows4(N) * K / 4); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + Thirds::bytes(N, K); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + SixBits::bytes(N, K); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, c = k / 32, e = k % 32;
    int w[8];
    spread_three(__ldg((const uint2*)(W + place_of_two(row, nb, c))), stream4(W + high(N, K) + Thirds::of(row, nb, c)), w);
    int2 scale = SixBits::of(W + scales(N, K), N, K, row, c);
    return half_bits(stream2(W + d(N, K) + Factors::of(row, nb, c))) * ((e < 16 ? scale.x : scale.y) - 32) * (byte_of(w, e) - 4);
  }
  /** As bytes, from which 4 has not been taken: numbers 4 i to 4 i + 3 are word i. */
  static __device__ __forceinline__ void spread_three(uint2 q, unsigned h, int (&w)[8]) {
    constexpr unsigned THREE = 0x07070707, LOW = 0x03030303, UP = 0x04040404;
    w[0] = q.x & THREE, w[1] = q.x >> 3 & THREE, w[2] = q.y & THREE, w[3] = q.y >> 3 & THREE, w[4] = h & THREE, w[5] = h >> 3 & THREE;
    w[6] = (q.x >> 6 & LOW) | (h >> 4 & UP), w[7] = (q.y >> 6 & LOW) | (h >> 5 & UP);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M == 2 ? 4 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[2], h;
      uint2 d;
      SixBits s;
    };
    const uchar *W, *high, *lower, *upper, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), high(W + Q3K::high(N, K)), lower(W + Q3K::scales(N, K)), upper(lower + SixBits::Lower::bytes(N, K)), d(W + Q3K::d(N, K)),
          nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        load_two(g.q, W, row, nb, c);
        g.h = stream16(high + Thirds::at(row, nb, c));
        g.s = SixBits::load(lower, upper, row, nb, c);
        g.d = __ldg((const uint2*)(d + Factors::at(row, nb, c)));
      } else {
        g.q[0] = g.q[1] = g.h = make_uint4(0, 0, 0, 0);
        g.d = make_uint2(0, 0);
        g.s = SixBits::none();
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      int w[8];
      spread_three(two_of(g.q, r), word(g.h, r), w);
      unsigned first = less32(g.s.first()), second = less32(g.s.second()), scales = __byte_perm(first, second, r < 2 ? 0x5140 : 0x7362);
      float d = half_of(g.d, r);
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t, u;
        dot_halves(w, a, m, t, u);
        int fours = times_bytes(a.halves[m], scales, r, 0);
        out[m] = (float)(times_bytes(two_halves(t, u), scales, r, -4 * fours)) * (d * a.d[m]);
      }
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      spread_three(two_of(g.q, r), word(g.h, r), t.w);
#pragma unroll
      for (int i = 0; i < 8; i++) t.w[i] = less_bytes(t.w[i], 0x04040404);
      float d = half_of(g.d, r);
      t.scale[0] = d * (int)((g.s.first() >> 8 * r & 255) - 32), t.scale[1] = d * (int)((g.s.second() >> 8 * r & 255) - 32);
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b, float& second) {
    int nb = K / 32;
    spread_three(__ldg((const uint2*)(W + place_of_two(row, nb, c))), stream4(W + Q3K::high(N, K) + Thirds::of(row, nb, c)), b.w);
    float d16 = half_bits(stream2(W + Q3K::d(N, K) + Factors::of(row, nb, c)));
    int2 scale = SixBits::of(W + Q3K::scales(N, K), N, K, row, c);
    b.scale[0] = d16 * (scale.x - 32);
    b.scale[1] = d16 * (scale.y - 32);
    b.minimum = 4.f * b.scale[0];
    second = 4.f * b.scale[1];
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      const uchar *from = src + ((long long)blockIdx.x * (nb / 8) + c / 8) * 110, *scales = from + 96;
      int j = c % 8;
      unsigned w[8] = {0, 0, 0, 0, 0, 0, 0, 0};
#pragma unroll
      for (int e = 0; e < 32; e++) w[e / 4] |= (unsigned)((from[32 + 32 * (j / 4) + e] >> 2 * (j % 4) & 3) | (from[e] >> j & 1) << 2) << 8 * (e % 4);
      constexpr unsigned LOW = 0x03030303, UP = 0x04040404;
      *(uint2*)(dst + place_of_two(row, nb, c)) = make_uint2(w[0] | w[1] << 3 | (w[6] & LOW) << 6, w[2] | w[3] << 3 | (w[7] & LOW) << 6);
      *(unsigned*)(dst + Q3K::high(N, K) + Thirds::of(row, nb, c)) = w[4] | w[5] << 3 | (w[6] & UP) << 4 | (w[7] & UP) << 5;
      // Scale g: the lower bits are nibble g / 8 of byte g % 8, the upper ones pair g / 4 of byte 8 + g % 4.
      auto low = [&](int g) { return scales[g % 8] >> 4 * (g / 8) & 15; };
      auto up = [&](int g) { return scales[8 + g % 4] >> 2 * (g / 4) & 3; };
      auto six = [&](int g) { return low(g) | up(g) << 4; };
      SixBits::put(dst + Q3K::scales(N, K), N, K, row, c, [&](int b) { return make_uint2(six(2 * (b % 8)), six(2 * (b % 8) + 1)); });
      if (j == 0) *(unsigned short*)(dst + Q3K::d(N, K) + Factors::of(row, nb, c)) = (unsigned short)u16(from + 108);
    }
  }
};

template <> struct TwoMinima<Q3K> {
  static constexpr bool VALUE = true;
};

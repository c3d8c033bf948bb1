// q2_k: 2 bits; 16 values share a scale and a minimum of 4 bits each, 256 those of 16. Planes: N * K/256 * 64 bytes of numbers, two rows side by
// side; two bytes for each 32 values with a scale low and a minimum high; d and dmin for 256; both of four rows side by side.
#pragma once
#include "common/formats/two_bits.cuh"

struct Q2K {
  typedef Tile<2, 2> RowTile;
  typedef Side<8> Scales;
  typedef Side<16, 8> Factors;
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * K / 4); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + Scales::bytes(N, K); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, c = k / 32, e = k % 32, pair = W[scales(N, K) + Scales::of(row, nb, c) + (e >> 4)];
    float2 d2 = half2_bits(stream4(W + d(N, K) + Factors::of(row, nb, c)));
    return d2.x * (pair & 15) * two_bits(W, row, nb, c, e) - d2.y * (pair >> 4);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M == 2 ? 4 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[2], d;
      uint2 s;
    };
    const uchar *W, *scales, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + Q2K::scales(N, K)), d(W + Q2K::d(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        load_two(g.q, W, row, nb, c);
        g.s = stream8(scales + Scales::at(row, nb, c));
        g.d = __ldg((const uint4*)(d + Factors::at(row, nb, c)));
      } else {
        g.q[0] = g.q[1] = g.d = make_uint4(0, 0, 0, 0);
        g.s = make_uint2(0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      uint2 q = two_of(g.q, r);
      float2 d = half2_bits(word(g.d, r));
      unsigned pairs = r < 2 ? g.s.x : g.s.y, scales = pairs & 0x0f0f0f0f, minima = pairs >> 4 & 0x0f0f0f0f;
#pragma unroll
      for (int m = 0; m < M; m++) {
        int fourfold = times_bytes(dot_two(q, a.x[m]), scales, r, 0);
        out[m] = (d.x * .25f * fourfold - d.y * times_bytes(a.halves[m], minima, r, 0)) * a.d[m];
      }
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      spread_two(two_of(g.q, r), t.w);
      float2 d = half2_bits(word(g.d, r));
      unsigned s = (r < 2 ? g.s.x : g.s.y) >> 16 * (r & 1);
      t.scale[0] = d.x * (s & 15), t.minimum[0] = d.y * (s >> 4 & 15), t.scale[1] = d.x * (s >> 8 & 15), t.minimum[1] = d.y * (s >> 12 & 15);
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b, float& second) {
    int nb = K / 32;
    spread_two(__ldg((const uint2*)(W + place_of_two(row, nb, c))), b.w);
    int s = stream2(W + Q2K::scales(N, K) + Scales::of(row, nb, c));
    float2 d2 = half2_bits(stream4(W + Q2K::d(N, K) + Factors::of(row, nb, c)));
    b.scale[0] = d2.x * (s & 15);
    b.scale[1] = d2.x * (s >> 8 & 15);
    b.minimum = d2.y * (s >> 4 & 15);
    second = d2.y * (s >> 12);
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + c / 8) * 84;
      int j = c % 8;
      *(uint2*)(dst + place_of_two(row, nb, c)) = pack_two(from + 16, j);
      *(unsigned short*)(dst + Q2K::scales(N, K) + Scales::of(row, nb, c)) = (unsigned short)u16(from + 2 * j);
      if (j == 0) *(unsigned*)(dst + Q2K::d(N, K) + Factors::of(row, nb, c)) = u32(from + 80);
    }
  }
};

template <> struct TwoMinima<Q2K> {
  static constexpr bool VALUE = true;
};

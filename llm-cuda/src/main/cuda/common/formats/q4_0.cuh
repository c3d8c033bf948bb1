// q4_0: 32 values share a scale, each is 4 bits less 8. Planes, with N rounded up to 4 rows: N * K/32 * 16 bytes of nibbles, row by row; N * K/32 * 2
// of scales as half [N/4][K/32][4], so that four rows are one load of 8 bytes.
#pragma once
#include "common/weights.cuh"

struct Q40 {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, b = k / 32;
    float d = __half2float(((const __half*)(W + scales(N, K)))[scale4(row, nb, b)]);
    return d * (nibble(W, (long long)row * nb + b, k % 32) - 8);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M <= 2 ? 3 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4];
      uint2 s;
    };
    const uchar *W, *scales;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + Q40::scales(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((long long)row * nb + c) * 16;
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (long long)r * nb * 16);
        g.s = stream8(scales + ((long long)(row >> 2) * nb + c) * 8);
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = make_uint4(0, 0, 0, 0);
        g.s = make_uint2(0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float d = half_bits((r < 2 ? g.s.x : g.s.y) >> (16 * (r & 1)));
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (float)dot_nibbles(g.q[r], a, m, -8 * a.sum[m]) * (d * a.d[m]);
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    int nb = K / 32;
    spread(__ldg((const uint4*)W + (long long)row * nb + c), b);
    b.scale[0] = b.scale[1] = scale_of4(W + Q40::scales(N, K), row, nb, c);
    b.minimum = 8.f * b.scale[0];
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    __half* scales = (__half*)(dst + Q40::scales(N, K));
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * nb + b) * 18;
      ((uint4*)dst)[(long long)row * nb + b] = make_uint4(u32(from + 2), u32(from + 6), u32(from + 10), u32(from + 14));
      scales[scale4(row, nb, b)] = __ushort_as_half((unsigned short)u16(from));
    }
  }
};

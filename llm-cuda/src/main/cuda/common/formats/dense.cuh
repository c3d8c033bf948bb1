// f32, f16 and bf16: plain values, row by row, rows filled up with zeros to 16 bytes. They meet activations as floats.
#pragma once
#include "common/weights.cuh"

/** Activations of a chunk of dense rows. */
template <int M, int E> struct Floats {
  float x[M][E];

  __device__ __forceinline__ void load(const float* row, int ldx, int K, int rows, int c, bool valid) {
#pragma unroll
    for (int m = 0; m < M; m++) {
#pragma unroll
      for (int i = 0; i < E; i += 4) {
        float4 v = make_float4(0.f, 0.f, 0.f, 0.f);
        if (valid && m < rows) v = row4(row + (long long)m * ldx + E * c + i);
        x[m][i] = v.x, x[m][i + 1] = v.y, x[m][i + 2] = v.z, x[m][i + 3] = v.w;
      }
    }
    if (valid && E * c + E > K) { // what stands behind the row may be NaN
#pragma unroll
      for (int m = 0; m < M; m++)
#pragma unroll
        for (int i = 0; i < E; i++) x[m][i] = E * c + i < K ? x[m][i] : 0.f;
    }
  }
};

/** Four neighbouring values. */
template <class T> __device__ __forceinline__ float4 dense4(const T* p);
template <> __device__ __forceinline__ float4 dense4<float>(const float* p) { return __ldg((const float4*)p); }
template <> __device__ __forceinline__ float4 dense4<__half>(const __half* p) {
  uint2 v = __ldg((const uint2*)p);
  float2 a = half2_bits(v.x), b = half2_bits(v.y);
  return make_float4(a.x, a.y, b.x, b.y);
}
template <> __device__ __forceinline__ float4 dense4<bf16>(const bf16* p) {
  uint2 v = __ldg((const uint2*)p);
  float2 a = bf16x2_bits(v.x), b = bf16x2_bits(v.y);
  return make_float4(a.x, a.y, b.x, b.y);
}

template <class T> struct Dense {
  /** Elements from row to row: rows start at 16 bytes. */
  static __host__ __device__ __forceinline__ long long stride(int K) { return ((long long)K
      + 16 / sizeof(T) - 1) / (16 / sizeof(T)) * (16 / sizeof(T)); }
  static __device__ __forceinline__ float value(const uchar* W, int, int K, int row, int k) { return to_float(((const T*)W)[row * stride(K) + k]); }

  /** Four neighbouring values of a row, zeros behind it. */
  static __device__ __forceinline__ float4 four(const uchar* W, int, int K, int row, int k) { return dense4<T>((const T*)W + row * stride(K) + k); }

  /** How a lane reads and multiplies it: a chunk is 16 bytes of four neighbouring rows. */
  struct Read {
    static constexpr int E = 16 / sizeof(T), K_CHUNK = E;
    /** Groups in flight. */
    static __host__ __device__ constexpr int depth(int) { return 4; }
    template <int M> using Acts = Floats<M, E>;
    struct Group {
      uint4 w[4];
    };
    const uchar* W;
    long long stride; // bytes from row to row

    __device__ __forceinline__ Read(const uchar* W, int, int K) : W(W), stride(Dense::stride(K) * sizeof(T)) {}
    __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
#pragma unroll
      for (int r = 0; r < 4; r++) g.w[r] = valid ? stream16(W + min(row + r, N - 1) * stride + 16ll * c) : make_uint4(0, 0, 0, 0);
    }
    static __device__ __forceinline__ float2 pair(unsigned bits, __half) { return half2_bits(bits); }
    static __device__ __forceinline__ float2 pair(unsigned bits, bf16) { return bf16x2_bits(bits); }

    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Floats<M, E>& a, float* out) {
      unsigned bits[4] = {g.w[r].x, g.w[r].y, g.w[r].z, g.w[r].w};
      float w[E];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if constexpr (E == 4) {
          w[i] = __uint_as_float(bits[i]);
        } else {
          float2 p = pair(bits[i], T());
          w[2 * i] = p.x, w[2 * i + 1] = p.y;
        }
      }
#pragma unroll
      for (int m = 0; m < M; m++) {
        float sum = 0.f;
#pragma unroll
        for (int i = 0; i < E; i++) sum = fmaf(w[i], a.x[m][i], sum);
        out[m] = sum;
      }
    }
  };

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int, int K, int row0) {
    long long stride = Dense::stride(K);
    const uchar* from = src + (long long)blockIdx.x * K * sizeof(T);
    uchar* to = dst + (row0 + (long long)blockIdx.x) * stride * sizeof(T);
    if (((unsigned long long)from & 15) == 0 && K == stride) {
      int n = K * sizeof(T) / 16;
      for (int i = threadIdx.x; i < n; i += blockDim.x) ((uint4*)to)[i] = ((const uint4*)from)[i];
      return;
    }
    int n = K * sizeof(T) / 2, all = stride * sizeof(T) / 2;
    for (int i = threadIdx.x; i < all; i += blockDim.x) ((unsigned short*)to)[i] = i < n ? u16(from + 2 * i) : 0;
  }
};

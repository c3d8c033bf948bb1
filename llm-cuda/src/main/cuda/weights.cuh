// How a lane reads and multiplies weights: per format the registers of one "chunk" of four neighbouring rows, and of the activations that meet it.
// A chunk is a sub-block of 32 values, or 16 bytes of a dense row. Fields that a lane has no chunk for are 0.
#pragma once
#include "formats.cuh"

/** Activations of a chunk of quantised rows. */
template <int M> struct Steps {
  int x[M][8];
  float d[M];
  int sum[M];

  __device__ __forceinline__ void load(const signed char* q, const Scale* s, int K, int rows, int c, bool valid) {
#pragma unroll
    for (int m = 0; m < M; m++) {
      int4 a = make_int4(0, 0, 0, 0), b = a;
      int2 scale = make_int2(0, 0);
      if (valid && m < rows) {
        const int4* p = (const int4*)(q + (long long)m * K + 32 * c);
        a = __ldcg(p);
        b = __ldcg(p + 1);
        scale = __ldcg((const int2*)(s + (long long)m * (K / 32) + c));
      }
      x[m][0] = a.x, x[m][1] = a.y, x[m][2] = a.z, x[m][3] = a.w, x[m][4] = b.x, x[m][5] = b.y, x[m][6] = b.z, x[m][7] = b.w;
      d[m] = __int_as_float(scale.x);
      sum[m] = scale.y;
    }
  }
};

/** Unsigned bytes by signed ones. */
__device__ __forceinline__ int dot4u(unsigned a, int b, int c) {
  int d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

/** Sum of 32 products; w[0..3] hold values 0 to 15, w[4..7] values 16 to 31 times 16, as the upper nibbles of bytes are. */
template <int M> __device__ __forceinline__ int dot_nibbles(uint4 q, const Steps<M>& a, int m, int start) {
  constexpr unsigned LOW = 0x0f0f0f0f, HIGH = 0xf0f0f0f0;
  int high = 0, low = start;
  low = dot4u(q.x & LOW, a.x[m][0], low), high = dot4u(q.x & HIGH, a.x[m][4], high);
  low = dot4u(q.y & LOW, a.x[m][1], low), high = dot4u(q.y & HIGH, a.x[m][5], high);
  low = dot4u(q.z & LOW, a.x[m][2], low), high = dot4u(q.z & HIGH, a.x[m][6], high);
  low = dot4u(q.w & LOW, a.x[m][3], low), high = dot4u(q.w & HIGH, a.x[m][7], high);
  return low + (high >> 4);
}

struct ReadQ40 {
  static constexpr int K_CHUNK = 32;
  template <int M> using Acts = Steps<M>;
  struct Group {
    uint4 q[4];
    uint2 s;
  };
  const uchar *W, *scales;
  int nb;

  __device__ __forceinline__ ReadQ40(const uchar* W, int N, int K) : W(W), scales(W + Q40::scales(N, K)), nb(K / 32) {}
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
  template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Steps<M>& a, float* out) {
    float d = half_bits((r < 2 ? g.s.x : g.s.y) >> (16 * (r & 1)));
#pragma unroll
    for (int m = 0; m < M; m++) out[m] = (float)dot_nibbles(g.q[r], a, m, -8 * a.sum[m]) * (d * a.d[m]);
  }
};

struct ReadQ80 {
  static constexpr int K_CHUNK = 32;
  template <int M> using Acts = Steps<M>;
  struct Group {
    uint4 a[4], b[4];
    uint2 s;
  };
  const uchar *W, *scales;
  int nb;

  __device__ __forceinline__ ReadQ80(const uchar* W, int N, int K) : W(W), scales(W + Q80::scales(N, K)), nb(K / 32) {}
  __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
    if (valid) {
      const uchar* p = W + ((long long)row * nb * 2 + c) * 16;
#pragma unroll
      for (int r = 0; r < 4; r++) {
        g.a[r] = stream16(p + (long long)r * nb * 32);
        g.b[r] = stream16(p + (long long)r * nb * 32 + nb * 16);
      }
      g.s = stream8(scales + ((long long)(row >> 2) * nb + c) * 8);
    } else {
#pragma unroll
      for (int r = 0; r < 4; r++) g.a[r] = g.b[r] = make_uint4(0, 0, 0, 0);
      g.s = make_uint2(0, 0);
    }
  }
  template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Steps<M>& a, float* out) {
    float d = half_bits((r < 2 ? g.s.x : g.s.y) >> (16 * (r & 1)));
#pragma unroll
    for (int m = 0; m < M; m++) {
      int t = __dp4a((int)g.a[r].x, a.x[m][0], 0), u = __dp4a((int)g.b[r].x, a.x[m][4], 0);
      t = __dp4a((int)g.a[r].y, a.x[m][1], t), u = __dp4a((int)g.b[r].y, a.x[m][5], u);
      t = __dp4a((int)g.a[r].z, a.x[m][2], t), u = __dp4a((int)g.b[r].z, a.x[m][6], u);
      t = __dp4a((int)g.a[r].w, a.x[m][3], t), u = __dp4a((int)g.b[r].w, a.x[m][7], u);
      out[m] = (float)(t + u) * (d * a.d[m]);
    }
  }
};

/** Rows of formats whose planes are not padded: those beyond the last are read as the last. */
__device__ __forceinline__ long long sub_block(int row, int r, int N, int nb, int c) { return (long long)min(row + r, N - 1) * nb + c; }

struct ReadQ4K {
  static constexpr int K_CHUNK = 32;
  template <int M> using Acts = Steps<M>;
  struct Group {
    uint4 q[4], s[4];
    int j;
  };
  const uchar *W, *scales;
  int nb;

  __device__ __forceinline__ ReadQ4K(const uchar* W, int N, int K) : W(W), scales(W + Q4K::scales(N, K)), nb(K / 32) {}
  __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
    g.j = c & 7;
#pragma unroll
    for (int r = 0; r < 4; r++) {
      long long sub = sub_block(row, r, N, nb, c);
      g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
      g.s[r] = valid ? __ldg((const uint4*)(scales + (sub >> 3) * 16)) : make_uint4(0, 0, 0, 0);
    }
  }
  template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Steps<M>& a, float* out) {
    float2 d = half2_bits(g.s[r].x);
    unsigned pair = k_pair(g.s[r], g.j);
    float scale = d.x * (pair & 63), minimum = d.y * (pair >> 6);
#pragma unroll
    for (int m = 0; m < M; m++) out[m] = (scale * dot_nibbles(g.q[r], a, m, 0) - minimum * a.sum[m]) * a.d[m];
  }
};

struct ReadQ5K {
  static constexpr int K_CHUNK = 32;
  template <int M> using Acts = Steps<M>;
  struct Group {
    uint4 q[4], s[4];
    unsigned h[4];
    int j;
  };
  const uchar *W, *high, *scales;
  int nb;

  __device__ __forceinline__ ReadQ5K(const uchar* W, int N, int K) : W(W), high(W + Q5K::high(N, K)), scales(W + Q5K::scales(N, K)), nb(K / 32) {}
  __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
    g.j = c & 7;
#pragma unroll
    for (int r = 0; r < 4; r++) {
      long long sub = sub_block(row, r, N, nb, c);
      g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
      g.h[r] = valid ? stream4(high + sub * 4) : 0;
      g.s[r] = valid ? __ldg((const uint4*)(scales + (sub >> 3) * 16)) : make_uint4(0, 0, 0, 0);
    }
  }
  template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Steps<M>& a, float* out) {
    constexpr unsigned LOW = 0x0f0f0f0f, FIFTH = 0x10101010;
    float2 d = half2_bits(g.s[r].x);
    unsigned pair = k_pair(g.s[r], g.j), h = g.h[r];
    float scale = d.x * (pair & 63), minimum = d.y * (pair >> 6);
    uint4 q = g.q[r];
    unsigned w[8] = {(q.x & LOW) | (h << 4 & FIFTH),      (q.y & LOW) | (h << 3 & FIFTH),      (q.z & LOW) | (h << 2 & FIFTH),
                     (q.w & LOW) | (h << 1 & FIFTH),      (q.x >> 4 & LOW) | (h & FIFTH),      (q.y >> 4 & LOW) | (h >> 1 & FIFTH),
                     (q.z >> 4 & LOW) | (h >> 2 & FIFTH), (q.w >> 4 & LOW) | (h >> 3 & FIFTH)};
#pragma unroll
    for (int m = 0; m < M; m++) {
      int t = 0;
#pragma unroll
      for (int i = 0; i < 8; i++) t = __dp4a((int)w[i], a.x[m][i], t);
      out[m] = (scale * t - minimum * a.sum[m]) * a.d[m];
    }
  }
};

struct ReadQ6K {
  static constexpr int K_CHUNK = 32;
  template <int M> using Acts = Steps<M>;
  struct Group {
    uint4 q[4];
    uint2 h[4];
    unsigned sd[4]; // two scales of 8 bits, then d
  };
  const uchar *W, *high, *scales, *d;
  int nb;

  __device__ __forceinline__ ReadQ6K(const uchar* W, int N, int K)
      : W(W), high(W + Q6K::high(N, K)), scales(W + Q6K::scales(N, K)), d(W + Q6K::d(N, K)), nb(K / 32) {}
  __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
#pragma unroll
    for (int r = 0; r < 4; r++) {
      long long sub = sub_block(row, r, N, nb, c);
      g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
      g.h[r] = valid ? stream8(high + sub * 8) : make_uint2(0, 0);
      g.sd[r] = valid ? stream2(scales + sub * 2) | stream2(d + (sub >> 3) * 2) << 16 : 0;
    }
  }
  /** Four values of six bits less 32, as signed bytes: adding 96 carries nothing from byte to byte. */
  static __device__ __forceinline__ int less32(unsigned q) { return (int)((q | 0x80808080) - 0x20202020 ^ 0x80808080); }

  template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Steps<M>& a, float* out) {
    constexpr unsigned LOW = 0x0f0f0f0f, TWO = 0x30303030;
    uint4 q = g.q[r];
    uint2 h = g.h[r];
    int w[8] = {less32((q.x & LOW) | (h.x << 4 & TWO)),      less32((q.y & LOW) | (h.x << 2 & TWO)), less32((q.z & LOW) | (h.x & TWO)),
                less32((q.w & LOW) | (h.x >> 2 & TWO)),      less32((q.x >> 4 & LOW) | (h.y << 4 & TWO)), less32((q.y >> 4 & LOW) | (h.y << 2 & TWO)),
                less32((q.z >> 4 & LOW) | (h.y & TWO)), less32((q.w >> 4 & LOW) | (h.y >> 2 & TWO))};
    float d = half_bits(g.sd[r] >> 16);
    int scale0 = (signed char)g.sd[r], scale1 = (signed char)(g.sd[r] >> 8);
#pragma unroll
    for (int m = 0; m < M; m++) {
      int t = 0, u = 0;
#pragma unroll
      for (int i = 0; i < 4; i++) t = __dp4a(w[i], a.x[m][i], t), u = __dp4a(w[4 + i], a.x[m][4 + i], u);
      out[m] = (float)(scale0 * t + scale1 * u) * (d * a.d[m]);
    }
  }
};

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

template <class T> struct ReadDense {
  static constexpr int E = 16 / sizeof(T), K_CHUNK = E;
  template <int M> using Acts = Floats<M, E>;
  struct Group {
    uint4 w[4];
  };
  const uchar* W;
  long long stride; // bytes from row to row

  __device__ __forceinline__ ReadDense(const uchar* W, int, int K) : W(W), stride(Dense<T>::stride(K) * sizeof(T)) {}
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

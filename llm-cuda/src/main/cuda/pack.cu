// From the file's layout to the device's, as it is uploaded: see formats.cuh. Source rows may start at any multiple of two bytes.
#include "formats.cuh"

__device__ __forceinline__ unsigned u16(const uchar* p) { return *(const unsigned short*)p; }

template <class T> __device__ void pack_dense(const uchar* src, uchar* dst, int K, int row0) {
  long long stride = Dense<T>::stride(K);
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

#define DENSE(FMT, T)                                                                                                              \
  extern "C" __global__ void __launch_bounds__(128) pack_##FMT(const uchar* src, uchar* dst, int, int K, int row0, int) {         \
    pack_dense<T>(src, dst, K, row0);                                                                                             \
  }
DENSE(f32, float)
DENSE(f16, __half)
DENSE(bf16, bf16)

extern "C" __global__ void __launch_bounds__(256) pack_vector_f32(const uchar* src, float* dst, int n) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) dst[i] = __uint_as_float(u16(src + 4ll * i) | u16(src + 4ll * i + 2) << 16);
}
extern "C" __global__ void __launch_bounds__(256) pack_vector_f16(const uchar* src, float* dst, int n) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) dst[i] = half_bits(u16(src + 2ll * i));
}
extern "C" __global__ void __launch_bounds__(256) pack_vector_bf16(const uchar* src, float* dst, int n) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) dst[i] = __uint_as_float(u16(src + 2ll * i) << 16);
}

__device__ __forceinline__ unsigned u32(const uchar* p) { return u16(p) | u16(p + 2) << 16; }

extern "C" __global__ void __launch_bounds__(128) pack_q4_0(const uchar* src, uchar* dst, int N, int K, int row0, int) {
  int nb = K / 32, row = row0 + blockIdx.x;
  __half* scales = (__half*)(dst + Q40::scales(N, K));
  for (int b = threadIdx.x; b < nb; b += blockDim.x) {
    const uchar* from = src + ((long long)blockIdx.x * nb + b) * 18;
    ((uint4*)dst)[(long long)row * nb + b] = make_uint4(u32(from + 2), u32(from + 6), u32(from + 10), u32(from + 14));
    scales[scale4(row, nb, b)] = __ushort_as_half((unsigned short)u16(from));
  }
}

extern "C" __global__ void __launch_bounds__(128) pack_q8_0(const uchar* src, uchar* dst, int N, int K, int row0, int) {
  int nb = K / 32, row = row0 + blockIdx.x;
  __half* scales = (__half*)(dst + Q80::scales(N, K));
  uint4* to = (uint4*)(dst + (long long)row * K);
  for (int b = threadIdx.x; b < nb; b += blockDim.x) {
    const uchar* from = src + ((long long)blockIdx.x * nb + b) * 34;
    to[b] = make_uint4(u32(from + 2), u32(from + 6), u32(from + 10), u32(from + 14));
    to[nb + b] = make_uint4(u32(from + 18), u32(from + 22), u32(from + 26), u32(from + 30));
    scales[scale4(row, nb, b)] = __ushort_as_half((unsigned short)u16(from));
  }
}

/** d, dmin and the eight pairs of q4_k and q5_k in their new order; `from` is the file's block. */
__device__ uint4 pack_pairs(const uchar* from) {
  const uchar* s = from + 4;
  unsigned w[3] = {0, 0, 0};
#pragma unroll
  for (int j = 0; j < 8; j++) {
    unsigned scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
    unsigned minimum = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
    unsigned pair = scale | minimum << 6;
    int bit = 12 * j, at = bit / 32, shift = bit % 32;
    w[at] |= pair << shift;
    if (shift > 20) w[at + 1] |= pair >> (32 - shift);
  }
  return make_uint4(u16(from) | u16(from + 2) << 16, w[0], w[1], w[2]);
}

/** 16 bytes of nibbles of sub-block j of q4_k or q5_k: values l of the file's 32 bytes are low nibbles for even j, high ones for odd j. */
__device__ uint4 pack_nibbles(const uchar* qs, int j) {
  unsigned w[4] = {0, 0, 0, 0};
  const uchar* p = qs + 32 * (j / 2);
#pragma unroll
  for (int l = 0; l < 16; l++) {
    unsigned low = j & 1 ? p[l] >> 4 : p[l] & 15, high = j & 1 ? p[l + 16] >> 4 : p[l + 16] & 15;
    w[l / 4] |= (low | high << 4) << (8 * (l % 4));
  }
  return make_uint4(w[0], w[1], w[2], w[3]);
}

extern "C" __global__ void __launch_bounds__(128) pack_q4_k(const uchar* src, uchar* dst, int N, int K, int row0, int) {
  int nb = K / 32;
  long long row = row0 + blockIdx.x;
  uint4* scales = (uint4*)(dst + Q4K::scales(N, K));
  for (int b = threadIdx.x; b < nb; b += blockDim.x) {
    const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 144;
    ((uint4*)dst)[row * nb + b] = pack_nibbles(from + 16, b % 8);
    if (b % 8 == 0) scales[(row * nb + b) / 8] = pack_pairs(from);
  }
}

extern "C" __global__ void __launch_bounds__(128) pack_q5_k(const uchar* src, uchar* dst, int N, int K, int row0, int) {
  int nb = K / 32;
  long long row = row0 + blockIdx.x;
  uint4* scales = (uint4*)(dst + Q5K::scales(N, K));
  unsigned* high = (unsigned*)(dst + Q5K::high(N, K));
  for (int b = threadIdx.x; b < nb; b += blockDim.x) {
    const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 176;
    int j = b % 8;
    unsigned h = 0;
#pragma unroll
    for (int e = 0; e < 32; e++) h |= (unsigned)(from[16 + e] >> j & 1) << (8 * (e % 4) + e / 4);
    ((uint4*)dst)[row * nb + b] = pack_nibbles(from + 48, j);
    high[row * nb + b] = h;
    if (j == 0) scales[(row * nb + b) / 8] = pack_pairs(from);
  }
}

extern "C" __global__ void __launch_bounds__(128) pack_q6_k(const uchar* src, uchar* dst, int N, int K, int row0, int) {
  int nb = K / 32;
  long long row = row0 + blockIdx.x;
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
    long long sub = row * nb + b;
    ((uint4*)dst)[sub] = make_uint4(w[0], w[1], w[2], w[3]);
    ((uint2*)(dst + Q6K::high(N, K)))[sub] = make_uint2(h[0], h[1]);
    dst[Q6K::scales(N, K) + 2 * sub] = from[192 + 2 * j];
    dst[Q6K::scales(N, K) + 2 * sub + 1] = from[192 + 2 * j + 1];
    if (j == 0) ((__half*)(dst + Q6K::d(N, K)))[sub / 8] = __ushort_as_half((unsigned short)u16(from + 208));
  }
}

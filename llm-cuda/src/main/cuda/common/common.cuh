// What all kernels share: dependent launches, sums over a warp, rows of activations, quantised rows.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

typedef unsigned char uchar;
typedef __nv_bfloat16 bf16;

/** What goes with 32 quantised activations. */
struct Scale {
  float d;  // what they are multiplied by
  int sum;  // of the 32
};

/** Lets the next kernel of the stream start now, as far as it needs nothing that this one writes. */
__device__ __forceinline__ void dependents() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

/** Waits until all that earlier kernels of the stream wrote can be seen. */
__device__ __forceinline__ void wait_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

static constexpr unsigned ALL = 0xffffffffu;

__host__ __device__ constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
__host__ __device__ constexpr long long round256(long long bytes) { return (bytes + 255) & ~255ll; }

// Sums in butterflies: every lane gets the same bits, since a + b is b + a.
template <int WIDTH = 32> __device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int o = WIDTH / 2; o; o >>= 1) v += __shfl_xor_sync(ALL, v, o);
  return v;
}
template <int WIDTH = 32> __device__ __forceinline__ int warp_sum(int v) {
#pragma unroll
  for (int o = WIDTH / 2; o; o >>= 1) v += __shfl_xor_sync(ALL, v, o);
  return v;
}
template <int WIDTH = 32> __device__ __forceinline__ float warp_max(float v) {
#pragma unroll
  for (int o = WIDTH / 2; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(ALL, v, o));
  return v;
}

// Weights never change while kernels run: they may pass by the coherent path, and need not stay in the first cache.
__device__ __forceinline__ uint4 stream16(const void* p) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
  return v;
}
__device__ __forceinline__ uint2 stream8(const void* p) {
  uint2 v;
  asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
  return v;
}
__device__ __forceinline__ unsigned stream4(const void* p) { return __ldg((const unsigned*)p); }
__device__ __forceinline__ unsigned stream2(const void* p) { return __ldg((const unsigned short*)p); }

// Activations are read past the first cache: under dependent launches it may hold lines from before the previous kernel wrote.
__device__ __forceinline__ float4 row4(const float* p) { return __ldcg((const float4*)p); }
/** Four values of a row from `at` on, 0 beyond its width; rows may be read up to a multiple of 16. */
__device__ __forceinline__ float4 row4_masked(const float* row, int at, int width) {
  if (at >= width) return make_float4(0.f, 0.f, 0.f, 0.f);
  float4 v = row4(row + at);
  if (at + 1 >= width) v.y = 0.f;
  if (at + 2 >= width) v.z = 0.f;
  if (at + 3 >= width) v.w = 0.f;
  return v;
}
/** Four norm weights; their array ends with the width. */
__device__ __forceinline__ float4 weight4(const float* w, int at, int width) {
  if (at + 3 < width) return __ldg((const float4*)(w + at));
  return make_float4(at < width ? w[at] : 0.f, at + 1 < width ? w[at + 1] : 0.f, at + 2 < width ? w[at + 2] : 0.f, 0.f);
}
__device__ __forceinline__ float row1(const float* p) { return __ldcg(p); }

__device__ __forceinline__ float half_bits(unsigned bits) { return __half2float(__ushort_as_half((unsigned short)bits)); }
__device__ __forceinline__ float2 half2_bits(unsigned bits) {
  float2 v;
  asm("{.reg .f16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}" : "=f"(v.x), "=f"(v.y) : "r"(bits));
  return v;
}
__device__ __forceinline__ float2 bf16x2_bits(unsigned bits) {
  return make_float2(__uint_as_float(bits << 16), __uint_as_float(bits & 0xffff0000u));
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
template <class T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ __half from_float<__half>(float x) { return __float2half_rn(x); }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return __float2bfloat16_rn(x); }

/** act(gate) * up; kind 0 is SiLU, 1 GELU by its tanh formula. */
__device__ __forceinline__ float gated_value(float gate, float up, int kind) {
  float act = kind == 0 ? gate / (1.f + expf(-gate))
                        : 0.5f * gate * (1.f + tanhf(0.7978845608028654f * (gate + 0.044715f * gate * gate * gate)));
  return act * up;
}

/** An activation by its number: 0 SiLU, 1 GELU by its tanh formula, 2 GELU, 3 ReLU, 4 its square. */
__device__ __forceinline__ float activated(float x, int kind) {
  switch (kind) {
    case 0: return x / (1.f + expf(-x));
    case 1: return x / (1.f + expf(-1.5957691216057308f * (x + 0.044715f * x * x * x))); // (1 + tanh(u)) / 2 without what cancels
    case 2: return 0.5f * x * erfcf(-0.7071067811865476f * x);
    case 3: return fmaxf(x, 0.f);
    default: return fmaxf(x, 0.f) * fmaxf(x, 0.f);
  }
}
/** act(gate) * up for any kind; 5 is the clamped SwiGLU of gpt-oss. */
__device__ __forceinline__ float gated_any(float gate, float up, int kind) {
  if (kind < 5) return activated(gate, kind) * up;
  float g = fminf(gate, 7.f);
  return g / (1.f + expf(-1.702f * g)) * (fminf(fmaxf(up, -7.f), 7.f) + 1.f);
}

/** One value a lane, 32 lanes a block: to 8 bits. All lanes of the warp take part. */
__device__ __forceinline__ void quantize32(float v, int lane, signed char* q, Scale* s) {
  float m = warp_max(fabsf(v));
  float inverse = m == 0.f ? 0.f : __fdiv_rn(127.f, m);
  int rounded = __float2int_rn(v * inverse);
  int sum = warp_sum(rounded);
  q[lane] = (signed char)rounded;
  if (lane == 0) *s = Scale{__fdiv_rn(m, 127.f), sum};
}

/** Four values a lane, 8 neighbouring lanes a block: to 8 bits, packed, with the block's scale in all 8 lanes. All lanes of the warp take part. */
__device__ __forceinline__ int quantize8x4(float4 v, Scale& s) {
  float m = warp_max<8>(fmaxf(fmaxf(fabsf(v.x), fabsf(v.y)), fmaxf(fabsf(v.z), fabsf(v.w))));
  float inverse = m == 0.f ? 0.f : __fdiv_rn(127.f, m);
  int a = __float2int_rn(v.x * inverse), b = __float2int_rn(v.y * inverse), c = __float2int_rn(v.z * inverse), d = __float2int_rn(v.w * inverse);
  s = Scale{__fdiv_rn(m, 127.f), warp_sum<8>(a + b + c + d)};
  return (a & 255) | (b & 255) << 8 | (c & 255) << 16 | d << 24;
}

/** Sum over the block; every thread gets it. `room` has a float for each warp and is free again after the next barrier. */
__device__ __forceinline__ float block_sum(float v, float* room) {
  v = warp_sum(v);
  int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  if ((threadIdx.x & 31) == 0) room[warp] = v;
  __syncthreads();
  float sum = 0.f;
  for (int i = 0; i < warps; i++) sum += room[i];
  return sum;
}

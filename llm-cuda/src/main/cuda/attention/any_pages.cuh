// Rows of pages for kernels that take pages of every type, bytes that share scales among them.
#pragma once
#include "attention/pages.cuh"

/** Keys and values as signed bytes: SHARED neighbours in a head share a scale, a half; the last ones of a head may be fewer. */
struct q8 {
  signed char value;
};
static constexpr int SHARED = 32;
/** What scales end at, so that 127 of it is a half still. */
static constexpr float MOST_SCALE = 515.5f;
template <class T> static constexpr bool SCALED = false;
template <> constexpr bool SCALED<q8> = true;

/** Four bytes as floats. */
__device__ __forceinline__ void floats_of_bytes(float (&v)[4], unsigned four) {
  unsigned x = four ^ 0x80808080u; // from 0 on, as the lowest bits of 2^23
#pragma unroll
  for (int i = 0; i < 4; i++) v[i] = __uint_as_float(__byte_perm(x, 0x4b000000u, 0x7440 | i)) - 8388736.f;
}
/** Two bytes, those of the lower 16 bits or of the upper, as halves, times two equal ones. */
template <bool UPPER> __device__ __forceinline__ unsigned halves_of_bytes(unsigned four, __half2 scale) {
  unsigned x = __byte_perm(four ^ 0x80808080u, 0x64646464u, UPPER ? 0x4342 : 0x4140); // 1024 and more
  __half2 v = __hmul2(__hsub2(*(__half2*)&x, __half2half2(__ushort_as_half(0x6480))), scale);
  return *(unsigned*)&v;
}

/** A key or a value. */
template <class T> struct Row {
  T* at;
  __device__ __forceinline__ float load(int i) const { return load_one(at + i); }
};
template <> struct Row<q8> {
  q8* at;
  __half* scales;
  __device__ __forceinline__ float load(int i) const {
    return (float)__ldcg((const signed char*)at + i) * load_one((const __half*)scales + i / SHARED);
  }
};

/** Scales stand behind all bytes of the layer, in the same order. */
template <> struct Pages<q8> {
  uchar* base;
  long long blockBytes;
  int blockSize, headDim, scales; // of a row
  long long keyAt, valueAt;       // bytes from the start of a block's layer
  long long keyScalesAt, valueScalesAt;

  __device__ __forceinline__ Pages(const uchar* kv, long long blockBytes, long long layerAt, int blockSize, int kvHeads, int kvHead, int headDim)
      : base((uchar*)kv + layerAt), blockBytes(blockBytes), blockSize(blockSize), headDim(headDim), scales(ceil_div(headDim, SHARED)),
        keyAt((long long)kvHead * blockSize * headDim), valueAt((long long)(kvHeads + kvHead) * blockSize * headDim),
        keyScalesAt(((long long)2 * kvHeads * headDim + (long long)kvHead * scales * 2) * blockSize),
        valueScalesAt(keyScalesAt + (long long)kvHeads * scales * 2 * blockSize) {}
  __device__ __forceinline__ Row<q8> row(int block, int row, long long at, long long scalesAt) const {
    uchar* from = base + block * blockBytes;
    return Row<q8>{(q8*)(from + at + (long long)row * headDim), (__half*)(from + scalesAt) + (long long)row * scales};
  }
};

template <class T> __device__ __forceinline__ Row<T> key_row(const Pages<T>& p, int block, int row) { return Row<T>{p.key(block, row)}; }
template <class T> __device__ __forceinline__ Row<T> value_row(const Pages<T>& p, int block, int row) {
  return Row<T>{p.key(block, row) + (p.valueAt - p.keyAt)};
}
__device__ __forceinline__ Row<q8> key_row(const Pages<q8>& p, int block, int row) { return p.row(block, row, p.keyAt, p.keyScalesAt); }
__device__ __forceinline__ Row<q8> value_row(const Pages<q8>& p, int block, int row) { return p.row(block, row, p.valueAt, p.valueScalesAt); }

/** A warp stores what `value(i)` gives: 32 numbers from `first` on, 32 from `first + step` on, and so on. */
template <class T, class Value> __device__ __forceinline__ void store_row(const Row<T>& to, int headDim, int first, int step, Value value) {
#pragma unroll 4
  for (int i = first + (threadIdx.x & 31); i < headDim; i += step) to.at[i] = from_float<T>(value(i));
}
/** The largest of those that share a scale becomes 127 or -127; where one is no number, none is. */
template <class Value> __device__ __forceinline__ void store_row(const Row<q8>& to, int headDim, int first, int step, Value value) {
  int lane = threadIdx.x & 31;
#pragma unroll 1
  for (int base = first; base < headDim; base += step) {
    int i = base + lane;
    float x = i < headDim ? value(i) : 0.f, most = warp_max(fabsf(x)), scale = fminf(__fdiv_rn(most, 127.f), MOST_SCALE);
    bool numbers = __all_sync(ALL, x == x);
    float inverse = scale == 0.f ? 0.f : __fdiv_rn(1.f, scale);
    if (i < headDim) to.at[i].value = (signed char)__float2int_rn(fminf(fmaxf(x * inverse, -127.f), 127.f));
    if (lane == 0) to.scales[base / SHARED] = numbers ? __float2half_rn(scale) : __ushort_as_half(0x7fff);
  }
}

/** Eight bytes and their scale as they are loaded; `floats` must be multiplied by `factor`. */
template <> struct Chunk<q8, 8> {
  uint2 bits;
  __half scale;
  __device__ __forceinline__ void load(const q8* p, const __half* s) { bits = __ldcg((const uint2*)p), scale = __ldcg(s); }
  __device__ __forceinline__ void share(const q8* p, const __half* s) { bits = *(const uint2*)p, scale = *s; }
  __device__ __forceinline__ void clear() { bits = make_uint2(0, 0), scale = __ushort_as_half(0); }
  __device__ __forceinline__ float factor() const { return to_float(scale); }
  __device__ __forceinline__ void floats(float (&v)[8]) const {
    float low[4], high[4];
    floats_of_bytes(low, bits.x), floats_of_bytes(high, bits.y);
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = low[i], v[4 + i] = high[i];
  }
};
template <> struct Chunk<q8, 1> {
  float value;
  __device__ __forceinline__ void load(const q8* p, const __half* s) { value = (float)__ldcg((const signed char*)p) * load_one(s); }
  __device__ __forceinline__ void share(const q8* p, const __half* s) { value = (float)p->value * to_float(*s); }
  __device__ __forceinline__ void clear() { value = 0.f; }
  __device__ __forceinline__ float factor() const { return 1.f; }
  __device__ __forceinline__ void floats(float (&v)[1]) const { v[0] = value; }
};

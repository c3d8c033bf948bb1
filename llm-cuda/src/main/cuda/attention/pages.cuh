// Pages of keys and values, and the rotation of heads.
#pragma once
#include "common/common.cuh"
#include "common/eight_bits.cuh"

static constexpr int MOST_DIM = 256;
static constexpr int TILE = 128; // queries of one sequence at most, of which kernels make smaller tiles

/** Keys and values of 8 bits: a sign, four bits of exponent, three of fraction; up to 448, what is larger becomes that. */
typedef __nv_fp8_e4m3 fp8;
__device__ __forceinline__ float to_float(fp8 x) { return (float)x; }
template <> __device__ __forceinline__ fp8 from_float<fp8>(float x) { return fp8(x); }
/** An element of a page. */
template <class T> __device__ __forceinline__ float load_one(const T* p) { return to_float(__ldcg(p)); }
template <> __device__ __forceinline__ float load_one<fp8>(const fp8* p) {
  fp8 x;
  x.__x = __ldcg((const uchar*)p);
  return to_float(x);
}
/** Elements that a lane loads at once: 16 bytes, of fp8 8. */
template <class T> __host__ __device__ constexpr int at_once() { return sizeof(T) == 1 ? 8 : 16 / sizeof(T); }

/** VEC neighbouring elements of a page as they are loaded. */
template <class T, int VEC> struct Chunk {
  uint4 bits;
  __device__ __forceinline__ void load(const T* p) { bits = __ldcg((const uint4*)p); }
  __device__ __forceinline__ void share(const T* p) { bits = *(const uint4*)p; } // from shared memory
  __device__ __forceinline__ void clear() { bits = make_uint4(0, 0, 0, 0); }
  /** Keeps the compiler from using what it has found out before. */
  __device__ __forceinline__ void keep() { asm volatile("" : "+r"(bits.x), "+r"(bits.y), "+r"(bits.z), "+r"(bits.w)); }
  __device__ __forceinline__ void floats(float (&v)[VEC]) const {
    unsigned w[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if constexpr (sizeof(T) == 4) {
        v[i] = __uint_as_float(w[i]);
      } else {
        float2 p = pair(w[i], T());
        v[2 * i] = p.x, v[2 * i + 1] = p.y;
      }
    }
  }
  static __device__ __forceinline__ float2 pair(unsigned b, __half) { return half2_bits(b); }
  static __device__ __forceinline__ float2 pair(unsigned b, bf16) { return bf16x2_bits(b); }
};
template <> struct Chunk<fp8, 8> {
  uint2 bits;
  __device__ __forceinline__ void load(const fp8* p) { bits = __ldcg((const uint2*)p); }
  __device__ __forceinline__ void share(const fp8* p) { bits = *(const uint2*)p; }
  __device__ __forceinline__ void clear() { bits = make_uint2(0, 0); }
  __device__ __forceinline__ void floats(float (&v)[8]) const {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float2 p = half2_bits(halves_of_eights((i < 2 ? bits.x : bits.y) >> 16 * (i & 1)));
      v[2 * i] = p.x, v[2 * i + 1] = p.y;
    }
  }
};
/** Heads whose rows do not start at 16 bytes go element by element. */
template <class T> struct Chunk<T, 1> {
  float value;
  __device__ __forceinline__ void load(const T* p) { value = load_one(p); }
  __device__ __forceinline__ void share(const T* p) { value = to_float(*p); }
  __device__ __forceinline__ void clear() { value = 0.f; }
  __device__ __forceinline__ void floats(float (&v)[1]) const { v[0] = value; }
};
/** The pages of one layer, for one head of keys and values. */
template <class T> struct Pages {
  uchar* base; // of the layer in block 0
  long long blockBytes;
  int blockSize, headDim;
  long long keyAt, valueAt; // elements from the start of a block's layer

  __device__ __forceinline__ Pages(const uchar* kv, long long blockBytes, long long layerAt, int blockSize, int kvHeads, int kvHead, int headDim)
      : base((uchar*)kv + layerAt), blockBytes(blockBytes), blockSize(blockSize), headDim(headDim), keyAt((long long)kvHead * blockSize * headDim),
        valueAt((long long)(kvHeads + kvHead) * blockSize * headDim) {}
  /** The key of a row of a block; its value stands `valueAt - keyAt` elements behind. */
  __device__ __forceinline__ T* key(int block, int row) const { return (T*)(base + block * blockBytes) + keyAt + (long long)row * headDim; }
};

struct Rotation {
  int rotaryDim, interleaved;
  const float* invFreq;
  float factor, eps;
};

/** Cosines and sines of a position, for all heads; by all threads of the block, who need a barrier before they use them. */
struct Angles {
  float cos[MOST_DIM / 2], sin[MOST_DIM / 2];
  __device__ __forceinline__ void fill(const Rotation& r, int position) { fill(r, position, threadIdx.x, blockDim.x); }
  __device__ __forceinline__ void fill(const Rotation& r, int position, int thread, int threads) {
#pragma unroll 1
    for (int i = thread; i < r.rotaryDim / 2; i += threads) {
      float s, c;
      sincosf((float)position * r.invFreq[i], &s, &c);
      cos[i] = c * r.factor, sin[i] = s * r.factor;
    }
  }
};

/** A warp norms (if w) and rotates a head; `put` takes each number and where it stands. */
template <class Put>
__device__ __forceinline__ void rotate_head(const float* from, int headDim, const float* w, const Rotation& r, const Angles& angles, Put put) {
  int lane = threadIdx.x & 31, half = r.rotaryDim / 2;
  float f = 1.f;
  if (w) {
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < MOST_DIM / 32; j++) {
      float v = lane + 32 * j < headDim ? row1(from + lane + 32 * j) : 0.f;
      sum += v * v;
    }
    f = 1.f / sqrtf(warp_sum(sum) / headDim + r.eps);
  }
  auto value = [&](int i) { return w ? row1(from + i) * f * w[i] : row1(from + i); };
#pragma unroll 1
  for (int i = lane; i < half; i += 32) {
    int a = r.interleaved ? 2 * i : i, b = r.interleaved ? a + 1 : a + half;
    float x = value(a), y = value(b), cos = angles.cos[i], sin = angles.sin[i];
    put(a, x * cos - y * sin);
    put(b, x * sin + y * cos);
  }
#pragma unroll 1
  for (int i = r.rotaryDim + lane; i < headDim; i += 32) put(i, value(i));
}

/** The same to shared memory, for the warp. */
__device__ __forceinline__ void rotate_head(const float* from, float* to, int headDim, const float* w, const Rotation& r, const Angles& angles) {
  rotate_head(from, headDim, w, r, angles, [&](int i, float v) { to[i] = v; });
  __syncwarp();
}

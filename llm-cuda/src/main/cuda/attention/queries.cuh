// Heads of single queries, and their newest keys and values, normed and rotated.
#pragma once
#include "attention/singles.cuh"

/** A head's numbers, of which a lane has D / 64 pairs; normed and rotated where FRESH. By a warp. */
template <int D, bool FRESH> struct Head {
  static constexpr int PAIRS = D / 64;
  float x[PAIRS], y[PAIRS];

  static __device__ __forceinline__ void dims(const Rotation& r, int lane, int k, int& a, int& b) {
    int i = lane + 32 * k, half = FRESH ? r.rotaryDim / 2 : 0;
    bool apart = i < half && !r.interleaved;
    a = apart ? i : 2 * i, b = apart ? i + half : 2 * i + 1;
  }
  template <class From> __device__ __forceinline__ void load(From from, int headDim, const Rotation& r) {
    int lane = lane_here();
#pragma unroll
    for (int k = 0; k < PAIRS; k++) {
      int a, b;
      dims(r, lane, k, a, b);
      x[k] = a < headDim ? from(a) : 0.f, y[k] = b < headDim ? from(b) : 0.f;
    }
  }
  template <class From, class A> __device__ __forceinline__ void turn(From from, int headDim, const float* w, const Rotation& r, const A& angles) {
    int lane = lane_here();
    if (w) {
      float sum = 0.f;
#pragma unroll
      for (int j = 0; j < MOST_DIM / 32; j++) { // in the order of rotate_head
        float v = lane + 32 * j < headDim ? from(lane + 32 * j) : 0.f;
        sum += v * v;
      }
      float f = 1.f / sqrtf(warp_sum(sum) / headDim + r.eps);
#pragma unroll
      for (int k = 0; k < PAIRS; k++) {
        int a, b;
        dims(r, lane, k, a, b);
        if (a < headDim) x[k] = x[k] * f * w[a];
        if (b < headDim) y[k] = y[k] * f * w[b];
      }
    }
#pragma unroll
    for (int k = 0; k < PAIRS; k++) {
      int i = lane + 32 * k;
      if (i < r.rotaryDim / 2) {
        float cos = angles.cos[i], sin = angles.sin[i], v = x[k];
        x[k] = __fmaf_rn(v, cos, -__fmul_rn(y[k], sin)), y[k] = __fmaf_rn(v, sin, __fmul_rn(y[k], cos)); // the same in every kernel
      }
    }
  }
};

/** Queries of up to eight heads, those from `h` on, every `every`-th of them, to shared memory; by a warp. `from(head)(i)` is number i of a head. */
template <bool FRESH, int AHEAD, class T, int D, class From, class A>
__device__ __forceinline__ void take_queries(const Singles& s, const SharedQueries<T, D>& to, From from, int h, int every, const Fresh& f,
                                             const A* angles) {
#pragma unroll 1
  for (; h < to.heads; h += AHEAD * every) {
    Head<D, FRESH> head[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
      if (h + i * every < to.heads) head[i].load(from(h + i * every), s.headDim, f.rotation);
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
      if (int n = h + i * every; n < to.heads) {
        if constexpr (FRESH) head[i].turn(from(n), s.headDim, f.qNorm, f.rotation, *angles);
        int lane = lane_here();
        to.put(n, head[i].x, head[i].y, [&](int k, int& a, int& b) { Head<D, FRESH>::dims(f.rotation, lane, k, a, b); }, s.scale);
      }
  }
}

/** The newest key and value of a head, as a warp has them; `from(i)` is number i of the key, `value_from(i)` of the value. */
template <class T, int D> struct Newest {
  Head<D, true> key;
  float value[D / 32];

  template <class From, class Value> __device__ __forceinline__ void load(const Singles& s, const Fresh& f, From from, Value value_from) {
    int lane = lane_here();
    key.load(from, s.headDim, f.rotation);
#pragma unroll
    for (int k = 0; k < D / 32; k++) value[k] = lane + 32 * k < s.headDim ? value_from(lane + 32 * k) : 0.f;
  }
  /** Rotates the key; writes both to the page, and dimension d to `key_at(d)` and `value_at(d)`. */
  template <class From, class A, class Key, class Value>
  __device__ __forceinline__ void store(const Singles& s, int kvHead, int slot, const Fresh& f, const A& angles, From from, Key key_at,
                                        Value value_at) {
    int lane = lane_here();
    Pages<T> pages(s.kv, s.blockBytes, s.layerAt, s.blockSize, s.kvHeads, kvHead, s.headDim);
    T* page = pages.key(slot / s.blockSize, slot % s.blockSize);
    auto put = [&](int d, float v, T* to, long long far) {
      if (d >= s.headDim) return;
      T x = from_float<T>(v);
      *to = x;
      if (slot >= 0) page[far + d] = x;
    };
#pragma unroll
    for (int k = 0; k < D / 32; k++) put(lane + 32 * k, value[k], value_at(lane + 32 * k), pages.valueAt - pages.keyAt);
    key.turn(from, s.headDim, f.kNorm, f.rotation, angles);
#pragma unroll
    for (int k = 0; k < D / 64; k++) {
      int a, b;
      Head<D, true>::dims(f.rotation, lane, k, a, b);
      put(a, key.x[k], key_at(a), 0), put(b, key.y[k], key_at(b), 0);
    }
    __syncwarp();
  }
};

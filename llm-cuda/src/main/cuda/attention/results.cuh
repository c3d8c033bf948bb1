// Results of single queries: how sums of slices and pieces are put together, and where they go.
#pragma once
#include "attention/singles.cuh"
#include "common/quads.cuh"
#include "product/held.cuh"

/** Sums that are put together in order, of two neighbouring dimensions of a head. */
struct Folded {
  float highest = -INFINITY, total = 0.f;
  float2 value = {0.f, 0.f};

  template <int AHEAD, class State, class Value> __device__ __forceinline__ void fold(int k, int end, State state, Value value_of) {
#pragma unroll 1
    for (; k < end; k += AHEAD) {
      float2 states[AHEAD], values[AHEAD];
#pragma unroll
      for (int u = 0; u < AHEAD; u++)
        if (k + u < end) states[u] = state(k + u), values[u] = value_of(k + u);
#pragma unroll
      for (int u = 0; u < AHEAD; u++)
        if (k + u < end) {
          Joint joint(highest, states[u].x);
          highest = joint.highest, total = joint(total, states[u].y), value.x = joint(value.x, values[u].x), value.y = joint(value.y, values[u].y);
        }
    }
  }
  __device__ __forceinline__ float2 result() const { return make_float2(value.x / total, value.y / total); }
};

/** Calls `take(head, dimension)` for every second number of some heads by so many threads; whole warps, whose last lanes may be behind the end. */
template <int THREADS, class Take> __device__ __forceinline__ void each_pair(int heads, int headDim, int thread, Take take) {
  int h = 0, d = 2 * thread;
#pragma unroll 1
  for (int i = d; i - 2 * (thread & 31) < heads * headDim; i += 2 * THREADS, d += 2 * THREADS) {
#pragma unroll 1
    while (d >= headDim) d -= headDim, h++;
    take(h, d);
  }
}

/** Writes two neighbouring numbers of a row in 16 bits. */
__device__ __forceinline__ void put_narrow(const Singles& s, int row, int at, float2 v) {
  bool laid = s.narrowKind == LAID;
  unsigned two = s.narrowKind == BRAINS ? pack_two<bf16>(v) : pack_two<__half>(v);
  if (laid && at == 0) s.narrowScale[row] = 1.f;
  int to = laid ? Held(at & ~3).first + (at & 2 ? Held::SECOND : 0) : at;
  *(unsigned*)((unsigned short*)s.narrow + (long long)row * s.ldn + to) = two;
}

/** Writes numbers of heads of a row as floats, bytes, in 16 bits, or several of these, two at a time: `value(head, dimension)`. */
template <int THREADS, class Value>
__device__ __forceinline__ void write_heads(const Singles& s, int thread, int row, int head0, int heads, Value value) {
  each_pair<THREADS>(heads, s.headDim, thread, [&](int h, int d) {
    bool there = h < heads;
    float2 v = there ? value(h, d) : make_float2(0.f, 0.f);
    int at = (head0 + h) * s.headDim + d;
    if (s.y && there) *(float2*)(s.y + (long long)row * s.ldy + at) = v;
    if (s.narrow && there) put_narrow(s, row, at, v);
    if (s.yq) { // as quantize32
      long long byte = (long long)row * s.heads * s.headDim + at;
      float m = warp_max<16>(fmaxf(fabsf(v.x), fabsf(v.y))), inverse = m == 0.f ? 0.f : __fdiv_rn(127.f, m);
      int a = __float2int_rn(v.x * inverse), b = __float2int_rn(v.y * inverse), sum = warp_sum<16>(a + b);
      if (there) *(char2*)(s.yq + byte) = make_char2((signed char)a, (signed char)b);
      if (there && (thread & 15) == 0) s.ys[byte / 32] = Scale{__fdiv_rn(m, 127.f), sum};
    }
  });
}

/** Where a piece of an entry leaves what it has of a head. */
__device__ __forceinline__ float* partial_of(const Singles& s, int entry, int piece, int head) {
  return s.partial + ((long long)(s.pieces[1 + entry] + piece) * s.heads + head) * (s.headDim + 2);
}
/** Counts a piece for some heads as done, by a thread behind a fence and a barrier; tells whether it is the last of all for a head of keys. */
__device__ __forceinline__ bool last_piece(const Singles& s, int entry, int kvHead, int pieces) {
  unsigned* counter = s.counters + entry * s.kvHeads + kvHead;
  bool last = atomicAdd(counter, 1u) == (unsigned)(pieces * s.parts() - 1);
  if (last) *counter = 0;
  return last;
}
/** Puts the pieces of all heads together that share keys and values, by so many threads. */
template <int THREADS> __device__ __forceinline__ void merge_pieces(const Singles& s, int thread, int entry, int row, int kvHead, int pieces) {
  __threadfence();
  int head0 = kvHead * s.group();
  long long stride = (long long)s.heads * (s.headDim + 2);
  write_heads<THREADS>(s, thread, row, head0, s.group(), [&](int h, int d) {
    Folded f;
    const float* from = partial_of(s, entry, 0, head0 + h);
    f.fold<4>(0, pieces, [&](int k) { return __ldcg((const float2*)(from + k * stride)); },
              [&](int k) { return __ldcg((const float2*)(from + k * stride + 2 + d)); });
    return f.result();
  });
}

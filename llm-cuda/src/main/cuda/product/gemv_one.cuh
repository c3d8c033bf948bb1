// Matrix by one vector. Warps share rows as in gemv.cuh, but lanes do not sum in the loop: each adds its part of a group of four rows to shared
// memory, and behind the loop a warp sums a group over all lanes at once. Order of sums: a lane's chunks, then lanes of the same number of the warps
// that share the row, then a tree over the lanes of a warp; so it depends on K and the format alone.
#pragma once
#include "product/gemv.cuh"

/** Most lanes that share a row, and bytes of shared memory that they need for a group. */
static constexpr int MOST_SLOTS = 128, GROUP_BYTES = MOST_SLOTS * sizeof(float4);

/** A number to keep in a register: computed again and again it would cost more than what is multiplied. */
__device__ __forceinline__ int kept(int v) {
  asm volatile("" : "+r"(v));
  return v;
}

/** A row of floats, or of bytes, that is there. */
template <class Load> struct ReadyRow {
  Load fill;
  __device__ __forceinline__ void begin() const {}
  template <class Acts> __device__ __forceinline__ void load(Acts& acts, int c, bool valid) const { fill(acts, c, valid); }
};

/** Where fours of a row stand in shared memory: in order. */
struct InOrder {
  static __device__ __forceinline__ int of(int four) { return four; }
};

/** A row of floats that a block norms for itself (root mean square): cheaper than a kernel for it. Where bytes are wanted, it is not. */
template <class PLACE> struct NormedRow {
  static constexpr int AT_ONCE = 4; // loads in flight
  float4* room; // in shared memory: the row times the norm's weights
  const float* x;
  int K;
  float eps, factor;

  static __host__ __device__ constexpr int width(int K) { return (K + 7) / 8 * 8; }

  /** Needs nothing of earlier kernels. */
  __device__ __forceinline__ NormedRow(float4* room, const float* x, const float* weights, int K, float eps)
      : room(room), x(x), K(K), eps(eps), factor(0.f) {
    for (int i = 4 * threadIdx.x; i < width(K); i += 4 * blockDim.x) room[PLACE::of(i / 4)] = weight4(weights, i, K);
  }

  __device__ __forceinline__ void begin() {
    __shared__ float sums[32];
    float sum = 0.f;
    int step = 4 * blockDim.x;
    for (int i0 = 4 * threadIdx.x; i0 < width(K); i0 += AT_ONCE * step) { // those whose weights the thread laid down
      float4 v[AT_ONCE];
#pragma unroll
      for (int k = 0; k < AT_ONCE; k++) v[k] = row4_masked(x, i0 + k * step, K);
#pragma unroll
      for (int k = 0; k < AT_ONCE; k++) {
        sum += v[k].x * v[k].x + v[k].y * v[k].y + v[k].z * v[k].z + v[k].w * v[k].w;
        if (i0 + k * step >= width(K)) break;
        float4 *to = room + PLACE::of((i0 + k * step) / 4), w = *to;
        *to = make_float4(v[k].x * w.x, v[k].y * w.y, v[k].z * w.z, v[k].w * w.w);
      }
    }
    factor = 1.f / sqrtf(block_sum(sum, sums) / K + eps);
  }

  template <int E> __device__ __forceinline__ void load(Floats<1, E>& acts, int c, bool valid) const {
#pragma unroll
    for (int i = 0; i < E; i += 4) {
      float4 v = valid ? room[PLACE::of((E * c + i) / 4)] : make_float4(0.f, 0.f, 0.f, 0.f);
      acts.x[0][i] = v.x * factor, acts.x[0][i + 1] = v.y * factor, acts.x[0][i + 2] = v.z * factor, acts.x[0][i + 3] = v.w * factor;
    }
  }
};

/** Dynamic shared memory. */
__device__ __forceinline__ float4* dynamic_room() {
  extern __shared__ float4 room[];
  return room;
}

/** Sums of a block's groups of four rows, by WARPS warps; Read is that of a format, DEPTH groups are in flight. */
template <class Read, int DEPTH, int WARPS> struct GemvOne {
  Sharing sharing;
  int chunks, groups;    // of a row; of the block
  int sets, set;         // of warps that share rows: how many, and which this warp is in
  int slots, place;      // lanes of a set, and which this one is
  float4* parts;         // [group][place]

  __device__ __forceinline__ GemvOne(int K, int groups, float4* parts)
      : sharing(ceil_div(K, Read::K_CHUNK)), chunks(ceil_div(K, Read::K_CHUNK)), groups(groups), parts(parts) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    sets = kept(WARPS >> sharing.log), set = kept(warp >> sharing.log);
    slots = kept(32 << sharing.log), place = kept((warp & sharing.warps() - 1) * 32 + lane);
  }

  /**
   * Group g begins at row `first(g)` of the matrix; `x` begins when it may be read, and then fills activations for a chunk, if there is one. Ends
   * with a barrier.
   */
  template <class First, class Row> __device__ __forceinline__ void run(const Read& read, int N, First first, Row& x) const {
    int mine = groups > set ? (groups - set + sets - 1) / sets : 0, total = kept(mine * ((chunks + slots - 1) >> (5 + sharing.log)));
    int fetchGroup = set, fetchChunk = place; // of the next load
    typename Read::Group ring[DEPTH];
    auto fetch = [&](typename Read::Group& g) { // lanes without a chunk read the last one, which meets activations of 0
      read.load(g, first(fetchGroup), N, min(fetchChunk, chunks - 1), true);
      if ((fetchGroup += sets) >= groups) fetchGroup = set, fetchChunk += slots;
    };
#pragma unroll
    for (int i = 0; i < DEPTH; i++)
      if (i < total) fetch(ring[i]);
    wait_previous();
    x.begin();
    typename Read::template Acts<1> acts;
    int group = set, chunk = place;
    float4* to = parts + set * slots + place;
    x.load(acts, chunk, chunk < chunks);
    for (int at = 0; at < total; at += DEPTH) {
#pragma unroll
      for (int i = 0; i < DEPTH; i++) {
        if (at + i < total) {
          float v[4];
#pragma unroll
          for (int r = 0; r < 4; r++) Read::template dots<1>(ring[i], r, acts, v + r);
          if (at + i + DEPTH < total) fetch(ring[i]);
          if (chunk >= slots) { // not the first of the row
            float4 before = *to;
            v[0] += before.x, v[1] += before.y, v[2] += before.z, v[3] += before.w;
          }
          *to = make_float4(v[0], v[1], v[2], v[3]);
          to += sets * slots;
          if ((group += sets) >= groups) {
            group = set, chunk += slots, to = parts + set * slots + place;
            x.load(acts, chunk, chunk < chunks);
          }
        }
      }
    }
    __syncthreads();
  }

  /** What row lane / 8 of a group comes to; by a whole warp. */
  __device__ __forceinline__ float sum(int group) const {
    int lane = threadIdx.x & 31;
    const float4* from = parts + group * slots + lane;
    float4 a = *from;
#pragma unroll
    for (int w = 1; w < 4; w++) {
      if (w >= sharing.warps()) break;
      float4 b = from[32 * w];
      a.x += b.x, a.y += b.y, a.z += b.z, a.w += b.w;
    }
    float v[4] = {a.x, a.y, a.z, a.w};
    return sum_lanes(v, lane);
  }
};

/** A matrix by a row, by a block of WARPS warps: blocks share the matrix evenly. */
template <class Read, int WARPS, class Row>
__device__ __forceinline__ void gemv_one(const uchar* W, Row& x, float4* parts, const float* bias, const float* residual, float* y, int N,
                                         int K) {
  int all = ceil_div(N, 4), each = ceil_div(all, gridDim.x), group0 = blockIdx.x * each, groups = min(each, all - group0);
  GemvOne<Read, Read::depth(1), WARPS> one(K, groups, parts);
  one.run(Read(W, N, K), N, [&](int g) { return 4 * (group0 + g); }, x);
  int lane = threadIdx.x & 31;
  for (int g = threadIdx.x >> 5; g < groups; g += WARPS) {
    float v = one.sum(g);
    int n = 4 * (group0 + g) + lane / 8;
    if (lane % 8 == 0 && n < N) {
      if (bias) v += bias[n];
      if (residual) v += row1(residual + n);
      y[n] = v;
    }
  }
}

/** Outputs of a gated product that a block has, which are quantised together; and most shared memory that they take, but for the row. */
static constexpr int GATED_OUTPUTS = 32, GATED_BYTES = 2 * GATED_OUTPUTS / 4 * GROUP_BYTES + 1024;

/** act(G x) * (U x) of a row, by a block of WARPS warps for each GATED_OUTPUTS. */
template <class Read, int WARPS, int DEPTH, class Row>
__device__ __forceinline__ void gated_one(const uchar* W, Row& x, float* y, signed char* yq, Scale* ys, int N, int K, int act) {
  constexpr int OUTPUTS = GATED_OUTPUTS, ROWS = 2 * OUTPUTS;
  __shared__ float4 parts[ROWS / 4 * MOST_SLOTS];
  __shared__ float sums[ROWS];
  int n0 = blockIdx.x * OUTPUTS, lane = threadIdx.x & 31;
  GemvOne<Read, DEPTH, WARPS> one(K, ROWS / 4, parts);
  one.run(Read(W, 2 * N, K), 2 * N, [&](int g) { return n0 + 4 * g + (g < OUTPUTS / 4 ? 0 : N - OUTPUTS); }, x);
  for (int g = threadIdx.x >> 5; g < ROWS / 4; g += WARPS) {
    float v = one.sum(g);
    if (lane % 8 == 0) sums[4 * g + lane / 8] = v;
  }
  __syncthreads();
  if (threadIdx.x < 32) {
    float v = gated_value(sums[lane], sums[lane + OUTPUTS], act);
    if (y) y[n0 + lane] = v;
    if (yq) quantize32(v, lane, yq + n0, ys + n0 / 32);
  }
}

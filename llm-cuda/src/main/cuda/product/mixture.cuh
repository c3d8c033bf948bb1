// How blocks of a mixture share its units, bring their weights and multiply.
#pragma once
#include "common/formats/dense.cuh"
#include "product/hopper.cuh"
#include "product/mixture_plan.cuh"
#include "product/mma16.cuh"
#include "product/pieces.cuh"

/** 16 bytes at an address in shared memory. */
__device__ __forceinline__ uint4 shared16(unsigned at) {
  uint4 v;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "r"(at) : "memory");
  return v;
}
/** Weights are read once a step: they should not drive activations out of the second cache. */
__device__ __forceinline__ unsigned long long once_policy() {
  unsigned long long policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}
__device__ __forceinline__ void copy(unsigned to, const void* from, int bytes, unsigned barrier, unsigned long long policy) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;"
               ::"r"(to), "l"(from), "r"(bytes), "r"(barrier), "l"(policy) : "memory");
}
__device__ __forceinline__ int acquire(const int* p) {
  int v;
  asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}

/** What workers tell each other. */
struct Told {
  float4 parts[2][WARPS][MOST_ROWS_OF_UNIT / ROWS][32]; // sums of a unit, of two in turn
  float largest[WARPS][TILE];                           // of the rows of x
  float scale[TILE];
};

/** Of T, up to PARTS times COLUMNS columns. STAGES units, or parts of them, are on their way or there. */
template <class T, int PARTS> struct Mixture {
  static constexpr int CHUNKS = COLUMNS / CHUNK / WARPS;
  static constexpr int BYTES = STAGES * STAGE + 16 * STAGES + (int)sizeof(Plan) + (int)sizeof(Told) + 16;

  const Experts& m;
  const Plan& plan;
  Told& told;
  unsigned room;
  const T* x; // in pieces
  int ldx, piece;
  const float* scale;
  int slots;
  float *inner, *y; // of each pair
  int* counts;

  /** A warp. */
  template <bool GATED> __device__ __forceinline__ void bring(Ring<STAGES>& ring, unsigned long long policy) const {
    int lane = threadIdx.x & 31;
    long long stride = Dense<T>::stride(GATED ? m.K : m.N);
    for (Units<T, GATED> u(m, plan.count); u.left > 0; u.next()) {
      long long expert = Plan::expert(plan.tiles[u.tile]), n = (GATED ? ROWS / 2 : u.rows) * u.at;
      int rows = GATED ? ROWS : min(u.rows, m.outputs - (int)n);
      const T *first = (const T*)(GATED ? m.gate : m.down) + (expert * (GATED ? m.N : m.outputs) + n) * stride;
      const T *second = (const T*)m.up + (expert * m.N + n) * stride;
      for (int p = 0; p < u.parts; p++, ring.next()) {
        unsigned to = room + ring.stage * STAGE;
        barrier_wait(ring.empty(), ring.parity ^ 1);
        if (u.parts == 1) { // neighbouring rows at once
          if (lane == 0) {
            barrier_expect(ring.full(), rows * u.pitch);
            if (GATED) {
              copy(to, first, ROWS / 2 * u.pitch, ring.full(), policy);
              copy(to + ROWS / 2 * u.pitch, second, ROWS / 2 * u.pitch, ring.full(), policy);
            } else {
              copy(to, first, rows * u.pitch, ring.full(), policy);
            }
          }
          __syncwarp();
        } else {
          int bytes = min(COLUMNS, (int)stride - p * COLUMNS) * 2;
          if (lane == 0) barrier_expect(ring.full(), rows * bytes);
          __syncwarp();
          if (lane < rows) {
            const T* from = GATED && lane >= ROWS / 2 ? second + (lane - ROWS / 2) * stride : first + lane * stride;
            copy(to + lane * u.pitch, from + p * COLUMNS, bytes, ring.full(), policy);
          }
        }
      }
    }
  }

  static __device__ __forceinline__ void workers() { asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory"); }

  /** By each worker when it has asked for its first rows of x: copies of weights, which may start now, would have been before them. */
  static __device__ __forceinline__ void asked() { asm volatile("bar.arrive 2, %0;" ::"n"(WORKERS + 32) : "memory"); }

  /** All workers: tells of finished units of a tile. */
  __device__ __forceinline__ void tell(int tile, int units) const {
    workers();
    if (threadIdx.x == 0) asm volatile("red.release.gpu.global.add.s32 [%0], %1;" ::"l"(counts + 1 + tile), "r"(units) : "memory");
  }

  /** The thread's part of rows of x, in pieces. */
  struct Operand {
    uint4 b[PARTS][CHUNKS][2][PIECES];
  };
  /** Columns from which on a thread has eight, of a chunk's first half or second. */
  static __device__ __forceinline__ int column(int part, int chunk, int half) {
    return part * COLUMNS + ((threadIdx.x >> 5) + WARPS * chunk) * CHUNK + STEP * half + 8 * (threadIdx.x & 3);
  }
  /** Whether the warp has a chunk of that number in rows of so many columns. */
  static __device__ __forceinline__ bool has(int part, int chunk, int width) {
    return part * COLUMNS + ((threadIdx.x >> 5) + WARPS * chunk) * CHUNK < width;
  }
  /** What stands behind rows of W is taken for zeros, so of x it can be any numbers: the first ones again. */
  static __device__ __forceinline__ int inside(int column, int width) { return column < width ? column : 0; }

  /** Rows of x, which have been split, of a tile's pairs. */
  __device__ __forceinline__ void load(Operand& to, int tile) const {
    int g = threadIdx.x >> 2 & 7, row = plan.order[Plan::first(tile) + (g < Plan::pairs(tile) ? g : 0)] / slots;
    const T* from = x + (long long)row * ldx;
#pragma unroll
    for (int p = 0; p < PARTS; p++)
#pragma unroll
      for (int i = 0; i < CHUNKS; i++) {
        if (!has(p, i, ldx)) continue;
#pragma unroll
        for (int h = 0; h < 2; h++)
#pragma unroll
          for (int q = 0; q < PIECES; q++) to.b[p][i][h][q] = __ldcg((const uint4*)(from + (long long)q * piece + inside(column(p, i, h), ldx)));
      }
    if (threadIdx.x < 32 && threadIdx.x % 4 == 0) told.scale[g] = row1(scale + row);
  }

  /** Keeps the compiler from waiting for one before the next is asked for. */
  static __device__ __forceinline__ void together(float4& v) { asm volatile("" : "+f"(v.x), "+f"(v.y), "+f"(v.z), "+f"(v.w)); }

  /** What gate and up made of a tile's pairs: rows of floats, which are split; by all workers. */
  __device__ __forceinline__ void split(Operand& to, int tile) const {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2;
    const float* from = inner + (long long)plan.order[Plan::first(tile) + (g < Plan::pairs(tile) ? g : 0)] * m.N;
    float4 v[CHUNKS][2][2];
    float most = 0.f;
    auto read = [&](int p) {
#pragma unroll
      for (int i = 0; i < CHUNKS; i++)
        if (has(p, i, m.N))
#pragma unroll
          for (int h = 0; h < 2; h++)
#pragma unroll
            for (int q = 0; q < 2; q++) v[i][h][q] = row4(from + inside(column(p, i, h), m.N) + 4 * q);
#pragma unroll
      for (int i = 0; i < CHUNKS; i++)
        if (has(p, i, m.N))
#pragma unroll
          for (int h = 0; h < 2; h++) together(v[i][h][0]), together(v[i][h][1]);
    };
#pragma unroll
    for (int p = 0; p < PARTS; p++) { // the last one first stays
      read(p);
#pragma unroll
      for (int i = 0; i < CHUNKS; i++)
        if (has(p, i, m.N))
#pragma unroll
          for (int h = 0; h < 2; h++)
#pragma unroll
            for (int q = 0; q < 2; q++) {
              float4 w = v[i][h][q];
              most = fmaxf(most, fmaxf(fmaxf(fabsf(w.x), fabsf(w.y)), fmaxf(fabsf(w.z), fabsf(w.w))));
            }
    }
    most = warp_max<4>(most);
    if (lane % 4 == 0) told.largest[warp][g] = most;
    workers();
    float factor = 1.f;
    if (Scaled<T>::VALUE) {
      most = told.largest[0][g];
#pragma unroll
      for (int w = 1; w < WARPS; w++) most = fmaxf(most, told.largest[w][g]);
      factor = scaling(most);
    }
    if (warp == 0 && lane % 4 == 0) told.scale[g] = 1.f / factor;
#pragma unroll
    for (int p = PARTS - 1; p >= 0; p--) {
      if (p < PARTS - 1) read(p);
#pragma unroll
      for (int i = 0; i < CHUNKS; i++)
        if (has(p, i, m.N))
#pragma unroll
          for (int h = 0; h < 2; h++) {
            uint2 high[2], low[2];
#pragma unroll
            for (int q = 0; q < 2; q++) split4<T>(v[i][h][q], factor, high[q], low[q]);
            to.b[p][i][h][0] = make_uint4(high[0].x, high[0].y, high[1].x, high[1].y);
            to.b[p][i][h][1] = make_uint4(low[0].x, low[0].y, low[1].x, low[1].y);
          }
    }
  }

  /** Two steps by 16 rows of W from an address on. Lanes of even rows read the first half of a chunk before the second, so that banks differ. */
  static __device__ __forceinline__ void step(float (&sums)[2][4], unsigned from, int pitch, int column, int stride, const uint4 (&b)[2][PIECES]) {
    const uint4 zero = make_uint4(0, 0, 0, 0);
    bool odd = threadIdx.x & 4;
    int first = odd ? STEP : 0, second = STEP - first;
    bool one = column + first < stride, two = column + second < stride; // what stands behind a row may be anything
    uint4 a = one ? shared16(from + 2 * first) : zero, c = one ? shared16(from + 8 * pitch + 2 * first) : zero;
    uint4 d = two ? shared16(from + 2 * second) : zero, e = two ? shared16(from + 8 * pitch + 2 * second) : zero;
    auto either = [&](const uint4& p, const uint4& q) { return make_uint4(odd ? q.x : p.x, odd ? q.y : p.y, odd ? q.z : p.z, odd ? q.w : p.w); };
    uint4 low[2] = {either(a, d), either(d, a)}, high[2] = {either(c, e), either(e, c)};
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int q = 0; q < PIECES; q++) {
        mma<T>(sums[q], low[h].x, high[h].x, low[h].y, high[h].y, b[h][q].x, b[h][q].y);
        mma<T>(sums[q], low[h].z, high[h].z, low[h].w, high[h].w, b[h][q].z, b[h][q].w);
      }
  }

  /** Sums of a unit become results; by a thread that has a number below 64, or of down 128. */
  template <bool GATED>
  __device__ __forceinline__ void finish(const float4 (&parts)[WARPS][MOST_ROWS_OF_UNIT / ROWS][32], int i, int tile, int n0) const {
    int r = i >> 3 & 7, c = i & 7;
    if (c >= Plan::pairs(tile)) return;
    const float* from = (const float*)&parts[0][i >> 7][4 * r + c / 2] + c % 2 + (i >> 6 & 1) * 2;
    float first = 0.f, other = 0.f;
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
      first += from[w * (int)(sizeof(parts[0]) / 4)];
      if (GATED) other += from[w * (int)(sizeof(parts[0]) / 4) + 2];
    }
    first *= told.scale[c], other *= told.scale[c];
    long long pair = plan.order[Plan::first(tile) + c], expert = Plan::expert(tile);
    if (GATED) {
      int n = n0 + r;
      if (m.gateBias) first += m.gateBias[expert * m.N + n], other += m.upBias[expert * m.N + n];
      inner[pair * m.N + n] = gated_any(first, other, m.act);
    } else {
      int n = n0 + r + 8 * (i >> 6);
      if (n < m.outputs) y[pair * m.outputs + n] = m.downBias ? first + m.downBias[expert * m.outputs + n] : first;
    }
  }

  template <bool GATED> __device__ __forceinline__ void multiply(Ring<STAGES>& ring) const {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2;
    int K = GATED ? m.K : m.N, now = -1, finished = 0, stride = (int)Dense<T>::stride(K), turn = 0;
    Operand operand;
    for (Units<T, GATED> u(m, plan.count); u.left > 0; u.next(), turn ^= 1) {
      int tile = plan.tiles[u.tile];
      if (u.tile != now) {
        if (GATED && now >= 0) tell(now, finished);
        if (!GATED) {
          if (lane == 0)
            while (acquire(counts + 1 + u.tile) < m.N / (ROWS / 2)) {}
          __syncwarp();
        }
        bool first = now < 0;
        now = u.tile, finished = 0;
        if (GATED) workers(), load(operand, tile);
        else split(operand, tile);
        if (GATED && first) asked();
      }
      constexpr int TILES = GATED ? 1 : MOST_ROWS_OF_UNIT / ROWS;
      float sums[TILES][PIECES][4] = {};
#pragma unroll
      for (int p = 0; p < PARTS; p++) {
        if (p < u.parts) {
          barrier_wait(ring.full(), ring.parity);
          unsigned from = room + ring.stage * STAGE + g * u.pitch + 2 * column(0, 0, 0);
#pragma unroll
          for (int i = 0; i < CHUNKS; i++) {
            if (!has(p, i, stride)) break;
#pragma unroll
            for (int j = 0; j < TILES; j++)
              if (j == 0 || u.rows > ROWS)
                step(sums[j], from + j * ROWS * u.pitch + i * WARPS * CHUNK * 2, u.pitch, column(p, i, 0), stride, operand.b[p][i]);
          }
          __syncwarp();
          if (lane == 0) barrier_arrive(ring.empty());
          ring.next();
        }
      }
#pragma unroll
      for (int j = 0; j < TILES; j++) {
        float v[4];
#pragma unroll
        for (int i = 0; i < 4; i++) v[i] = sums[j][0][i] + sums[j][1][i];
        told.parts[turn][warp][j][lane] = make_float4(v[0], v[1], v[2], v[3]);
      }
      workers();
      finished++;
      if (GATED) { // two warps finish a unit, others each time
        int i = ((warp - 2 * u.at) & WARPS - 1) * 32 + lane;
        if (i < 64) finish<true>(told.parts[turn], i, tile, u.at * (ROWS / 2));
      } else if (threadIdx.x < 8 * u.rows) {
        finish<false>(told.parts[turn], threadIdx.x, tile, u.at * u.rows);
      }
    }
    if (GATED && now < 0) asked();
    if (GATED && now >= 0) tell(now, finished);
  }

  __device__ __forceinline__ void run() const {
    Ring<STAGES> ring(room + STAGES * STAGE);
    if (threadIdx.x >= WORKERS) {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(FEW_REGISTERS));
      if (threadIdx.x >= WORKERS + 32) return;
      unsigned long long policy = once_policy();
      asm volatile("bar.sync 2, %0;" ::"n"(WORKERS + 32) : "memory");
      bring<true>(ring, policy);
      bring<false>(ring, policy);
    } else {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(MANY_REGISTERS));
      multiply<true>(ring);
      multiply<false>(ring);
      workers();
      if (threadIdx.x == 0) { // the last block leaves counts as they were
        __threadfence();
        if (atomicAdd(counts, 1) == (int)gridDim.x - 1) {
#pragma unroll 1
          for (int i = 0; i <= plan.count; i++) counts[i] = 0;
        }
      }
    }
  }
};

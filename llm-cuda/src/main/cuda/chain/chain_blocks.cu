// architectures: 90a 100 120 ptx
// Products of 1 to 16 rows of bytes by weights of 4 bits, one after the other in one launch, with a barrier of the whole grid between them: what
// stands between two attentions of a model. One block a multiprocessor, all at once (a cooperative launch). A thread that copies fills shared memory
// with weights of the tasks to come while the others wait for the end of a task.
//
// Rows of W are the rows of mma, rows of x its columns: sums of 32 products are exact, then floats. Outputs become bytes for the next product with
// its norm's weights; what a row is divided by, its root mean square, is the same for all columns, so the next product divides its results instead.
#include "chain/blocks.cuh"
#include "common/layout.cuh"

static constexpr int EMITTERS = 4;               // warps that make outputs of sums, behind those that multiply
static constexpr int WATCHER = WARPS + EMITTERS; // the warp that waits for other blocks; behind it is the one that copies
static constexpr int THREADS = 32 * (WATCHER + 2), MOST = 12;
static constexpr int PITCH = ROWS + 4;           // floats from row to row of x in what a warp leaves: its stores fall into different banks
static constexpr int AHEAD = 4;                  // stages for which x is on its way
static constexpr int IN_FLIGHT = 3;              // stages that were asked for and have not come: more would only make x and barriers wait for memory

template <int NT> __host__ __device__ constexpr int sums_bytes() { return WARPS * 8 * NT * PITCH * 4; }
/** Of x for a stage. */
template <int NT> __host__ __device__ constexpr int slot_bytes() { return WARPS * PER * record_bytes<NT>(); }

struct Shared {
  uint64_t full[MOST], empty[MOST], go[MOST_LINKS], normed[MOST_LINKS], summed, taken;
  float factor[MOST_LINKS][MOST_ROWS];
  BlockLink link[MOST_LINKS];
};
template <int NT> __host__ __device__ constexpr int shared_bytes() { return (sizeof(Shared) + sums_bytes<NT>() + 1023) / 1024 * 1024; }

#if __CUDA_ARCH__ >= 900
/** Weights of all tasks, in order, to the ring; by one thread. */
__device__ __forceinline__ void copy_weights(int count, Shared& sh, uchar* ring, int stages) {
  uint64_t policy = once_policy();
  Place place = {0, 1, stages}, landed = {0, 0, stages};
  unsigned offset = 0;
  int flying = 0, most = min(IN_FLIGHT, stages);
  for (int i = 0; i < count; i++) {
    const BlockLink& t = sh.link[i];
    UnitShare share(t.N, offset);
    int chunks = ceil_div(t.K, COLUMNS), halves = t.act >= 0 ? 2 : 1, second = t.N / 4;
    const uchar *map = (const uchar*)t.from, *scales = map + MAP_BYTES;
    for (int unit = share.first; unit < share.units; unit += gridDim.x) {
      for (int half = 0; half < halves; half++) {
        int group = unit * (ROWS / 4) + half * second;
        for (int chunk = 0; chunk < chunks; chunk++) {
          uchar* to = ring + place.at * STAGE_BYTES;
          uint64_t* full = &sh.full[place.at];
          if (flying < most) {
            flying++;
          } else {
            barrier_wait(&sh.full[landed.at], landed.phase);
            landed.next();
          }
          barrier_wait(&sh.empty[place.at], place.phase);
          barrier_expect(full, STAGE_BYTES);
          copy_nibbles(to, map, group, chunk * PARTS, full, policy);
#pragma unroll
          for (int s = 0; s < COLUMNS / SCALE_COLUMNS; s++)
            copy_scales(to + NIBBLE_BYTES + s * SCALE_BOX, scales, (chunk * (COLUMNS / SCALE_COLUMNS) + s) * 64, group, full, policy);
          place.next();
        }
      }
    }
  }
}

/** Waits for the ends of tasks, and finds what rows are divided by; by one warp. */
template <int NT> __device__ __forceinline__ void watch(int count, Shared& sh, const unsigned* arrived) {
  constexpr int QUADS = 2 * NT; // of rows
  int lane = threadIdx.x & 31;
  for (int i = 0; i < count; i++) {
    const BlockLink& t = sh.link[i];
    if (i == 0) {
      wait_previous();
    } else {
      unsigned seen, target = i * gridDim.x;
      do asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(arrived) : "memory");
      while (seen < target);
    }
    __threadfence(); // once, since it empties the first cache, which may have lines from before others wrote
    __syncwarp();
    if (lane == 0) barrier_arrive(&sh.go[i]);
    if (!t.squaresIn) continue;
    float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
#pragma unroll 8
    for (int j = lane; j < t.K / ROWS * QUADS; j += 32) {
      float4 v = row4(t.squaresIn + 4 * j);
      sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
    }
    float s[4] = {sum.x, sum.y, sum.z, sum.w};
#pragma unroll
    for (int o = QUADS; o < 32; o <<= 1)
#pragma unroll
      for (int j = 0; j < 4; j++) s[j] += __shfl_xor_sync(ALL, s[j], o);
    if (lane < QUADS)
#pragma unroll
      for (int j = 0; j < 4; j++) sh.factor[i][4 * lane + j] = 1.f / sqrtf(s[j] / t.K + t.eps);
    __syncwarp();
    if (lane == 0) barrier_arrive(&sh.normed[i]);
  }
}

/** All tasks; by the warps that multiply. */
template <int NT>
__device__ __forceinline__ void multiply(int count, Shared& sh, float* sums, const uchar* ring, int stages, uchar* x, int slots, int rows) {
  constexpr int BYTES = record_bytes<NT>();
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, c = lane & 3, taken = 1;
  unsigned offset = 0;
  Place stage = {0, 0, stages};
  for (int i = 0; i < count; i++) {
    const BlockLink& t = sh.link[i];
    UnitShare share(t.N, offset);
    int K = t.K, chunks = ceil_div(K, COLUMNS), records = ceil_div(K, RECORD), halves = t.act >= 0 ? 2 : 1;
    if (share.first >= share.units) continue;
    // x stays in the slots if they have room for it, else it comes anew for each unit.
    bool stays = chunks <= slots, plain = t.scales;
    int missing = stays ? chunks : chunks * halves * ceil_div(share.units - share.first, gridDim.x), toBring = missing, from = 0, to = 0, slot = 0;
    auto bring = [&]() {
      if (toBring > 0) {
        toBring--;
        uchar* at = x + to * slot_bytes<NT>() + warp * PER * BYTES;
        int first = (from * WARPS + warp) * PER, bytes = min(PER, records - first) * BYTES;
        if (plain) {
#pragma unroll
          for (int p = 0; p < PER; p++)
            if (first + p < records) bring_rows<NT>(at + p * BYTES, first + p, t, rows, lane);
        } else {
#pragma unroll
          for (int k = 0; k < ceil_div(PER * BYTES, 512); k++) {
            int j = 512 * k + 16 * lane;
            if (j < bytes) bring16(at + j, t.in + first * BYTES + j);
          }
        }
        if (++from == chunks) from = 0;
        if (++to == slots) to = 0;
      }
      asm volatile("cp.async.commit_group;" ::: "memory"); // there may be nothing in it
    };
    barrier_wait(&sh.go[i], 0);
#pragma unroll 1
    for (int k = 0; k < AHEAD; k++) bring();
    for (int unit = share.first; unit < share.units; unit += gridDim.x) {
      for (int half = 0; half < halves; half++) {
        float acc[NT][2][4] = {};
        Fetched<NT> f[PER];
        if (stays) slot = 0;
        for (int chunk = 0; chunk < chunks; chunk++) {
          if (missing > 0) {
            missing--;
            asm volatile("cp.async.wait_group %0;" ::"n"(AHEAD - 1) : "memory");
            __syncwarp();
            bring();
          }
          barrier_wait(&sh.full[stage.at], stage.phase);
          const uchar* w = ring + stage.at * STAGE_BYTES;
          auto fetch = [&](int p) {
            int record = warp * PER + p;
            f[p].fetch(w, x + slot * slot_bytes<NT>() + record * BYTES, record, chunk * (WARPS * PER) + record < records, lane);
          };
          fetch(0);
          if (PER > 1 && chunk > 0) f[PER - 1].multiply(acc);
          if (PER > 1) fetch(1);
          __syncwarp();
          if (lane == 0) barrier_arrive(&sh.empty[stage.at]);
          f[0].multiply(acc);
          stage.next();
          if (++slot == slots) slot = 0;
        }
        if (PER > 1) f[PER - 1].multiply(acc);
        barrier_wait(&sh.taken, taken);
        taken ^= 1;
        float* at = sums + (warp * 8 * NT + 2 * c) * PITCH + (lane >> 2) * 4;
#pragma unroll
        for (int i = 0; i < NT; i++)
#pragma unroll
          for (int j = 0; j < 2; j++)
            *(float4*)(at + (8 * i + j) * PITCH) = make_float4(acc[i][0][j], acc[i][0][2 + j], acc[i][1][j], acc[i][1][2 + j]);
        __syncwarp();
        if (lane == 0) barrier_arrive(&sh.summed);
      }
    }
  }
}

/** Outputs of all tasks; by the warps behind those that multiply. Each has some rows of x, and a lane an output. */
template <int NT>
__device__ __forceinline__ void emit(int count, Shared& sh, const float* sums, unsigned* arrived, int rows) {
  constexpr int EACH = 8 * NT / EMITTERS;
  int lane = threadIdx.x & 31, first = (threadIdx.x >> 5) - WARPS, summed = 0;
  unsigned offset = 0;
  for (int i = 0; i < count; i++) {
    const BlockLink& t = sh.link[i];
    UnitShare share(t.N, offset);
    int N = t.N, act = t.act, ldr = t.ldr, ldy = t.ldy;
    const float *norm = t.norm, *bias = t.bias, *residual = t.residual;
    float *y = t.y, *squares = t.squaresOut, factor[EACH];
    uchar* out = t.out;
    bool normed = t.squaresIn;
    if (share.first >= share.units) barrier_wait(&sh.go[i], 0);
    for (int unit = share.first; unit < share.units; unit += gridDim.x) {
      int o = unit * ROWS + lane;
      bool there = o < N;
      float weight = there && norm ? __ldg(norm + o) : 1.f, added[EACH], v[EACH], gate[EACH];
      added[0] = there && bias ? __ldg(bias + o) : 0.f;
      if (unit == share.first) {
        barrier_wait(&sh.go[i], 0);
        if (normed) barrier_wait(&sh.normed[i], 0);
#pragma unroll
        for (int k = 0; k < EACH; k++) factor[k] = (normed ? sh.factor[i][first + k * EMITTERS] : 1.f) / TIMES;
      }
#pragma unroll
      for (int k = EACH - 1; k >= 0; k--) {
        int n = first + k * EMITTERS;
        v[k] = 0.f;
        added[k] = added[0] + (there && residual && n < rows ? row1(residual + (long long)n * ldr + o) : 0.f);
      }
      for (int half = act >= 0 ? 0 : 1; half < 2; half++) {
        barrier_wait(&sh.summed, summed);
        summed ^= 1;
#pragma unroll
        for (int k = 0; k < EACH; k++) {
          float part[WARPS];
#pragma unroll
          for (int w = 0; w < WARPS; w++) part[w] = sums[(w * 8 * NT + first + k * EMITTERS) * PITCH + lane];
          gate[k] = v[k], v[k] = 0.f;
#pragma unroll
          for (int w = 0; w < WARPS; w++) v[k] += part[w];
        }
        __syncwarp();
        if (lane == 0) barrier_arrive(&sh.taken);
      }
#pragma unroll
      for (int k = 0; k < EACH; k++) {
        int n = first + k * EMITTERS;
        v[k] *= factor[k];
        if (act >= 0) v[k] = gated_value(gate[k] * factor[k], v[k], act);
        v[k] = there && n < rows ? v[k] + added[k] : 0.f;
        if (there && y && n < rows) y[(long long)n * ldy + o] = v[k];
      }
      if (out)
#pragma unroll
        for (int k = 0; k < EACH; k++) put_outputs<NT>(out, unit, unit + 1 == share.units, first + k * EMITTERS, v[k] * weight, lane);
      if (squares)
#pragma unroll
        for (int k = 0; k < EACH; k++) {
          float s = warp_sum(v[k] * v[k]);
          if (lane == 0) squares[unit * (8 * NT) + first + k * EMITTERS] = s;
        }
    }
    asm volatile("bar.sync 1, %0;" ::"n"(32 * EMITTERS) : "memory");
    if (threadIdx.x == 32 * WARPS) {
      if (i + 1 < count) asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(arrived) : "memory");
      else if (atomicAdd(arrived, 1u) == count * gridDim.x - 1) *arrived = 0; // for the next launch
    }
  }
}

template <int NT>
__device__ __forceinline__ void chain_blocks(const BlockLink* links, int count, unsigned* arrived, int stages, int slots, int rows) {
  extern __shared__ __align__(1024) uchar memory[];
  Shared& sh = *(Shared*)memory;
  float* sums = (float*)(memory + (sizeof(Shared) + 15) / 16 * 16);
  uchar *ring = memory + shared_bytes<NT>(), *x = ring + stages * STAGE_BYTES;
  if (threadIdx.x == 0) {
    for (int i = 0; i < stages; i++) {
      barrier_init(&sh.full[i], 1);
      barrier_init(&sh.empty[i], WARPS);
    }
    for (int i = 0; i < count; i++) {
      barrier_init(&sh.go[i], 1);
      barrier_init(&sh.normed[i], 1);
    }
    barrier_init(&sh.summed, WARPS);
    barrier_init(&sh.taken, EMITTERS);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  for (int i = threadIdx.x; i < count * (int)sizeof(BlockLink) / 16; i += THREADS) ((uint4*)sh.link)[i] = __ldg((const uint4*)links + i);
  __syncthreads();
  dependents();
  int warp = threadIdx.x >> 5;
  if (warp > WATCHER) {
    if (threadIdx.x % 32 == 0) copy_weights(count, sh, ring, stages);
  } else if (warp == WATCHER) watch<NT>(count, sh, arrived);
  else if (warp >= WARPS) emit<NT>(count, sh, sums, arrived, rows);
  else multiply<NT>(count, sh, sums, ring, stages, x, slots, rows);
}
#endif

// Threads; bytes of a stage; slots at least; most stages, rows and links; columns of a stage and of a record; rows of W of a unit; parts of a box.
EXPORT_SHAPE(chain_blocks, THREADS, STAGE_BYTES, AHEAD + 1, MOST, MOST_ROWS, MOST_LINKS, COLUMNS, RECORD, ROWS, PARTS)
EXPORT_LAYOUT(blockLink, BlockLink, BLOCK_LINK_MEMBERS)

#if __CUDA_ARCH__ >= 900
#define CHAIN_BODY(NT) chain_blocks<NT>(links, count, arrived, stages, slots, rows);
#else
#define CHAIN_BODY(NT)
#endif
// For up to 8 NT rows. The shape: bytes of shared memory in any case, of a slot, of a record of x; rows.
#define CHAIN_BLOCKS(NT)                                                                                                                            \
  EXPORT_SHAPE(chain_blocks_n##NT, shared_bytes<NT>(), slot_bytes<NT>(), record_bytes<NT>(), 8 * NT)                                                \
  extern "C" __global__ void __launch_bounds__(THREADS, 1)                                                                                          \
      chain_blocks_q4_0_n##NT(const BlockLink* links, int count, unsigned* arrived, int stages, int slots, int rows) {                              \
    CHAIN_BODY(NT)                                                                                                                                  \
  }
CHAIN_BLOCKS(1)
CHAIN_BLOCKS(2)

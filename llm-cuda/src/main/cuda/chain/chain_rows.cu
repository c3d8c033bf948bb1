// architectures: 90a 100 120 ptx
// Products of 1 to 8 rows by weights of 16 bits, one after the other in one launch, with a barrier of the whole grid between them: what stands
// between two attentions of a model. One block a multiprocessor, all at once (a cooperative launch). A warp that copies fills shared memory with
// weights of the tasks to come while the others wait for the end of a task: memory is never idle.
//
// Outputs become an image of rows for the next product, normed by its weights: what a row is divided by, its root mean square, is the same for all of
// its columns, so the next product divides its results instead.
#include "chain/rows.cuh"
#include "common/layout.cuh"

static constexpr int WARPS = 8, CONSUMERS = 32 * WARPS; // that multiply
static constexpr int THREADS = CONSUMERS + 64;
static constexpr int TILES = 12;                         // most of a pass: their sums stand in registers
static constexpr int BOX_ROWS = 8, BOX_BYTES = BOX_ROWS * COLUMNS * 2; // of W: 64 columns after 64, each as 8 swizzled rows of 128 bytes
static constexpr int STAGE_BYTES = 4 * BOX_BYTES, MOST = 8;            // two tiles
static constexpr int SLOTS = 3;                          // for chunks of images
static constexpr int SUMS_BYTES = WARPS * TILES * 32 * 16; // which take the place of images at the end of a pass
static constexpr int STEPS = RECORDS / WARPS;            // of a chunk for each warp
typedef RowsShare<TILES> Share;

__host__ __device__ constexpr int slot_bytes(int rows) {
  return (RECORDS * record_bytes(rows) < SUMS_BYTES / SLOTS ? SUMS_BYTES / SLOTS : RECORDS * record_bytes(rows)) + 1023 & ~1023;
}

struct Shared {
  uint64_t full[MOST], empty[MOST], ready[SLOTS], free[SLOTS], normed;
  float factor[MOST_ROWS];
  Link link[MOST_LINKS];
};
static constexpr int SHARED_BYTES = (sizeof(Shared) + 1023) / 1024 * 1024;

#if __CUDA_ARCH__ >= 900
/** Waits until all blocks have done that many tasks; by one warp. */
__device__ __forceinline__ void wait_links(const unsigned* arrived, int done) {
  if (done == 0) {
    wait_previous();
    return;
  }
  unsigned seen, target = done * gridDim.x;
  do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(arrived) : "memory");
  while (seen < target);
  __syncwarp();
}

/** A box of W: 8 rows of so many times 64 columns, from a place on. */
__device__ __forceinline__ void copy_rows(void* to, const void* map, int row, int part, uint64_t* barrier, uint64_t policy) {
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%3, %4, %5}], [%2], %6;"
               ::"r"(shared_address(to)), "l"(map), "r"(shared_address(barrier)), "r"(0), "r"(row), "r"(part), "l"(policy) : "memory");
}

/** Weights of all tasks, in order, to the ring; by one thread. */
__device__ __forceinline__ void copy_weights(int count, Shared& sh, uchar* ring, int stages) {
  uint64_t policy = once_policy();
  Place place = {0, 1, stages};
  unsigned offset = 0;
  for (int i = 0; i < count; i++) {
    const Link& t = sh.link[i];
    if (t.prepares) continue;
    Share share(t, offset);
    int N = t.N, chunks = ceil_div(t.K, COLUMNS), second = t.act >= 0 ? N : BOX_ROWS; // rows from the first box of a tile to the other
    const void* map = t.from;
    for (int pass = 0; pass < share.passes; pass++) {
      int tiles = share.tiles(pass);
      for (int chunk = 0; chunk < chunks; chunk++) {
        for (int tile = 0; tile < tiles; tile += 2) {
          uchar* to = ring + place.at * STAGE_BYTES;
          uint64_t* full = &sh.full[place.at];
          int both = min(2, tiles - tile);
          barrier_wait(&sh.empty[place.at], place.phase);
          barrier_expect(full, 2 * both * BOX_BYTES);
          for (int k = 0; k < both; k++) {
            int row = share.output(pass, tile + k);
            copy_rows(to + 2 * k * BOX_BYTES, map, row, chunk * (COLUMNS / 64), full, policy);
            copy_rows(to + (2 * k + 1) * BOX_BYTES, map, row + second, chunk * (COLUMNS / 64), full, policy);
          }
          place.next();
        }
      }
    }
  }
}

__device__ __forceinline__ void copy16(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/** Images of x to their slots, and what rows are divided by; by one warp. Not in bulk: what other blocks have just written would need fences. */
__device__ __forceinline__ void bring_rows(int count, Shared& sh, uchar* slots, int slotBytes, const unsigned* arrived, int rows) {
  int lane = threadIdx.x & 31, record = record_bytes(rows);
  unsigned offset = 0;
  Place place = {0, 1, SLOTS};
  for (int i = 0; i < count; i++) {
    const Link& t = sh.link[i];
    if (t.prepares) continue;
    Share share(t, offset);
    int K = t.K, chunks = ceil_div(K, COLUMNS);
    wait_links(arrived, i);
    for (int pass = 0; pass < share.passes; pass++) {
      if (pass > 0) { // sums of the pass before stand in the slots
        Place last = place.at == 0 ? Place{SLOTS - 1, place.phase} : Place{place.at - 1, place.phase ^ 1};
        barrier_wait(&sh.free[last.at], last.phase);
      }
      for (int j = 0; j < chunks; j++) {
        int k = j * COLUMNS, bytes = min(COLUMNS, K - k) / UNIT * record;
        barrier_wait(&sh.free[place.at], place.phase);
        uchar* to = slots + place.at * slotBytes;
        const uchar* from = t.in + (long long)(k / UNIT) * record;
#pragma unroll 8
        for (int b = 16 * lane; b < bytes; b += 512) copy16(to + b, from + b);
        asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(&sh.ready[place.at])) : "memory");
        place.next();
      }
      if (pass > 0 || !t.squaresIn) continue;
      float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
#pragma unroll 8
      for (int j = lane; j < K / UNIT * (MOST_ROWS / 4); j += 32) {
        float4 v = row4(t.squaresIn + 4 * j);
        sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
      }
      float s[4] = {sum.x, sum.y, sum.z, sum.w};
#pragma unroll
      for (int o = MOST_ROWS / 4; o < 32; o <<= 1)
#pragma unroll
        for (int j = 0; j < 4; j++) s[j] += __shfl_xor_sync(ALL, s[j], o);
      if (lane < MOST_ROWS / 4)
#pragma unroll
        for (int j = 0; j < 4; j++) sh.factor[4 * lane + j] = 1.f / sqrtf(s[j] / K + t.eps);
      __syncwarp();
      if (lane == 0) barrier_arrive(&sh.normed);
    }
  }
}

__device__ __forceinline__ void load_tile(unsigned (&a)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3]) : "r"(address));
}
/** 16 rows of W by 8 rows of x, 8 columns deep. */
template <class T> __device__ __forceinline__ void mma8(float (&d)[4], unsigned a0, unsigned a1, unsigned b);
#define MMA8(T, NAME)                                                                                                                             \
  template <> __device__ __forceinline__ void mma8<T>(float (&d)[4], unsigned a0, unsigned a1, unsigned b) {                                      \
    asm("mma.sync.aligned.m16n8k8.row.col.f32." NAME "." NAME ".f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"                          \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                                                          \
        : "r"(a0), "r"(a1), "r"(b));                                                                                                              \
  }
MMA8(__half, "f16")
MMA8(bf16, "bf16")

/** A warp's records of a chunk of x, which stay in registers while all tiles pass. */
template <class T> struct Kept {
  uint4 x[STEPS];
  float2 first[STEPS], second[STEPS]; // scales
  int steps;

  __device__ __forceinline__ void get(const uchar* chunk, int records, int rows, int warp, int lane) {
    int n = min(lane >> 2, rows - 1), c = lane & 3;
    steps = min(max(records - warp * STEPS, 0), STEPS);
#pragma unroll
    for (int j = 0; j < STEPS; j++) {
      const uchar* at = chunk + (warp * STEPS + j) * record_bytes(rows);
      if (j < steps) {
        x[j] = *(const uint4*)(at + (n * 4 + c) * 16);
        first[j] = *(const float2*)(at + scales_at(rows) + 8 * c), second[j] = *(const float2*)(at + scales_at(rows) + MOST_ROWS * 4 + 8 * c);
      }
    }
  }
  __device__ __forceinline__ void multiply(float (&sum)[4], const unsigned (&a)[4], int j) const {
    float d[4] = {0.f, 0.f, 0.f, 0.f}, e[4] = {0.f, 0.f, 0.f, 0.f};
    mma8<T>(d, a[0], a[1], x[j].z);
    mma8<T>(e, a[2], a[3], x[j].w);
    mma8<T>(d, a[0], a[1], x[j].x);
    mma8<T>(e, a[2], a[3], x[j].y);
    sum[0] = fmaf(d[0], first[j].x, sum[0]), sum[1] = fmaf(d[1], first[j].y, sum[1]);
    sum[2] = fmaf(d[2], first[j].x, sum[2]), sum[3] = fmaf(d[3], first[j].y, sum[3]);
    sum[0] = fmaf(e[0], second[j].x, sum[0]), sum[1] = fmaf(e[1], second[j].y, sum[1]);
    sum[2] = fmaf(e[2], second[j].x, sum[2]), sum[3] = fmaf(e[3], second[j].y, sum[3]);
  }
};

__device__ __forceinline__ void multipliers() { asm volatile("bar.sync 1, %0;" ::"n"(CONSUMERS) : "memory"); }

/** All tasks; by the warps that multiply. */
template <class T>
__device__ __forceinline__ void multiply(int count, Shared& sh, const uchar* ring, int stages, uchar* slots, int slotBytes, unsigned* arrived,
                                         int rows) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, c = lane & 3, norms = 0;
  unsigned offset = 0;
  Place stage = {0, 0, stages}, slot = {0, 0, SLOTS};
  for (int i = 0; i < count; i++) {
    const Link& t = sh.link[i];
    bool prepares = t.prepares, gated = t.act >= 0;
    int K = t.K, chunks = ceil_div(K, COLUMNS);
    unsigned start = offset;
    Share share(t, offset);
    if (prepares) offset = start;
    if (prepares || i == 0) wait_links(arrived, i);
    Fetched fetched;
    for (int pass = 0; pass < share.passes; pass++) {
      int tiles = share.tiles(pass);
      float factor[2] = {1.f, 1.f};
      float4* sums = (float4*)slots;
      if (!prepares) {
        float sum[TILES][4];
#pragma unroll
        for (int g = 0; g < TILES; g++) sum[g][0] = sum[g][1] = sum[g][2] = sum[g][3] = 0.f;
        for (int chunk = 0; chunk < chunks; chunk++) {
          barrier_wait(&sh.ready[slot.at], slot.phase);
          if (chunk == 0 && warp < tiles) fetched.fetch(t, share.output(pass, warp), share.outputs, rows, lane);
          Kept<T> kept;
          kept.get(slots + slot.at * slotBytes, min(COLUMNS, K - chunk * COLUMNS) / UNIT, rows, warp, lane);
#pragma unroll
          for (int g = 0; g < TILES; g += 2) {
            if (g >= tiles) break;
            barrier_wait(&sh.full[stage.at], stage.phase);
            unsigned at = shared_address(ring + stage.at * STAGE_BYTES) + (lane >> 3 & 1) * BOX_BYTES + warp * 1024 + (lane & 7) * 128;
            unsigned a[2][STEPS][4];
#pragma unroll
            for (int h = 0; h < 2; h++)
#pragma unroll
              for (int j = 0; j < STEPS; j++) // without a second tile what was there before
                load_tile(a[h][j], at + 2 * h * BOX_BYTES + ((2 * j + (lane >> 4)) ^ (lane & 7)) * 16);
            __syncwarp();
            if (lane == 0) barrier_arrive(&sh.empty[stage.at]);
#pragma unroll
            for (int j = 0; j < STEPS; j++)
              if (j < kept.steps) kept.multiply(sum[g], a[0][j], j), kept.multiply(sum[g + 1], a[1][j], j);
            stage.next();
          }
          if (chunk + SLOTS < chunks) { // the last ones make room for sums
            __syncwarp();
            if (lane == 0) barrier_arrive(&sh.free[slot.at]);
          }
          slot.next();
        }
        multipliers();
#pragma unroll
        for (int g = 0; g < TILES; g++)
          if (g < tiles) sums[(warp * TILES + g) * 32 + lane] = make_float4(sum[g][0], sum[g][1], sum[g][2], sum[g][3]);
        if (t.squaresIn) {
          barrier_wait(&sh.normed, norms & 1);
          if (pass + 1 == share.passes) norms++;
          factor[0] = sh.factor[2 * c], factor[1] = sh.factor[2 * c + 1];
        }
        multipliers();
      }
      for (int g = warp; g < tiles; g += WARPS) {
        int o = share.output(pass, g);
        float v[4] = {0.f, 0.f, 0.f, 0.f};
        if (prepares || g > warp) fetched.fetch(t, o, share.outputs, rows, lane);
        if (prepares) {
#pragma unroll
          for (int j = 0; j < 4; j++) {
            int n = 2 * c + (j & 1), k = o + (lane >> 2) + (j >> 1) * 8;
            if (n < rows && k < t.N) v[j] = row1((const float*)t.from + (long long)n * t.ldx + k);
          }
        } else {
#pragma unroll
          for (int w = 0; w < WARPS; w++) {
            float4 part = sums[(w * TILES + g) * 32 + lane];
            v[0] += part.x, v[1] += part.y, v[2] += part.z, v[3] += part.w;
          }
#pragma unroll
          for (int j = 0; j < 4; j++) v[j] *= factor[j & 1];
          if (gated) v[0] = gated_value(v[0], v[2], t.act), v[1] = gated_value(v[1], v[3], t.act);
        }
#pragma unroll
        for (int j = 0; j < 4; j++) v[j] += fetched.bias[j >> 1] + fetched.before[j];
        emit<T>(t, v, fetched, o, share.outputs, rows, lane);
      }
      multipliers();
      if (!prepares && lane == 0)
        for (int k = 0, at = slot.at; k < min(SLOTS, chunks); k++) {
          at = at == 0 ? SLOTS - 1 : at - 1;
          barrier_arrive(&sh.free[at]);
        }
    }
    if (threadIdx.x == 0) {
      if (i + 1 < count) asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(arrived) : "memory");
      else if (atomicAdd(arrived, 1u) == count * gridDim.x - 1) *arrived = 0; // for the next launch
    }
  }
}

template <class T>
__device__ __forceinline__ void chain_rows(const Link* links, int count, unsigned* arrived, int stages, int rows) {
  extern __shared__ __align__(1024) uchar memory[];
  Shared& sh = *(Shared*)memory;
  int slotBytes = slot_bytes(rows);
  uchar *slots = memory + SHARED_BYTES, *ring = slots + SLOTS * slotBytes;
  if (threadIdx.x == 0) {
    for (int i = 0; i < stages; i++) {
      barrier_init(&sh.full[i], 1);
      barrier_init(&sh.empty[i], WARPS);
    }
    for (int i = 0; i < SLOTS; i++) {
      barrier_init(&sh.ready[i], 32);
      barrier_init(&sh.free[i], WARPS);
    }
    barrier_init(&sh.normed, 1);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  for (int i = threadIdx.x; i < count * (int)sizeof(Link) / 16; i += THREADS) ((uint4*)sh.link)[i] = __ldg((const uint4*)links + i);
  __syncthreads();
  dependents();
  int warp = threadIdx.x >> 5;
  if (warp > WARPS) {
    if (threadIdx.x % 32 == 0) copy_weights(count, sh, ring, stages);
  } else if (warp == WARPS) bring_rows(count, sh, slots, slotBytes, arrived, rows);
  else multiply<T>(count, sh, ring, stages, slots, slotBytes, arrived, rows);
}
#endif

// Threads; bytes of shared memory in any case for MOST_ROWS rows, and of a stage; most stages; most rows and links; columns of a record of an image
// and bytes of one of MOST_ROWS rows; rows of a box of W.
EXPORT_SHAPE(chain_rows, THREADS, SHARED_BYTES + SLOTS * slot_bytes(MOST_ROWS), STAGE_BYTES, MOST, MOST_ROWS, MOST_LINKS, UNIT,
             record_bytes(MOST_ROWS), BOX_ROWS)
EXPORT_LAYOUT(link, Link, LINK_MEMBERS)

#if __CUDA_ARCH__ >= 900
#define CHAIN_BODY(T) chain_rows<T>(links, count, arrived, stages, rows);
#else
#define CHAIN_BODY(T)
#endif
#define CHAIN_ROWS(FMT, T)                                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS, 1)                                                                                          \
      chain_rows_##FMT(const Link* links, int count, unsigned* arrived, int stages, int rows) {                                                 \
    CHAIN_BODY(T)                                                                                                                                   \
  }
CHAIN_ROWS(f16, __half)
CHAIN_ROWS(bf16, bf16)

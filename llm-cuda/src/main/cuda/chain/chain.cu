// architectures: 90a 100 120 ptx
// A whole decode step of one sequence, or most of it, in one launch: a chain of matrix-vector products and attentions, in order. For devices with
// bulk copies (sm_90 and later). One block a multiprocessor, all at once (a cooperative launch), with a barrier of the whole grid between tasks.
//
// A warp of each block does nothing but copy: weights go in stages through a ring that fills shared memory, and while the others wait for the end of
// a task, or attend, it runs ahead into the weights of the tasks to come: memory is never idle. Eight warps compute. The vector of a product stands
// in shared memory, normed and quantised there by each block for itself.
#include "chain/chain_attention.cuh"
#include "common/layout.cuh"

static constexpr int BUFFER = 64; // groups of four rows whose results wait for each other

/** Formats of weights that chains multiply by, and how a chunk of a stage meets its activations. */
#define CHAIN_FORMATS(X)       \
  X(f32, StageDense<float>)    \
  X(f16, StageDense<__half>)   \
  X(bf16, StageDense<bf16>)    \
  X(q4_0, StageQ40)            \
  X(q8_0, StageQ80)

/** A place in the ring. */
struct Place {
  int slot, phase;
  __device__ __forceinline__ void next(int stages) {
    if (++slot == stages) slot = 0, phase ^= 1;
  }
};

struct Shared {
  uint64_t full[MOST_STAGES], empty[MOST_STAGES];
  uchar* ring;
  int stageBytes, stages;
  Chain chain;
  int unitOf[MOST_STAGES], unitDone[BUFFER];
  float room[RING_WARPS];
  float part[RING_WARPS][BUFFER * 4];
};
static constexpr int SHARED_BYTES = (sizeof(Shared) + 127) / 128 * 128;

#if __CUDA_ARCH__ >= 900
static constexpr int IN_FLIGHT = 2; // stages that a block has asked for and not yet got: more would only make everybody else wait for memory
static constexpr int FIXED = 5;   // eighths of the units that are shared out beforehand
static constexpr int ASKED = 1;   // further units that a block has asked for and not yet begun


/** All weights of the chain, in order, to the ring; by one warp. */
__device__ __forceinline__ void produce(const Task* tasks, int count, Shared& sh) {
  int lane = threadIdx.x & 31, lineSet = lane >> 2, r = lane & 3;
  uint64_t policy = once_policy();
  Place place = {0, 1}; // what was never filled is empty
  Place landed = {0, 0};
  int stages = sh.stages, stageBytes = sh.stageBytes, flying = 0;
  uchar* ring = sh.ring;
  auto take_off = [&]() { // for another stage
    if (flying == min(IN_FLIGHT, stages - 1)) {
      barrier_wait(&sh.full[landed.slot], landed.phase);
      landed.next(stages);
    } else {
      flying++;
    }
  };
  for (int i = 0; i < count; i++) {
    const Task& t = tasks[i];
    int format = __ldg(&t.format);
    if (i + 1 < count) asm volatile("prefetch.global.L1 [%0];" ::"l"(tasks + i + 1));
    if (__ldg(&t.kind) != PRODUCT) continue;
    const uchar* W = (const uchar*)__ldg((const long long*)&t.from);
    unsigned* counter = (unsigned*)__ldg((const long long*)&t.counter);
    int N = __ldg(&t.N), K = __ldg(&t.K), rows = N;
    bool gated = __ldg(&t.act) >= 0, blocks = format > FORMAT_bf16;
    if (gated) rows *= 2;
    int parts = format == FORMAT_q8_0 ? 2 : 1, size = format == FORMAT_f32 ? 4 : 2;
    Split split(blocks ? K / 32 : ceil_div(K, 16 / size), N, gated);
    long long rowStride = blocks ? (long long)split.chunks * 16 * parts
        : format == FORMAT_f32 ? Dense<float>::stride(K) * 4 : Dense<__half>::stride(K) * 2;
    const uchar* scales = W + (format == FORMAT_q8_0 ? Q80::scales(rows, K) : Q40::scales(rows, K));
    int scaleBytes = blocks ? 8 : 0, partBytes = split.slots * 16, rowBytes = partBytes * parts;
    int grid = gridDim.x, fixed = (int)((long long)split.units * FIXED / 8 / grid), later = fixed * grid;
    unsigned limit = split.units - later + (ASKED + 1) * grid - 1; // every block asks for that many more than there are
    unsigned asked[ASKED];                                         // of lane 0; answers take about a microsecond
    auto ask = [&]() { return lane == 0 ? atomicInc(counter, limit) : 0; };
#pragma unroll
    for (int a = 0; a < ASKED; a++) asked[a] = ask();
    for (int j = 0;; j++) {
      int unit = (int)blockIdx.x * fixed + j;
      if (j >= fixed) {
        unit = later + __shfl_sync(ALL, (int)asked[0], 0);
#pragma unroll
        for (int a = 0; a + 1 < ASKED; a++) asked[a] = asked[a + 1];
        asked[ASKED - 1] = ask();
        if (unit >= split.units) break;
      }
      int piece = 0, group = unit * split.each + lineSet;
      for (int turn = 0; turn < split.turns; turn++) {
        int c = piece * split.slots, n = min(split.slots, split.chunks - c);
        int row = (gated ? (group & 1) * N + (group >> 1) * 4 : group * 4) + r, end = gated ? ((group & 1) + 1) * N : N;
        bool mine = lineSet < split.sets && row < end;
        int bytes = warp_sum(mine ? n * (16 * parts + (r == 0 ? scaleBytes : 0)) : 0);
        take_off();
        barrier_wait(&sh.empty[place.slot], place.phase); // passes at once in the first round
        if (lane == 0) {
          sh.unitOf[place.slot] = unit;
          barrier_expect(&sh.full[place.slot], bytes);
        }
        __syncwarp();
        if (mine) {
          uchar* to = ring + place.slot * stageBytes;
          const uchar* from = W + row * rowStride + 16ll * c;
          copy_bulk(to + (lineSet * 4 + r) * rowBytes, from, n * 16, &sh.full[place.slot], policy);
          if (parts == 2) copy_bulk(to + (lineSet * 4 + r) * rowBytes + partBytes, from + rowStride / 2, n * 16, &sh.full[place.slot], policy);
          if (blocks && r == 0)
            copy_bulk(to + split.sets * 4 * rowBytes + lineSet * split.slots * 8, scales + Side<8>::at(row, split.chunks, c), n * 8,
            &sh.full[place.slot], policy);
        }
        place.next(stages);
        if (++piece == split.pieces) piece = 0, group += split.sets;
      }
    }
    take_off();
    barrier_wait(&sh.empty[place.slot], place.phase);
    if (lane == 0) {
      sh.unitOf[place.slot] = -1; // the end
      barrier_arrive(&sh.full[place.slot]);
    }
    place.next(stages);
  }
}

/** A product, from a place in the ring on; by the warps that compute. Returns the place behind it. */
template <class F> __device__ __forceinline__ Place multiply(Shared& sh, Place place, int index) {
  const Task& t = sh.chain.task[index & 1];
  int stages = sh.stages, stageBytes = sh.stageBytes;
  const uchar* ring = sh.ring;
  typedef typename F::Read Read;
  int N = t.N, K = t.K, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  bool gated = t.act >= 0;
  Split split(ceil_div(K, Read::K_CHUNK), N, gated);
  Vector<F> vector = {sh.chain.vector, split.chunks};
  fill(vector, t.x, t.norm, t.eps, K, sh.room, [&]() {
    if (threadIdx.x == 0 && index > 0) wait_tasks(sh.chain, index);
    consumers();
  });
  int partBytes = split.slots * 16, rowBytes = partBytes * F::PARTS;
  int set = warp / split.perRow, c = warp % split.perRow * 32 + lane;
  typename Read::template Acts<1> acts;
  if (c < split.chunks) vector.get(acts, c);
  float acc[4] = {0.f, 0.f, 0.f, 0.f};
  int piece = 0, group = 0, done = 0; // group of the unit; groups of the block whose sums wait
  while (true) {
    int at = piece * split.slots + c;
    if (split.pieces > 1 && at < split.chunks) vector.get(acts, at);
    barrier_wait(&sh.full[place.slot], place.phase);
    int unit = sh.unitOf[place.slot];
    if (unit >= 0 && at < split.chunks) {
      const uchar* stage = ring + place.slot * stageBytes;
      typename Read::Group g;
      F::group(g, stage + set * 4 * rowBytes, rowBytes, partBytes, c, stage + split.sets * 4 * rowBytes + set * split.slots * 8);
#pragma unroll
      for (int r = 0; r < 4; r++) {
        float v;
        Read::template dots<1>(g, r, acts, &v);
        acc[r] += v;
      }
    }
    __syncwarp();
    if (lane == 0) barrier_arrive(&sh.empty[place.slot]);
    place.next(stages);
    if (unit >= 0 && ++piece == split.pieces) {
      piece = 0;
      float sum = sum_lanes(acc, lane);
      if ((lane & 7) == 0) sh.part[warp][(done + set) * 4 + (lane >> 3)] = sum;
      acc[0] = acc[1] = acc[2] = acc[3] = 0.f;
      if (threadIdx.x < split.sets) sh.unitDone[done + threadIdx.x] = unit * split.each + group + threadIdx.x;
      done += split.sets;
      if ((group += split.sets) == split.each) group = 0;
    }
    if (unit < 0 || (done + split.each > BUFFER && group + piece == 0)) {
      consumers();
      int halves = gated ? 1 : 0; // as a shift
      for (int o = threadIdx.x; o < (done >> halves) * 4; o += RING_CONSUMERS) {
        auto result = [&](int local) { // over the warps that share the group
          float v = 0.f;
          int first = local % split.sets * split.perRow;
          for (int w = 0; w < split.perRow; w++) v += sh.part[first + w][local * 4 + (o & 3)];
          return v;
        };
        int local = o >> 2 << halves, n = (sh.unitDone[local] >> halves) * 4 + (o & 3);
        if (n < N) {
          float v = result(local);
          if (gated) {
            v = gated_value(v, result(local + 1), t.act);
          } else {
            if (t.bias) v += __ldg(t.bias + n);
            if (t.residual) v += row1(t.residual + n);
          }
          t.y[n] = v;
        }
      }
      if (unit < 0) return place;
      done = 0;
      consumers();
    }
  }
}

template <class T>
__device__ __forceinline__ void chain(const Task* tasks, int count, unsigned* arrived, int stageBytes, int stages, int vectorBytes,
const Sequence& sequence) {
  extern __shared__ __align__(128) uchar memory[];
  Shared& sh = *(Shared*)memory;
  if (threadIdx.x == 0) {
    sh.ring = memory + SHARED_BYTES + vectorBytes, sh.stageBytes = stageBytes, sh.stages = stages;
    sh.chain.sequence = sequence, sh.chain.arrived = arrived, sh.chain.vector = memory + SHARED_BYTES;
    for (int i = 0; i < stages; i++) {
      barrier_init(&sh.full[i], 1);
      barrier_init(&sh.empty[i], RING_WARPS);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  if (threadIdx.x >= ATTENDERS_FROM) {
    int tid = threadIdx.x - ATTENDERS_FROM;
    for (int i = 0; i < count; i++) {
      if (__ldg(&tasks[i].kind) != ATTENTION) continue;
      if (tid < sizeof(Task) / 16) ((uint4*)&sh.chain.task[2])[tid] = __ldg((const uint4*)(tasks + i) + tid);
      attenders();
      attend_any<T>(sh.chain, i);
      attenders();
      if (tid == 0) arrive(sh.chain, i, count);
    }
    return;
  }
  if (threadIdx.x >= RING_CONSUMERS) {
    produce(tasks, count, sh);
    return;
  }
  // A task is brought to shared memory while the one before it runs.
  auto fetch = [&](int i) {
    if (i < count && threadIdx.x < sizeof(Task) / 16)
      asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(shared_address(&sh.chain.task[i & 1]) + 16 * threadIdx.x),
                   "l"((const uchar*)(tasks + i) + 16 * threadIdx.x)
                   : "memory");
  };
  fetch(0);
  asm volatile("cp.async.wait_all;" ::: "memory");
  consumers();
  Place place = {0, 0};
  for (int i = 0; i < count; i++) {
    const Task& t = sh.chain.task[i & 1];
    fetch(i + 1);
    bool product = t.kind == PRODUCT;
    if (product) {
      switch (t.format) {
#define CASE(FMT, STAGE) case FORMAT_##FMT: place = multiply<STAGE>(sh, place, i); break;
        CHAIN_FORMATS(CASE)
      }
    }
    asm volatile("cp.async.wait_all;" ::: "memory");
    consumers();
    if (product && threadIdx.x == 0) arrive(sh.chain, i, count);
  }
}
#endif

// Threads; bytes of shared memory that a block needs in any case, for attention, for attention and each dimension of a head (rounded up to 64, 128
// or 256); most stages; the largest head.
EXPORT_SHAPE(chain, RING_THREADS, SHARED_BYTES, ROOM_BYTES, ROOM_BYTES_PER_DIMENSION, MOST_STAGES, MOST_DIM)
EXPORT_LAYOUT(task, Task, TASK_MEMBERS)

// Of each format that chains multiply by: its number, the bytes of a stage; and the names.
#define NUMBER_AND_STAGE(FMT, STAGE) FORMAT_##FMT, stage_bytes(STAGE::PARTS),
#define NAME(FMT, STAGE) #FMT " "
extern "C" __constant__ const int chain_formats[] = {CHAIN_FORMATS(NUMBER_AND_STAGE)};
extern "C" __constant__ const char chain_format_names[] = CHAIN_FORMATS(NAME);

#define CHAIN(KV, T)                                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(RING_THREADS, 1)                                                                                      \
      chain_##KV(const Task* tasks, int count, unsigned* arrived, int stageBytes, int stages, int vectorBytes, uchar* kv, long long blockBytes,      \
                 int blockSize,                                                                                                                      \
                 const int* kvSlots, const int* context, const int* table, float* partial, unsigned* counters, const int* pieces) {                  \
    CHAIN_BODY(T)                                                                                                                                    \
  }
#if __CUDA_ARCH__ >= 900
#define CHAIN_BODY(T)                                                         \
  chain<T>(tasks, count, arrived, stageBytes, stages, vectorBytes,            \
           Sequence{kv, blockBytes, blockSize, kvSlots[0], context[0], table, partial, counters, pieces[0]});
#else
#define CHAIN_BODY(T)
#endif
CHAIN(f16, __half)
CHAIN(bf16, bf16)

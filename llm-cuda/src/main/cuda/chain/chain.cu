// architectures: 90a 100 120 ptx
// A whole decode step of one sequence, or most of it, in one launch: a chain of matrix-vector products and attentions, in order. For devices with
// bulk copies (sm_90 and later). One block a multiprocessor, all at once (a cooperative launch). There are no barriers between tasks: what a task
// leaves for later ones is there as soon as it looks so (room.cuh).
//
// Two warps of a block do nothing but copy: weights go in stages through a ring that fills shared memory, and while the others wait for values, or
// attend, they run ahead into the weights of the tasks to come. Eight warps multiply, each units of its own. Four attend and bring rows to 8 bits.
#include "chain/chain_attention.cuh"
#include "chain/split.cuh"
#include "common/layout.cuh"

/** Formats of weights that chains multiply by, and how a chunk of a stage meets its activations. */
#define CHAIN_FORMATS(X)       \
  X(f32, StageDense<float>)    \
  X(f16, StageDense<__half>)   \
  X(bf16, StageDense<bf16>)    \
  X(q4_0, StageQ40)            \
  X(q8_0, StageQ80)

struct Shared {
  uint64_t full[MOST_STAGES], empty[MOST_STAGES];
  volatile int holds[MOST_STAGES]; // number of the stage that is in a slot, or on its way
  int stageBytes, stages;
  Chain chain;
  float room[RING_WARPS];
};
static constexpr int SHARED_BYTES = (sizeof(Shared) + 127) / 128 * 128;

#if __CUDA_ARCH__ >= 900
/** Every so many-th stage of weights of the chain, in order, to the ring; by one thread of a warp. */
__device__ __forceinline__ void produce(const Task* tasks, int count, Shared& sh, int producer) {
  int stages = sh.stages, stageBytes = sh.stageBytes;
  uint64_t policy = once_policy();
  Place place = {0, 1, 0}; // what was never filled is empty
  place.step(producer, stages);
  unsigned ring = shared_address(shared_memory(sh.chain.ringAt)), offset = 0;
  int before = 0; // stages of the steps before
#pragma unroll 1
  for (int i = 0; i < count; i++) {
    const Task& t = tasks[i];
    int format = __ldg(&t.format);
    if (i + 1 < count) asm volatile("prefetch.global.L1 [%0];" ::"l"(tasks + i + 1));
    if (__ldg(&t.kind) != PRODUCT) continue;
    const uchar* W = (const uchar*)__ldg((const long long*)&t.from);
    int N = __ldg(&t.N), K = __ldg(&t.K);
    bool gated = __ldg(&t.act) >= 0, blocks = format > FORMAT_bf16;
    int rows = gated ? 2 * N : N, parts = format == FORMAT_q8_0 ? 2 : 1, size = format == FORMAT_f32 ? 4 : 2;
    Split split(blocks ? K / 32 : ceil_div(K, 16 / size), blocks, N, gated, offset);
    unsigned rowStride = split.chunks * 16 * parts; // dense rows are filled up to 16 bytes, too
    const uchar* scales = W + (format == FORMAT_q8_0 ? Q80::scales(rows, K) : Q40::scales(rows, K));
    bool whole = split.chunks <= split.piece && parts == 1; // whole rows behind each other
#pragma unroll 1
    for (int k0 = 0; k0 < split.mine; k0 += RING_WARPS) {
      int together = min(RING_WARPS, split.mine - k0) * split.halves;
#pragma unroll 1
      for (int step = 0, c = 0, r = 0; step < split.steps; step++) {
        int n = min(split.piece, split.chunks - c);
#pragma unroll 1
        for (int j = place.at - before; j < together; j += COPIERS) {
          int unit = split.unit(k0 + (gated ? j >> 1 : j)), there = min(4, N - unit * 4), row = (gated ? (j & 1) * N : 0) + unit * 4;
          while (place.at >= stages && sh.holds[place.slot] != place.at - stages) {}
          barrier_idle(&sh.empty[place.slot], place.phase);
          uint64_t* full = &sh.full[place.slot];
          sh.holds[place.slot] = place.at;
          unsigned to = ring + place.slot * stageBytes;
          const uchar* from = W + (long long)(blocks ? row : row + min(r, there - 1)) * rowStride + c * 16;
          if (!blocks) {
            int bytes = n * 16 * max(1, min(split.rows, there - r)); // behind the last row there is something
            barrier_expect(full, bytes);
            copy_bulk(to, from, bytes, full, policy);
          } else {
            barrier_expect(full, there * n * 16 * parts + n * 8);
            if (whole) {
              copy_bulk(to, from, there * rowStride, full, policy);
            } else {
#pragma unroll 1
              for (int k = 0; k < there; k++) {
                copy_bulk(to + k * PIECE * 16, from, n * 16, full, policy);
                if (parts == 2) copy_bulk(to + (4 + k) * PIECE * 16, from + rowStride / 2, n * 16, full, policy);
                from += rowStride;
              }
            }
            copy_bulk(to + PIECE * 64 * parts, scales + Side<8>::at(row, split.chunks, c), n * 8, full, policy);
          }
          place.step(COPIERS, stages);
        }
        if ((c += split.piece) >= split.chunks) c = 0, r += split.rows;
        before += together;
      }
    }
  }
}

/** Adds a piece of four rows, each times its piece of the vector; of dense weights of one row. */
template <class F>
__device__ __forceinline__ void add_stage(float (&acc)[4], const uchar* stage, int lineBytes, int n, const Vector<F>& vector, int from, int lane) {
  typedef typename F::Read Read;
  constexpr int PART = PIECE * 64, UNROLL = F::BYTES ? 1 : 4; // bytes; short code
  auto add = [&](int c) {
    typename Read::template Acts<1> acts;
    vector.get(acts, from + c);
    if constexpr (F::BYTES) {
      typename Read::Group g;
      F::group(g, stage, lineBytes, PART, c, stage + PART * F::PARTS);
#pragma unroll
      for (int r = 0; r < 4; r++) acc[r] += F::dot(g, r, acts);
    } else {
      acc[0] += F::dot(stage, c, acts);
    }
  };
#pragma unroll UNROLL
  for (int c = lane; c < n; c += 32) add(c);
}

/** A product, from a place in the ring on; by the warps that compute. Returns the place behind it. */
template <class F> __device__ __forceinline__ Place multiply(Shared& sh, Place base, int index, unsigned& offset) {
  const Task& t = sh.chain.task[index % TASKS];
  typedef typename F::Read Read;
  int stages = sh.stages, stageBytes = sh.stageBytes, N = t.N, K = t.K, act = t.act, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const uchar* ring = shared_memory(sh.chain.ringAt);
  bool gated = act >= 0;
  Split split(ceil_div(K, Read::K_CHUNK), F::BYTES, N, gated, offset);
  Vector<F> vector = {shared_memory(sh.chain.vectorAt), split.chunks};
  long long shift = sh.chain.shift;
  const float *x = t.x, *residual = t.residual, *bias = t.bias;
  float *y = t.y, *out = t.out;
  int fresh = t.fresh;
  bool shown = F::BYTES || fresh & FRESH_X;
  if (F::BYTES) x = t.records;
  if (shown) x += shift;
  if (fresh & FRESH_RESIDUAL) residual += shift;
  if (out) out += shift;
  asm volatile("cp.async.wait_all;" ::: "memory"); // the task behind
  float factor = fill(vector, x, shown, t.norm, t.eps, K, sh.room);
  int lineBytes = split.chunks <= split.piece && F::PARTS == 1 ? split.chunks * 16 : PIECE * 16;
  for (int k0 = 0; k0 < split.mine; k0 += RING_WARPS) {
    int together = min(RING_WARPS, split.mine - k0);
    if (warp < together) {
      Place place = base;
      place.step(warp * split.halves, stages);
      int unit = split.unit(k0 + warp), r = lane >> 3, o = unit * 4 + r;
      bool mine = (lane & 7) == 0 && o < N;
      float before = 0.f, plus = 0.f;
      if (residual && mine) before = look(residual + o);
      if (bias && mine) plus = __ldg(bias + o);
      float acc[4] = {0.f, 0.f, 0.f, 0.f}, up[4] = {0.f, 0.f, 0.f, 0.f};
      auto take = [&](float(&to)[4], int c) {
        while (sh.holds[place.slot] != place.at) {} // a parity tells phases apart only when they are neighbours
        barrier_wait(&sh.full[place.slot], place.phase);
        const uchar* stage = ring + place.slot * stageBytes;
        int n = min(split.piece, split.chunks - c);
        if constexpr (F::BYTES) {
          add_stage<F>(to, stage, lineBytes, n, vector, c, lane);
        } else {
#pragma unroll 1
          for (int row = 0; row < split.rows; row++) {
            add_stage<F>(to, stage + row * lineBytes, lineBytes, n, vector, c, lane);
            if (c + n < split.chunks) continue;
            float first = to[0]; // the next row's turn; short code
            to[0] = to[1], to[1] = to[2], to[2] = to[3], to[3] = first;
          }
        }
        __syncwarp();
        if (lane == 0) barrier_arrive(&sh.empty[place.slot]);
      };
#pragma unroll 1
      for (int c = 0, half = 0, left = split.steps; left > 0;) {
        take(acc, c);
        bool more = gated && !half; // of this step
        int next = c + (more ? 0 : split.piece);
        if (gated) { // gate and up by turns
          half ^= 1;
#pragma unroll
          for (int j = 0; j < 4; j++) {
            float other = up[j];
            up[j] = acc[j], acc[j] = other;
          }
        }
        c = next >= split.chunks ? 0 : next;
        if (!more) left--;
        place.step(more ? 1 : (together - 1) * split.halves + 1, stages);
      }
      float sum = sum_lanes(acc, lane);
      if (gated) {
        sum = gated_value(sum * factor, sum_lanes(up, lane) * factor, act);
      } else if (mine) {
        sum = sum * factor + plus;
        if (residual) {
          if (fresh & FRESH_RESIDUAL)
            while (absent(before)) before = look(residual + o);
          sum += before;
        }
      }
      if (mine && y) y[o] = sum;
      if (out && (lane & 7) == 0) show(out + o, o < N ? sum : 0.f); // rows are read in fours
    }
    base.step(together * split.steps * split.halves, stages);
  }
  return base;
}

template <class T>
__device__ __forceinline__ void chain(const Task* tasks, int count, unsigned* arrived, int stageBytes, int stages, int vectorBytes,
                                      int attentionBytes, float* room, long long roomFloats, const Sequence& sequence) {
  extern __shared__ __align__(128) uchar memory[];
  Shared& sh = *(Shared*)memory;
  if (threadIdx.x == 0) {
    sh.stageBytes = stageBytes, sh.stages = stages, sh.chain.sequence = sequence;
    sh.chain.attentionAt = SHARED_BYTES, sh.chain.vectorAt = sh.chain.attentionAt + attentionBytes, sh.chain.ringAt = sh.chain.vectorAt + vectorBytes;
    sh.chain.shift = *(volatile unsigned*)(arrived + 1) ? roomFloats : 0;
    for (int i = 0; i < stages; i++) {
      sh.holds[i] = -1;
      barrier_init(&sh.full[i], 1);
      barrier_init(&sh.empty[i], 1);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  if (threadIdx.x >= ATTENDERS_FROM) {
    take_registers<ATTEND_REGISTERS>();
    int tid = threadIdx.x - ATTENDERS_FROM;
    float* clear = room + roomFloats - sh.chain.shift; // the next launch's half
    for (long long i = blockIdx.x * ATTENDERS + tid; i < roomFloats / 4; i += (long long)gridDim.x * ATTENDERS)
      ((uint4*)clear)[i] = make_uint4(ABSENT, ABSENT, ABSENT, ABSENT);
    for (int i = 0; i < count; i++) {
      if (__ldg(&tasks[i].kind) != ATTENTION) {
        const Task& t = tasks[i];
        if (float* records = (float*)__ldg((const long long*)&t.records)) {
          bool fresh = __ldg(&t.fresh) & FRESH_X;
          const float *x = (const float*)__ldg((const long long*)&t.x), *norm = (const float*)__ldg((const long long*)&t.norm);
          make_records(x + (fresh ? sh.chain.shift : 0), fresh, norm, __ldg(&t.K) / 32, records + sh.chain.shift, tid >> 5);
        }
        continue;
      }
      attenders();
      if (tid < sizeof(Task) / 16) ((uint4*)&sh.chain.task[TASKS])[tid] = __ldg((const uint4*)(tasks + i) + tid);
      attenders();
      attend_any<T>(sh.chain);
    }
  } else if (threadIdx.x >= RING_CONSUMERS) {
    give_registers<COPY_REGISTERS>();
    int producer = (threadIdx.x - RING_CONSUMERS) >> 5;
    if ((threadIdx.x & 31) == 0 && producer < COPIERS) produce(tasks, count, sh, producer);
    __syncwarp();
  } else {
    // Tasks are brought to shared memory ahead.
    auto fetch = [&](int i) {
      if (i < count && threadIdx.x < sizeof(Task) / 16)
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(shared_address(&sh.chain.task[i % TASKS]) + 16 * threadIdx.x),
                     "l"((const uchar*)(tasks + i) + 16 * threadIdx.x)
                     : "memory");
    };
    fetch(0), fetch(1);
    asm volatile("cp.async.wait_all;" ::: "memory");
    consumers();
    Place place = {0, 0, 0};
    unsigned offset = 0;
    for (int i = 0; i < count; i++) {
      const Task& t = sh.chain.task[i % TASKS];
      fetch(i + 2); // in place of one that all have left, since they have met in the one before this
      if (t.kind != PRODUCT) {
        asm volatile("cp.async.wait_all;" ::: "memory");
        consumers();
        continue;
      }
      switch (t.format) {
#define CASE(FMT, STAGE) case FORMAT_##FMT: place = multiply<STAGE>(sh, place, i, offset); break;
        CHAIN_FORMATS(CASE)
      }
    }
  }
  __syncthreads();
  if (threadIdx.x == 0 && atomicAdd(arrived, 1u) == gridDim.x - 1) arrived[0] = 0, arrived[1] ^= 1; // for the next launch
}
#endif

// Threads; bytes of shared memory that a block needs in any case, for attention, for attention and each dimension of a head (rounded up to 64, 128
// or 256); most stages; the largest head.
EXPORT_SHAPE(chain, RING_THREADS, SHARED_BYTES, ROOM_BYTES, ROOM_BYTES_PER_DIMENSION, MOST_STAGES, MOST_DIM)
EXPORT_LAYOUT(task, Task, TASK_MEMBERS)

// Of each format that chains multiply by: its number, the bytes of a stage; and the names.
#define NUMBER_AND_STAGE(FMT, STAGE) FORMAT_##FMT, stage_bytes(STAGE::PARTS, STAGE::BYTES),
#define NAME(FMT, STAGE) #FMT " "
extern "C" __constant__ const int chain_formats[] = {CHAIN_FORMATS(NUMBER_AND_STAGE)};
extern "C" __constant__ const char chain_format_names[] = CHAIN_FORMATS(NAME);

#define CHAIN(KV, T)                                                                                                                           \
  extern "C" __global__ void __launch_bounds__(RING_THREADS, 1)                                                                                \
      chain_##KV(const Task* tasks, int count, unsigned* arrived, int stageBytes, int stages, int vectorBytes, int attentionBytes,             \
                 float* room, long long roomFloats, uchar* kv, long long blockBytes, int blockSize, const int* kvSlots, const int* context,    \
                 const int* table, float* partial, const int* pieces) {                                                                        \
    CHAIN_BODY(T)                                                                                                                              \
  }
#if __CUDA_ARCH__ >= 900
#define CHAIN_BODY(T)                                                                                  \
  chain<T>(tasks, count, arrived, stageBytes, stages, vectorBytes, attentionBytes, room, roomFloats,   \
           Sequence{kv, blockBytes, blockSize, kvSlots[0], context[0], table, partial, pieces[0]});
#else
#define CHAIN_BODY(T)
#endif
CHAIN(f16, __half)
CHAIN(bf16, bf16)

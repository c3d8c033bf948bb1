// Attention of one query over its pages inside a chain of tasks, by warps that do nothing else. A block takes pieces of the positions for one head
// of keys and values and the heads of queries that share it, four at a time; 128 / L groups of L lanes hold the positions of a tile, each lane 16
// bytes of a key and of its value. The first tile, but for the newest position, was there before this step: it is fetched before the query is there.
#pragma once
#include "attention/pages.cuh"
#include "chain/room.cuh"

enum Kind { PRODUCT, ATTENTION };
enum Fresh { FRESH_X = 1, FRESH_RESIDUAL = 2 }; // what stands in the room: x or qkv, the residual

/** A task as Java lays it out: its members are in TASK_MEMBERS too. */
struct __align__(16) Task {
  int kind, format;
  const void* from;      // product: weights; attention: qkv
  const float* x;        // product: the row
  const float* norm;     // product: norm weights, or 0; attention: of queries, or 0
  const float* bias;     // product: or 0; attention: norm weights of keys, or 0
  const float* residual; // product: or 0; attention: frequencies
  float* y;              // or 0
  float* out;            // in the room, or 0
  long long layerAt;     // attention
  int N, K, act;         // product: act is -1 without a gate
  float eps;
  int heads, kvHeads, headDim, window, rotaryDim, interleaved; // attention
  float scale, softCap, factor;
  int fresh;
  float* records;        // in the room: of a product of blocks, where x goes in 8 bits; of attention, a counter for each head
  long long unused;
};
#define TASK_MEMBERS(M, S)                                                                                                                 \
  M(S, kind) M(S, format) M(S, from) M(S, x) M(S, norm) M(S, bias) M(S, residual) M(S, y) M(S, out) M(S, layerAt) M(S, N) M(S, K)          \
  M(S, act) M(S, eps) M(S, heads) M(S, kvHeads) M(S, headDim) M(S, window) M(S, rotaryDim) M(S, interleaved) M(S, scale)                   \
  M(S, softCap) M(S, factor) M(S, fresh) M(S, records)

/** What all tasks need to know of the sequence. */
struct Sequence {
  uchar* kv;
  long long blockBytes;
  int blockSize, slot, context;
  const int* table;
  float* partial;
  int pieceSize;
};

static constexpr int CHAIN_HEADS = 4, CHAIN_TILE = 64, MERGED_AT_ONCE = 4;
static constexpr int TASKS = 4; // at hand: warps that multiply are at most two apart

/** What all tasks share, in shared memory. */
struct Chain {
  __align__(16) Task task[TASKS + 1]; // products at hand; the next attention
  Sequence sequence;
  long long shift; // from the room to its half of this launch
  int last;
  int vectorAt, attentionAt, ringAt; // bytes into shared memory: of the vector of a product, of what attention needs, of stages
  Angles angles;
  long long at[CHAIN_TILE]; // bytes from the start of a layer's keys to the positions of a tile
};

/** Adds 1, and sees what those before have written; what this block has written before a barrier is seen by those after. */
__device__ __forceinline__ unsigned count_block(unsigned* counter) {
  unsigned before;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;" : "=r"(before) : "l"(counter) : "memory");
  return before;
}
/** A barrier of the warps that attend. */
__device__ __forceinline__ void attenders() { asm volatile("bar.sync 2, %0;" ::"n"(ATTENDERS) : "memory"); }

struct Room {
  float q[CHAIN_HEADS][MOST_DIM];
  float highest[CHAIN_HEADS][ATTEND_WARPS], total[CHAIN_HEADS][ATTEND_WARPS];
  __align__(16) uchar fresh[2][MOST_DIM * 2]; // key and value of the newest position
};
static constexpr int ROOM_BYTES = (sizeof(Room) + 127) / 128 * 128;
static constexpr int ROOM_BYTES_PER_DIMENSION = CHAIN_HEADS * ATTEND_WARPS * 4; // then the sums, [head][warp][dimension]

/** Puts pieces together: value, weight and highest score of what was seen so far. */
struct Merged {
  float highest = -INFINITY, total = 0.f, value = 0.f;
  __device__ __forceinline__ void scale_to(float m) {
    float factor = expf(highest - m);
    total *= factor, value *= factor, highest = m;
  }
  __device__ __forceinline__ void add(float m, float w, float v) { // highest must be at least m
    float factor = expf(m - highest);
    total = fmaf(factor, w, total), value = fmaf(factor, v, value);
  }
};

/** A warp fetches a head, norms it (if w) and rotates it, to shared memory. */
template <int DIMS>
__device__ __forceinline__ void rotate_head(const float* from, bool fresh, float* to, int headDim, const float* w, const Rotation& r,
                                            const Angles& angles) {
  int lane = threadIdx.x & 31, half = r.rotaryDim / 2;
  float v[DIMS / 32], f = 1.f, sum = 0.f;
#pragma unroll
  for (int j = 0; j < DIMS / 32; j++) v[j] = lane + 32 * j < headDim ? look(from + lane + 32 * j) : 0.f;
  bool missing = fresh;
  while (missing) {
    missing = false;
#pragma unroll
    for (int j = 0; j < DIMS / 32; j++)
      if (absent(v[j])) v[j] = look(from + lane + 32 * j), missing = true;
  }
  __syncwarp();
  if (w) {
#pragma unroll
    for (int j = 0; j < DIMS / 32; j++) sum += v[j] * v[j];
    f = 1.f / sqrtf(warp_sum(sum) / headDim + r.eps);
  }
#pragma unroll
  for (int j = 0; j < DIMS / 32; j++)
    if (lane + 32 * j < headDim) to[lane + 32 * j] = w ? v[j] * f * w[lane + 32 * j] : v[j];
  __syncwarp();
#pragma unroll 1
  for (int i = lane; i < half; i += 32) {
    int a = r.interleaved ? 2 * i : i, b = r.interleaved ? a + 1 : a + half;
    float x = to[a], y = to[b], cos = angles.cos[i], sin = angles.sin[i];
    to[a] = x * cos - y * sin;
    to[b] = x * sin + y * cos;
  }
  __syncwarp();
}

template <class T, int L> __device__ __forceinline__ void attend(Chain& chain) {
  constexpr int GROUPS = ATTENDERS / L, U = L > 16 ? 4 : CHAIN_TILE / GROUPS, TILE = GROUPS * U, DIMS = 8 * L, OUTS = CHAIN_HEADS * DIMS / ATTENDERS;
  const Task& t = chain.task[TASKS];
  const Sequence& s = chain.sequence;
  Room& room = *(Room*)shared_memory(chain.attentionAt);
  float* sums = (float*)shared_memory(chain.attentionAt + ROOM_BYTES);
  int tid = threadIdx.x - ATTENDERS_FROM, lane = tid & 31, warp = tid >> 5, group = tid / L, li = tid % L, e = li * 8, D = t.headDim,
      each = t.heads / t.kvHeads;
  const float* qkv = (const float*)t.from + (t.fresh & FRESH_X ? chain.shift : 0);
  auto give = [&](int o, float v) {
    if (t.out) show(t.out + chain.shift + o, v);
    if (t.y) t.y[o] = v;
  };
  int last = s.context - 1, first = t.window > 0 ? max(0, s.context - t.window) : 0, firstPiece = first / s.pieceSize, lastPiece = last / s.pieceSize;
  bool alone = firstPiece == lastPiece;
  // Heads that share keys and values go to blocks of their own as long as there are blocks without work.
  int groups = min(each, max(1, (int)gridDim.x / (t.kvHeads * (lastPiece - firstPiece + 1)))), together = ceil_div(each, groups),
      lots = t.kvHeads * ceil_div(each, together);
  int splits = max(1, (int)gridDim.x / lots), items = splits * lots;
  Rotation rotation = {t.rotaryDim, t.interleaved, t.residual, t.factor, t.eps};
  long long headBytes = (long long)s.blockSize * D * sizeof(T);

  auto own = [&](int split) { return firstPiece + (split + splits - firstPiece % splits) % splits; };
  // Positions outside a piece are read as its first or last one, and do not count later. What stood before in chain.at must have been read.
  auto place = [&](int base, int from, int to) {
    if (tid < TILE) {
      int p = min(max(base + tid, from), to);
      chain.at[tid] = s.table[p / s.blockSize] * s.blockBytes + (long long)(p % s.blockSize) * D * sizeof(T);
    }
    attenders();
  };
  Chunk<T, 8> k[U], v[U];
  auto load = [&](const uchar* keys) {
#pragma unroll
    for (int u = 0; u < U; u++) {
      const uchar* key = keys + chain.at[group + u * GROUPS];
      if (e < D) {
        k[u].load((const T*)key + e);
        v[u].load((const T*)(key + t.kvHeads * headBytes) + e);
      } else {
        k[u].clear(), v[u].clear();
      }
    }
  };
  chain.angles.fill(rotation, last, tid, ATTENDERS);
  bool fresh = t.fresh & FRESH_X;
  int item = blockIdx.x;
  bool placed = item < items && own(item / lots) <= lastPiece; // the first tile
  if (placed) { // its older positions were there before this step
    int from = max(own(item / lots) * s.pieceSize, first);
    place(from / TILE * TILE, from, min((own(item / lots) + 1) * s.pieceSize - 1, last));
    const uchar* keys = s.kv + t.layerAt + item % t.kvHeads * headBytes;
    load(keys);
  }
  attenders();
  for (; item < items; item += gridDim.x) {
    int kvHead = item % t.kvHeads, split = item / lots, headsFrom = item / t.kvHeads % ceil_div(each, together) * together,
        headsTo = min(each, headsFrom + together);
    bool newest = lastPiece % splits == split; // this block reads the newest position, and nobody else does
    const uchar* keys = s.kv + t.layerAt + kvHead * headBytes;
    auto partial = [&](int piece, int h) { return s.partial + ((long long)piece * t.heads + kvHead * each + h) * (D + 2); };
#pragma unroll 1
    for (int h0 = headsFrom; h0 < headsTo && own(split) <= lastPiece; h0 += CHAIN_HEADS) {
      int n = min(CHAIN_HEADS, headsTo - h0);
      bool rotated = false;
#pragma unroll 1
      for (int piece = own(split); piece <= lastPiece; piece += splits) {
        Merged out[OUTS]; // of values tid + 128 j of [head][dimension]
        int from = max(piece * s.pieceSize, first), to = min((piece + 1) * s.pieceSize - 1, last);
#pragma unroll 1
        for (int base = from / TILE * TILE; base <= to; base += TILE) {
          attenders(); // what the tile before has left has been read
          if (!placed) {
            place(base, from, to);
            load(keys);
          }
          placed = false;
          if (!rotated) { // meanwhile a warp rotates a query, or the newest key, or stores its value
#pragma unroll 1
            for (int job = warp; job < n + (newest && h0 == headsFrom ? 2 : 0); job += ATTEND_WARPS) {
              bool query = job < n, key = job == n;
              int head = query ? kvHead * each + h0 + job : t.heads + kvHead + (key ? 0 : t.kvHeads);
              float* to = query ? room.q[job] : sums + (key ? 0 : DIMS);
              Rotation how = rotation;
              if (!query && !key) how.rotaryDim = 0;
              rotate_head<DIMS>(qkv + head * D, fresh, to, D, query ? t.norm : key ? t.bias : nullptr, how, chain.angles);
              if (query) continue;
              T* stored = (T*)(s.kv + (s.slot / s.blockSize) * s.blockBytes + t.layerAt + (kvHead + (key ? 0 : t.kvHeads)) * headBytes)
                  + (long long)(s.slot % s.blockSize) * D;
              T* fresh = (T*)room.fresh[key ? 0 : 1];
              for (int i = lane; i < D; i += 32) {
                fresh[i] = from_float<T>(to[i]);
                if (headsFrom == 0) stored[i] = fresh[i]; // by one block only
              }
            }
            rotated = true;
          }
          attenders();
#pragma unroll
          for (int u = 0; u < U; u++) { // the newest was not there yet, and stands for those behind it
            if (base + group + u * GROUPS >= last && e < D) k[u].share((const T*)room.fresh[0] + e), v[u].share((const T*)room.fresh[1] + e);
          }
#pragma unroll 1
          for (int h = 0; h < n; h++) {
#pragma unroll
            for (int u = 0; u < U; u++) k[u].keep(), v[u].keep(); // or all heads' floats would be made beforehand, and registers would not suffice
            float4 q0 = *(const float4*)&room.q[h][e], q1 = *(const float4*)&room.q[h][e + 4];
            float q[8] = {q0.x, q0.y, q0.z, q0.w, q1.x, q1.y, q1.z, q1.w}, score[U], m = -INFINITY;
#pragma unroll
            for (int u = 0; u < U; u++) {
              float key[8], dot = 0.f;
              k[u].floats(key);
#pragma unroll
              for (int i = 0; i < 8; i++) dot = fmaf(q[i], key[i], dot);
              score[u] = e < D ? dot : 0.f;
            }
#pragma unroll
            for (int u = 0; u < U; u++) score[u] = warp_sum<L>(score[u]) * t.scale;
            if (t.softCap > 0.f) {
#pragma unroll 1
              for (int u = 0; u < U; u++) {
                float capped = t.softCap * tanhf(score[0] / t.softCap);
#pragma unroll
                for (int i = 0; i + 1 < U; i++) score[i] = score[i + 1];
                score[U - 1] = capped;
              }
            }
#pragma unroll
            for (int u = 0; u < U; u++) {
              int p = base + group + u * GROUPS;
              if (p < from || p > to) score[u] = -INFINITY;
              m = fmaxf(m, score[u]);
            }
#pragma unroll
            for (int o = L; o < 32; o *= 2) m = fmaxf(m, __shfl_xor_sync(ALL, m, o));
            float safe = m == -INFINITY ? 0.f : m, sum = 0.f, acc[8] = {};
#pragma unroll
            for (int u = 0; u < U; u++) {
              float w = expf(score[u] - safe), value[8];
              sum += w;
              v[u].floats(value);
#pragma unroll
              for (int i = 0; i < 8; i++) acc[i] = fmaf(w, value[i], acc[i]);
            }
#pragma unroll
            for (int o = L; o < 32; o *= 2) {
              sum += __shfl_xor_sync(ALL, sum, o);
#pragma unroll
              for (int i = 0; i < 8; i++) acc[i] += __shfl_xor_sync(ALL, acc[i], o);
            }
            float* to4 = sums + (h * ATTEND_WARPS + warp) * DIMS + e;
            if (lane < L) {
              *(float4*)to4 = make_float4(acc[0], acc[1], acc[2], acc[3]);
              *(float4*)(to4 + 4) = make_float4(acc[4], acc[5], acc[6], acc[7]);
            }
            if (lane == 0) room.highest[h][warp] = m, room.total[h][warp] = sum;
          }
          attenders();
#pragma unroll
          for (int j = 0; j < OUTS; j++) {
            int h = (tid + j * ATTENDERS) / DIMS, d = (tid + j * ATTENDERS) % DIMS;
            if (h < n) {
              float m = out[j].highest;
#pragma unroll
              for (int w = 0; w < ATTEND_WARPS; w++) m = fmaxf(m, room.highest[h][w]);
              out[j].scale_to(m); // a piece has a position in its first tile, so m is a number
#pragma unroll
              for (int w = 0; w < ATTEND_WARPS; w++) out[j].add(room.highest[h][w], room.total[h][w], sums[(h * ATTEND_WARPS + w) * DIMS + d]);
            }
          }
        }
#pragma unroll
        for (int j = 0; j < OUTS; j++) {
          int h = (tid + j * ATTENDERS) / DIMS, d = (tid + j * ATTENDERS) % DIMS;
          if (h < n && d < D) {
            if (alone) {
              give((kvHead * each + h0 + h) * D + d, out[j].value / out[j].total);
            } else {
              float* to = partial(piece, h0 + h);
              to[2 + d] = out[j].value;
              if (d == 0) to[0] = out[j].highest, to[1] = out[j].total;
            }
          }
        }
      }
    }
    if (alone) continue;
    if (own(split) > lastPiece) continue;
    // The last block of a head puts its pieces together, in the order of their positions. Counters begin at -1, as all that is absent.
    attenders();
    if (tid == 0) {
      unsigned* counter = (unsigned*)(t.records + chain.shift) + kvHead * each + headsFrom;
      chain.last = (int)count_block(counter) + 2 == min(splits, lastPiece - firstPiece + 1);
    }
    attenders();
    if (!chain.last) continue;
#pragma unroll 1
    for (int o = headsFrom * D + tid; o < headsTo * D; o += ATTENDERS) {
      int h = o / D, d = o % D;
      const float* f = partial(firstPiece, h);
      long long stride = (long long)t.heads * (D + 2);
      Merged out;
#pragma unroll 1
      for (int p = firstPiece; p <= lastPiece; p += MERGED_AT_ONCE, f += MERGED_AT_ONCE * stride) {
        float m[MERGED_AT_ONCE], w[MERGED_AT_ONCE], value[MERGED_AT_ONCE], most = out.highest;
#pragma unroll
        for (int b = 0; b < MERGED_AT_ONCE; b++) {
          bool there = p + b <= lastPiece;
          m[b] = there ? __ldcg(f + b * stride) : -INFINITY, w[b] = there ? __ldcg(f + b * stride + 1) : 0.f, value[b] = there
              ? __ldcg(f + b * stride + 2 + d) : 0.f;
        }
#pragma unroll
        for (int b = 0; b < MERGED_AT_ONCE; b++) most = fmaxf(most, m[b]);
        out.scale_to(most);
#pragma unroll
        for (int b = 0; b < MERGED_AT_ONCE; b++) out.add(m[b], w[b], value[b]);
      }
      give(kvHead * each * D + o, out.value / out.total);
    }
  }
}

/** Chooses how many lanes hold a position. A sequence without positions is padding: its result is 0. */
template <class T> __device__ __forceinline__ void attend_any(Chain& c) {
  const Task& t = c.task[TASKS];
  if (c.sequence.context <= 0) {
    for (int i = blockIdx.x * ATTENDERS + (threadIdx.x - ATTENDERS_FROM); i < t.heads * t.headDim; i += gridDim.x * ATTENDERS) {
      if (t.out) show(t.out + c.shift + i, 0.f);
      if (t.y) t.y[i] = 0.f;
    }
  } else if (t.headDim > 128) {
    attend<T, 32>(c);
  } else if (t.headDim > 64) {
    attend<T, 16>(c);
  } else {
    attend<T, 8>(c);
  }
}

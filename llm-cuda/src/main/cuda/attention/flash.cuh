// What both kernels of attention of prompts on tensor cores share: which rows a block has, what they see, how queries become 16 bits.
//
// A job is some rows: queries of a tile, each with all heads that share keys and values (or a part of them, if they are more than the rows);
// neighbouring rows are heads of one query. A block goes through the positions in tiles that begin at multiples of their size, so a result does not
// depend on what else is in the step, nor on where in a tile its query stands.
#pragma once
#include "attention/mma.cuh"
#include "attention/pages.cuh"
#include "common/layout.cuh"

static constexpr int MANY_JOBS = 4096;

struct Flash {
  const void* q;
  int ldq;
  void* y;
  int ldy;
  const uchar* kv;
  long long blockBytes, layerAt;
  const int *tileRow, *tileRows, *tileSeq, *positions, *tableAt, *table;
  int blockSize, heads, kvHeads, headDim;
  float scale;
  int window;
  float softCap;
  int chunked;
  const float* slopes; // or 0
  float alibiFactor;
  int alibiRounded;
  const float* sinks; // or 0
  int qKind, yKind;   // what q and y are of: 0 floats, 1 f16, 2 bf16
  int jobs;           // as many as Work says
  int elementBytes = 2;
};
#define FLASH_PARAMETERS                                                                                                                        \
  const void *q, int ldq, void *y, int ldy, const uchar *kv, long long blockBytes, long long layerAt, const int *tileRow, const int *tileRows, \
      const int *tileSeq, const int *positions, const int *tableAt, const int *table, int blockSize, int heads, int kvHeads, int headDim,        \
      float scale, int window, float softCap, int chunked, const float *slopes, float alibiFactor, int alibiRounded, const float *sinks, \
      int qKind, int yKind, int jobs
#define FLASH_PASSED                                                                                                                          \
  Flash {                                                                                                                                     \
    q, ldq, y, ldy, kv, blockBytes, layerAt, tileRow, tileRows, tileSeq, positions, tableAt, table, blockSize, heads, kvHeads, headDim, scale, \
        window, softCap, chunked, slopes, alibiFactor, alibiRounded, sinks, qKind, yKind, jobs                                                \
  }

/** The rows of a job. */
struct Work {
  int head0, each, row0, rows; // its first head, heads a query, its first row of q, how many rows it has: queries times heads
  int first, last;             // positions that any of them sees
  int allFrom, allTo;          // positions that all of them see
  const int* blocks;
  const uchar* keys; // of the head, in block 0
  long long valueBytes;

  /** The first position that a query sees. */
  static __device__ __forceinline__ int first_seen(const Flash& f, int position) {
    return f.window == 0 ? 0 : f.chunked ? position / f.window * f.window : max(0, position - f.window + 1);
  }
  /**
   * The job of a number, of at most `size` rows. There are tiles * subs * kvHeads * parts. What sees most comes first, so that the last ones are
   * short; where jobs are many, head by head, so that those that run together read the same keys.
   */
  __device__ __forceinline__ Work(const Flash& f, int size, int job) {
    int group = f.heads / f.kvHeads, parts = ceil_div(group, size), heads = f.kvHeads * parts, jobsOfHead = f.jobs / heads;
    bool byHead = f.jobs >= MANY_JOBS;
    int b = byHead ? job % jobsOfHead : job / heads, h = byHead ? job / jobsOfHead : job % heads;
    int kvHead = h / parts, part = h - kvHead * parts;
    each = ceil_div(group, parts);
    int queries = min(TILE, size / each), subs = ceil_div(TILE, queries), tile = b / subs, from = (subs - 1 - (b - tile * subs)) * queries;
    row0 = f.tileRow[tile] + from;
    int n = min(queries, f.tileRows[tile] - from);
    head0 = kvHead * group + part * each;
    each = min(each, group - part * each);
    rows = n > 0 && each > 0 ? n * each : 0;
    if (rows == 0) return;
    int p0 = f.positions[row0];
    last = f.positions[row0 + n - 1], first = first_seen(f, p0);
    allTo = p0, allFrom = first_seen(f, last);
    blocks = f.table + f.tableAt[f.tileSeq[tile]];
    keys = f.kv + f.layerAt + (long long)kvHead * f.blockSize * f.headDim * f.elementBytes;
    valueBytes = (long long)f.kvHeads * f.blockSize * f.headDim * f.elementBytes;
  }
  /** Bytes from `keys` to the key of a position; -1 for those that nobody sees. */
  __device__ __forceinline__ long long at(const Flash& f, int position) const {
    if (position < first || position > last) return -1;
    int block = position / f.blockSize;
    return __ldg(blocks + block) * f.blockBytes + (long long)(position - block * f.blockSize) * f.headDim * f.elementBytes;
  }
};

/**
 * A warp starts copying PART rows of keys or values; lane l knows where row l is (Work::at). `place(row, chunk)` says where chunks of 8 of D
 * dimensions go; what is not there becomes 0.
 */
template <int D, int PART, class Place>
__device__ __forceinline__ void copy_part(const Flash& f, unsigned to, const uchar* from, long long at, Place place) {
  constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS, GROUP = PART < 16 ? PART : 16;
  int lane = threadIdx.x & 31, c = lane % CHUNKS;
  bool whole = f.headDim == D && f.blockSize % 16 == 0; // rows of a page stand one behind the other
#pragma unroll
  for (int r0 = 0; r0 < PART; r0 += GROUP) {
    long long first = __shfl_sync(ALL, at, r0), last = __shfl_sync(ALL, at, r0 + GROUP - 1);
    unsigned start = to + place(r0, 0) - place(0, 0);
    if (whole && first >= 0 && last >= 0) {
      copy_rows<D, GROUP>(start, from + first, place);
    } else {
#pragma unroll 1
      for (int i = 0; i < GROUP; i += AT_ONCE) {
        int r = i + lane / CHUNKS;
        long long row = __shfl_sync(ALL, at, r0 + r);
        bool there = row >= 0 && 8 * c < f.headDim;
        copy16(start + place(r, c), from + (there ? row + 16 * c : 0), there);
      }
    }
  }
  copies_end();
}

/** The same of pages of fp8, which become halves on their way: not in the background. */
template <int D, int PART, class Place>
__device__ __forceinline__ void widen_part(const Flash& f, unsigned to, const uchar* from, long long at, Place place) {
  constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS, TURNS = PART / AT_ONCE;
  int lane = threadIdx.x & 31, c = lane % CHUNKS;
  uint2 v[TURNS];
#pragma unroll
  for (int i = 0; i < TURNS; i++) {
    long long row = __shfl_sync(ALL, at, i * AT_ONCE + lane / CHUNKS);
    v[i] = row >= 0 && 8 * c < f.headDim ? __ldcg((const uint2*)(from + row + 8 * c)) : make_uint2(0, 0);
  }
#pragma unroll
  for (int i = 0; i < TURNS; i++)
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to + place(i * AT_ONCE + lane / CHUNKS, c)), "r"(halves_of_eights(v[i].x)),
                 "r"(halves_of_eights(v[i].x >> 16)), "r"(halves_of_eights(v[i].y)), "r"(halves_of_eights(v[i].y >> 16)) : "memory");
}

/** What a row sees, in shared memory: nothing, if it is not there. Its scores are products times `power`. */
struct Seen {
  int from, to;
  float power;
};

/**
 * A warp brings COUNT rows of queries, floats, from `r0` on to shared memory in 16 bits: times the scale, and over the power of two that makes the
 * largest below 2, so that all fit and none is lost. `place(r, d)` says where 4 neighbouring dimensions of a row go.
 */
template <class T, int D, int COUNT, class Place>
__device__ __forceinline__ void load_queries(const Flash& f, const Work& w, int r0, Seen* seen, Place place) {
  constexpr int V = D > 128 ? D / 128 : 1, BATCH = COUNT > 16 / V ? 16 / V : COUNT; // rows at once
  int lane = threadIdx.x & 31;
#pragma unroll 1
  for (int base = r0; base < r0 + COUNT; base += BATCH) {
    int mine = base + lane % BATCH, query = mine / w.each, position = -1; // lane l knows all of row l of the batch
    long long at = -1;
    if (mine < w.rows) {
      at = (long long)(w.row0 + query) * f.ldq + (w.head0 + mine - query * w.each) * f.headDim;
      position = f.positions[w.row0 + query];
    }
    float4 x[BATCH][V];
#pragma unroll
    for (int b = 0; b < BATCH; b++) {
      long long from = __shfl_sync(ALL, at, b);
#pragma unroll
      for (int v = 0; v < V; v++) {
        int d = 4 * lane + 128 * v;
        x[b][v] = from >= 0 && d < f.headDim ? row4((const float*)f.q + from + d) : make_float4(0.f, 0.f, 0.f, 0.f);
      }
    }
    int exponent = 0;
#pragma unroll
    for (int b = 0; b < BATCH; b++) {
      float most = 0.f;
#pragma unroll
      for (int v = 0; v < V; v++) {
        float4& t = x[b][v];
        t.x *= f.scale, t.y *= f.scale, t.z *= f.scale, t.w *= f.scale;
        most = fmaxf(most, fmaxf(fmaxf(fabsf(t.x), fabsf(t.y)), fmaxf(fabsf(t.z), fabsf(t.w))));
      }
      int e = exponent_of(warp_max(most));
      if (lane == b) exponent = e;
      float by = power_of_two(-e);
#pragma unroll
      for (int v = 0; v < V; v++) {
        int d = 4 * lane + 128 * v;
        float4 t = x[b][v];
        if (d < D) *(uint2*)place(base + b, d) = make_uint2(pack16<T>(t.x * by, t.y * by), pack16<T>(t.z * by, t.w * by));
      }
    }
    if (lane < BATCH) seen[mine] = Seen{position < 0 ? 0 : Work::first_seen(f, position), position, power_of_two(exponent)};
  }
}

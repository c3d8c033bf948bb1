// How the blocks of the attention of single queries share their work: entries are queries, items pieces of their positions for some heads.
#pragma once
#include "common/common.cuh"

static constexpr int THREADS = 128, WARPS = THREADS / 32, HEADS = 8, STEP = 16, ROUND = WARPS * STEP;
static constexpr int MOST_PIECES = 96, MOST_ENTRIES = 128; // of an entry; of a block
// So many positions are one piece, as what ends several has its price. Pieces of more have at least SMALLEST, and are about as many as fill a device.
static constexpr int ALONE = 512, SMALLEST = 256, FILLED = 256, PRICE = 3; // what ends a piece costs as much as so many rounds of positions
static_assert(MOST_PIECES % 32 == 0, "");

struct Singles {
  const float* q; // queries, or all of qkv
  int ldq;
  float* y;
  int ldy;
  signed char* yq;
  Scale* ys;
  const uchar* kv;
  long long blockBytes, layerAt;
  const int *row, *seq, *context, *tableAt, *table;
  int blockSize, heads, kvHeads, headDim;
  float scale;
  int window;
  float softCap;
  float* partial; // [piece][head][headDim + 2]: the highest exponent of two, the sum of weights, the sum of weighted values
  unsigned* counters;
  const int* pieces;
  int entries;
};
#define FROM_Y                                                                                                                                       \
  float *y, int ldy, signed char *yq, Scale *ys, const uchar *kv, long long blockBytes, long long layerAt, const int *row, const int *seq,           \
      const int *context, const int *tableAt, const int *table, int blockSize, int heads, int kvHeads, int headDim, float scale, int window,         \
      float softCap, float *partial, unsigned *counters, const int *pieces, int entries
#define PASS_Y                                                                                                                                    \
  y, ldy, yq, ys, kv, blockBytes, layerAt, row, seq, context, tableAt, table, blockSize, heads, kvHeads, headDim, scale, window, softCap, partial, \
      counters, pieces, entries

/** An entry as its blocks see it; its first item is that of the block's list of entries. */
struct Entry {
  int row, context, tableAt, first, size, pieces; // first position that counts, positions of a piece, how many pieces there are
  int price;                                      // of an item

  __device__ __forceinline__ Entry() {}
  __device__ __forceinline__ Entry(const Singles& s, int e) {
    int q = s.seq[e];
    row = s.row[e], context = s.context[q], tableAt = s.tableAt[q];
    first = s.window > 0 ? max(0, context - s.window) : 0;
    int blocks = s.kvHeads * ceil_div(s.heads / s.kvHeads, HEADS), seen = context - first;
    int parts = seen <= ALONE ? 1 : min(min(64, ceil_div(FILLED, blocks)), ceil_div(seen, SMALLEST));
    size = max(s.pieces[0], ceil_div(ceil_div(seen, parts), ROUND) * ROUND);
    pieces = context > 0 ? (context - 1) / size - first / size + 1 : 1; // padding: one, which writes zeros
    price = ceil_div(min(size, context), ROUND) + PRICE;
  }
};

/** A piece of an entry for some heads. */
struct Item {
  int entry, kvHead, head0, heads, piece, from, to; // positions, both counted; `to` is below `from` for padding
};

/** The entries of a block, in shared memory, and which items it has. */
struct List {
  Entry entries[MOST_ENTRIES];
  int2 starts[MOST_ENTRIES + 1]; // of entries: the first item, the price of all before
  int count, group, parts;       // entries; heads that share keys and values, and in how many items they go

  /** By all threads; ends with a barrier. */
  __device__ __forceinline__ void fill(const Singles& s, int first) {
    int n = min(MOST_ENTRIES, s.entries - first), lane = threadIdx.x & 31;
    for (int e = threadIdx.x; e < n; e += THREADS) entries[e] = Entry(s, first + e);
    __syncthreads();
    if (threadIdx.x < 32) {
      int each = s.heads / s.kvHeads, items = ceil_div(each, HEADS);
      if (lane == 0) count = n, group = each, parts = items;
      int2 before = make_int2(0, 0);
      for (int e0 = 0; e0 < n; e0 += 32) {
        int e = e0 + lane, mine = e < n ? entries[e].pieces * s.kvHeads * items : 0, price = e < n ? mine * entries[e].price : 0;
        int2 sum = make_int2(mine, price);
#pragma unroll
        for (int o = 1; o < 32; o <<= 1) {
          int x = __shfl_up_sync(ALL, sum.x, o), y = __shfl_up_sync(ALL, sum.y, o);
          if (lane >= o) sum.x += x, sum.y += y;
        }
        if (e < n) starts[e] = make_int2(before.x + sum.x - mine, before.y + sum.y - price);
        before.x += __shfl_sync(ALL, sum.x, 31), before.y += __shfl_sync(ALL, sum.y, 31);
      }
      if (lane == 0) starts[n] = before;
    }
    __syncthreads();
  }
  /** The last entry that starts before something. */
  template <class Before> __device__ __forceinline__ int find(Before before) const {
    int low = 0, high = count;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (before(starts[middle])) low = middle;
      else high = middle;
    }
    return low;
  }
  /** The first item of a block: blocks have items of about the same price together. */
  __device__ __forceinline__ int begin(int block) const {
    int2 all = starts[count];
    int price = (int)((long long)all.y * block / gridDim.x), entry = find([&](int2 start) { return start.y <= price; });
    return min(all.x, starts[entry].x + ceil_div(price - starts[entry].y, entries[entry].price));
  }
  __device__ __forceinline__ Item item(int i) const {
    int entry = find([&](int2 start) { return start.x <= i; });
    const Entry& e = entries[entry];
    int rest = i - starts[entry].x, part = rest / e.pieces, piece = rest - part * e.pieces;
    Item it;
    it.entry = entry, it.piece = piece, it.kvHead = part / parts;
    it.head0 = it.kvHead * group + part % parts * HEADS;
    it.heads = min(HEADS, (it.kvHead + 1) * group - it.head0);
    it.from = max(e.first, (e.first / e.size + piece) * e.size), it.to = min(e.context, (e.first / e.size + piece + 1) * e.size) - 1;
    return it;
  }
};

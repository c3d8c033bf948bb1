// How warps share the attention of single queries: entries are queries, items pieces of their positions for some heads.
#pragma once
#include "attention/results.cuh"

static constexpr int MOST_ENTRIES = 128, PRICE = 2; // of a list; what an item costs besides, in steps of positions

/** A piece of an entry for some heads. */
struct Item {
  int entry, kvHead, head0, heads, piece, from, to; // positions, both counted; `to` is below `from` for padding
};

/** The entries of a block, in shared memory, and which items it has. */
struct List {
  Entry entries[MOST_ENTRIES];
  int2 starts[MOST_ENTRIES + 1]; // of entries: the first item, the price of all before
  int count;

  static __device__ __forceinline__ int price(const Entry& e) { return ceil_div(min(e.size, e.context), STEP) + PRICE; }
  /** By all threads; ends with a barrier. */
  __device__ __forceinline__ void fill(const Singles& s, int first) {
    int n = min(MOST_ENTRIES, s.entries - first), lane = threadIdx.x & 31, items = s.kvHeads * s.parts(); // of a piece
#pragma unroll 1
    for (int e = threadIdx.x; e < n; e += blockDim.x) entries[e] = Entry(s, first + e);
    __syncthreads();
    if (threadIdx.x < 32) {
      int2 before = make_int2(0, 0);
#pragma unroll 1
      for (int e0 = 0; e0 < n; e0 += 32) {
        int e = e0 + lane, mine = e < n ? entries[e].pieces * items : 0, cost = e < n ? mine * price(entries[e]) : 0;
        int2 sum = make_int2(mine, cost);
#pragma unroll
        for (int o = 1; o < 32; o <<= 1) {
          int x = __shfl_up_sync(ALL, sum.x, o), y = __shfl_up_sync(ALL, sum.y, o);
          if (lane >= o) sum.x += x, sum.y += y;
        }
        if (e < n) starts[e] = make_int2(before.x + sum.x - mine, before.y + sum.y - cost);
        before.x += __shfl_sync(ALL, sum.x, 31), before.y += __shfl_sync(ALL, sum.y, 31);
      }
      if (lane == 0) count = n, starts[n] = before;
    }
    __syncthreads();
  }
  /** The first item of a worker, and its entry: workers have items of about the same price together. */
  __device__ __forceinline__ int begin(int worker, int workers, int& entry) const {
    int2 all = starts[count];
    int cost = (int)((long long)all.y * worker / workers), high = count;
    entry = 0;
#pragma unroll 1
    while (high - entry > 1) {
      int middle = (entry + high) / 2;
      if (starts[middle].y <= cost) entry = middle;
      else high = middle;
    }
    int i = min(all.x, starts[entry].x + ceil_div(cost - starts[entry].y, price(entries[entry])));
    if (entry + 1 < count && i >= starts[entry + 1].x) entry++;
    return i;
  }
  __device__ __forceinline__ Item item(const Singles& s, int i, int entry) const {
    const Entry& e = entries[entry];
    int parts = s.parts(), rest = i - starts[entry].x, part = rest / e.pieces;
    Item it;
    it.entry = entry, it.piece = rest - part * e.pieces, it.kvHead = part / parts, it.head0 = it.kvHead * s.group() + part % parts * HEADS;
    settle(s, it);
    return it;
  }
  /** The item behind another. */
  __device__ __forceinline__ void next(const Singles& s, Item& it) const {
    if (++it.piece >= entries[it.entry].pieces) {
      it.piece = 0, it.head0 += it.heads;
      if (it.head0 >= (it.kvHead + 1) * s.group()) it.kvHead++;
      if (it.kvHead == s.kvHeads) it.kvHead = it.head0 = 0, it.entry++;
    }
    settle(s, it);
  }

private:
  __device__ __forceinline__ void settle(const Singles& s, Item& it) const {
    const Entry& e = entries[it.entry];
    it.heads = min(HEADS, (it.kvHead + 1) * s.group() - it.head0), it.from = e.from(it.piece), it.to = e.to(it.piece);
  }
};

// How warps share the attention of single queries: entries are queries, items pieces of their positions for some heads.
#pragma once
#include "attention/singles.cuh"

static constexpr int MOST_ENTRIES = 256, PRICE = 1; // of a list; what heads of an entry cost besides, in steps of positions

/** A piece of an entry for some heads. */
struct Item {
  int entry, kvHead, head0, heads, piece, from, to; // positions, both counted; `to` is below `from` for padding
};

/** Where a share begins or ends: a slice of an item, by their numbers. */
struct Point {
  Item it;
  int index, slice;
};

/** The entries of a block, in shared memory, and which items it has. */
struct List {
  Entry entries[MOST_ENTRIES];
  int2 starts[MOST_ENTRIES + 1]; // of entries: the first item, the price of all before
  int2 sums[ceil_div(MOST_ENTRIES, 32)];
  int count;

  /** By all threads; ends with a barrier. */
  __device__ __forceinline__ void fill(const Singles& s, int first) {
    int n = min(MOST_ENTRIES, s.entries - first), items = s.kvHeads * s.parts(); // of a piece
#pragma unroll 1
    for (int e = threadIdx.x; e - (threadIdx.x & 31) < n; e += blockDim.x) {
      int2 mine = make_int2(0, 0);
      if (e < n) {
        Entry entry(s, first + e);
        entries[e] = entry, mine.x = entry.pieces * items, mine.y = items * (entry.steps() + PRICE);
      }
      int2 sum = mine;
#pragma unroll
      for (int o = 1; o < 32; o <<= 1) {
        int x = __shfl_up_sync(ALL, sum.x, o), y = __shfl_up_sync(ALL, sum.y, o);
        if ((threadIdx.x & 31) >= o) sum.x += x, sum.y += y;
      }
      if (e < n) starts[e] = make_int2(sum.x - mine.x, sum.y - mine.y);
      if ((threadIdx.x & 31) == 31) sums[e / 32] = sum;
    }
    __syncthreads();
#pragma unroll 1
    for (int e = threadIdx.x; e <= n; e += blockDim.x) {
      int2 sum = e < n ? starts[e] : make_int2(0, 0);
#pragma unroll 1
      for (int i = 0; i < (e < n ? e / 32 : ceil_div(n, 32)); i++) sum.x += sums[i].x, sum.y += sums[i].y;
      starts[e] = sum;
    }
    if (threadIdx.x == 0) count = n;
    __syncthreads();
  }
  /** Where the share of a worker begins: shares are of about the same price. */
  __device__ __forceinline__ Point point(const Singles& s, int worker, int workers) const {
    int2 all = starts[count];
    Point p;
    p.index = all.x, p.slice = 0;
    if (worker == workers) return p;
    int cost = (int)((long long)all.y * worker / workers), high = count, entry = 0;
#pragma unroll 1
    while (high - entry > 1) {
      int middle = (entry + high) / 2;
      if (starts[middle].y <= cost) entry = middle;
      else high = middle;
    }
    const Entry& e = entries[entry];
    int price = e.steps() + PRICE, part = (cost - starts[entry].y) / price, step = cost - starts[entry].y - part * price;
    if (step > 0 && step >= e.steps()) part++, step = 0;
    int at = e.first / STEP * STEP + step * STEP - e.start, piece = at / e.size;
    p.index = starts[entry].x + part * e.pieces + piece;
    if (p.index == starts[entry + 1].x) entry++;
    if (entry == count) return p;
    p.it = item(s, p.index, entry);
    if (step > 0) p.slice = (at - piece * e.size) / e.slice - first_slice(entries[entry], p.it, s);
    return p;
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

  /** The first slice of an item that counts, among those of the piece, and how many do. */
  static __device__ __forceinline__ int first_slice(const Entry& e, const Item& it, const Singles& s) {
    return s.quotient(it.from - e.start - it.piece * e.size, e.slice);
  }
  static __device__ __forceinline__ int slices(const Entry& e, const Item& it, const Singles& s) {
    return it.to < it.from ? 1 : s.quotient(it.to - e.start - it.piece * e.size, e.slice) - first_slice(e, it, s) + 1;
  }

private:
  __device__ __forceinline__ void settle(const Singles& s, Item& it) const {
    const Entry& e = entries[it.entry];
    it.heads = min(HEADS, (it.kvHead + 1) * s.group() - it.head0), it.from = e.from(it.piece), it.to = e.to(it.piece);
  }
};

/**
 * What a warp does: the first slices of the item that its share ends in, so that the next warp need not wait for them, whole items, and the last
 * slices of the item that its share begins in.
 */
struct Share {
  Point from, to;
  bool takes, gives; // whether it is the warp before that has what this one goes on with, and the warp behind that goes on; not one further off

  /** By a warp. */
  __device__ __forceinline__ void find(const List& list, const Singles& s, int worker, int workers) {
    int lane = lane_here();
    Point p;
    p.index = p.slice = 0;
    if (lane < 4) p = list.point(s, min(max(worker - 1 + lane, 0), workers), workers);
    int index = __shfl_down_sync(ALL, p.index, 1), slice = __shfl_down_sync(ALL, p.slice, 1);
    unsigned shares = __ballot_sync(ALL, p.index != index || p.slice != slice); // that are not empty: the one before, this one, the next
    if (lane == 1) from = p;
    if (lane == 2) to = p;
    if (lane == 0) takes = shares & 1, gives = shares & 4;
  }

  __device__ __forceinline__ bool within() const { return from.index == to.index; } // an item
  __device__ __forceinline__ int jobs() const {
    if (within()) return to.slice > from.slice ? 1 : 0;
    return (to.slice > 0) + to.index - from.index;
  }
};

/** The jobs of a warp, one behind the other. */
struct Job {
  Item it;
  int number, count, before; // slices: how many it has, how many the item has before

  __device__ __forceinline__ void first(const List& list, const Singles& s, const Share& share) {
    number = 0;
    enter(list, s, share);
  }
  __device__ __forceinline__ void next(const List& list, const Singles& s, const Share& share) {
    number++;
    enter(list, s, share);
  }
  /** Whether the item goes on in another warp. */
  __device__ __forceinline__ bool gives(const Share& share) const { return number == 0 && share.to.slice > 0; }

private:
  __device__ __forceinline__ void enter(const List& list, const Singles& s, const Share& share) {
    bool ends = share.to.slice > 0, begins = share.from.slice > 0;
    before = 0;
    if (number == 0 && ends) it = share.to.it, before = share.within() ? share.from.slice : 0;
    else if (begins && number == share.jobs() - 1) it = share.from.it, before = share.from.slice;
    else if (number > ends) list.next(s, it);
    else {
      it = share.from.it;
      if (begins) list.next(s, it);
    }
    count = (number == 0 && ends ? share.to.slice : List::slices(list.entries[it.entry], it, s)) - before;
  }
};

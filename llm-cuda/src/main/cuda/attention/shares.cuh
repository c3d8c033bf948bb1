// How blocks share the attention of single queries: entries are queries, jobs the positions of an entry for some heads, or a part of them.
#pragma once
#include "attention/singles.cuh"

static constexpr int MOST_ENTRIES = 256, PRICE = 1; // of a list; what some heads of an entry cost besides, in steps of positions

/** Where a share begins or ends: a position of a job, of which a slice begins. */
struct Place {
  int entry, part, at;
  __device__ __forceinline__ bool same_job(const Place& b) const { return entry == b.entry && part == b.part; }
};

/** Positions of an entry for some heads, from one where a slice begins to one that is not among them. */
struct Job {
  int entry, part, from, end;
  bool takes, gives; // another block has done those before; does those behind
};

/** The entries of a block, in shared memory. */
struct List {
  Entry entries[MOST_ENTRIES];
  int prices[MOST_ENTRIES];
  int count, giver; // which block has done the positions before the share, if it begins within a job
  Place from, to;   // where the share begins, and where that of the next block does

  static __device__ __forceinline__ int begin(const Entry& e) { return e.first / STEP * STEP; }
  /** What some heads of an entry cost, in steps of positions. */
  static __device__ __forceinline__ int price(const Entry& e) {
    return e.context == 0 ? 0 : ceil_div(e.context - begin(e), STEP) + PRICE;
  }
  /** By all threads; ends with a barrier. Blocks have shares of about the same price. */
  __device__ __forceinline__ void fill(const Singles& s, int first, int block, int blocks) {
    int n = min(MOST_ENTRIES, s.entries - first), items = s.kvHeads * s.parts();
#pragma unroll 1
    for (int e = threadIdx.x; e < n; e += blockDim.x) {
      Entry entry(s, first + e);
      entries[e] = entry, prices[e] = items * price(entry);
    }
    if (threadIdx.x == 0) count = n;
    __syncthreads();
    if (threadIdx.x < 32) share(block, blocks);
    __syncthreads();
  }
  __device__ __forceinline__ bool inside(const Place& p) const { return p.entry < count && p.at > begin(entries[p.entry]); }

private:
  /** By a warp. */
  __device__ __forceinline__ void share(int block, int blocks) {
    int lane = lane_here(), each = (count + 31) / 32, mine = 0; // so many entries belong to a lane
#pragma unroll 1
    for (int e = lane * each; e < min(count, (lane + 1) * each); e++) mine += prices[e];
    int sum = mine;
#pragma unroll
    for (int o = 1; o < 32; o <<= 1) {
      int x = __shfl_up_sync(ALL, sum, o);
      if (lane >= o) sum += x;
    }
    unsigned all = __shfl_sync(ALL, sum, 31), even = all / blocks, odd = all - even * blocks;
    Place start, p;
#pragma unroll 1
    for (int i = block + 1; i >= 0; i--) {
      p = place(even * i + min(odd, (unsigned)i), sum - mine, each);
      if (i == block) start = p;
      if (lane == 0) {
        if (i > block) to = p;
        else if (i == block) from = p;
        else giver = i;
      }
      if (i == block && !inside(p)) break;
      if (i < block && !(p.same_job(start) && p.at == start.at)) break;
    }
  }
  /** Where a price is reached; a lane has so many entries, and knows the price of all before. */
  __device__ __forceinline__ Place place(int price_of, int before, int each) const {
    int lane = lane_here(), owner = 31 - __clz(__ballot_sync(ALL, before <= price_of)), e = lane * each, rest = price_of - before;
    if (lane == owner) {
#pragma unroll 1
      for (; e < count && prices[e] <= rest; e++) rest -= prices[e];
    }
    e = __shfl_sync(ALL, e, owner), rest = __shfl_sync(ALL, rest, owner);
    Place p;
    p.entry = min(e, count), p.part = 0, p.at = 0;
    if (e >= count) return p;
    const Entry& entry = entries[e];
    int one = price(entry);
    p.part = rest / one;
    int step = rest - p.part * one - PRICE;
    p.at = begin(entry);
    if (step > 0) {
      int at = p.at + step * STEP - entry.start, piece = at / entry.size;
      p.at = max(p.at, entry.start + piece * entry.size + (at - piece * entry.size) / entry.slice * entry.slice);
    }
    return p;
  }
};

/**
 * The jobs of a share, one after the other: first what is left to the next block, at last what that before has left: it has done so long before, and
 * nobody waits.
 */
struct Jobs {
  const List& list;
  int items, phase = 0;
  Place at;

  __device__ __forceinline__ Jobs(const List& list, const Singles& s) : list(list), items(s.kvHeads * s.parts()), at(list.from) {
    if (list.inside(at)) step();
  }
  __device__ __forceinline__ void step() {
    if (++at.part == items) at.part = 0, at.entry++;
  }
  __device__ __forceinline__ bool next(Job& j) {
    const Place &a = list.from, &b = list.to;
    if (phase == 0) {
      phase = 1;
      if (list.inside(b) && !(list.inside(a) && a.same_job(b))) {
        j.entry = b.entry, j.part = b.part, j.from = List::begin(list.entries[b.entry]), j.end = b.at, j.takes = false, j.gives = true;
        return true;
      }
    }
    if (phase == 1) {
#pragma unroll 1
      while (at.entry < b.entry && list.entries[at.entry].context == 0) at.entry++, at.part = 0;
      if (at.entry < b.entry || (at.entry == b.entry && at.part < b.part)) {
        const Entry& e = list.entries[at.entry];
        j.entry = at.entry, j.part = at.part, j.from = List::begin(e), j.end = e.context, j.takes = j.gives = false;
        step();
        return true;
      }
      phase = 2;
      if (list.inside(a)) {
        bool same = a.same_job(b);
        j.entry = a.entry, j.part = a.part, j.from = a.at, j.end = same ? b.at : list.entries[a.entry].context, j.takes = true, j.gives = same;
        return j.from < j.end;
      }
    }
    return false;
  }
};

/** A ring of jobs: where the next one's data are. */
struct JobTurn {
  int at = 0;
  __device__ __forceinline__ void next(int jobs) {
    if (++at == jobs) at = 0;
  }
};

/** The slices of a share, one after the other. */
struct Walk {
  Jobs jobs;
  Job j;
  JobTurn turn;
  bool any;
  int number = 0, order = 0, from, end, piece, pieceEnd, sliceEnd; // numbers of the job and the slice, whose positions; its piece
  bool begins;                                                    // whether the piece does
  int size, slice, context; // of the entry
  int parts, firstPiece, firstSlice; // up to which part jobs are alike; ends of their first piece and slice

  __device__ __forceinline__ Walk(const List& list, const Singles& s) : jobs(list, s) { enter(); }
  __device__ __forceinline__ void enter() {
    any = jobs.next(j);
    if (!any) return;
    const Entry& e = jobs.list.entries[j.entry];
    size = e.size, slice = e.slice, context = e.context, parts = 0;
    if (!j.takes && !j.gives && jobs.at.entry == j.entry) parts = j.entry < jobs.list.to.entry ? jobs.items : jobs.list.to.part;
    from = j.from, order = 0, piece = 0, sliceEnd = e.start, pieceEnd = sliceEnd + size, begins = true;
    if (from != sliceEnd) {
      piece = (from - sliceEnd) / size, sliceEnd += piece * size;
      pieceEnd = sliceEnd + size, begins = !j.takes || from == sliceEnd;
      sliceEnd += (from - sliceEnd) / slice * slice;
    }
    sliceEnd += slice;
    end = min(min(sliceEnd, pieceEnd), context), firstPiece = pieceEnd, firstSlice = sliceEnd;
  }
  __device__ __forceinline__ void next(int most) {
    from = end;
    if (from < j.end) {
      order++, begins = from == pieceEnd, sliceEnd += slice;
      if (begins) sliceEnd = pieceEnd + slice, pieceEnd += size, piece++;
      end = min(min(sliceEnd, pieceEnd), context);
      return;
    }
    number++, turn.next(most);
    if (jobs.at.part < parts && jobs.at.entry == j.entry) { // the same positions of other heads
      j.part = jobs.at.part, jobs.step();
      from = j.from, order = 0, piece = 0, begins = true, pieceEnd = firstPiece, sliceEnd = firstSlice;
      end = min(min(sliceEnd, pieceEnd), context);
      return;
    }
    enter();
  }
};

// What products by groups share: tiles of pairs of a row and an expert that it chose, as rows/group.cu leaves them.
#pragma once
#include "common/common.cuh"

/** Pairs in order, and tiles of them. */
struct Groups {
  const int* order;
  const int4* tiles; // the first has their number
  int slots;         // experts that a row chose
  int spread;        // whether each pair has a row of x of its own, or all pairs of a row share one

  /** A tile; without pairs if there is none. */
  __device__ __forceinline__ int4 tile(int i) const {
    int all = __ldcg((const int*)tiles);
    return i < all ? __ldcg(tiles + 1 + i) : make_int4(0, 0, 0, 0);
  }
  __device__ __forceinline__ int pair(int4 tile, int i) const { return __ldcg(order + tile.y + i); }
  /** The row of x of a pair. */
  __device__ __forceinline__ int row(int pair) const { return spread ? pair : pair / slots; }
};

#define GROUPS const int *order, const int4 *tiles, int slots, int spread
#define PASS_GROUPS Groups{order, tiles, slots, spread}

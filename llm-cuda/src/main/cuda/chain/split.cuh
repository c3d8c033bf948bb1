// Where stages stand in the ring, and which rows of a matrix they have.
#pragma once
#include "chain/ring.cuh"

/** A place in the ring. */
struct Place {
  int slot, phase, at; // `at`: stages before it
  __device__ __forceinline__ void step(int by, int stages) {
    slot += by, at += by;
    while (slot >= stages) slot -= stages, phase ^= 1;
  }
};

/**
 * How a matrix is shared out. A unit is four rows, with a gate four of gate and four of up, and is multiplied by one warp. A stage has a piece of
 * four rows of blocks, or dense weights that stand behind each other: a piece of one row, or two or four whole ones. A unit takes `steps` stages,
 * with a gate of both kinds by turns. Blocks take every so many-th unit, and those with one more of this task have one less of the next. Eight
 * units of a block go together: first the first stages of all, and so on.
 */
struct Split {
  int chunks, piece, rows, steps, halves, first, mine;
  __device__ __forceinline__ Split(int chunks, bool blocks, int N, bool gated, unsigned& offset) : chunks(chunks) {
    piece = blocks ? PIECE : ROW_PIECE, rows = blocks || chunks <= ROW_PIECE / 4 ? 4 : chunks <= ROW_PIECE / 2 ? 2 : 1;
    steps = 4 / rows * ceil_div(chunks, piece), halves = gated ? 2 : 1;
    int units = ceil_div(N, 4), grid = gridDim.x;
    first = (int)(blockIdx.x + grid - offset) % grid;
    mine = first < units ? (units - first + grid - 1) / grid : 0;
    offset = (offset + units) % grid;
  }
  __device__ __forceinline__ int unit(int k) const { return first + k * (int)gridDim.x; }
};

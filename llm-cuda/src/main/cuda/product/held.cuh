// The order in which blocks_wgmma.cu meets the columns of rows of halves.
#pragma once

static constexpr int HELD_COLUMNS = 128;

/**
 * Where blocks_wgmma.cu meets four neighbouring columns, the first of them k, of 128 that are four sub-blocks: sixteen places have the same four of
 * each sub-block, their first halves before their second ones. `SECOND` is how much further those are.
 */
struct Held {
  int first;
  static constexpr int SECOND = 8;
  __device__ __forceinline__ explicit Held(int k) : first((k & ~127) + k % 32 / 4 * 16 + k % 128 / 32 * 2) {}
};

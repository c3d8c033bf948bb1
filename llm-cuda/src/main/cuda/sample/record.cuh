// What a row is drawn by, and what comes of it.
#pragma once
#include "common/common.cuh"
#include "common/layout.cuh"

/** How to draw from a row, as Java lays it out: its members are in ROW_MEMBERS too. */
struct Row {
  int row;   // of logits
  int flags;
  float temperature;
  int topK;  // 0: all
  float topP, minP, repetition, presence, frequency;
  int biasCount;
  long long seed;
  int position;     // counter of the random source
  int allowedCount; // 0: all are allowed
  int* counts;      // [vocab] of the slot: how often the output has a token, times 2, plus 1 if it stands in the prompt; 0 without penalties
  int* biasIds;     // biasCount ids, then biasCount floats, then allowedCount ids
  unsigned* mask;   // a bit for each token, the lowest first: whether it may be drawn; 0 if all may
};
#define ROW_MEMBERS(M, S)                                                                                                                  \
  M(S, row) M(S, flags) M(S, temperature) M(S, topK) M(S, topP) M(S, minP) M(S, repetition) M(S, presence) M(S, frequency) M(S, biasCount) \
  M(S, seed) M(S, position) M(S, allowedCount) M(S, counts) M(S, biasIds) M(S, mask)
enum Flags { PENALTIES = 1, BIAS = 2 /* or allowed tokens */, GREEDY = 4 /* temperature 0 */, MASK = 8 };
/**
 * Of a result. A logit is NaN; all are -infinity; after the mask, penalties, bias and allowed tokens none may be picked, or one that they changed is
 * NaN.
 */
enum Status { OK, NOT_A_NUMBER, ALL_BANNED, NOTHING_LEFT, CHANGED_TO_NOT_A_NUMBER };
struct Result {
  int token;
  float logprob;
  int status;
  int detail; // the lowest id whose logit is NaN
};
#define RESULT_MEMBERS(M, S) M(S, token) M(S, logprob) M(S, status) M(S, detail)

static constexpr int NO_ID = 0x7fffffff;

/** Records lie in the host's memory: one trip for all of it. */
__device__ __forceinline__ void fetch(const Row* from, Row* to) {
  if (threadIdx.x < sizeof(Row) / 4) ((int*)to)[threadIdx.x] = ((const volatile int*)from)[threadIdx.x];
  __syncthreads();
}

// What is done with tokens that were drawn without the host.
#include "sample/record.cuh"

static constexpr int TAKE_THREADS = 256;

/** Of a row that could not be drawn the result does not matter, but must be a token. */
extern "C" __global__ void __launch_bounds__(TAKE_THREADS) take_drawn(int* ids, int n, const Result* results) {
  dependents();
  wait_previous();
  for (int i = threadIdx.x; i < n; i += TAKE_THREADS) {
    int id = ids[i];
    if (id < 0) ids[i] = max(((const volatile Result*)results)[~id].token, 0);
  }
}

static constexpr int COUNT_THREADS = 256;

extern "C" __global__ void __launch_bounds__(COUNT_THREADS) count_tokens(int* const* slots, const int* deltas, int n, const Result* results) {
  dependents();
  wait_previous();
  for (int i = threadIdx.x; i < n; i += COUNT_THREADS) {
    int token = deltas[3 * i + 1];
    if (token < 0) token = max(((const volatile Result*)results)[~token].token, 0);
    int* count = slots[deltas[3 * i]] + token;
    if (deltas[3 * i + 2] == 1) atomicOr(count, 1);
    else atomicAdd(count, deltas[3 * i + 2]);
  }
}

EXPORT_SHAPE(take_drawn, TAKE_THREADS)
EXPORT_SHAPE(count_tokens, COUNT_THREADS)

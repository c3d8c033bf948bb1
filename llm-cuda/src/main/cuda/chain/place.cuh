// A place in a ring of stages or slots, and whether it is used for an odd time.
#pragma once

struct Place {
  int at, phase, count;
  __device__ __forceinline__ void next() {
    if (++at == count) at = 0, phase ^= 1;
  }
};

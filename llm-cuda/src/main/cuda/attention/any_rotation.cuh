// Rotations of any kind: of heads of any size, and other ones for long texts.
#pragma once
#include "common/common.cuh"

static constexpr int MOST_HEAD = 576;

#define ROTATION                                                                                                                             \
  const int *positions, const int *ropeLength, int rotaryDim, int interleaved, const float *invFreq, float factor, int above,               \
      const float *longFreq, float longFactor, float base, float growth
#define PASS_ROTATION positions, ropeLength, rotaryDim, interleaved, invFreq, factor, above, longFreq, longFactor, base, growth

/**
 * Cosines and sines of the position of token t. Texts of more than `above` positions have frequencies of their own: those of `longFreq`, or, if there
 * are none, those of a base that grows with the text.
 */
struct AnyAngles {
  float cos[MOST_HEAD / 2], sin[MOST_HEAD / 2];

  /** By all threads of the block, who need a barrier before they use them. */
  __device__ __forceinline__ void fill(int t, ROTATION) {
    int length = ropeLength[t];
    bool longer = length > above;
    double grown = 0;
    if (longer && !longFreq) grown = base * pow((double)growth * length / above - ((double)growth - 1), rotaryDim / (rotaryDim - 2.0));
    for (int i = threadIdx.x; i < rotaryDim / 2; i += blockDim.x) {
      float f = !longer ? invFreq[i] : longFreq ? longFreq[i] : 1.f / (float)pow((double)(float)grown, (double)((float)(2 * i) / rotaryDim));
      float s, c;
      sincosf((float)positions[t] * f, &s, &c);
      cos[i] = c * (longer ? longFactor : factor), sin[i] = s * (longer ? longFactor : factor);
    }
  }
  /** Rotates a head in shared memory; by all threads of the block, between barriers. */
  __device__ __forceinline__ void rotate(float* head, int rotaryDim, int interleaved) const {
    int half = rotaryDim / 2;
    for (int i = threadIdx.x; i < half; i += blockDim.x) {
      int a = interleaved ? 2 * i : i, b = interleaved ? a + 1 : a + half;
      float x = head[a], y = head[b];
      head[a] = x * cos[i] - y * sin[i];
      head[b] = x * sin[i] + y * cos[i];
    }
  }
};

// q5_0: 32 values share a scale, each is 5 bits less 16.
#pragma once
#include "common/formats/nibbles.cuh"

typedef Nibbles<HalfScale, FiveBits<16>> Q50;

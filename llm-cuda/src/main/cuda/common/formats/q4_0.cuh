// q4_0: 32 values share a scale, each is 4 bits less 8.
#pragma once
#include "common/formats/nibbles.cuh"

typedef Nibbles<HalfScale, FourBits<8>> Q40;

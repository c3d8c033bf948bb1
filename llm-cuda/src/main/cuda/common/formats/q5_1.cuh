// q5_1: 32 values of 5 bits share a scale and a minimum, which is added.
#pragma once
#include "common/formats/nibbles.cuh"

typedef Nibbles<ScaleAndMinimum, FiveBits<0>> Q51;
